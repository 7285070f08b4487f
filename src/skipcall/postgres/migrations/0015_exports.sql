-- Files of contacts, made by the worker from one snapshot, and kept for some days.

CREATE TABLE exports (
    workspace_id uuid NOT NULL REFERENCES workspaces,
    id uuid NOT NULL,
    format text NOT NULL CHECK (format IN ('csv', 'ndjson')),
    status text NOT NULL DEFAULT 'PENDING'
        CHECK (status IN ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'EXPIRED')),
    row_count bigint NOT NULL DEFAULT 0, -- written so far
    size_bytes bigint,
    sha256 bytea CHECK (length(sha256) = 32),
    snapshot_at timestamptz(3), -- the contacts are those of this moment
    created_by uuid, -- API key
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz(3) DEFAULT now(), -- of a running one, the end of its lease; null: nothing is left to do
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    ended_at timestamptz(3),
    expires_at timestamptz(3),
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX exports_to_make ON exports (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX exports_to_remove ON exports (expires_at) WHERE status = 'COMPLETED';
