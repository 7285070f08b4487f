-- What the migrations make, for reading. Made by: .venv/bin/python tools/write_schema.py

CREATE EXTENSION IF NOT EXISTS btree_gin WITH SCHEMA public;

CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;

CREATE EXTENSION IF NOT EXISTS unaccent WITH SCHEMA public;

CREATE TYPE public.call_step AS (
	step integer,
	workspace_id uuid,
	call_id uuid,
	started_at timestamp with time zone,
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

CREATE FUNCTION public.add_call_counts() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO contact_call_counts
    SELECT workspace_id, id, call_count, coalesce(last_call_at, 'epoch') FROM new_rows WHERE deleted_at IS NULL;
    RETURN NULL;
END $$;

CREATE FUNCTION public.announce_access_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE access_changes SET number = number + 1;
    RETURN NULL;
END $$;

CREATE FUNCTION public.as_one_word(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(value, ' '::text, 'j'::text), '.'::text, 'x'::text), '-'::text, 'k'::text), '/'::text, 'z'::text), '@'::text, 'w'::text), '_'::text, 'x'::text), ''''::text, 'y'::text), '&'::text, 'w'::text), ','::text, 'k'::text), ':'::text, 'z'::text);

CREATE FUNCTION public.chain_consent() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    SELECT position + 1, hash INTO NEW.position, NEW.previous_hash FROM contact_consents
    WHERE workspace_id = NEW.workspace_id AND contact_id = NEW.contact_id ORDER BY position DESC LIMIT 1;
    NEW.position := coalesce(NEW.position, 1);
    NEW.recorded_at := clock_timestamp();
    NEW.wording_sha256 := sha256(convert_to(NEW.wording, 'UTF8'));
    NEW.hash := consent_hash(NEW);
    RETURN NEW;
END $$;

CREATE TABLE public.contact_consents (
    workspace_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    "position" bigint NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    status text NOT NULL,
    legal_basis text,
    purpose text,
    obtained_at timestamp(3) with time zone NOT NULL,
    source text NOT NULL,
    wording text,
    wording_sha256 bytea,
    evidence jsonb DEFAULT '{}'::jsonb NOT NULL,
    object_version bigint NOT NULL,
    api_key_id uuid,
    recorded_at timestamp(3) with time zone NOT NULL,
    previous_hash bytea,
    hash bytea NOT NULL,
    erased_hash bytea,
    CONSTRAINT contact_consents_legal_basis_check CHECK ((legal_basis = ANY (ARRAY['consent'::text, 'current_contract'::text, 'b2b_legitimate_interest'::text]))),
    CONSTRAINT contact_consents_status_check CHECK ((status = ANY (ARRAY['given'::text, 'refused'::text, 'withdrawn'::text, 'objected'::text, 'asserted'::text])))
);

CREATE FUNCTION public.consent_content(c public.contact_consents) RETURNS text
    LANGUAGE sql STABLE
    AS $$
    SELECT jsonb_build_object(
        'workspaceId', c.workspace_id, 'contactId', c.contact_id, 'position', c.position, 'id', c.id, 'status', c.status,
        'legalBasis', c.legal_basis, 'purpose', c.purpose, 'source', c.source, 'wording', c.wording,
        'wordingSha256', encode(c.wording_sha256, 'hex'), 'evidence', c.evidence, 'contactVersion', c.object_version,
        'apiKeyId', c.api_key_id,
        'obtainedAt', to_char(c.obtained_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'recordedAt', to_char(c.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))::text
$$;

CREATE FUNCTION public.consent_hash(c public.contact_consents) RETURNS bytea
    LANGUAGE sql STABLE
    AS $$
    SELECT sha256(coalesce(c.previous_hash, '') || convert_to(consent_content(c), 'UTF8'))
$$;

CREATE FUNCTION public.count_inserted_calls() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.count_inserted_sequence_contacts() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE sequences s SET contact_count = s.contact_count + moved.step
    FROM (
        SELECT workspace_id, sequence_id, count(*) AS step FROM new_rows WHERE removed_at IS NULL
        GROUP BY workspace_id, sequence_id
    ) moved WHERE s.workspace_id = moved.workspace_id AND s.id = moved.sequence_id;
    RETURN NULL;
END $$;

CREATE FUNCTION public.count_updated_calls() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.count_updated_sequence_contacts() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE sequences s SET contact_count = s.contact_count + moved.step
    FROM (
        SELECT workspace_id, sequence_id, sum((n.removed_at IS NULL)::integer - (o.removed_at IS NULL)::integer) AS step
        FROM old_rows o JOIN new_rows n USING (workspace_id, sequence_id, contact_id)
        WHERE (o.removed_at IS NULL) <> (n.removed_at IS NULL) GROUP BY workspace_id, sequence_id
    ) moved WHERE s.workspace_id = moved.workspace_id AND s.id = moved.sequence_id;
    RETURN NULL;
END $$;

CREATE FUNCTION public.create_calls_month(moment timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
DECLARE
    month timestamptz := date_trunc('month', moment, 'UTC');
    name text := 'calls_' || to_char(month AT TIME ZONE 'UTC', 'YYYY_MM');
    filtered text;
BEGIN
    IF to_regclass(name) IS NOT NULL THEN
        RETURN true;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('create_calls_month'));
    -- Not to_regclass: it would remember from above that there was none, whatever was made while this waited.
    IF NOT EXISTS (
        SELECT FROM pg_class WHERE relname = name
            AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'calls'::regclass)
    ) THEN
        EXECUTE format('CREATE TABLE %I (LIKE calls INCLUDING ALL)', name);
        -- Columns that may have one value in a whole month. Told so, the planner would take the primary key for a filter
        -- by one of them, and read everything to find nothing when it is asked for another value.
        FOREACH filtered IN ARRAY ARRAY['status', 'result', 'type', 'call_type', 'has_recording', 'is_synced_with_crm'] LOOP
            EXECUTE format('ALTER TABLE %I ALTER COLUMN %I SET (n_distinct = 100)', name, filtered);
        END LOOP;
        FOREACH filtered IN ARRAY ARRAY['organization_membership_id', 'sequence_id'] LOOP
            EXECUTE format('ALTER TABLE %I ALTER COLUMN %I SET (n_distinct = 1000)', name, filtered);
        END LOOP;
        EXECUTE format(
            'ALTER TABLE calls ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
            name, first_id_at(month), first_id_at(month + interval '1 month')
        );
    END IF;
    RETURN false;
END $$;

CREATE FUNCTION public.erase_consent() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF OLD.erased_hash IS NOT NULL OR NEW.erased_hash IS NULL THEN
        RAISE EXCEPTION 'what was recorded of consent is never changed or removed: add another entry';
    END IF;
    NEW := OLD;
    NEW.purpose := NULL;
    NEW.source := '';
    NEW.wording := NULL;
    NEW.evidence := '{}';
    NEW.erased_hash := erased_consent_hash(NEW);
    RETURN NEW;
END $$;

CREATE FUNCTION public.erased_consent_hash(c public.contact_consents) RETURNS bytea
    LANGUAGE sql STABLE
    AS $$
    SELECT sha256(c.hash || convert_to(consent_content(c), 'UTF8'))
$$;

CREATE FUNCTION public.first_id_at(moment timestamp with time zone) RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    SELECT (lpad(to_hex((extract(epoch FROM moment - timestamptz 'epoch') * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

CREATE FUNCTION public.fold(value text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
DECLARE
    plain text;
BEGIN
    IF octet_length(value) = length(value) THEN
        RETURN lower(value);
    END IF;
    plain := public.unaccent('public.unaccent', value);
    IF octet_length(plain) = length(plain) THEN
        RETURN lower(plain);
    END IF;
    plain := normalize(public.unaccent('public.unaccent', normalize(value, NFD)), NFC);
    RETURN translate(lower(plain), E'ς\u00a0\u2007\u2009\u202f\u3000', 'σ     ');
END $$;

CREATE FUNCTION public.has_unique_fields(workspace uuid) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
DECLARE
    -- Assigned as text, since PERFORM is dearer.
    locked text := pg_advisory_xact_lock_shared(uuid_hash_extended(workspace, 11))::text;
BEGIN
    RETURN EXISTS (SELECT FROM custom_fields WHERE workspace_id = workspace AND is_unique);
END $$;

CREATE FUNCTION public.hide_tags_of_deleted_call() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE call_tags SET is_call_deleted = true WHERE workspace_id = NEW.workspace_id AND call_id = NEW.id;
    RETURN NULL;
END $$;

CREATE FUNCTION public.hold_unique_values() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    before jsonb := '{}';
    after jsonb := '{}';
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.deleted_at IS NULL THEN
        before := OLD.custom_fields;
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.deleted_at IS NULL THEN
        after := NEW.custom_fields;
    END IF;
    IF before <> after THEN
        PERFORM hold_unique_values(coalesce(NEW.workspace_id, OLD.workspace_id), coalesce(NEW.id, OLD.id), before, after);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION public.hold_unique_values(workspace uuid, contact uuid, before jsonb, after jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    DELETE FROM custom_unique_values u USING custom_fields f
    WHERE f.workspace_id = workspace AND f.is_unique AND u.workspace_id = workspace AND u.slug = f.slug
        AND u.value_sha256 = sha256(convert_to(before ->> f.slug, 'UTF8')) AND u.contact_id = contact
        AND before ->> f.slug IS DISTINCT FROM after ->> f.slug;
    -- Of contacts that the same statement has deleted or changed, and that come after this one.
    DELETE FROM custom_unique_values u USING custom_fields f, contacts c
    WHERE f.workspace_id = workspace AND f.is_unique AND u.workspace_id = workspace AND u.slug = f.slug
        AND u.value_sha256 = sha256(convert_to(after ->> f.slug, 'UTF8')) AND u.contact_id <> contact
        AND c.workspace_id = workspace AND c.id = u.contact_id
        AND (c.deleted_at IS NOT NULL OR c.custom_fields ->> f.slug IS DISTINCT FROM after ->> f.slug);
    INSERT INTO custom_unique_values (workspace_id, slug, value_sha256, contact_id)
    SELECT workspace, f.slug, sha256(convert_to(after ->> f.slug, 'UTF8')), contact FROM custom_fields f
    WHERE f.workspace_id = workspace AND f.is_unique
        AND after ? f.slug AND before ->> f.slug IS DISTINCT FROM after ->> f.slug
    ORDER BY f.slug;
END $$;

CREATE FUNCTION public.is_learnt_late(id uuid, started_at timestamp with time zone) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    SELECT uuid_send(id) > int8send((extract(epoch FROM started_at - timestamptz 'epoch') * 1000)::bigint << 16 | 65535)
$$;

CREATE FUNCTION public.keep_call_counts() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.deleted_at IS NULL THEN
        INSERT INTO contact_call_counts VALUES (NEW.workspace_id, NEW.id, NEW.call_count, coalesce(NEW.last_call_at, 'epoch'));
    ELSE
        DELETE FROM contact_call_counts WHERE workspace_id = OLD.workspace_id AND contact_id = OLD.id;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION public.keep_search_texts() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    separator constant text := chr(31);
    mark constant text := chr(30) || separator;
    custom_texts text := regexp_replace(
        btrim(NEW.custom_fields::text, '{}'), '", "(?=[a-z0-9_]+": )', '"' || separator || '"', 'g'
    );
BEGIN
    IF strpos(custom_texts, '\') > 0 THEN -- as JSON writes quotation marks and backslashes
        custom_texts := regexp_replace(custom_texts, '\\(.)', '\1', 'g');
    END IF;
    NEW.search_text := fold(
        separator || NEW.first_name || separator || NEW.last_name || separator || coalesce(NEW.email, '') || separator
        || coalesce(NEW.company, '') || separator || mark || coalesce(NEW.city, '') || separator
        || coalesce(NEW.country, '') || separator || coalesce(NEW.url, '') || separator || coalesce(NEW.linkedin_url, '') || separator
        || coalesce(NEW.linkedin_sales_url, '') || separator || coalesce(NEW.role, '') || separator
        || coalesce(NEW.external_id, '') || separator || coalesce(linkedin_key(NEW.linkedin_url), '') || separator || mark
    ) || fold(custom_texts) || separator;
    NEW.search_keys := text_keys(NEW.workspace_id, NEW.search_text);
    RETURN NEW;
END $$;

CREATE FUNCTION public.linkedin_key(url text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $_$
DECLARE
    key text := lower(regexp_replace(
        regexp_replace(btrim(url), '/*([?#].*)?$', ''), '^(https?://)?([a-z]{1,3}\.)?linkedin\.com/', 'linkedin.com/', 'i'
    ));
BEGIN
    IF position('%' IN key) > 0 OR octet_length(key) <> length(key) THEN
        key := lower(normalize(string_agg(
            coalesce(convert_from(decode(replace(part[1], '%', ''), 'hex'), 'UTF8') COLLATE "default", part[2]), '' ORDER BY number
        ), NFC)) FROM regexp_matches(
            key, '((?:%(?:2[de]|3[0-9]|[46][1-9a-f]|[57][0-9a]|5f|7e'
            '|(?:c[2-9a-f]|d[0-9a-f]|e0%[ab][0-9a-f]|e[1-9a-cef]%[89ab][0-9a-f]|ed%[89][0-9a-f]|f0%[9ab][0-9a-f]%[89ab][0-9a-f]'
            '|f[1-3]%[89ab][0-9a-f]%[89ab][0-9a-f]|f4%8[0-9a-f]%[89ab][0-9a-f])%[89ab][0-9a-f]))+)|([^%]+|%)', 'g'
        ) WITH ORDINALITY AS parts (part, number);
    END IF;
    IF key LIKE 'linkedin.com/in/%/__' THEN
        key := regexp_replace(key, '^(linkedin\.com/in/[^/]+)/[a-z]{2}$', '\1');
    END IF;
    RETURN key;
END $_$;

CREATE FUNCTION public.move_call_statistics(steps public.call_step[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.move_contact_counters(workspaces uuid[], contact_ids uuid[], steps integer[], moments timestamp with time zone[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.move_tag_statistics(steps public.call_step[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.phone_beginnings(workspace uuid, numbers text[]) RETURNS integer[]
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
DECLARE
    seed constant bigint := uuid_hash_extended(workspace, 0);
    keys integer[] := '{}';
    number text;
BEGIN
    FOREACH number IN ARRAY numbers LOOP
        keys := keys || ARRAY[
            (hashtextextended(left(number, 3), seed) >> 32)::integer, (hashtextextended(left(number, 5), seed) >> 32)::integer,
            (hashtextextended(left(number, 7), seed) >> 32)::integer, (hashtextextended(left(number, 9), seed) >> 32)::integer
        ];
    END LOOP;
    RETURN keys;
END $$;

CREATE FUNCTION public.phone_keys(workspace uuid, numbers text[]) RETURNS bigint[]
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
DECLARE
    keys bigint[] := '{}';
    number text;
BEGIN
    FOREACH number IN ARRAY numbers LOOP
        keys := keys || hashtextextended(number, uuid_hash_extended(workspace, 0));
    END LOOP;
    RETURN keys;
END $$;

CREATE FUNCTION public.range_terms(value text) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $_$
DECLARE
    parts text[] := regexp_match(value, '^("[a-z0-9_]+": ")(-?)([0-9]{1,15})(?:\.([0-9]{1,9})|-([0-9]{2})-([0-9]{2}))?"$');
    whole text := ltrim(parts[3] || coalesce(parts[5] || parts[6], ''), '0');
    digits text := whole || coalesce(parts[4], '');
    size integer := length(whole);
    head text := parts[1] || CASE WHEN parts[2] = '-' AND digits ~ '[1-9]' THEN '-' ELSE '+' END || size / 4;
BEGIN
    IF parts IS NULL THEN
        RETURN '{}';
    END IF;
    digits := size % 4 || rpad(digits, 8, '0');
    RETURN ARRAY[
        head, head || left(digits, 1), head || left(digits, 3), head || left(digits, 5), head || left(digits, 7), head || digits
    ];
END $_$;

CREATE FUNCTION public.read_custom_value(field_type text, options jsonb, value text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $_$
DECLARE
    parts text[];
BEGIN
    CASE field_type
    WHEN 'text' THEN
        RETURN value;
    WHEN 'number' THEN
        RETURN CASE WHEN value ~ '^-?[0-9]{1,15}(\.[0-9]{1,9})?$' THEN value END;
    WHEN 'boolean' THEN
        RETURN CASE WHEN value IN ('true', 'false') THEN value END;
    WHEN 'date' THEN
        parts := regexp_match(value, '^([0-9]{4})-(0[1-9]|1[0-2])-([0-9]{2})$');
        IF parts IS NULL OR parts[1] = '0000' THEN
            RETURN NULL;
        END IF;
        RETURN CASE WHEN parts[3]::integer BETWEEN 1 AND
            extract(day FROM make_date(parts[1]::integer, parts[2]::integer, 1) + interval '1 month -1 day') THEN value END;
    WHEN 'url' THEN
        parts := regexp_match(value, '^[Hh][Tt][Tt][Pp][Ss]?://'
            '([^/?#@:%\[\]\u0001-\u0020"<>\\^`{|}\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+)'
            '(?::([0-9]{1,5}))?'
            '(?:[/?#][^\u0001-\u0020"<>\\^`{|}\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*)?$');
        RETURN CASE WHEN coalesce(parts[2]::integer, 1) BETWEEN 1 AND 65535 AND length(value) <= 2048
            AND normalize(parts[1], NFKC) = normalize(parts[1], NFC) THEN value END;
    ELSE -- select: a key, or else the label of an option that can be chosen
        RETURN (
            SELECT option ->> 'key' FROM jsonb_array_elements(options) AS one (option)
            WHERE value IN (option ->> 'key', option ->> 'label') AND NOT (option ->> 'isArchived')::boolean
            ORDER BY option ->> 'key' = value DESC LIMIT 1
        );
    END CASE;
END $_$;

CREATE FUNCTION public.record_allow_phone_calls() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO contact_consents (workspace_id, contact_id, status, obtained_at, source, object_version)
    SELECT NEW.workspace_id, NEW.id, CASE WHEN NEW.allow_phone_calls THEN 'asserted' ELSE 'objected' END,
        NEW.updated_at, NEW.last_modification_source, NEW.version
    WHERE NOT EXISTS (
        SELECT FROM contact_consents
        WHERE workspace_id = NEW.workspace_id AND contact_id = NEW.id AND object_version > coalesce(OLD.version, 0)
            AND object_version <= NEW.version
    );
    RETURN NULL;
END $$;

CREATE FUNCTION public.refuse_change_of_consents() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'what was recorded of consent is never changed or removed: add another entry';
END $$;

CREATE FUNCTION public.refuse_removal_of_calls() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'set deleted_at instead of removing calls';
END $$;

CREATE FUNCTION public.remove_deleted_contact_from_sequences() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM FROM sequences
    WHERE (workspace_id, id) IN (
        SELECT workspace_id, sequence_id FROM sequence_contacts
        WHERE workspace_id = NEW.workspace_id AND contact_id = NEW.id AND removed_at IS NULL
    ) ORDER BY workspace_id, id FOR NO KEY UPDATE;
    UPDATE sequence_contacts SET removed_at = NEW.deleted_at
    WHERE workspace_id = NEW.workspace_id AND contact_id = NEW.id AND removed_at IS NULL;
    RETURN NULL;
END $$;

CREATE FUNCTION public.sum_call_tags() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.sum_inserted_calls() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.sum_updated_calls() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.text_key(workspace uuid, value text) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN ((hashtextextended(value, uuid_hash_extended(workspace, (0)::bigint)) >> 32))::integer;

CREATE FUNCTION public.text_keys(workspace uuid, texts text[]) RETURNS integer[]
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
DECLARE
    keys integer[] := '{}';
    seed bigint := uuid_hash_extended(workspace, 0);
    value text;
BEGIN
    FOREACH value IN ARRAY texts LOOP
        keys := keys || (hashtextextended(value, seed) >> 32)::integer;
    END LOOP;
    RETURN keys;
END $$;

CREATE FUNCTION public.text_keys(workspace uuid, search_text text) RETURNS integer[]
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
DECLARE
    texts text[] := array_remove(array_remove(string_to_array(search_text, chr(31)), ''), chr(30));
    terms text[] := '{}';
    value text;
BEGIN
    FOREACH value IN ARRAY texts LOOP
        IF value LIKE '"%' AND ascii(right(value, 2)) BETWEEN 48 AND 57 THEN -- a digit
            terms := terms || range_terms(value);
        END IF;
    END LOOP;
    RETURN text_keys(workspace, texts || terms);
END $$;

CREATE TABLE public.access_changes (
    id boolean DEFAULT true NOT NULL,
    number bigint NOT NULL,
    CONSTRAINT access_changes_id_check CHECK (id)
);

CREATE TABLE public.api_key_field_names (
    workspace_id uuid NOT NULL,
    api_key_id uuid NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    used bigint NOT NULL,
    used_at timestamp(3) with time zone NOT NULL
);

CREATE TABLE public.api_key_secret (
    id boolean DEFAULT true NOT NULL,
    digest bytea NOT NULL,
    CONSTRAINT api_key_secret_digest_check CHECK ((length(digest) = 32)),
    CONSTRAINT api_key_secret_id_check CHECK (id)
);

CREATE TABLE public.api_key_uses (
    api_key_id uuid NOT NULL,
    last_used_at timestamp(3) with time zone,
    custom_field_names_used bigint DEFAULT 0 NOT NULL,
    custom_field_name_used_at timestamp(3) with time zone
);

CREATE TABLE public.api_key_workspaces (
    api_key_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    mode text NOT NULL
);

CREATE TABLE public.api_keys (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    mode text NOT NULL,
    name text NOT NULL,
    public_part text NOT NULL,
    digest bytea NOT NULL,
    scopes text[] NOT NULL,
    default_workspace_id uuid NOT NULL,
    created_by text NOT NULL,
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    expires_at timestamp(3) with time zone,
    revoked_at timestamp(3) with time zone,
    CONSTRAINT api_keys_digest_check CHECK ((length(digest) = 32)),
    CONSTRAINT api_keys_mode_check CHECK ((mode = ANY (ARRAY['LIVE'::text, 'TEST'::text])))
);

CREATE TABLE public.call_counts (
    workspace_id uuid NOT NULL,
    slot smallint NOT NULL,
    count bigint NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE public.call_keys (
    workspace_id uuid NOT NULL,
    source_id uuid NOT NULL,
    kind text NOT NULL,
    key text NOT NULL,
    call_id uuid NOT NULL,
    told_apart_by uuid GENERATED ALWAYS AS (
CASE
    WHEN (kind = 'LEG'::text) THEN '00000000-0000-0000-0000-000000000000'::uuid
    ELSE call_id
END) STORED NOT NULL,
    CONSTRAINT call_keys_kind_check CHECK ((kind = ANY (ARRAY['LEG'::text, 'GROUP'::text, 'CONFERENCE'::text])))
);

CREATE TABLE public.call_recordings (
    workspace_id uuid NOT NULL,
    call_id uuid NOT NULL,
    id uuid NOT NULL,
    source_id uuid,
    provider_recording_id text,
    status text NOT NULL,
    reason text,
    url text,
    object_key text COLLATE pg_catalog."C",
    format text,
    channels smallint,
    duration_seconds numeric(9,3),
    size_bytes bigint,
    sha256 bytea,
    started_at timestamp(3) with time zone,
    attempts integer DEFAULT 0 NOT NULL,
    next_attempt_at timestamp(3) with time zone,
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    updated_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    CONSTRAINT call_recordings_check CHECK (((status = 'AVAILABLE'::text) = (object_key IS NOT NULL))),
    CONSTRAINT call_recordings_format_check CHECK ((format = ANY (ARRAY['wav'::text, 'mp3'::text, 'ogg'::text, 'm4a'::text]))),
    CONSTRAINT call_recordings_sha256_check CHECK ((length(sha256) = 32)),
    CONSTRAINT call_recordings_status_check CHECK ((status = ANY (ARRAY['PROCESSING'::text, 'AVAILABLE'::text, 'ABSENT'::text, 'FAILED'::text, 'ERASED'::text])))
);

CREATE TABLE public.call_statistics (
    workspace_id uuid NOT NULL,
    sequence_id uuid,
    quarter timestamp(0) with time zone NOT NULL,
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
    connected integer NOT NULL,
    talked integer NOT NULL,
    talk_seconds bigint NOT NULL
)
WITH (fillfactor='70');

CREATE TABLE public.call_tags (
    workspace_id uuid NOT NULL,
    call_id uuid NOT NULL,
    tag_id uuid NOT NULL,
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    is_call_deleted boolean DEFAULT false NOT NULL
);
ALTER TABLE ONLY public.call_tags ALTER COLUMN tag_id SET (n_distinct=1000);

CREATE TABLE public.call_transcriptions (
    workspace_id uuid NOT NULL,
    call_id uuid NOT NULL,
    id uuid NOT NULL,
    status text NOT NULL,
    transcript jsonb,
    summary text,
    language text,
    started_at timestamp(3) with time zone,
    ended_at timestamp(3) with time zone,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    updated_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    CONSTRAINT call_transcriptions_status_check CHECK ((status = ANY (ARRAY['PENDING'::text, 'IN_PROGRESS'::text, 'FAILED'::text, 'COMPLETED'::text])))
);

CREATE TABLE public.calls (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    provider text NOT NULL,
    source_id uuid,
    provider_call_id text,
    user_provider_id text,
    admin_provider_id text,
    provider_conference_id text,
    call_type text NOT NULL,
    type text NOT NULL,
    status text NOT NULL,
    result text NOT NULL,
    started_at timestamp(3) with time zone NOT NULL,
    ringing_at timestamp(3) with time zone,
    answered_at timestamp(3) with time zone,
    ended_at timestamp(3) with time zone,
    ring_seconds integer,
    talk_seconds integer,
    duration_seconds integer,
    answered_by text,
    hangup_cause text,
    hangup_source text,
    sip_code integer,
    cancel_reason text,
    abandoned boolean DEFAULT false NOT NULL,
    contact_id uuid,
    contact_matches integer DEFAULT 0 NOT NULL,
    phone_number text,
    raw_phone_number text,
    caller_phone_number text,
    raw_caller_phone_number text,
    managed_phone_number_id uuid,
    organization_membership_id uuid,
    sequence_id uuid,
    sequence_run_id uuid,
    transferred boolean DEFAULT false NOT NULL,
    synced_with_crm_at timestamp(3) with time zone,
    is_synced_with_crm boolean GENERATED ALWAYS AS ((synced_with_crm_at IS NOT NULL)) STORED NOT NULL,
    notes text,
    external_id text,
    has_recording boolean DEFAULT false NOT NULL,
    has_transcription boolean DEFAULT false NOT NULL,
    state text,
    report_count integer DEFAULT 0 NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    updated_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    last_modification_source text NOT NULL,
    deleted_at timestamp(3) with time zone,
    is_counted boolean GENERATED ALWAYS AS (((contact_id IS NOT NULL) AND (deleted_at IS NULL) AND ((type = 'outbound'::text) OR (answered_at IS NOT NULL)))) STORED NOT NULL,
    erased_at timestamp(3) with time zone,
    CONSTRAINT calls_answered_by_check CHECK ((answered_by = ANY (ARRAY['human'::text, 'machine'::text, 'fax'::text, 'unknown'::text]))),
    CONSTRAINT calls_call_type_check CHECK ((call_type = ANY (ARRAY['CALL_SESSION'::text, 'DIRECT_CALL'::text]))),
    CONSTRAINT calls_cancel_reason_check CHECK ((cancel_reason = 'PARALLEL_RACE_LOST'::text)),
    CONSTRAINT calls_hangup_source_check CHECK ((hangup_source = ANY (ARRAY['caller'::text, 'callee'::text, 'system'::text]))),
    CONSTRAINT calls_last_modification_source_check CHECK ((last_modification_source = ANY (ARRAY['SKIPCALL'::text, 'API'::text]))),
    CONSTRAINT calls_provider_check CHECK ((provider = ANY (ARRAY['TWILIO'::text, 'TELNYX'::text, 'VONAGE'::text, 'ASTERISK'::text, 'FREESWITCH'::text, 'GENERIC'::text, 'API'::text]))),
    CONSTRAINT calls_result_check CHECK ((result = ANY (ARRAY['IN_PROGRESS'::text, 'CONNECTED'::text, 'VOICEMAIL'::text, 'NO_ANSWER'::text, 'BUSY'::text, 'FAILED'::text, 'CANCELED'::text, 'ABANDONED'::text]))),
    CONSTRAINT calls_status_check CHECK ((status = ANY (ARRAY['queued'::text, 'ringing'::text, 'in-progress'::text, 'completed'::text, 'no-answer'::text, 'busy'::text, 'canceled'::text, 'failed'::text]))),
    CONSTRAINT calls_type_check CHECK ((type = ANY (ARRAY['outbound'::text, 'inbound'::text])))
)
PARTITION BY RANGE (id);

CREATE TABLE public.contact_call_counts (
    workspace_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    call_count integer NOT NULL,
    last_call_at timestamp(3) with time zone NOT NULL
);

CREATE TABLE public.contact_counts (
    workspace_id uuid NOT NULL,
    slot smallint NOT NULL,
    count bigint NOT NULL,
    called bigint DEFAULT 0 NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE public.contact_import_faults (
    workspace_id uuid NOT NULL,
    import_id uuid NOT NULL,
    rows_before bigint NOT NULL,
    faults text NOT NULL
);

CREATE TABLE public.contact_imports (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    file_sha256 bytea NOT NULL,
    rows_read bigint DEFAULT 0 NOT NULL,
    created_count bigint DEFAULT 0 NOT NULL,
    refused_count bigint DEFAULT 0 NOT NULL,
    started_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    completed_at timestamp(3) with time zone
);

CREATE TABLE public.contact_merges (
    workspace_id uuid NOT NULL,
    source_id uuid NOT NULL,
    target_id uuid NOT NULL,
    merged_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    call_ids uuid[] NOT NULL,
    sequence_ids uuid[] NOT NULL,
    changes jsonb NOT NULL
);

CREATE TABLE public.contacts (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    updated_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    call_count integer DEFAULT 0 NOT NULL,
    allow_phone_calls boolean NOT NULL,
    deleted_at timestamp(3) with time zone,
    last_call_at timestamp(3) with time zone,
    merged_into_id uuid,
    erasure_id uuid,
    search_text text,
    search_keys integer[],
    custom_fields jsonb NOT NULL,
    phone_numbers text[] NOT NULL,
    last_modification_source text NOT NULL,
    first_name text NOT NULL,
    last_name text NOT NULL,
    email text,
    company text,
    city text,
    country text,
    url text,
    linkedin_url text,
    linkedin_sales_url text,
    role text,
    external_id text,
    CONSTRAINT contacts_last_modification_source_check CHECK ((last_modification_source = ANY (ARRAY['SKIPCALL'::text, 'API'::text])))
)
WITH (fillfactor='85');

CREATE TABLE public.custom_fields (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    updated_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    archived_at timestamp(3) with time zone,
    type text DEFAULT 'text'::text NOT NULL,
    options jsonb DEFAULT '[]'::jsonb NOT NULL,
    is_required boolean DEFAULT false NOT NULL,
    is_unique boolean DEFAULT false NOT NULL,
    CONSTRAINT custom_fields_slug_check CHECK ((slug ~ '^[a-z0-9_]+$'::text))
);

CREATE TABLE public.custom_unique_values (
    workspace_id uuid NOT NULL,
    slug text NOT NULL,
    value_sha256 bytea NOT NULL,
    contact_id uuid NOT NULL
);

CREATE TABLE public.do_not_call (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    phone_number text,
    number_hash bytea NOT NULL,
    reason text NOT NULL,
    source text,
    evidence jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_by uuid,
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    expires_at timestamp(3) with time zone,
    lifted_at timestamp(3) with time zone,
    CONSTRAINT do_not_call_number_hash_check CHECK ((length(number_hash) = 32)),
    CONSTRAINT do_not_call_reason_check CHECK ((reason = ANY (ARRAY['OPPOSITION'::text, 'REGULATORY'::text, 'INVALID'::text, 'MANUAL'::text])))
);

CREATE TABLE public.erased_people (
    workspace_id uuid NOT NULL,
    key_hash bytea NOT NULL,
    CONSTRAINT erased_people_key_hash_check CHECK ((length(key_hash) = 32))
);

CREATE TABLE public.erasures (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    contact_ids uuid[] NOT NULL,
    status text NOT NULL,
    receipt jsonb NOT NULL,
    consents_sha256 bytea,
    object_keys text[] NOT NULL,
    api_key_id uuid,
    request_id text,
    next_attempt_at timestamp(3) with time zone DEFAULT now(),
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    completed_at timestamp(3) with time zone,
    CONSTRAINT erasures_status_check CHECK ((status = ANY (ARRAY['RUNNING'::text, 'COMPLETED'::text])))
);

CREATE TABLE public.event_sweeps (
    workspace_id uuid NOT NULL,
    occurred_at timestamp(3) with time zone NOT NULL,
    object_id uuid NOT NULL
);

CREATE TABLE public.events (
    workspace_id uuid NOT NULL,
    id bigint NOT NULL,
    transaction_id xid8 DEFAULT pg_current_xact_id() NOT NULL,
    type text NOT NULL,
    object_id uuid NOT NULL,
    object_version bigint NOT NULL,
    occurred_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    source text NOT NULL,
    api_key_id uuid,
    request_id text,
    changes jsonb,
    CONSTRAINT events_source_check CHECK ((source = ANY (ARRAY['SKIPCALL'::text, 'API'::text])))
);

ALTER TABLE public.events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.exports (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    format text NOT NULL,
    status text DEFAULT 'PENDING'::text NOT NULL,
    row_count bigint DEFAULT 0 NOT NULL,
    size_bytes bigint,
    sha256 bytea,
    snapshot_at timestamp(3) with time zone,
    created_by uuid,
    attempts integer DEFAULT 0 NOT NULL,
    next_attempt_at timestamp(3) with time zone DEFAULT now(),
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    ended_at timestamp(3) with time zone,
    expires_at timestamp(3) with time zone,
    CONSTRAINT exports_format_check CHECK ((format = ANY (ARRAY['csv'::text, 'ndjson'::text]))),
    CONSTRAINT exports_sha256_check CHECK ((length(sha256) = 32)),
    CONSTRAINT exports_status_check CHECK ((status = ANY (ARRAY['PENDING'::text, 'RUNNING'::text, 'COMPLETED'::text, 'FAILED'::text, 'EXPIRED'::text])))
);

CREATE TABLE public.idempotent_answers (
    api_key_id uuid NOT NULL,
    idempotency_key text NOT NULL,
    fingerprint bytea NOT NULL,
    status smallint NOT NULL,
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.import_errors (
    workspace_id uuid NOT NULL,
    import_id uuid NOT NULL,
    rows_before bigint NOT NULL,
    content text NOT NULL
);

CREATE TABLE public.imports (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    status text DEFAULT 'AWAITING_FILE'::text NOT NULL,
    settings jsonb NOT NULL,
    uploads integer DEFAULT 0 NOT NULL,
    upload integer,
    file_format text,
    size_bytes bigint,
    line_count bigint,
    sha256 bytea,
    columns jsonb,
    rows_read bigint DEFAULT 0 NOT NULL,
    line bigint DEFAULT 0 NOT NULL,
    counts jsonb DEFAULT '{}'::jsonb NOT NULL,
    dry_run jsonb,
    failure text,
    first_event_id bigint,
    last_event_id bigint,
    undone jsonb,
    created_by uuid,
    undone_by uuid,
    claim integer DEFAULT 0 NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    next_attempt_at timestamp(3) with time zone,
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    ended_at timestamp(3) with time zone,
    CONSTRAINT imports_file_format_check CHECK ((file_format = ANY (ARRAY['csv'::text, 'vcard'::text]))),
    CONSTRAINT imports_sha256_check CHECK ((length(sha256) = 32)),
    CONSTRAINT imports_status_check CHECK ((status = ANY (ARRAY['AWAITING_FILE'::text, 'CHECKING'::text, 'AWAITING_CONFIRMATION'::text, 'RUNNING'::text, 'COMPLETED'::text, 'CANCELED'::text, 'FAILED'::text, 'EXPIRED'::text, 'UNDOING'::text, 'UNDONE'::text])))
);

CREATE TABLE public.managed_phone_numbers (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    value text NOT NULL,
    label text,
    country text NOT NULL,
    assigned_membership_id uuid,
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    updated_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    released_at timestamp(3) with time zone,
    CONSTRAINT managed_phone_numbers_country_check CHECK ((country ~ '^[A-Z]{2}$'::text))
);

CREATE TABLE public.migrations (
    name text NOT NULL,
    applied_at timestamp(3) with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.organization_memberships (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text NOT NULL,
    status text NOT NULL,
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    CONSTRAINT organization_memberships_role_check CHECK ((role = ANY (ARRAY['OWNER'::text, 'ADMIN'::text, 'MEMBER'::text]))),
    CONSTRAINT organization_memberships_status_check CHECK ((status = ANY (ARRAY['ACTIVE'::text, 'INVITED'::text, 'SUSPENDED'::text])))
);

CREATE TABLE public.organizations (
    id uuid NOT NULL,
    name text NOT NULL,
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.sequence_call_counts (
    workspace_id uuid NOT NULL,
    sequence_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    count integer NOT NULL
)
WITH (fillfactor='70');

CREATE TABLE public.sequence_contacts (
    workspace_id uuid NOT NULL,
    sequence_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    assigned_to_workspace_membership_id uuid,
    added_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    removed_at timestamp(3) with time zone
);

CREATE TABLE public.sequence_runs (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    sequence_id uuid NOT NULL,
    organization_membership_id uuid,
    started_at timestamp(3) with time zone NOT NULL
);

CREATE TABLE public.sequences (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    creator_id uuid NOT NULL,
    assigned_to_ids uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    status text NOT NULL,
    contact_count integer DEFAULT 0 NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    updated_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp(3) with time zone,
    CONSTRAINT sequences_status_check CHECK ((status = ANY (ARRAY['DRAFT'::text, 'ACTIVE'::text, 'PAUSED'::text, 'ARCHIVED'::text])))
);

CREATE TABLE public.subscriptions (
    organization_id uuid NOT NULL,
    plan text,
    requests_per_minute integer,
    status text NOT NULL,
    ends_at timestamp(3) with time zone,
    CONSTRAINT subscriptions_plan_check CHECK ((plan = ANY (ARRAY['FREE'::text, 'STARTER'::text, 'INTERMÉDIAIRE'::text, 'EXPERT'::text]))),
    CONSTRAINT subscriptions_requests_per_minute_check CHECK ((requests_per_minute > 0)),
    CONSTRAINT subscriptions_status_check CHECK ((status = ANY (ARRAY['ACTIVE'::text, 'TRIALING'::text, 'PAST_DUE'::text, 'CANCELED'::text, 'NONE'::text])))
);

CREATE TABLE public.tag_statistics (
    workspace_id uuid NOT NULL,
    sequence_id uuid,
    quarter timestamp(0) with time zone NOT NULL,
    organization_membership_id uuid,
    tag_id uuid NOT NULL,
    call_type text NOT NULL,
    type text NOT NULL,
    count integer NOT NULL
)
WITH (fillfactor='70');

CREATE TABLE public.tags (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    label text NOT NULL,
    is_success_tag boolean NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    updated_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    archived_at timestamp(3) with time zone
);

CREATE TABLE public.telephony_file_places (
    workspace_id uuid NOT NULL,
    source_id uuid NOT NULL,
    identity text NOT NULL,
    path text NOT NULL,
    byte_offset bigint NOT NULL,
    line bigint NOT NULL,
    updated_at timestamp(3) with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.telephony_file_readers (
    workspace_id uuid NOT NULL,
    source_id uuid NOT NULL,
    reader_id uuid NOT NULL,
    leased_until timestamp(3) with time zone NOT NULL
);

CREATE TABLE public.telephony_identities (
    workspace_id uuid NOT NULL,
    source_id uuid NOT NULL,
    identity text NOT NULL,
    organization_membership_id uuid NOT NULL
);

CREATE TABLE public.telephony_reports (
    workspace_id uuid NOT NULL,
    source_id uuid NOT NULL,
    kind text NOT NULL,
    key text NOT NULL,
    digest bytea NOT NULL,
    report text NOT NULL,
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    CONSTRAINT telephony_reports_kind_check CHECK ((kind = ANY (ARRAY['LEG'::text, 'GROUP'::text, 'CONFERENCE'::text])))
);

CREATE TABLE public.telephony_sources (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    name text NOT NULL,
    provider text NOT NULL,
    sealed_secrets bytea[] DEFAULT '{}'::bytea[] NOT NULL,
    timezone text NOT NULL,
    default_country text NOT NULL,
    options jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    updated_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    disabled_at timestamp(3) with time zone,
    CONSTRAINT telephony_sources_default_country_check CHECK ((default_country ~ '^[A-Z]{2}$'::text)),
    CONSTRAINT telephony_sources_provider_check CHECK ((provider = ANY (ARRAY['TWILIO'::text, 'TELNYX'::text, 'VONAGE'::text, 'ASTERISK'::text, 'FREESWITCH'::text, 'GENERIC'::text])))
);

CREATE TABLE public.users (
    id uuid NOT NULL,
    email text NOT NULL,
    first_name text NOT NULL,
    last_name text NOT NULL,
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.workspace_memberships (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    organization_membership_id uuid NOT NULL,
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.workspaces (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    mode text NOT NULL,
    name text NOT NULL,
    default_country text NOT NULL,
    timezone text NOT NULL,
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    updated_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    call_rules text DEFAULT 'NONE'::text NOT NULL,
    CONSTRAINT workspaces_default_country_check CHECK ((default_country ~ '^[A-Z]{2}$'::text)),
    CONSTRAINT workspaces_mode_check CHECK ((mode = ANY (ARRAY['LIVE'::text, 'TEST'::text])))
);

ALTER TABLE ONLY public.access_changes
    ADD CONSTRAINT access_changes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.api_key_field_names
    ADD CONSTRAINT api_key_field_names_pkey PRIMARY KEY (workspace_id, api_key_id, slug);

ALTER TABLE ONLY public.api_key_secret
    ADD CONSTRAINT api_key_secret_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.api_key_uses
    ADD CONSTRAINT api_key_uses_pkey PRIMARY KEY (api_key_id);

ALTER TABLE ONLY public.api_key_workspaces
    ADD CONSTRAINT api_key_workspaces_pkey PRIMARY KEY (api_key_id, workspace_id);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_organization_id_mode_id_key UNIQUE (organization_id, mode, id);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_public_part_key UNIQUE (public_part);

ALTER TABLE ONLY public.call_counts
    ADD CONSTRAINT call_counts_pkey PRIMARY KEY (workspace_id, slot);

ALTER TABLE ONLY public.call_keys
    ADD CONSTRAINT call_keys_pkey PRIMARY KEY (workspace_id, source_id, kind, key, told_apart_by);

ALTER TABLE ONLY public.call_recordings
    ADD CONSTRAINT call_recordings_pkey PRIMARY KEY (workspace_id, call_id, id);

ALTER TABLE ONLY public.call_recordings
    ADD CONSTRAINT call_recordings_workspace_id_call_id_provider_recording_id_key UNIQUE NULLS NOT DISTINCT (workspace_id, call_id, provider_recording_id);

ALTER TABLE ONLY public.call_tags
    ADD CONSTRAINT call_tags_pkey PRIMARY KEY (workspace_id, call_id, tag_id);

ALTER TABLE ONLY public.call_transcriptions
    ADD CONSTRAINT call_transcriptions_pkey PRIMARY KEY (workspace_id, call_id);

ALTER TABLE ONLY public.calls
    ADD CONSTRAINT calls_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.contact_call_counts
    ADD CONSTRAINT contact_call_counts_pkey PRIMARY KEY (workspace_id, contact_id);

ALTER TABLE ONLY public.contact_consents
    ADD CONSTRAINT contact_consents_pkey PRIMARY KEY (workspace_id, contact_id, "position");

ALTER TABLE ONLY public.contact_counts
    ADD CONSTRAINT contact_counts_pkey PRIMARY KEY (workspace_id, slot);

ALTER TABLE ONLY public.contact_import_faults
    ADD CONSTRAINT contact_import_faults_pkey PRIMARY KEY (workspace_id, import_id, rows_before);

ALTER TABLE ONLY public.contact_imports
    ADD CONSTRAINT contact_imports_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.contact_imports
    ADD CONSTRAINT contact_imports_workspace_id_file_sha256_key UNIQUE (workspace_id, file_sha256);

ALTER TABLE ONLY public.contact_merges
    ADD CONSTRAINT contact_merges_pkey PRIMARY KEY (workspace_id, source_id);

ALTER TABLE public.contacts
    ADD CONSTRAINT contacts_merged_check CHECK (((merged_into_id IS NULL) OR (deleted_at IS NOT NULL))) NOT VALID;

ALTER TABLE ONLY public.contacts
    ADD CONSTRAINT contacts_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.custom_fields
    ADD CONSTRAINT custom_fields_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE public.custom_fields
    ADD CONSTRAINT custom_fields_type_check CHECK ((type = ANY (ARRAY['text'::text, 'number'::text, 'date'::text, 'select'::text, 'url'::text, 'boolean'::text]))) NOT VALID;

ALTER TABLE ONLY public.custom_fields
    ADD CONSTRAINT custom_fields_workspace_id_slug_key UNIQUE (workspace_id, slug);

ALTER TABLE ONLY public.custom_unique_values
    ADD CONSTRAINT custom_unique_values_pkey PRIMARY KEY (workspace_id, slug, value_sha256);

ALTER TABLE ONLY public.do_not_call
    ADD CONSTRAINT do_not_call_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.erased_people
    ADD CONSTRAINT erased_people_pkey PRIMARY KEY (workspace_id, key_hash);

ALTER TABLE ONLY public.erasures
    ADD CONSTRAINT erasures_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.event_sweeps
    ADD CONSTRAINT event_sweeps_pkey PRIMARY KEY (workspace_id);

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.exports
    ADD CONSTRAINT exports_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.idempotent_answers
    ADD CONSTRAINT idempotent_answers_pkey PRIMARY KEY (api_key_id, idempotency_key);

ALTER TABLE ONLY public.import_errors
    ADD CONSTRAINT import_errors_pkey PRIMARY KEY (workspace_id, import_id, rows_before);

ALTER TABLE ONLY public.imports
    ADD CONSTRAINT imports_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.managed_phone_numbers
    ADD CONSTRAINT managed_phone_numbers_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.organization_memberships
    ADD CONSTRAINT organization_memberships_organization_id_user_id_key UNIQUE (organization_id, user_id);

ALTER TABLE ONLY public.organization_memberships
    ADD CONSTRAINT organization_memberships_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY public.organizations
    ADD CONSTRAINT organizations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.sequence_call_counts
    ADD CONSTRAINT sequence_call_counts_pkey PRIMARY KEY (workspace_id, sequence_id, contact_id);

ALTER TABLE ONLY public.sequence_contacts
    ADD CONSTRAINT sequence_contacts_pkey PRIMARY KEY (workspace_id, sequence_id, contact_id);

ALTER TABLE ONLY public.sequence_runs
    ADD CONSTRAINT sequence_runs_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.sequence_runs
    ADD CONSTRAINT sequence_runs_workspace_id_sequence_id_id_key UNIQUE (workspace_id, sequence_id, id);

ALTER TABLE ONLY public.sequences
    ADD CONSTRAINT sequences_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT subscriptions_pkey PRIMARY KEY (organization_id);

ALTER TABLE ONLY public.tags
    ADD CONSTRAINT tags_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.telephony_file_places
    ADD CONSTRAINT telephony_file_places_pkey PRIMARY KEY (workspace_id, source_id, identity);

ALTER TABLE ONLY public.telephony_file_readers
    ADD CONSTRAINT telephony_file_readers_pkey PRIMARY KEY (workspace_id, source_id);

ALTER TABLE ONLY public.telephony_identities
    ADD CONSTRAINT telephony_identities_pkey PRIMARY KEY (workspace_id, source_id, identity);

ALTER TABLE ONLY public.telephony_reports
    ADD CONSTRAINT telephony_reports_pkey PRIMARY KEY (workspace_id, source_id, kind, key, digest);

ALTER TABLE ONLY public.telephony_sources
    ADD CONSTRAINT telephony_sources_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.telephony_sources
    ADD CONSTRAINT telephony_sources_workspace_id_id_key UNIQUE (workspace_id, id);

ALTER TABLE ONLY public.telephony_sources
    ADD CONSTRAINT telephony_sources_workspace_id_name_key UNIQUE (workspace_id, name);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.workspace_memberships
    ADD CONSTRAINT workspace_memberships_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.workspace_memberships
    ADD CONSTRAINT workspace_memberships_workspace_id_organization_membership__key UNIQUE (workspace_id, organization_membership_id);

ALTER TABLE public.workspaces
    ADD CONSTRAINT workspaces_call_rules_check CHECK ((call_rules = ANY (ARRAY['NONE'::text, 'FR_CONSUMER'::text, 'FR_B2B'::text]))) NOT VALID;

ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_organization_id_id_key UNIQUE (organization_id, id);

ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_organization_id_mode_id_key UNIQUE (organization_id, mode, id);

ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_pkey PRIMARY KEY (id);

CREATE INDEX call_recordings_by_object_key ON public.call_recordings USING btree (object_key) WHERE (object_key IS NOT NULL);

CREATE INDEX call_recordings_to_fetch ON public.call_recordings USING btree (next_attempt_at) WHERE (next_attempt_at IS NOT NULL);

CREATE INDEX call_statistics_by_member ON public.call_statistics USING btree (workspace_id, organization_membership_id, quarter) WHERE (organization_membership_id IS NOT NULL);

CREATE UNIQUE INDEX call_statistics_key ON public.call_statistics USING btree (workspace_id, sequence_id, quarter, organization_membership_id, call_type, type, slot) NULLS NOT DISTINCT;

CREATE INDEX call_tags_by_tag ON public.call_tags USING btree (workspace_id, tag_id, call_id) WHERE (NOT is_call_deleted);

CREATE INDEX calls_by_call_type ON ONLY public.calls USING btree (workspace_id, call_type, id) WHERE (deleted_at IS NULL);

CREATE INDEX calls_by_contact ON ONLY public.calls USING btree (workspace_id, contact_id, id) WHERE (deleted_at IS NULL);

CREATE INDEX calls_by_crm_sync ON ONLY public.calls USING btree (workspace_id, is_synced_with_crm, id) WHERE (deleted_at IS NULL);

CREATE INDEX calls_by_external_id ON ONLY public.calls USING btree (workspace_id, external_id, id) WHERE ((deleted_at IS NULL) AND (external_id IS NOT NULL));

CREATE INDEX calls_by_member ON ONLY public.calls USING btree (workspace_id, organization_membership_id, id) WHERE (deleted_at IS NULL);

CREATE INDEX calls_by_phone_number ON ONLY public.calls USING btree (workspace_id, phone_number, id) WHERE (deleted_at IS NULL);

CREATE INDEX calls_by_recording ON ONLY public.calls USING btree (workspace_id, has_recording, id) WHERE (deleted_at IS NULL);

CREATE INDEX calls_by_result ON ONLY public.calls USING btree (workspace_id, result, id) WHERE (deleted_at IS NULL);

CREATE INDEX calls_by_sequence ON ONLY public.calls USING btree (workspace_id, sequence_id, id) WHERE ((deleted_at IS NULL) AND (sequence_id IS NOT NULL));

CREATE INDEX calls_by_sequence_run ON ONLY public.calls USING btree (workspace_id, sequence_run_id, id) WHERE ((deleted_at IS NULL) AND (sequence_run_id IS NOT NULL));

CREATE INDEX calls_by_status ON ONLY public.calls USING btree (workspace_id, status, id) WHERE (deleted_at IS NULL);

CREATE INDEX calls_by_type ON ONLY public.calls USING btree (workspace_id, type, id) WHERE (deleted_at IS NULL);

CREATE INDEX calls_deleted ON ONLY public.calls USING btree (workspace_id, contact_id, phone_number) WHERE (deleted_at IS NOT NULL);

CREATE INDEX calls_learnt_late ON ONLY public.calls USING btree (workspace_id, id) WHERE ((deleted_at IS NULL) AND public.is_learnt_late(id, started_at));

CREATE INDEX calls_of_10_minutes ON ONLY public.calls USING btree (workspace_id, id) INCLUDE (talk_seconds) WHERE ((deleted_at IS NULL) AND (talk_seconds >= 600));

CREATE INDEX calls_of_15_seconds ON ONLY public.calls USING btree (workspace_id, id) INCLUDE (talk_seconds) WHERE ((deleted_at IS NULL) AND (talk_seconds >= 15));

CREATE INDEX calls_of_1_hour ON ONLY public.calls USING btree (workspace_id, id) INCLUDE (talk_seconds) WHERE ((deleted_at IS NULL) AND (talk_seconds >= 3600));

CREATE INDEX calls_of_1_minute ON ONLY public.calls USING btree (workspace_id, id) INCLUDE (talk_seconds) WHERE ((deleted_at IS NULL) AND (talk_seconds >= 60));

CREATE INDEX calls_of_1_second ON ONLY public.calls USING btree (workspace_id, id) INCLUDE (talk_seconds) WHERE ((deleted_at IS NULL) AND (talk_seconds >= 1));

CREATE INDEX calls_of_2_minutes ON ONLY public.calls USING btree (workspace_id, id) INCLUDE (talk_seconds) WHERE ((deleted_at IS NULL) AND (talk_seconds >= 120));

CREATE INDEX calls_of_30_minutes ON ONLY public.calls USING btree (workspace_id, id) INCLUDE (talk_seconds) WHERE ((deleted_at IS NULL) AND (talk_seconds >= 1800));

CREATE INDEX calls_of_5_minutes ON ONLY public.calls USING btree (workspace_id, id) INCLUDE (talk_seconds) WHERE ((deleted_at IS NULL) AND (talk_seconds >= 300));

CREATE INDEX contact_call_counts_by_count ON public.contact_call_counts USING btree (workspace_id, call_count, contact_id);

CREATE INDEX contact_call_counts_by_last_call ON public.contact_call_counts USING btree (workspace_id, last_call_at, contact_id);

CREATE INDEX contacts_by_city ON public.contacts USING btree (workspace_id, split_part(search_text, chr(31), 7)) WHERE (search_text <> 'city'::text);

CREATE INDEX contacts_by_company ON public.contacts USING btree (workspace_id, split_part(search_text, chr(31), 5), id) WHERE (deleted_at IS NULL);

CREATE INDEX contacts_by_country ON public.contacts USING btree (workspace_id, split_part(search_text, chr(31), 8)) WHERE (search_text <> 'country'::text);

CREATE INDEX contacts_by_creation ON public.contacts USING btree (workspace_id, created_at, id) WHERE (deleted_at IS NULL);

CREATE INDEX contacts_by_custom_fields ON public.contacts USING btree (workspace_id, hashtextextended((jsonb_path_query_array(custom_fields, '$.keyvalue()."key"'::jsonpath))::text, (0)::bigint)) WHERE (search_text <> 'customFields'::text);

CREATE INDEX contacts_by_email ON public.contacts USING btree (workspace_id, lower(email)) WHERE ((deleted_at IS NULL) AND (email IS NOT NULL));

CREATE INDEX contacts_by_first_name ON public.contacts USING btree (workspace_id, split_part(search_text, chr(31), 2)) WHERE (search_text <> 'firstName'::text);

CREATE INDEX contacts_by_last_name ON public.contacts USING btree (workspace_id, split_part(search_text, chr(31), 3), id) WHERE (deleted_at IS NULL);

CREATE INDEX contacts_by_phone_beginning ON public.contacts USING gin (public.phone_beginnings(workspace_id, phone_numbers)) WITH (gin_pending_list_limit='8192');

CREATE INDEX contacts_by_phone_number ON public.contacts USING gin (public.phone_keys(workspace_id, phone_numbers)) WITH (fastupdate=off);

CREATE INDEX contacts_by_role ON public.contacts USING btree (workspace_id, split_part(search_text, chr(31), 12)) WHERE (search_text <> 'role'::text);

CREATE INDEX contacts_by_text ON public.contacts USING gin (workspace_id, public.as_one_word(split_part(search_text, chr(30), 1)) public.gin_trgm_ops, public.as_one_word(((((chr(31) || 'q'::text) || NULLIF(split_part(search_text, chr(31), 7), ''::text)) || 'q'::text) || chr(31))) public.gin_trgm_ops, public.as_one_word(((((chr(31) || 'q'::text) || NULLIF(split_part(search_text, chr(31), 8), ''::text)) || 'q'::text) || chr(31))) public.gin_trgm_ops, public.as_one_word(((((chr(31) || 'q'::text) || NULLIF(split_part(search_text, chr(31), 9), ''::text)) || 'q'::text) || chr(31))) public.gin_trgm_ops, public.as_one_word(((((chr(31) || 'q'::text) || NULLIF(split_part(search_text, chr(31), 10), ''::text)) || 'q'::text) || chr(31))) public.gin_trgm_ops, public.as_one_word(((((chr(31) || 'q'::text) || NULLIF(split_part(search_text, chr(31), 11), ''::text)) || 'q'::text) || chr(31))) public.gin_trgm_ops, public.as_one_word(((((chr(31) || 'q'::text) || NULLIF(split_part(search_text, chr(31), 12), ''::text)) || 'q'::text) || chr(31))) public.gin_trgm_ops, public.as_one_word(((((chr(31) || 'q'::text) || NULLIF(split_part(search_text, chr(31), 13), ''::text)) || 'q'::text) || chr(31))) public.gin_trgm_ops, public.as_one_word(replace(replace(split_part(search_text, chr(30), 3), '": "'::text, 'q'::text), ('"'::text || chr(31)), ('q"'::text || chr(31)))) public.gin_trgm_ops) WITH (gin_pending_list_limit='8192');
ALTER INDEX public.contacts_by_text ALTER COLUMN 2 SET STATISTICS 300;
ALTER INDEX public.contacts_by_text ALTER COLUMN 5 SET STATISTICS 300;
ALTER INDEX public.contacts_by_text ALTER COLUMN 6 SET STATISTICS 300;
ALTER INDEX public.contacts_by_text ALTER COLUMN 7 SET STATISTICS 300;
ALTER INDEX public.contacts_by_text ALTER COLUMN 10 SET STATISTICS 300;

CREATE INDEX contacts_by_traits ON public.contacts USING btree (workspace_id, allow_phone_calls, last_modification_source, ((email IS NULL)), ((company IS NULL)), ((role IS NULL)), ((city IS NULL)), ((country IS NULL)), ((url IS NULL)), ((linkedin_url IS NULL)), ((linkedin_sales_url IS NULL)), ((external_id IS NULL)), ((phone_numbers = '{}'::text[]))) WHERE (search_text <> 'traits'::text);

CREATE INDEX contacts_by_update ON public.contacts USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NULL);

CREATE INDEX contacts_by_value ON public.contacts USING gin (search_keys) WITH (gin_pending_list_limit='8192');

CREATE UNIQUE INDEX contacts_external_id ON public.contacts USING btree (workspace_id, external_id) WHERE ((deleted_at IS NULL) AND (external_id IS NOT NULL));

CREATE INDEX contacts_merged ON public.contacts USING btree (workspace_id, merged_into_id) WHERE (merged_into_id IS NOT NULL);

CREATE INDEX contacts_merged_external_id ON public.contacts USING btree (workspace_id, external_id) WHERE ((merged_into_id IS NOT NULL) AND (external_id IS NOT NULL));

CREATE INDEX contacts_not_ascii ON public.contacts USING btree (workspace_id) WHERE ((search_text ~ '[^\u0001-\u007f]'::text) AND (deleted_at IS NULL));

CREATE UNIQUE INDEX custom_fields_name ON public.custom_fields USING btree (workspace_id, name) WHERE (archived_at IS NULL);

CREATE INDEX custom_fields_required ON public.custom_fields USING btree (workspace_id) WHERE (is_required AND (archived_at IS NULL));

CREATE INDEX custom_fields_unique ON public.custom_fields USING btree (workspace_id) WHERE is_unique;

CREATE UNIQUE INDEX do_not_call_by_number_and_reason ON public.do_not_call USING btree (workspace_id, number_hash, reason) WHERE (lifted_at IS NULL);

CREATE INDEX erasures_to_finish ON public.erasures USING btree (next_attempt_at) WHERE (next_attempt_at IS NOT NULL);

CREATE INDEX events_by_object ON public.events USING btree (workspace_id, object_id, id);

CREATE INDEX events_by_time ON public.events USING btree (workspace_id, occurred_at, object_id);

CREATE INDEX exports_to_make ON public.exports USING btree (next_attempt_at) WHERE (next_attempt_at IS NOT NULL);

CREATE INDEX exports_to_remove ON public.exports USING btree (expires_at) WHERE (status = 'COMPLETED'::text);

CREATE INDEX idempotent_answers_by_time ON public.idempotent_answers USING btree (created_at);

CREATE INDEX imports_that_wait ON public.imports USING btree (created_at) WHERE (status = ANY (ARRAY['AWAITING_FILE'::text, 'AWAITING_CONFIRMATION'::text]));

CREATE INDEX imports_to_do ON public.imports USING btree (next_attempt_at) WHERE (next_attempt_at IS NOT NULL);

CREATE INDEX imports_with_files ON public.imports USING btree (created_at) WHERE (uploads > 0);

CREATE INDEX late_calls_by_start ON ONLY public.calls USING btree (workspace_id, started_at) WHERE public.is_learnt_late(id, started_at);

CREATE UNIQUE INDEX managed_phone_numbers_value ON public.managed_phone_numbers USING btree (workspace_id, value) WHERE (released_at IS NULL);

CREATE INDEX sequence_contacts_of_assignee ON public.sequence_contacts USING btree (workspace_id, sequence_id, assigned_to_workspace_membership_id, contact_id) WHERE (removed_at IS NULL);

CREATE INDEX sequence_contacts_of_contact ON public.sequence_contacts USING btree (workspace_id, contact_id);

CREATE INDEX sequence_contacts_present ON public.sequence_contacts USING btree (workspace_id, sequence_id, contact_id) WHERE (removed_at IS NULL);

CREATE INDEX sequence_runs_by_start ON public.sequence_runs USING btree (workspace_id, sequence_id, started_at, id);

CREATE INDEX tag_statistics_by_member ON public.tag_statistics USING btree (workspace_id, organization_membership_id, quarter, tag_id) WHERE (organization_membership_id IS NOT NULL);

CREATE UNIQUE INDEX tag_statistics_key ON public.tag_statistics USING btree (workspace_id, sequence_id, quarter, organization_membership_id, tag_id, call_type, type) NULLS NOT DISTINCT;

CREATE UNIQUE INDEX tags_label ON public.tags USING btree (workspace_id, label) WHERE (archived_at IS NULL);

CREATE INDEX telephony_reports_by_age ON public.telephony_reports USING btree (created_at);

CREATE UNIQUE INDEX users_email ON public.users USING btree (lower(email));

CREATE INDEX workspace_memberships_of_member ON public.workspace_memberships USING btree (organization_id, organization_membership_id);

CREATE STATISTICS public.contacts_city ON split_part(search_text, chr(31), 7) FROM public.contacts;

CREATE STATISTICS public.contacts_company ON split_part(search_text, chr(31), 5) FROM public.contacts;

CREATE STATISTICS public.contacts_country ON split_part(search_text, chr(31), 8) FROM public.contacts;

CREATE STATISTICS public.contacts_custom_fields ON hashtextextended(jsonb_path_query_array(custom_fields, '$.keyvalue()."key"'::jsonpath)::text, 0::bigint) FROM public.contacts;

CREATE STATISTICS public.contacts_first_name ON split_part(search_text, chr(31), 2) FROM public.contacts;

CREATE STATISTICS public.contacts_last_name ON split_part(search_text, chr(31), 3) FROM public.contacts;

CREATE STATISTICS public.contacts_role ON split_part(search_text, chr(31), 12) FROM public.contacts;

CREATE STATISTICS public.contacts_without_city ON (city IS NULL) FROM public.contacts;

CREATE STATISTICS public.contacts_without_company ON (company IS NULL) FROM public.contacts;

CREATE STATISTICS public.contacts_without_country ON (country IS NULL) FROM public.contacts;

CREATE STATISTICS public.contacts_without_email ON (email IS NULL) FROM public.contacts;

CREATE STATISTICS public.contacts_without_external_id ON (external_id IS NULL) FROM public.contacts;

CREATE STATISTICS public.contacts_without_linkedin_sales_url ON (linkedin_sales_url IS NULL) FROM public.contacts;

CREATE STATISTICS public.contacts_without_linkedin_url ON (linkedin_url IS NULL) FROM public.contacts;

CREATE STATISTICS public.contacts_without_phone_numbers ON (phone_numbers = '{}'::text[]) FROM public.contacts;

CREATE STATISTICS public.contacts_without_role ON (role IS NULL) FROM public.contacts;

CREATE STATISTICS public.contacts_without_url ON (url IS NULL) FROM public.contacts;

CREATE TRIGGER add_call_counts AFTER INSERT ON public.contacts REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.add_call_counts();

CREATE TRIGGER announce_access_change AFTER INSERT OR DELETE OR UPDATE ON public.api_key_workspaces FOR EACH STATEMENT EXECUTE FUNCTION public.announce_access_change();

CREATE TRIGGER announce_access_change AFTER INSERT OR DELETE OR UPDATE ON public.api_keys FOR EACH STATEMENT EXECUTE FUNCTION public.announce_access_change();

CREATE TRIGGER announce_access_change AFTER INSERT OR DELETE OR UPDATE ON public.subscriptions FOR EACH STATEMENT EXECUTE FUNCTION public.announce_access_change();

CREATE TRIGGER chain_consent BEFORE INSERT ON public.contact_consents FOR EACH ROW EXECUTE FUNCTION public.chain_consent();

CREATE TRIGGER count_inserted AFTER INSERT ON public.sequence_contacts REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.count_inserted_sequence_contacts();

CREATE TRIGGER count_inserted_calls AFTER INSERT ON public.calls REFERENCING NEW TABLE AS new_calls FOR EACH STATEMENT EXECUTE FUNCTION public.count_inserted_calls();

CREATE TRIGGER count_updated AFTER UPDATE ON public.sequence_contacts REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.count_updated_sequence_contacts();

CREATE TRIGGER count_updated_calls AFTER UPDATE ON public.calls REFERENCING OLD TABLE AS old_calls NEW TABLE AS new_calls FOR EACH STATEMENT EXECUTE FUNCTION public.count_updated_calls();

CREATE TRIGGER erase_consent BEFORE UPDATE ON public.contact_consents FOR EACH ROW EXECUTE FUNCTION public.erase_consent();

CREATE TRIGGER hide_tags_of_deleted AFTER UPDATE OF deleted_at ON public.calls FOR EACH ROW WHEN (((old.deleted_at IS NULL) AND (new.deleted_at IS NOT NULL))) EXECUTE FUNCTION public.hide_tags_of_deleted_call();

CREATE TRIGGER hold_unique_values AFTER UPDATE OF custom_fields, deleted_at ON public.contacts FOR EACH ROW WHEN (public.has_unique_fields(new.workspace_id)) EXECUTE FUNCTION public.hold_unique_values();

CREATE TRIGGER hold_unique_values_of_new AFTER INSERT ON public.contacts FOR EACH ROW WHEN (((new.custom_fields <> '{}'::jsonb) AND public.has_unique_fields(new.workspace_id))) EXECUTE FUNCTION public.hold_unique_values();

CREATE TRIGGER hold_unique_values_of_removed AFTER DELETE ON public.contacts FOR EACH ROW WHEN (public.has_unique_fields(old.workspace_id)) EXECUTE FUNCTION public.hold_unique_values();

CREATE TRIGGER keep_call_counts AFTER UPDATE OF deleted_at ON public.contacts FOR EACH ROW WHEN (((old.deleted_at IS NULL) <> (new.deleted_at IS NULL))) EXECUTE FUNCTION public.keep_call_counts();

CREATE TRIGGER keep_call_counts_of_removed AFTER DELETE ON public.contacts FOR EACH ROW EXECUTE FUNCTION public.keep_call_counts();

CREATE TRIGGER keep_search_texts BEFORE INSERT OR UPDATE OF first_name, last_name, email, company, city, country, url, linkedin_url, linkedin_sales_url, role, external_id, custom_fields ON public.contacts FOR EACH ROW EXECUTE FUNCTION public.keep_search_texts();

CREATE TRIGGER record_allow_phone_calls AFTER UPDATE ON public.contacts FOR EACH ROW WHEN ((old.allow_phone_calls IS DISTINCT FROM new.allow_phone_calls)) EXECUTE FUNCTION public.record_allow_phone_calls();

CREATE TRIGGER record_first_allow_phone_calls AFTER INSERT ON public.contacts FOR EACH ROW WHEN ((NOT new.allow_phone_calls)) EXECUTE FUNCTION public.record_allow_phone_calls();

CREATE TRIGGER refuse_change_of_consents BEFORE DELETE OR TRUNCATE ON public.contact_consents FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change_of_consents();

CREATE TRIGGER refuse_removal AFTER DELETE ON public.calls FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_removal_of_calls();

CREATE TRIGGER remove_deleted_from_sequences AFTER UPDATE OF deleted_at ON public.contacts FOR EACH ROW WHEN (((old.deleted_at IS NULL) AND (new.deleted_at IS NOT NULL))) EXECUTE FUNCTION public.remove_deleted_contact_from_sequences();

CREATE TRIGGER sum_deleted_tags AFTER DELETE ON public.call_tags REFERENCING OLD TABLE AS moved_tags FOR EACH STATEMENT EXECUTE FUNCTION public.sum_call_tags();

CREATE TRIGGER sum_inserted_calls AFTER INSERT ON public.calls REFERENCING NEW TABLE AS new_calls FOR EACH STATEMENT EXECUTE FUNCTION public.sum_inserted_calls();

CREATE TRIGGER sum_inserted_tags AFTER INSERT ON public.call_tags REFERENCING NEW TABLE AS moved_tags FOR EACH STATEMENT EXECUTE FUNCTION public.sum_call_tags();

CREATE TRIGGER sum_updated_calls AFTER UPDATE ON public.calls REFERENCING OLD TABLE AS old_calls NEW TABLE AS new_calls FOR EACH STATEMENT EXECUTE FUNCTION public.sum_updated_calls();

ALTER TABLE ONLY public.api_key_field_names
    ADD CONSTRAINT api_key_field_names_api_key_id_fkey FOREIGN KEY (api_key_id) REFERENCES public.api_keys(id);

ALTER TABLE ONLY public.api_key_field_names
    ADD CONSTRAINT api_key_field_names_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.api_key_uses
    ADD CONSTRAINT api_key_uses_api_key_id_fkey FOREIGN KEY (api_key_id) REFERENCES public.api_keys(id);

ALTER TABLE ONLY public.api_key_workspaces
    ADD CONSTRAINT api_key_workspaces_organization_id_mode_api_key_id_fkey FOREIGN KEY (organization_id, mode, api_key_id) REFERENCES public.api_keys(organization_id, mode, id);

ALTER TABLE ONLY public.api_key_workspaces
    ADD CONSTRAINT api_key_workspaces_organization_id_mode_workspace_id_fkey FOREIGN KEY (organization_id, mode, workspace_id) REFERENCES public.workspaces(organization_id, mode, id);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_id_default_workspace_id_fkey FOREIGN KEY (id, default_workspace_id) REFERENCES public.api_key_workspaces(api_key_id, workspace_id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES public.organizations(id);

ALTER TABLE ONLY public.call_counts
    ADD CONSTRAINT call_counts_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.call_recordings
    ADD CONSTRAINT call_recordings_workspace_id_call_id_fkey FOREIGN KEY (workspace_id, call_id) REFERENCES public.calls(workspace_id, id);

ALTER TABLE ONLY public.call_recordings
    ADD CONSTRAINT call_recordings_workspace_id_source_id_fkey FOREIGN KEY (workspace_id, source_id) REFERENCES public.telephony_sources(workspace_id, id);

ALTER TABLE ONLY public.call_tags
    ADD CONSTRAINT call_tags_workspace_id_call_id_fkey FOREIGN KEY (workspace_id, call_id) REFERENCES public.calls(workspace_id, id);

ALTER TABLE ONLY public.call_tags
    ADD CONSTRAINT call_tags_workspace_id_tag_id_fkey FOREIGN KEY (workspace_id, tag_id) REFERENCES public.tags(workspace_id, id);

ALTER TABLE ONLY public.call_transcriptions
    ADD CONSTRAINT call_transcriptions_workspace_id_call_id_fkey FOREIGN KEY (workspace_id, call_id) REFERENCES public.calls(workspace_id, id);

ALTER TABLE public.calls
    ADD CONSTRAINT calls_workspace_id_managed_phone_number_id_fkey FOREIGN KEY (workspace_id, managed_phone_number_id) REFERENCES public.managed_phone_numbers(workspace_id, id);

ALTER TABLE public.calls
    ADD CONSTRAINT calls_workspace_id_organization_membership_id_fkey FOREIGN KEY (workspace_id, organization_membership_id) REFERENCES public.workspace_memberships(workspace_id, organization_membership_id);

ALTER TABLE public.calls
    ADD CONSTRAINT calls_workspace_id_sequence_id_fkey FOREIGN KEY (workspace_id, sequence_id) REFERENCES public.sequences(workspace_id, id);

ALTER TABLE public.calls
    ADD CONSTRAINT calls_workspace_id_sequence_id_sequence_run_id_fkey FOREIGN KEY (workspace_id, sequence_id, sequence_run_id) REFERENCES public.sequence_runs(workspace_id, sequence_id, id);

ALTER TABLE ONLY public.contact_consents
    ADD CONSTRAINT contact_consents_workspace_id_contact_id_fkey FOREIGN KEY (workspace_id, contact_id) REFERENCES public.contacts(workspace_id, id);

ALTER TABLE ONLY public.contact_counts
    ADD CONSTRAINT contact_counts_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.contact_import_faults
    ADD CONSTRAINT contact_import_faults_workspace_id_import_id_fkey FOREIGN KEY (workspace_id, import_id) REFERENCES public.contact_imports(workspace_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.contact_imports
    ADD CONSTRAINT contact_imports_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.contact_merges
    ADD CONSTRAINT contact_merges_workspace_id_source_id_fkey FOREIGN KEY (workspace_id, source_id) REFERENCES public.contacts(workspace_id, id);

ALTER TABLE ONLY public.contact_merges
    ADD CONSTRAINT contact_merges_workspace_id_target_id_fkey FOREIGN KEY (workspace_id, target_id) REFERENCES public.contacts(workspace_id, id);

ALTER TABLE ONLY public.contacts
    ADD CONSTRAINT contacts_merged_into_fkey FOREIGN KEY (workspace_id, merged_into_id) REFERENCES public.contacts(workspace_id, id) NOT VALID;

ALTER TABLE ONLY public.contacts
    ADD CONSTRAINT contacts_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.custom_fields
    ADD CONSTRAINT custom_fields_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.do_not_call
    ADD CONSTRAINT do_not_call_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.erased_people
    ADD CONSTRAINT erased_people_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.erasures
    ADD CONSTRAINT erasures_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.event_sweeps
    ADD CONSTRAINT event_sweeps_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.exports
    ADD CONSTRAINT exports_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.idempotent_answers
    ADD CONSTRAINT idempotent_answers_api_key_id_fkey FOREIGN KEY (api_key_id) REFERENCES public.api_keys(id);

ALTER TABLE ONLY public.import_errors
    ADD CONSTRAINT import_errors_workspace_id_import_id_fkey FOREIGN KEY (workspace_id, import_id) REFERENCES public.imports(workspace_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.imports
    ADD CONSTRAINT imports_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.managed_phone_numbers
    ADD CONSTRAINT managed_phone_numbers_workspace_id_assigned_membership_id_fkey FOREIGN KEY (workspace_id, assigned_membership_id) REFERENCES public.workspace_memberships(workspace_id, organization_membership_id);

ALTER TABLE ONLY public.managed_phone_numbers
    ADD CONSTRAINT managed_phone_numbers_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.organization_memberships
    ADD CONSTRAINT organization_memberships_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES public.organizations(id);

ALTER TABLE ONLY public.organization_memberships
    ADD CONSTRAINT organization_memberships_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);

ALTER TABLE ONLY public.sequence_contacts
    ADD CONSTRAINT sequence_contacts_workspace_id_assigned_to_workspace_membe_fkey FOREIGN KEY (workspace_id, assigned_to_workspace_membership_id) REFERENCES public.workspace_memberships(workspace_id, id);

ALTER TABLE ONLY public.sequence_contacts
    ADD CONSTRAINT sequence_contacts_workspace_id_contact_id_fkey FOREIGN KEY (workspace_id, contact_id) REFERENCES public.contacts(workspace_id, id);

ALTER TABLE ONLY public.sequence_contacts
    ADD CONSTRAINT sequence_contacts_workspace_id_sequence_id_fkey FOREIGN KEY (workspace_id, sequence_id) REFERENCES public.sequences(workspace_id, id);

ALTER TABLE ONLY public.sequence_runs
    ADD CONSTRAINT sequence_runs_workspace_id_organization_membership_id_fkey FOREIGN KEY (workspace_id, organization_membership_id) REFERENCES public.workspace_memberships(workspace_id, organization_membership_id);

ALTER TABLE ONLY public.sequence_runs
    ADD CONSTRAINT sequence_runs_workspace_id_sequence_id_fkey FOREIGN KEY (workspace_id, sequence_id) REFERENCES public.sequences(workspace_id, id);

ALTER TABLE ONLY public.sequences
    ADD CONSTRAINT sequences_workspace_id_creator_id_fkey FOREIGN KEY (workspace_id, creator_id) REFERENCES public.workspace_memberships(workspace_id, organization_membership_id);

ALTER TABLE ONLY public.sequences
    ADD CONSTRAINT sequences_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT subscriptions_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES public.organizations(id);

ALTER TABLE ONLY public.tags
    ADD CONSTRAINT tags_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.telephony_file_places
    ADD CONSTRAINT telephony_file_places_workspace_id_source_id_fkey FOREIGN KEY (workspace_id, source_id) REFERENCES public.telephony_sources(workspace_id, id);

ALTER TABLE ONLY public.telephony_file_readers
    ADD CONSTRAINT telephony_file_readers_workspace_id_source_id_fkey FOREIGN KEY (workspace_id, source_id) REFERENCES public.telephony_sources(workspace_id, id);

ALTER TABLE ONLY public.telephony_identities
    ADD CONSTRAINT telephony_identities_workspace_id_organization_membership__fkey FOREIGN KEY (workspace_id, organization_membership_id) REFERENCES public.workspace_memberships(workspace_id, organization_membership_id);

ALTER TABLE ONLY public.telephony_identities
    ADD CONSTRAINT telephony_identities_workspace_id_source_id_fkey FOREIGN KEY (workspace_id, source_id) REFERENCES public.telephony_sources(workspace_id, id);

ALTER TABLE ONLY public.telephony_reports
    ADD CONSTRAINT telephony_reports_workspace_id_source_id_fkey FOREIGN KEY (workspace_id, source_id) REFERENCES public.telephony_sources(workspace_id, id);

ALTER TABLE ONLY public.telephony_sources
    ADD CONSTRAINT telephony_sources_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.workspace_memberships
    ADD CONSTRAINT workspace_memberships_organization_id_organization_members_fkey FOREIGN KEY (organization_id, organization_membership_id) REFERENCES public.organization_memberships(organization_id, id);

ALTER TABLE ONLY public.workspace_memberships
    ADD CONSTRAINT workspace_memberships_organization_id_workspace_id_fkey FOREIGN KEY (organization_id, workspace_id) REFERENCES public.workspaces(organization_id, id);

ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES public.organizations(id);
