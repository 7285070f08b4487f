-- What is counted about calls is counted by the database, in the statement that changes them: no writer can forget it,
-- and a thousand calls at once cost one statement. Contacts are locked in the order of their ids, and the counts after
-- them, so that writers never wait for each other in a circle.

-- Each element of the arrays is one call that came to a contact (step 1) or left it (step -1).
CREATE FUNCTION move_contact_counters(
    workspaces uuid[], contact_ids uuid[], steps integer[], moments timestamptz[]
) RETURNS void LANGUAGE plpgsql AS $$
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
        RETURNING c.workspace_id, CASE
            WHEN c.deleted_at IS NOT NULL THEN 0
            ELSE (c.call_count > 0)::integer - (c.call_count - s.step > 0)::integer
        END AS step
    )
    INSERT INTO contact_counts (workspace_id, slot, count, called)
    SELECT workspace_id, pg_backend_pid() % 16, 0, sum(step) FROM moved
    GROUP BY workspace_id HAVING sum(step) <> 0 ORDER BY workspace_id
    ON CONFLICT (workspace_id, slot) DO UPDATE SET called = contact_counts.called + excluded.called;
END $$;

CREATE FUNCTION count_inserted_calls() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    workspaces uuid[];
    contact_ids uuid[];
    steps integer[];
    moments timestamptz[];
BEGIN
    SELECT array_agg(workspace_id), array_agg(contact_id), array_agg(1), array_agg(started_at)
    INTO workspaces, contact_ids, steps, moments FROM new_calls WHERE is_counted;
    IF workspaces IS NOT NULL THEN
        PERFORM move_contact_counters(workspaces, contact_ids, steps, moments);
    END IF;
    INSERT INTO call_counts (workspace_id, slot, count)
    SELECT workspace_id, pg_backend_pid() % 16, count(*) FROM new_calls WHERE deleted_at IS NULL
    GROUP BY workspace_id ORDER BY workspace_id
    ON CONFLICT (workspace_id, slot) DO UPDATE SET count = call_counts.count + excluded.count;
    RETURN NULL;
END $$;

CREATE FUNCTION count_updated_calls() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    workspaces uuid[];
    contact_ids uuid[];
    steps integer[];
    moments timestamptz[];
BEGIN
    SELECT array_agg(workspace_id), array_agg(contact_id), array_agg(step), array_agg(started_at)
    INTO workspaces, contact_ids, steps, moments
    FROM (
        SELECT side.*
        FROM old_calls o JOIN new_calls n USING (workspace_id, id)
        CROSS JOIN LATERAL (VALUES
            (workspace_id, o.contact_id, -1, o.started_at, o.is_counted),
            (workspace_id, n.contact_id, 1, n.started_at, n.is_counted)
        ) AS side (workspace_id, contact_id, step, started_at, is_counted)
        WHERE (o.contact_id, o.started_at, o.is_counted) IS DISTINCT FROM (n.contact_id, n.started_at, n.is_counted)
            AND side.is_counted
    ) moved;
    IF workspaces IS NOT NULL THEN
        PERFORM move_contact_counters(workspaces, contact_ids, steps, moments);
    END IF;
    INSERT INTO call_counts (workspace_id, slot, count)
    SELECT workspace_id, pg_backend_pid() % 16, sum((n.deleted_at IS NULL)::integer - (o.deleted_at IS NULL)::integer)
    FROM old_calls o JOIN new_calls n USING (workspace_id, id)
    WHERE (o.deleted_at IS NULL) <> (n.deleted_at IS NULL) GROUP BY workspace_id ORDER BY workspace_id
    ON CONFLICT (workspace_id, slot) DO UPDATE SET count = call_counts.count + excluded.count;
    RETURN NULL;
END $$;

CREATE TRIGGER count_inserted_calls AFTER INSERT ON calls REFERENCING NEW TABLE AS new_calls
    FOR EACH STATEMENT EXECUTE FUNCTION count_inserted_calls();
CREATE TRIGGER count_updated_calls AFTER UPDATE ON calls REFERENCING OLD TABLE AS old_calls NEW TABLE AS new_calls
    FOR EACH STATEMENT EXECUTE FUNCTION count_updated_calls();

-- Calls are taken out of sight, not out of the table: what removes a row would leave the counts wrong.
CREATE FUNCTION refuse_removal_of_calls() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'set deleted_at instead of removing calls';
END $$;
CREATE TRIGGER refuse_removal AFTER DELETE ON calls FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal_of_calls();
