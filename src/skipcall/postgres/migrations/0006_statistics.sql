-- Calls summed up by the quarter of an hour in which they started, which every time zone of today has its hours and days
-- made of. The sums are exact: triggers move them in the statement that changes calls or tags. A statement may change where
-- calls count (their start, user, sequence, type) or their tags, not both of one call.

-- Each call counts twice: in a row of all calls of its workspace, where sequence and user are null, and in one of its sequence
-- and its user, where zero stands for none. Rows of more than one user have slots, as call_counts has; they are added up.
CREATE TABLE call_statistics (
    workspace_id uuid NOT NULL,
    sequence_id uuid,
    quarter timestamptz(0) NOT NULL,
    organization_membership_id uuid,
    call_type text NOT NULL,
    type text NOT NULL,
    slot smallint NOT NULL,
    queued integer NOT NULL,
    ringing integer NOT NULL,
    in_progress integer NOT NULL,
    completed integer NOT NULL,
    no_answer integer NOT NULL,
    busy integer NOT NULL,
    canceled integer NOT NULL,
    failed integer NOT NULL,
    connected integer NOT NULL, -- of any status
    talked integer NOT NULL, -- those with a conversation
    talk_seconds bigint NOT NULL
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX call_statistics_key ON call_statistics
    (workspace_id, sequence_id, quarter, organization_membership_id, call_type, type, slot) NULLS NOT DISTINCT;
CREATE INDEX call_statistics_by_member ON call_statistics (workspace_id, organization_membership_id, quarter)
    WHERE organization_membership_id IS NOT NULL;

-- The same for each tag of a call. Tags come one by one, so there are no slots.
CREATE TABLE tag_statistics (
    workspace_id uuid NOT NULL,
    sequence_id uuid,
    quarter timestamptz(0) NOT NULL,
    organization_membership_id uuid,
    tag_id uuid NOT NULL,
    call_type text NOT NULL,
    type text NOT NULL,
    count integer NOT NULL
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX tag_statistics_key ON tag_statistics
    (workspace_id, sequence_id, quarter, organization_membership_id, tag_id, call_type, type) NULLS NOT DISTINCT;
CREATE INDEX tag_statistics_by_member ON tag_statistics (workspace_id, organization_membership_id, quarter, tag_id)
    WHERE organization_membership_id IS NOT NULL;

-- How often a contact was called in a sequence, whether it is in it now or not.
CREATE TABLE sequence_call_counts (
    workspace_id uuid NOT NULL,
    sequence_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    count integer NOT NULL,
    PRIMARY KEY (workspace_id, sequence_id, contact_id)
) WITH (fillfactor = 70);

-- For the parts of a period that are no whole quarters. There are no calls yet, so nothing waits for it.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX calls_by_start ON calls (workspace_id, started_at);

-- A call, or a tag of a call, that came (step 1) or left (step -1).
CREATE TYPE call_step AS (
    step integer,
    workspace_id uuid,
    call_id uuid,
    started_at timestamptz,
    contact_id uuid,
    sequence_id uuid,
    organization_membership_id uuid,
    call_type text,
    type text,
    status text,
    result text,
    talk_seconds integer,
    tag_id uuid
);

-- Rows are locked in the order of their keys. What has come to zero is taken away: the row is locked, so its place is known.
CREATE FUNCTION move_call_statistics(steps call_step[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    nobody CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
    empty tid[];
BEGIN
    WITH moved AS (
        SELECT workspace_id, coalesce(sequence_id, nobody) AS sequence_id,
            date_bin('15 minutes', started_at, 'epoch') AS quarter,
            coalesce(organization_membership_id, nobody) AS organization_membership_id,
            call_type, type, status, step, step * (result = 'CONNECTED')::integer AS connected,
            step * (coalesce(talk_seconds, 0) > 0)::integer AS talked, step * coalesce(talk_seconds, 0) AS talk_seconds
        FROM unnest(steps)
    ), written AS (
        INSERT INTO call_statistics AS s
        SELECT workspace_id, sequence_id, quarter, organization_membership_id, call_type, type,
            CASE WHEN organization_membership_id <> nobody THEN 0 ELSE pg_backend_pid() % 16 END,
            sum(step * (status = 'queued')::integer), sum(step * (status = 'ringing')::integer),
            sum(step * (status = 'in-progress')::integer), sum(step * (status = 'completed')::integer),
            sum(step * (status = 'no-answer')::integer), sum(step * (status = 'busy')::integer),
            sum(step * (status = 'canceled')::integer), sum(step * (status = 'failed')::integer),
            sum(connected), sum(talked), sum(talk_seconds)
        FROM moved
        GROUP BY GROUPING SETS (
            (workspace_id, quarter, call_type, type, sequence_id, organization_membership_id),
            (workspace_id, quarter, call_type, type)
        )
        ORDER BY workspace_id, sequence_id, quarter, organization_membership_id, call_type, type
        ON CONFLICT (workspace_id, sequence_id, quarter, organization_membership_id, call_type, type, slot) DO UPDATE SET
            queued = s.queued + excluded.queued, ringing = s.ringing + excluded.ringing,
            in_progress = s.in_progress + excluded.in_progress, completed = s.completed + excluded.completed,
            no_answer = s.no_answer + excluded.no_answer, busy = s.busy + excluded.busy,
            canceled = s.canceled + excluded.canceled, failed = s.failed + excluded.failed,
            connected = s.connected + excluded.connected, talked = s.talked + excluded.talked,
            talk_seconds = s.talk_seconds + excluded.talk_seconds
        RETURNING s.ctid AS place, ROW(
            s.queued, s.ringing, s.in_progress, s.completed, s.no_answer, s.busy, s.canceled, s.failed,
            s.connected, s.talked, s.talk_seconds
        ) = ROW(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) AS is_empty
    )
    SELECT array_agg(place) INTO empty FROM written WHERE is_empty;
    IF empty IS NOT NULL THEN
        DELETE FROM call_statistics WHERE ctid = ANY(empty);
    END IF;

    WITH written AS (
        INSERT INTO sequence_call_counts AS s
        SELECT workspace_id, sequence_id, contact_id, sum(step) FROM unnest(steps)
        WHERE sequence_id IS NOT NULL AND contact_id IS NOT NULL
        GROUP BY workspace_id, sequence_id, contact_id HAVING sum(step) <> 0
        ORDER BY workspace_id, sequence_id, contact_id
        ON CONFLICT (workspace_id, sequence_id, contact_id) DO UPDATE SET count = s.count + excluded.count
        RETURNING s.ctid AS place, s.count
    )
    SELECT array_agg(place) INTO empty FROM written WHERE count = 0;
    IF empty IS NOT NULL THEN
        DELETE FROM sequence_call_counts WHERE ctid = ANY(empty);
    END IF;
END $$;

CREATE FUNCTION move_tag_statistics(steps call_step[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    nobody CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
    empty tid[];
BEGIN
    WITH moved AS (
        SELECT workspace_id, coalesce(sequence_id, nobody) AS sequence_id,
            date_bin('15 minutes', started_at, 'epoch') AS quarter,
            coalesce(organization_membership_id, nobody) AS organization_membership_id, tag_id, call_type, type, step
        FROM unnest(steps)
    ), written AS (
        INSERT INTO tag_statistics AS s
        SELECT workspace_id, sequence_id, quarter, organization_membership_id, tag_id, call_type, type, sum(step)
        FROM moved
        GROUP BY GROUPING SETS (
            (workspace_id, quarter, tag_id, call_type, type, sequence_id, organization_membership_id),
            (workspace_id, quarter, tag_id, call_type, type)
        )
        HAVING sum(step) <> 0
        ORDER BY workspace_id, sequence_id, quarter, organization_membership_id, tag_id, call_type, type
        ON CONFLICT (workspace_id, sequence_id, quarter, organization_membership_id, tag_id, call_type, type)
            DO UPDATE SET count = s.count + excluded.count
        RETURNING s.ctid AS place, s.count
    )
    SELECT array_agg(place) INTO empty FROM written WHERE count = 0;
    IF empty IS NOT NULL THEN
        DELETE FROM tag_statistics WHERE ctid = ANY(empty);
    END IF;
END $$;

CREATE FUNCTION sum_inserted_calls() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    steps call_step[];
BEGIN
    SELECT array_agg(ROW(
        1, workspace_id, id, started_at, contact_id, sequence_id, organization_membership_id, call_type, type, status,
        result, talk_seconds, NULL
    )::call_step) INTO steps FROM new_calls WHERE deleted_at IS NULL;
    IF steps IS NOT NULL THEN
        PERFORM move_call_statistics(steps);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION sum_updated_calls() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    steps call_step[];
BEGIN
    SELECT array_agg(ROW(
        side.step, o.workspace_id, o.id, side.started_at, side.contact_id, side.sequence_id,
        side.organization_membership_id, side.call_type, side.type, side.status, side.result, side.talk_seconds, NULL
    )::call_step) INTO steps
    FROM old_calls o JOIN new_calls n ON n.workspace_id = o.workspace_id AND n.id = o.id
    CROSS JOIN LATERAL (VALUES
        (-1, o.started_at, o.contact_id, o.sequence_id, o.organization_membership_id, o.call_type, o.type, o.status,
            o.result, o.talk_seconds, o.deleted_at),
        (1, n.started_at, n.contact_id, n.sequence_id, n.organization_membership_id, n.call_type, n.type, n.status,
            n.result, n.talk_seconds, n.deleted_at)
    ) AS side (step, started_at, contact_id, sequence_id, organization_membership_id, call_type, type, status,
        result, talk_seconds, deleted_at)
    WHERE side.deleted_at IS NULL AND ROW(
        o.started_at, o.contact_id, o.sequence_id, o.organization_membership_id, o.call_type, o.type, o.status,
        o.result, o.talk_seconds, o.deleted_at
    ) IS DISTINCT FROM ROW(
        n.started_at, n.contact_id, n.sequence_id, n.organization_membership_id, n.call_type, n.type, n.status,
        n.result, n.talk_seconds, n.deleted_at
    );
    IF steps IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM move_call_statistics(steps);
    SELECT array_agg(ROW(
        s.step, s.workspace_id, s.call_id, s.started_at, s.contact_id, s.sequence_id, s.organization_membership_id,
        s.call_type, s.type, s.status, s.result, s.talk_seconds, t.tag_id
    )::call_step) INTO steps
    FROM unnest(steps) s CROSS JOIN LATERAL (
        SELECT tag_id FROM call_tags WHERE workspace_id = s.workspace_id AND call_id = s.call_id OFFSET 0
    ) t;
    IF steps IS NOT NULL THEN
        PERFORM move_tag_statistics(steps);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION sum_call_tags() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    steps call_step[];
BEGIN
    -- A statement of its own: the next one then sees where those who held these locks have moved the calls.
    PERFORM FROM (SELECT workspace_id, call_id FROM moved_tags ORDER BY workspace_id, call_id) t
    CROSS JOIN LATERAL (
        SELECT FROM calls WHERE workspace_id = t.workspace_id AND id = t.call_id LIMIT 1 FOR NO KEY UPDATE
    ) c;
    SELECT array_agg(ROW(
        CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END, c.workspace_id, c.id, c.started_at, c.contact_id, c.sequence_id,
        c.organization_membership_id, c.call_type, c.type, c.status, c.result, c.talk_seconds, t.tag_id
    )::call_step) INTO steps
    FROM moved_tags t CROSS JOIN LATERAL (
        SELECT * FROM calls WHERE workspace_id = t.workspace_id AND id = t.call_id LIMIT 1
    ) c WHERE c.deleted_at IS NULL;
    IF steps IS NOT NULL THEN
        PERFORM move_tag_statistics(steps);
    END IF;
    RETURN NULL;
END $$;

-- Triggers of one table act in the order of their names, so these come after those that count, and lock after them.
CREATE TRIGGER sum_inserted_calls AFTER INSERT ON calls REFERENCING NEW TABLE AS new_calls
    FOR EACH STATEMENT EXECUTE FUNCTION sum_inserted_calls();
CREATE TRIGGER sum_updated_calls AFTER UPDATE ON calls REFERENCING OLD TABLE AS old_calls NEW TABLE AS new_calls
    FOR EACH STATEMENT EXECUTE FUNCTION sum_updated_calls();
CREATE TRIGGER sum_inserted_tags AFTER INSERT ON call_tags REFERENCING NEW TABLE AS moved_tags
    FOR EACH STATEMENT EXECUTE FUNCTION sum_call_tags();
CREATE TRIGGER sum_deleted_tags AFTER DELETE ON call_tags REFERENCING OLD TABLE AS moved_tags
    FOR EACH STATEMENT EXECUTE FUNCTION sum_call_tags();
