-- The texts that searches read are kept by a trigger instead of two generated columns (docs/decisions/0011). Expressions of generated columns
-- are planned anew by each statement that writes, with every SQL function in them; that took longer than all the rest of a PATCH.

-- PL/pgSQL, since a session plans its expressions once.
CREATE OR REPLACE FUNCTION linkedin_key(url text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN lower(regexp_replace(
        regexp_replace(url, '/*([?#].*)?$', ''), '^(https?://)?([a-z]{1,3}\.)?linkedin\.com/', 'linkedin.com/', 'i'
    ));
END $$;

-- Only these lose their expressions: the table is not written anew.
-- squawk-ignore ban-drop-generated-expression
ALTER TABLE contacts ALTER COLUMN search_text DROP EXPRESSION, ALTER COLUMN search_keys DROP EXPRESSION;

-- What contact_text of migration 0009 said: every text of a contact, folded, each between two unit separators (no value holds a control
-- character): names, e-mail and company, which free text is looked for in, up to a record separator; then the others; then each
-- custom value as it stands in JSON, after its slug, but without the backslashes that JSON puts before quotation marks.
CREATE FUNCTION keep_search_texts() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    separator constant text := chr(31);
BEGIN
    NEW.search_text := fold(
        separator || NEW.first_name || separator || NEW.last_name || separator || coalesce(NEW.email, '') || separator
        || coalesce(NEW.company, '') || separator || chr(30) || separator || coalesce(NEW.city, '') || separator
        || coalesce(NEW.country, '') || separator || coalesce(NEW.url, '') || separator || coalesce(NEW.linkedin_url, '') || separator
        || coalesce(NEW.linkedin_sales_url, '') || separator || coalesce(NEW.role, '') || separator
        || coalesce(NEW.external_id, '') || separator || coalesce(linkedin_key(NEW.linkedin_url), '') || separator
    ) || replace(
        fold(regexp_replace(btrim(NEW.custom_fields::text, '{}'), '", "(?=[a-z0-9_]+": )', '"' || separator || '"', 'g')), '\', ''
    ) || separator;
    NEW.search_keys := text_keys(NEW.workspace_id, NEW.search_text);
    RETURN NEW;
END $$;
CREATE TRIGGER keep_search_texts BEFORE INSERT OR UPDATE OF
    first_name, last_name, email, company, city, country, url, linkedin_url, linkedin_sales_url, role, external_id, custom_fields
ON contacts FOR EACH ROW EXECUTE FUNCTION keep_search_texts();
-- squawk-ignore ban-drop-function
DROP FUNCTION contact_text(text, text, text, text, text, text, text, text, text, text, text, jsonb);
