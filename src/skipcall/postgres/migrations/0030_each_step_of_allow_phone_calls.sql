-- Who writes several versions at once enters each change of allow_phone_calls with its own version, in the same statement: then there is
-- nothing left to enter for them together.

CREATE OR REPLACE FUNCTION record_allow_phone_calls() RETURNS trigger LANGUAGE plpgsql AS $$
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
