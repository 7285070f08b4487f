-- Numbers that are not to be called, and what people said about being called.

-- A number outlives the contacts that have it. It is looked for by its keyed hash alone, so that an erasure can take the
-- number itself away and the refusal stays.
CREATE TABLE do_not_call (
    workspace_id uuid NOT NULL REFERENCES workspaces,
    id uuid NOT NULL,
    phone_number text, -- null once it was erased
    number_hash bytea NOT NULL CHECK (length(number_hash) = 32),
    reason text NOT NULL CHECK (reason IN ('OPPOSITION', 'REGULATORY', 'INVALID', 'MANUAL')),
    source text,
    evidence jsonb NOT NULL DEFAULT '{}',
    created_by uuid, -- API key
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    expires_at timestamptz(3),
    lifted_at timestamptz(3),
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX do_not_call_by_number ON do_not_call (workspace_id, number_hash) WHERE lifted_at IS NULL;

-- What a contact said about being called: a chain for each, to which entries are only added.
CREATE TABLE contact_consents (
    workspace_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    position bigint NOT NULL, -- from 1, without a gap
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    status text NOT NULL CHECK (status IN ('given', 'refused', 'withdrawn', 'objected', 'asserted')),
    legal_basis text CHECK (legal_basis IN ('consent', 'current_contract', 'b2b_legitimate_interest')),
    purpose text,
    obtained_at timestamptz(3) NOT NULL,
    source text NOT NULL,
    wording text,
    wording_sha256 bytea, -- of the UTF-8 bytes
    evidence jsonb NOT NULL DEFAULT '{}',
    object_version bigint NOT NULL, -- of the contact: its event tells the key and the request, if it was changed with this
    api_key_id uuid,
    recorded_at timestamptz(3) NOT NULL,
    previous_hash bytea, -- null for the first
    hash bytea NOT NULL,
    PRIMARY KEY (workspace_id, contact_id, position),
    FOREIGN KEY (workspace_id, contact_id) REFERENCES contacts
);

-- The canonical JSON of an entry: that of jsonb, keys by length and then by bytes, whatever the settings of a session are.
CREATE FUNCTION consent_content(c contact_consents) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'workspaceId', c.workspace_id, 'contactId', c.contact_id, 'position', c.position, 'id', c.id, 'status', c.status,
        'legalBasis', c.legal_basis, 'purpose', c.purpose, 'source', c.source, 'wording', c.wording,
        'wordingSha256', encode(c.wording_sha256, 'hex'), 'evidence', c.evidence, 'contactVersion', c.object_version,
        'apiKeyId', c.api_key_id,
        'obtainedAt', to_char(c.obtained_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'recordedAt', to_char(c.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))::text
$$;
CREATE FUNCTION consent_hash(c contact_consents) RETURNS bytea
LANGUAGE sql STABLE AS $$
    SELECT sha256(coalesce(c.previous_hash, '') || convert_to(consent_content(c), 'UTF8'))
$$;

-- Who adds an entry holds the row of the contact. One who does not finds the position taken, so no chain ever forks.
CREATE FUNCTION chain_consent() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    SELECT position + 1, hash INTO NEW.position, NEW.previous_hash FROM contact_consents
    WHERE workspace_id = NEW.workspace_id AND contact_id = NEW.contact_id ORDER BY position DESC LIMIT 1;
    NEW.position := coalesce(NEW.position, 1);
    NEW.recorded_at := clock_timestamp();
    NEW.wording_sha256 := sha256(convert_to(NEW.wording, 'UTF8'));
    NEW.hash := consent_hash(NEW);
    RETURN NEW;
END $$;
CREATE TRIGGER chain_consent BEFORE INSERT ON contact_consents FOR EACH ROW EXECUTE FUNCTION chain_consent();

CREATE FUNCTION refuse_change_of_consents() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was recorded of consent is never changed or removed: add another entry';
END $$;
CREATE TRIGGER refuse_change_of_consents BEFORE UPDATE OR DELETE OR TRUNCATE ON contact_consents
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_consents();

-- Whoever changes the property leaves an entry, unless it came with one.
CREATE FUNCTION record_allow_phone_calls() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO contact_consents (workspace_id, contact_id, status, obtained_at, source, object_version)
    SELECT NEW.workspace_id, NEW.id, CASE WHEN NEW.allow_phone_calls THEN 'asserted' ELSE 'objected' END,
        NEW.updated_at, NEW.last_modification_source, NEW.version
    WHERE NOT EXISTS (
        SELECT FROM contact_consents
        WHERE workspace_id = NEW.workspace_id AND contact_id = NEW.id AND object_version = NEW.version
    );
    RETURN NULL;
END $$;
CREATE TRIGGER record_allow_phone_calls AFTER UPDATE ON contacts FOR EACH ROW
    WHEN (OLD.allow_phone_calls IS DISTINCT FROM NEW.allow_phone_calls) EXECUTE FUNCTION record_allow_phone_calls();

-- Which rules a workspace calls by: a name in callability/rules.toml.
ALTER TABLE workspaces ADD COLUMN call_rules text NOT NULL DEFAULT 'NONE';
ALTER TABLE workspaces ADD CONSTRAINT workspaces_call_rules_check
    CHECK (call_rules IN ('NONE', 'FR_CONSUMER', 'FR_B2B')) NOT VALID;
