-- What lookup and search find contacts by: all texts of a contact, folded, in one generated column, their hashes in another, and three indexes
-- (docs/decisions/0011). On a million contacts this file takes a minute or two, in which contacts are not written.

-- Extensions that a database's owner may create. `unaccent` takes accents off, `pg_trgm` finds parts of texts, `btree_gin` lets
-- an index of these begin with the workspace.
CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;

-- Letter case and accents do not matter to a search. The schema of the extension is named, since indexes are also built where no
-- schema is searched; PL/pgSQL calls it in a third of the time that SQL takes.
DO $$
DECLARE
    place text := (SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'unaccent');
BEGIN
    EXECUTE format(
        'CREATE FUNCTION fold(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS '
        '$fold$ BEGIN RETURN lower(%s.unaccent(%L, value)); END $fold$', place, place || '.unaccent'
    );
END $$;

-- A LinkedIn address without what does not matter: scheme, www or country, trailing slash, query, letter case.
CREATE FUNCTION linkedin_key(url text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN lower(regexp_replace(
    regexp_replace(url, '/*([?#].*)?$', ''), '^(https?://)?([a-z]{1,3}\.)?linkedin\.com/', 'linkedin.com/', 'i'
));

-- Every text of a contact, folded, each between two unit separators (no value holds a control character): names, e-mail and
-- company, which free text is looked for in, up to a record separator; then the others; then each custom value
-- as it stands in JSON, after its slug, but without the backslashes that JSON puts before quotation marks.
CREATE FUNCTION contact_text(
    first_name text, last_name text, email text, company text, city text, country text, url text, linkedin_url text,
    linkedin_sales_url text, role text, external_id text, custom_fields jsonb
) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN fold(
    chr(31) || first_name || chr(31) || last_name || chr(31) || coalesce(email, '') || chr(31) || coalesce(company, '')
    || chr(31) || chr(30) || chr(31) || coalesce(city, '') || chr(31) || coalesce(country, '') || chr(31) || coalesce(url, '')
    || chr(31) || coalesce(linkedin_url, '') || chr(31) || coalesce(linkedin_sales_url, '') || chr(31) || coalesce(role, '')
    || chr(31) || coalesce(external_id, '') || chr(31) || coalesce(linkedin_key(linkedin_url), '') || chr(31)
) || replace(
    fold(regexp_replace(btrim(custom_fields::text, '{}'), '", "(?=[a-z0-9_]+": ")', '"' || chr(31) || '"', 'g')), '\', ''
) || chr(31);
-- Hashes of workspace and text together, as phone_keys: one for each text of a contact. Half a hash is enough, since what it finds
-- is compared.
CREATE FUNCTION text_key(workspace uuid, value text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (hashtextextended(value, uuid_hash_extended(workspace, 0)) >> 32)::integer;
CREATE FUNCTION text_keys(workspace uuid, search_text text) RETURNS integer[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    keys integer[] := '{}';
    seed bigint := uuid_hash_extended(workspace, 0);
    value text;
BEGIN
    FOREACH value IN ARRAY string_to_array(search_text, chr(31)) LOOP
        IF value <> '' THEN
            keys := keys || (hashtextextended(value, seed) >> 32)::integer;
        END IF;
    END LOOP;
    RETURN keys;
END $$;

-- The table is written anew for these: some twenty seconds for a million contacts. Both are columns and not only in indexes, since
-- the planner then has statistics of them, and a condition on them is cheap in any plan.
ALTER TABLE contacts
-- squawk-ignore adding-field-with-default
ADD COLUMN search_text text GENERATED ALWAYS AS (contact_text(
    first_name, last_name, email, company, city, country, url, linkedin_url, linkedin_sales_url, role, external_id, custom_fields
)) STORED,
-- squawk-ignore adding-field-with-default
ADD COLUMN search_keys integer [] GENERATED ALWAYS AS (text_keys(workspace_id, contact_text(
    first_name, last_name, email, company, city, country, url, linkedin_url, linkedin_sales_url, role, external_id, custom_fields
))) STORED;

-- A write puts its hundred entries on a list, and the worker moves the list into the index every second; without a worker the
-- writer does who fills it (8 MB: some three thousand contacts).
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_by_value ON contacts USING gin (search_keys)
    WITH (gin_pending_list_limit = 8192) WHERE deleted_at IS NULL;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_by_text ON contacts USING gin (workspace_id, search_text gin_trgm_ops)
    WITH (gin_pending_list_limit = 8192) WHERE deleted_at IS NULL;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_by_creation ON contacts (workspace_id, created_at, id) WHERE deleted_at IS NULL;
