-- Columns of one width first, and what is mostly NULL last of them (docs/decisions/0023): where a column stands is then known without
-- reading those before it. PostgreSQL cannot move a column, so the table is made again, with all that the catalog says belongs to it.
-- And texts of custom fields stand in `search_text` as they are, behind a mark of their own, so that what a search asks of them exactly is asked there.

CREATE OR REPLACE FUNCTION keep_search_texts() RETURNS trigger
LANGUAGE plpgsql AS $$
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

CREATE OR REPLACE FUNCTION text_keys(workspace uuid, search_text text) RETURNS integer[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
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

DO $$
DECLARE
    said text;
    referring record;
    statements text[];
BEGIN
    LOCK TABLE contacts IN ACCESS EXCLUSIVE MODE;
    SELECT array_agg(statement ORDER BY step, name) INTO statements FROM (
        SELECT CASE contype WHEN 'f' THEN 3 ELSE 1 END AS step, conname AS name,
            format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS statement
        FROM pg_constraint WHERE 'contacts'::regclass IN (conrelid, confrelid) AND contype IN ('c', 'p', 'f')
        UNION ALL
        SELECT 2, indexrelid::regclass::name, pg_get_indexdef(indexrelid)
        FROM pg_index WHERE indrelid = 'contacts'::regclass AND NOT indisprimary AND indexrelid <> 'contacts_by_text'::regclass
        UNION ALL
        SELECT 4, stxname, pg_get_statisticsobjdef(oid) FROM pg_statistic_ext WHERE stxrelid = 'contacts'::regclass
        UNION ALL
        SELECT 5, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'contacts'::regclass AND NOT tgisinternal
        UNION ALL
        SELECT 6, privilege_type, format('GRANT %s ON contacts TO %s', privilege_type, coalesce(nullif(grantee, 0)::regrole::text, 'PUBLIC'))
        FROM pg_class, aclexplode(relacl) WHERE oid = 'contacts'::regclass AND grantee <> relowner
    ) AS belongs;

    SET LOCAL synchronize_seqscans = off;  -- contacts stay in the order in which they came
    CREATE TEMPORARY TABLE contacts_before ON COMMIT DROP AS SELECT * FROM contacts;
    FOR referring IN SELECT conrelid::regclass AS other, conname FROM pg_constraint WHERE confrelid = 'contacts'::regclass LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', referring.other, referring.conname);
    END LOOP;
    DROP TABLE contacts;  -- refused where a view of the operator's reads it, which only they can make again
    CREATE TABLE contacts (
        workspace_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz(3) NOT NULL DEFAULT now(),
        updated_at timestamptz(3) NOT NULL DEFAULT now(),
        version bigint NOT NULL DEFAULT 1,
        call_count integer NOT NULL DEFAULT 0,
        allow_phone_calls boolean NOT NULL,
        deleted_at timestamptz(3),
        last_call_at timestamptz(3),
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
        external_id text
    ) WITH (fillfactor = 85);
    INSERT INTO contacts (
        workspace_id, id, created_at, updated_at, version, call_count, allow_phone_calls, deleted_at, last_call_at, merged_into_id, erasure_id,
        search_text, search_keys, custom_fields, phone_numbers, last_modification_source, first_name, last_name, email, company, city, country,
        url, linkedin_url, linkedin_sales_url, role, external_id
    ) SELECT
        workspace_id, id, created_at, updated_at, version, call_count, allow_phone_calls, deleted_at, last_call_at, merged_into_id, erasure_id,
        regexp_replace(search_text, '^((?:[^\x1f]*\x1f){14})', E'\\1\x1e\x1f'), array_remove(search_keys, text_key(workspace_id, chr(30))),
        custom_fields, phone_numbers, last_modification_source, first_name, last_name, email, company, city, country,
        url, linkedin_url, linkedin_sales_url, role, external_id
    FROM contacts_before;
    FOREACH said IN ARRAY statements LOOP
        EXECUTE said;
    END LOOP;
END $$;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_by_text ON contacts USING gin (
    workspace_id,
    split_part(search_text, chr(30), 1) gin_trgm_ops,
    (chr(31) || 'q' || nullif(split_part(search_text, chr(31), 7), '') || 'q' || chr(31)) gin_trgm_ops,
    (chr(31) || 'q' || nullif(split_part(search_text, chr(31), 8), '') || 'q' || chr(31)) gin_trgm_ops,
    (chr(31) || 'q' || nullif(split_part(search_text, chr(31), 9), '') || 'q' || chr(31)) gin_trgm_ops,
    (chr(31) || 'q' || nullif(split_part(search_text, chr(31), 10), '') || 'q' || chr(31)) gin_trgm_ops,
    (chr(31) || 'q' || nullif(split_part(search_text, chr(31), 11), '') || 'q' || chr(31)) gin_trgm_ops,
    (chr(31) || 'q' || nullif(split_part(search_text, chr(31), 12), '') || 'q' || chr(31)) gin_trgm_ops,
    (chr(31) || 'q' || nullif(split_part(search_text, chr(31), 13), '') || 'q' || chr(31)) gin_trgm_ops,
    replace(replace(split_part(search_text, chr(30), 3), '": "', 'q'), '"' || chr(31), 'q"' || chr(31)) gin_trgm_ops
) WITH (gin_pending_list_limit = 8192);
UPDATE contacts SET first_name = first_name WHERE strpos(custom_fields::text, '\\') > 0;  -- where backslashes were left out
ANALYZE contacts;
