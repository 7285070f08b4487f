-- What merges have moved, so that they can be undone; kept for as long as they can.

CREATE TABLE contact_merges (
    workspace_id uuid NOT NULL,
    source_id uuid NOT NULL, -- the contact that went
    target_id uuid NOT NULL,
    merged_at timestamptz(3) NOT NULL DEFAULT now(),
    call_ids uuid[] NOT NULL,
    sequence_ids uuid[] NOT NULL, -- those that only the source was in
    changes jsonb NOT NULL, -- column of the target -> [old, new]
    PRIMARY KEY (workspace_id, source_id),
    FOREIGN KEY (workspace_id, source_id) REFERENCES contacts,
    FOREIGN KEY (workspace_id, target_id) REFERENCES contacts
);
