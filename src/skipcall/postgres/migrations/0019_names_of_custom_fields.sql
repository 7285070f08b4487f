-- Which fields a key has sent the deprecated names of, beside how often it did (api_key_uses). Written off the request path too.

CREATE TABLE api_key_field_names (
    workspace_id uuid NOT NULL REFERENCES workspaces,
    api_key_id uuid NOT NULL REFERENCES api_keys,
    slug text NOT NULL,
    name text NOT NULL, -- as it was sent the last time
    used bigint NOT NULL, -- requests
    used_at timestamptz(3) NOT NULL,
    PRIMARY KEY (workspace_id, api_key_id, slug)
);
