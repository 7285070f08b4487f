-- Who pays, who works, where, and with which keys.

CREATE TABLE organizations (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT now()
);

CREATE TABLE subscriptions (
    organization_id uuid PRIMARY KEY REFERENCES organizations,
    plan text CHECK (plan IN ('FREE', 'STARTER', 'INTERMÉDIAIRE', 'EXPERT')),
    requests_per_minute integer CHECK (requests_per_minute > 0), -- agreed beside the plan; null = the plan's own
    status text NOT NULL CHECK (status IN ('ACTIVE', 'TRIALING', 'PAST_DUE', 'CANCELED', 'NONE')),
    ends_at timestamptz(3)
);

CREATE TABLE workspaces (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    mode text NOT NULL CHECK (mode IN ('LIVE', 'TEST')),
    name text NOT NULL,
    default_country text NOT NULL CHECK (default_country ~ '^[A-Z]{2}$'),
    timezone text NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    UNIQUE (organization_id, mode, id), -- what a key's scope refers to: a test key cannot name a live workspace
    UNIQUE (organization_id, id)
);

CREATE TABLE users (
    id uuid PRIMARY KEY,
    email text NOT NULL,
    first_name text NOT NULL,
    last_name text NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX users_email ON users (lower(email));

CREATE TABLE organization_memberships (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    user_id uuid NOT NULL REFERENCES users,
    role text NOT NULL CHECK (role IN ('OWNER', 'ADMIN', 'MEMBER')),
    status text NOT NULL CHECK (status IN ('ACTIVE', 'INVITED', 'SUSPENDED')),
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, user_id)
);

CREATE TABLE workspace_memberships (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    organization_membership_id uuid NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, organization_membership_id),
    FOREIGN KEY (organization_id, workspace_id) REFERENCES workspaces (organization_id, id),
    FOREIGN KEY (organization_id, organization_membership_id) REFERENCES organization_memberships
);
CREATE INDEX workspace_memberships_of_member
    ON workspace_memberships (organization_id, organization_membership_id);

CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    mode text NOT NULL CHECK (mode IN ('LIVE', 'TEST')),
    name text NOT NULL,
    public_part text NOT NULL UNIQUE, -- the eight characters after sk_live_ or sk_test_
    digest bytea NOT NULL CHECK (length(digest) = 32), -- HMAC-SHA256 of the whole key
    scopes text[] NOT NULL,
    default_workspace_id uuid NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    expires_at timestamptz(3),
    revoked_at timestamptz(3),
    UNIQUE (organization_id, mode, id)
);

CREATE TABLE api_key_workspaces (
    api_key_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    mode text NOT NULL,
    PRIMARY KEY (api_key_id, workspace_id),
    FOREIGN KEY (organization_id, mode, api_key_id) REFERENCES api_keys (organization_id, mode, id),
    FOREIGN KEY (organization_id, mode, workspace_id) REFERENCES workspaces (organization_id, mode, id)
);
ALTER TABLE api_keys ADD FOREIGN KEY (id, default_workspace_id)
    REFERENCES api_key_workspaces (api_key_id, workspace_id) DEFERRABLE INITIALLY DEFERRED;

-- Written off the request path, once in a while; apart from api_keys so that it announces nothing.
CREATE TABLE api_key_uses (
    api_key_id uuid PRIMARY KEY REFERENCES api_keys,
    last_used_at timestamptz(3),
    custom_field_names_used bigint NOT NULL DEFAULT 0 -- how often the deprecated name of a field was sent
);

-- Server processes keep what a key opens in memory. They read this number twice a second and forget
-- everything when it has moved; it moves in the transaction that changes what a key opens.
CREATE TABLE access_changes (
    id boolean PRIMARY KEY DEFAULT true CHECK (id),
    number bigint NOT NULL
);
INSERT INTO access_changes (number) VALUES (0);

CREATE FUNCTION announce_access_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE access_changes SET number = number + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER announce_access_change AFTER INSERT OR UPDATE OR DELETE ON api_keys
    FOR EACH STATEMENT EXECUTE FUNCTION announce_access_change();
CREATE TRIGGER announce_access_change AFTER INSERT OR UPDATE OR DELETE ON api_key_workspaces
    FOR EACH STATEMENT EXECUTE FUNCTION announce_access_change();
CREATE TRIGGER announce_access_change AFTER INSERT OR UPDATE OR DELETE ON subscriptions
    FOR EACH STATEMENT EXECUTE FUNCTION announce_access_change();

-- Which secret the API keys were made under, so that a lost or wrong one is noticed before every key is refused.

CREATE TABLE api_key_secret (
    id boolean PRIMARY KEY DEFAULT true CHECK (id),
    digest bytea NOT NULL CHECK (length(digest) = 32) -- HMAC-SHA256 of a fixed text under the secret
);
