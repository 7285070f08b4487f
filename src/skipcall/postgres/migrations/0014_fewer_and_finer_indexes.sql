-- Keys of calls have one index instead of two: a leg has one call, the other kinds many.
-- squawk-ignore adding-field-with-default
ALTER TABLE call_keys ADD COLUMN told_apart_by uuid NOT NULL GENERATED ALWAYS AS (CASE WHEN kind = 'LEG' THEN '00000000-0000-0000-0000-000000000000' ELSE call_id END) STORED;
-- squawk-ignore ban-drop-constraint, constraint-missing-not-valid, adding-serial-primary-key-field
ALTER TABLE call_keys DROP CONSTRAINT call_keys_pkey, ADD PRIMARY KEY (workspace_id, source_id, kind, key, told_apart_by);
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX call_keys_leg;

-- Least durations that people ask for. A duration between two passes over the calls from the shorter one on.
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX calls_of_4_minutes;
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX calls_of_15_minutes;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX calls_of_2_minutes ON calls (workspace_id, id) INCLUDE (talk_seconds)
    WHERE deleted_at IS NULL AND talk_seconds >= 120;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX calls_of_5_minutes ON calls (workspace_id, id) INCLUDE (talk_seconds)
    WHERE deleted_at IS NULL AND talk_seconds >= 300;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX calls_of_10_minutes ON calls (workspace_id, id) INCLUDE (talk_seconds)
    WHERE deleted_at IS NULL AND talk_seconds >= 600;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX calls_of_30_minutes ON calls (workspace_id, id) INCLUDE (talk_seconds)
    WHERE deleted_at IS NULL AND talk_seconds >= 1800;

-- How far the events of a workspace have been looked through for what is too old; see changes.queries.
CREATE TABLE event_sweeps (
    workspace_id uuid PRIMARY KEY REFERENCES workspaces,
    occurred_at timestamptz(3) NOT NULL,
    object_id uuid NOT NULL
);
