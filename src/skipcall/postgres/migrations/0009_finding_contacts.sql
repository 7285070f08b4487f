-- What lookup and search find contacts by: all texts of a contact, folded, in one generated column, and three indexes
-- (docs/decisions/0011). On a million contacts this file takes a minute or two, in which contacts are not written.

-- Extensions that a database's owner may create. `unaccent` takes accents off, `pg_trgm` finds parts of texts, `btree_gin` lets
-- an index of these begin with the workspace.
CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;

-- Letter case and accents do not matter to a search. Functions are written as expressions, so that names in them are looked up
-- now: indexes are also built where no schema is searched.
CREATE FUNCTION fold(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN lower(unaccent('unaccent'::regdictionary, value));

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
    E'\x1f' || first_name || E'\x1f' || last_name || E'\x1f' || coalesce(email, '') || E'\x1f' || coalesce(company, '')
    || E'\x1f\x1e\x1f' || coalesce(city, '') || E'\x1f' || coalesce(country, '') || E'\x1f' || coalesce(url, '')
    || E'\x1f' || coalesce(linkedin_url, '') || E'\x1f' || coalesce(linkedin_sales_url, '') || E'\x1f' || coalesce(role, '')
    || E'\x1f' || coalesce(external_id, '') || E'\x1f' || coalesce(linkedin_key(linkedin_url), '') || E'\x1f'
) || replace(
    fold(regexp_replace(btrim(custom_fields::text, '{}'), '", "(?=[a-z0-9_]+": ")', E'"\x1f"', 'g')), '\', ''
) || E'\x1f';
-- The table is written anew for it: some ten seconds for a million contacts.
-- squawk-ignore adding-field-with-default
ALTER TABLE contacts ADD COLUMN search_text text GENERATED ALWAYS AS (contact_text(
    first_name, last_name, email, company, city, country, url, linkedin_url, linkedin_sales_url, role, external_id, custom_fields
)) STORED;

-- Hashes of workspace and text together, as phone_keys: one for each text of a contact.
CREATE FUNCTION text_key(workspace uuid, value text) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN hashtextextended(value, uuid_hash_extended(workspace, 0));
CREATE FUNCTION text_keys(workspace uuid, search_text text) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    keys bigint[] := '{}';
    seed bigint := uuid_hash_extended(workspace, 0);
    value text;
BEGIN
    FOREACH value IN ARRAY string_to_array(search_text, E'\x1f') LOOP
        IF value <> '' THEN
            keys := keys || hashtextextended(value, seed);
        END IF;
    END LOOP;
    RETURN keys;
END $$;

-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_by_value ON contacts USING gin (text_keys(workspace_id, search_text))
    WITH (fastupdate = off) WHERE deleted_at IS NULL;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_by_text ON contacts USING gin (workspace_id, search_text gin_trgm_ops) WHERE deleted_at IS NULL;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_by_creation ON contacts (workspace_id, created_at, id) WHERE deleted_at IS NULL;
