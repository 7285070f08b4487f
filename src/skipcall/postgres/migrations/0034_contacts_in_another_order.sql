-- Columns of one width first, and what is mostly NULL last of them (docs/decisions/0023): where a column stands is then known without
-- reading those before it. PostgreSQL cannot move a column, so the table is made again, with all that the catalog says belongs to it.
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
        FROM pg_index WHERE indrelid = 'contacts'::regclass AND NOT indisprimary
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
        search_text, search_keys, custom_fields, phone_numbers, last_modification_source, first_name, last_name, email, company, city, country,
        url, linkedin_url, linkedin_sales_url, role, external_id
    FROM contacts_before;
    FOREACH said IN ARRAY statements LOOP
        EXECUTE said;
    END LOOP;
END $$;
ANALYZE contacts;
