-- Custom fields with a type, required ones and unique ones. Values stay text.

ALTER TABLE custom_fields ADD COLUMN type text NOT NULL DEFAULT 'text'; -- never changes
ALTER TABLE custom_fields ADD COLUMN options jsonb NOT NULL DEFAULT '[]'; -- of a select, in order: key, label, isArchived
ALTER TABLE custom_fields ADD COLUMN is_required boolean NOT NULL DEFAULT false;
ALTER TABLE custom_fields ADD COLUMN is_unique boolean NOT NULL DEFAULT false;
-- NOT VALID: every field there is has the default.
ALTER TABLE custom_fields ADD CONSTRAINT custom_fields_type_check
    CHECK (type IN ('text', 'number', 'date', 'select', 'url', 'boolean')) NOT VALID;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX custom_fields_required ON custom_fields (workspace_id) WHERE is_required AND archived_at IS NULL;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX custom_fields_unique ON custom_fields (workspace_id) WHERE is_unique;

-- The form in which a value of a field is stored, or null if it is none. `custom_fields.model` says the same in Python, for
-- files and explanations; a test compares the two.
CREATE FUNCTION read_custom_value(field_type text, options jsonb, value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
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
END $$;

-- Who holds which value of a unique field; kept by the trigger below, whatever writes contacts. Deleted contacts hold nothing.
CREATE TABLE custom_unique_values (
    workspace_id uuid NOT NULL,
    slug text NOT NULL,
    value_sha256 bytea NOT NULL, -- a value may be longer than what an index takes
    contact_id uuid NOT NULL,
    PRIMARY KEY (workspace_id, slug, value_sha256)
);

CREATE FUNCTION hold_unique_values(workspace uuid, contact uuid, before jsonb, after jsonb) RETURNS void
LANGUAGE plpgsql AS $$
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

CREATE FUNCTION hold_unique_values() RETURNS trigger LANGUAGE plpgsql AS $$
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

-- The lock holds back whoever makes a field unique until every value that is being written can be seen, and the other way
-- round: what is written after it sees the field as unique. Asked in WHEN, where a no costs less than in the trigger.
CREATE FUNCTION has_unique_fields(workspace uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    -- Assigned as text, since PERFORM is dearer.
    locked text := pg_advisory_xact_lock_shared(uuid_hash_extended(workspace, 11))::text;
BEGIN
    RETURN EXISTS (SELECT FROM custom_fields WHERE workspace_id = workspace AND is_unique);
END $$;
CREATE TRIGGER hold_unique_values_of_new AFTER INSERT ON contacts
    FOR EACH ROW WHEN (NEW.custom_fields <> '{}' AND has_unique_fields(NEW.workspace_id))
    EXECUTE FUNCTION hold_unique_values();
CREATE TRIGGER hold_unique_values AFTER UPDATE OF custom_fields, deleted_at ON contacts
    FOR EACH ROW WHEN (has_unique_fields(NEW.workspace_id)) EXECUTE FUNCTION hold_unique_values();
CREATE TRIGGER hold_unique_values_of_removed AFTER DELETE ON contacts
    FOR EACH ROW WHEN (has_unique_fields(OLD.workspace_id)) EXECUTE FUNCTION hold_unique_values();

-- When a key last sent the deprecated name of a field.
ALTER TABLE api_key_uses ADD COLUMN custom_field_name_used_at timestamptz(3);
