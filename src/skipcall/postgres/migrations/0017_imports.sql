-- Imports that clients ask for: a file, what it would do, how far it has come, and what of it was undone. (`contact_imports` are
-- the runs of the command line.)

CREATE TABLE imports (
    workspace_id uuid NOT NULL REFERENCES workspaces,
    id uuid NOT NULL,
    status text NOT NULL DEFAULT 'AWAITING_FILE' CHECK (status IN (
        'AWAITING_FILE', 'CHECKING', 'AWAITING_CONFIRMATION', 'RUNNING', 'COMPLETED', 'CANCELED', 'FAILED', 'EXPIRED',
        'UNDOING', 'UNDONE'
    )),
    settings jsonb NOT NULL, -- as they were asked for
    uploads integer NOT NULL DEFAULT 0, -- that have begun, each with an object of its own; 0 again when all are removed
    upload integer, -- the one that counts
    file_format text CHECK (file_format IN ('csv', 'vcard')),
    size_bytes bigint,
    line_count bigint,
    sha256 bytea CHECK (length(sha256) = 32),
    columns jsonb, -- heading -> what it fills
    rows_read bigint NOT NULL DEFAULT 0, -- moved in the transaction of each batch
    line bigint NOT NULL DEFAULT 0,
    counts jsonb NOT NULL DEFAULT '{}',
    dry_run jsonb, -- what it found
    failure text,
    first_event_id bigint, -- the events of an import are behind this one, up to the last
    last_event_id bigint,
    undone jsonb,
    created_by uuid, -- API key
    undone_by uuid,
    claim integer NOT NULL DEFAULT 0, -- what a worker does counts while its claim is the last
    failures integer NOT NULL DEFAULT 0, -- since something was achieved
    next_attempt_at timestamptz(3), -- of one that is worked on, the end of its lease; null: nothing is left to do
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    ended_at timestamptz(3), -- undoing does not move it
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX imports_to_do ON imports (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX imports_with_files ON imports (created_at) WHERE uploads > 0;
CREATE INDEX imports_that_wait ON imports (created_at) WHERE status IN ('AWAITING_FILE', 'AWAITING_CONFIRMATION');

-- What was wrong with the rows of a batch, as lines of CSV: a file of them has a known length.
CREATE TABLE import_errors (
    workspace_id uuid NOT NULL,
    import_id uuid NOT NULL,
    rows_before bigint NOT NULL,
    content text NOT NULL,
    PRIMARY KEY (workspace_id, import_id, rows_before),
    FOREIGN KEY (workspace_id, import_id) REFERENCES imports ON DELETE CASCADE
);
