-- Contacts, their custom fields, what happened to them, and answers kept for retries.

CREATE TABLE custom_fields (
    workspace_id uuid NOT NULL REFERENCES workspaces,
    id uuid NOT NULL,
    slug text NOT NULL CHECK (slug ~ '^[a-z0-9_]+$'),
    name text NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    archived_at timestamptz(3), -- set by DELETE; the slug stays taken, so old values cannot come back under it
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, slug)
);
CREATE UNIQUE INDEX custom_fields_name ON custom_fields (workspace_id, name) WHERE archived_at IS NULL;

CREATE TABLE contacts (
    workspace_id uuid NOT NULL REFERENCES workspaces,
    id uuid NOT NULL, -- version 7: the primary key is also the order of creation that lists page by
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
    allow_phone_calls boolean NOT NULL,
    call_count integer NOT NULL DEFAULT 0,
    last_call_at timestamptz(3),
    phone_numbers text[] NOT NULL,
    custom_fields jsonb NOT NULL, -- slug -> text
    version bigint NOT NULL DEFAULT 1, -- of what a person or program wrote; calls do not move it
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(), -- never indexed: that would end HOT updates
    last_modification_source text NOT NULL CHECK (last_modification_source IN ('SKIPCALL', 'API')),
    deleted_at timestamptz(3),
    PRIMARY KEY (workspace_id, id)
) WITH (fillfactor = 85);
-- A call finds its contact by any of the contact's numbers. The keys are hashes of workspace and number together: a second
-- column in the index would make every search walk through all contacts of the workspace.
CREATE FUNCTION phone_keys(workspace uuid, numbers text[]) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    keys bigint[] := '{}';
    number text;
BEGIN
    FOREACH number IN ARRAY numbers LOOP
        keys := keys || hashtextextended(number, uuid_hash_extended(workspace, 0));
    END LOOP;
    RETURN keys;
END $$;
CREATE INDEX contacts_by_phone_number ON contacts USING gin (phone_keys(workspace_id, phone_numbers))
    WITH (fastupdate = off); -- every call would read through the list of pending entries

-- How many contacts a workspace has, in the transaction that changes it. Several rows a workspace, chosen by
-- backend, so that writers do not queue for one.
CREATE TABLE contact_counts (
    workspace_id uuid NOT NULL REFERENCES workspaces,
    slot smallint NOT NULL,
    count bigint NOT NULL,
    called bigint NOT NULL DEFAULT 0, -- those of them with at least one call
    PRIMARY KEY (workspace_id, slot)
) WITH (fillfactor = 50);

-- What happened, written in the transaction that did it. `transaction_id` lets a reader tell which rows can
-- still appear before the newest one it sees: ids are drawn before commit.
CREATE TABLE events (
    workspace_id uuid NOT NULL, -- no foreign key: every write would lock its workspace's row to check it
    id bigint GENERATED ALWAYS AS IDENTITY,
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    type text NOT NULL,
    object_id uuid NOT NULL,
    object_version bigint NOT NULL,
    occurred_at timestamptz(3) NOT NULL DEFAULT now(),
    source text NOT NULL CHECK (source IN ('SKIPCALL', 'API')),
    api_key_id uuid,
    request_id text,
    changes jsonb, -- property -> [old, new]; null where the whole object came or went
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX events_by_time ON events (workspace_id, occurred_at, object_id);

-- The first answer to a request that carried an Idempotency-Key, kept for 24 hours.
CREATE TABLE idempotent_answers (
    api_key_id uuid NOT NULL REFERENCES api_keys,
    idempotency_key text NOT NULL,
    fingerprint bytea NOT NULL, -- SHA-256 of method, path, query and body
    status smallint NOT NULL,
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    PRIMARY KEY (api_key_id, idempotency_key)
);
CREATE INDEX idempotent_answers_by_time ON idempotent_answers (created_at);

-- How far the import of a file has come; moved in the transaction of each batch.
CREATE TABLE contact_imports (
    workspace_id uuid NOT NULL REFERENCES workspaces,
    id uuid NOT NULL,
    file_sha256 bytea NOT NULL,
    rows_read bigint NOT NULL DEFAULT 0,
    created_count bigint NOT NULL DEFAULT 0,
    refused_count bigint NOT NULL DEFAULT 0,
    started_at timestamptz(3) NOT NULL DEFAULT now(),
    completed_at timestamptz(3),
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, file_sha256)
);
