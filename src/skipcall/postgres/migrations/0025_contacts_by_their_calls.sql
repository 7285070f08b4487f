-- Contacts in the order of their last call and of how many there were, for searches (docs/decisions/0020): what two indexes of `contacts` would
-- hold, in a narrow table beside it. There a call would have to write all entries of its contact anew; here it writes three.
-- One row for each contact that is not deleted; 'epoch' stands for no call.
CREATE TABLE contact_call_counts (
    workspace_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    call_count integer NOT NULL,
    last_call_at timestamptz(3) NOT NULL
);

CREATE FUNCTION add_call_counts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO contact_call_counts
    SELECT workspace_id, id, call_count, coalesce(last_call_at, 'epoch') FROM new_rows WHERE deleted_at IS NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER add_call_counts AFTER INSERT ON contacts
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION add_call_counts();

CREATE FUNCTION keep_call_counts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.deleted_at IS NULL THEN
        INSERT INTO contact_call_counts VALUES (NEW.workspace_id, NEW.id, NEW.call_count, coalesce(NEW.last_call_at, 'epoch'));
    ELSE
        DELETE FROM contact_call_counts WHERE workspace_id = OLD.workspace_id AND contact_id = OLD.id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER keep_call_counts AFTER UPDATE OF deleted_at ON contacts
FOR EACH ROW WHEN ((OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL)) EXECUTE FUNCTION keep_call_counts();
CREATE TRIGGER keep_call_counts_of_removed AFTER DELETE ON contacts
FOR EACH ROW EXECUTE FUNCTION keep_call_counts();

-- As in migration 0006, with `shown`.
CREATE OR REPLACE FUNCTION move_contact_counters(workspaces uuid[], contact_ids uuid[], steps integer[], moments timestamptz[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- A statement of its own: the next one then sees what those who held these locks have committed.
    PERFORM FROM contacts c
    WHERE (c.workspace_id, c.id) IN (SELECT * FROM unnest(workspaces, contact_ids))
    ORDER BY c.workspace_id, c.id FOR NO KEY UPDATE;

    WITH moved AS (
        UPDATE contacts c SET
            call_count = c.call_count + s.step,
            last_call_at = CASE WHEN s.has_lost THEN (
                SELECT max(started_at) FROM calls
                WHERE workspace_id = c.workspace_id AND contact_id = c.id AND is_counted AND deleted_at IS NULL
            ) ELSE greatest(c.last_call_at, s.last_at) END
        FROM (
            SELECT workspace_id, contact_id, sum(step) AS step, bool_or(step < 0) AS has_lost, max(moment) AS last_at
            FROM unnest(workspaces, contact_ids, steps, moments) AS one (workspace_id, contact_id, step, moment)
            GROUP BY workspace_id, contact_id
        ) s
        WHERE c.workspace_id = s.workspace_id AND c.id = s.contact_id
        RETURNING c.workspace_id, c.id, c.call_count, c.last_call_at, CASE
            WHEN c.deleted_at IS NOT NULL THEN 0
            ELSE (c.call_count > 0)::integer - (c.call_count - s.step > 0)::integer
        END AS step
    ), shown AS (
        UPDATE contact_call_counts k SET call_count = m.call_count, last_call_at = coalesce(m.last_call_at, 'epoch')
        FROM moved m WHERE k.workspace_id = m.workspace_id AND k.contact_id = m.id
    )
    INSERT INTO contact_counts (workspace_id, slot, count, called)
    SELECT workspace_id, pg_backend_pid() % 16, 0, sum(step) FROM moved
    GROUP BY workspace_id HAVING sum(step) <> 0 ORDER BY workspace_id
    ON CONFLICT (workspace_id, slot) DO UPDATE SET called = contact_counts.called + excluded.called;
END $$;

INSERT INTO contact_call_counts
SELECT workspace_id, id, call_count, coalesce(last_call_at, 'epoch') FROM contacts WHERE deleted_at IS NULL;
ALTER TABLE contact_call_counts ADD PRIMARY KEY (workspace_id, contact_id);
CREATE INDEX contact_call_counts_by_count ON contact_call_counts (workspace_id, call_count, contact_id);
CREATE INDEX contact_call_counts_by_last_call ON contact_call_counts (workspace_id, last_call_at, contact_id);
-- Without statistics the first searches would take it for empty.
ANALYZE contact_call_counts;
