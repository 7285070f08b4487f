-- Erasing a person: what remains of the rows, what was done, and by what the person is refused from then on.

ALTER TABLE contacts ADD COLUMN erasure_id uuid; -- of a contact that holds no values any more
ALTER TABLE calls ADD COLUMN erased_at timestamptz(3); -- from then on without anything that tells whose call it was

CREATE TABLE erasures (
    workspace_id uuid NOT NULL REFERENCES workspaces,
    id uuid NOT NULL,
    contact_ids uuid[] NOT NULL, -- the contact, and all that were merged into it
    status text NOT NULL CHECK (status IN ('RUNNING', 'COMPLETED')),
    receipt jsonb NOT NULL, -- store -> how many rows or objects
    consents_sha256 bytea, -- of what remains of the ledgers
    object_keys text[] NOT NULL, -- what is still to be removed from the storage
    api_key_id uuid,
    request_id text,
    next_attempt_at timestamptz(3) DEFAULT now(), -- of one that somebody is at, the end of the lease; null: nothing is left to do
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    completed_at timestamptz(3),
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX erasures_to_finish ON erasures (next_attempt_at) WHERE next_attempt_at IS NOT NULL;

CREATE TABLE erased_people (
    workspace_id uuid NOT NULL REFERENCES workspaces,
    key_hash bytea NOT NULL CHECK (length(key_hash) = 32), -- see contacts/erased.py
    PRIMARY KEY (workspace_id, key_hash)
);

-- Who was merged into a contact, and which deleted calls it had.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_merged ON contacts (workspace_id, merged_into_id) WHERE merged_into_id IS NOT NULL;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX calls_deleted ON calls (workspace_id, contact_id, phone_number) WHERE deleted_at IS NOT NULL;

-- An entry of the ledger loses its words and keeps its hash, on which the next one was built. `erased_hash` is over that and what
-- remains.
ALTER TABLE contact_consents ADD COLUMN erased_hash bytea;
CREATE FUNCTION erased_consent_hash(c contact_consents) RETURNS bytea
LANGUAGE sql STABLE AS $$
    SELECT sha256(c.hash || convert_to(consent_content(c), 'UTF8'))
$$;

-- The only change that there is: whatever an UPDATE asks for, this is what it does.
CREATE FUNCTION erase_consent() RETURNS trigger
LANGUAGE plpgsql AS $$
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
DROP TRIGGER refuse_change_of_consents ON contact_consents;
CREATE TRIGGER refuse_change_of_consents BEFORE DELETE OR TRUNCATE ON contact_consents
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_consents();
CREATE TRIGGER erase_consent BEFORE UPDATE ON contact_consents FOR EACH ROW EXECUTE FUNCTION erase_consent();

-- Who comes as somebody not to be called has an entry from the beginning.
CREATE TRIGGER record_first_allow_phone_calls AFTER INSERT ON contacts FOR EACH ROW
    WHEN (NOT NEW.allow_phone_calls) EXECUTE FUNCTION record_allow_phone_calls();
