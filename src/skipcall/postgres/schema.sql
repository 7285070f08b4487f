-- What the migrations make, for reading. Made by: .venv/bin/python tools/write_schema.py

CREATE FUNCTION public.announce_access_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE access_changes SET number = number + 1;
    RETURN NULL;
END $$;

CREATE TABLE public.access_changes (
    id boolean DEFAULT true NOT NULL,
    number bigint NOT NULL,
    CONSTRAINT access_changes_id_check CHECK (id)
);

CREATE TABLE public.api_key_secret (
    id boolean DEFAULT true NOT NULL,
    digest bytea NOT NULL,
    CONSTRAINT api_key_secret_digest_check CHECK ((length(digest) = 32)),
    CONSTRAINT api_key_secret_id_check CHECK (id)
);

CREATE TABLE public.api_key_uses (
    api_key_id uuid NOT NULL,
    last_used_at timestamp(3) with time zone,
    custom_field_names_used bigint DEFAULT 0 NOT NULL
);

CREATE TABLE public.api_key_workspaces (
    api_key_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    mode text NOT NULL
);

CREATE TABLE public.api_keys (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    mode text NOT NULL,
    name text NOT NULL,
    public_part text NOT NULL,
    digest bytea NOT NULL,
    scopes text[] NOT NULL,
    default_workspace_id uuid NOT NULL,
    created_by text NOT NULL,
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    expires_at timestamp(3) with time zone,
    revoked_at timestamp(3) with time zone,
    CONSTRAINT api_keys_digest_check CHECK ((length(digest) = 32)),
    CONSTRAINT api_keys_mode_check CHECK ((mode = ANY (ARRAY['LIVE'::text, 'TEST'::text])))
);

CREATE TABLE public.contact_counts (
    workspace_id uuid NOT NULL,
    slot smallint NOT NULL,
    count bigint NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE public.contact_imports (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    file_sha256 bytea NOT NULL,
    rows_read bigint DEFAULT 0 NOT NULL,
    created_count bigint DEFAULT 0 NOT NULL,
    refused_count bigint DEFAULT 0 NOT NULL,
    started_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    completed_at timestamp(3) with time zone
);

CREATE TABLE public.contacts (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
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
    call_count integer DEFAULT 0 NOT NULL,
    last_call_at timestamp(3) with time zone,
    phone_numbers text[] NOT NULL,
    custom_fields jsonb NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    updated_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    last_modification_source text NOT NULL,
    deleted_at timestamp(3) with time zone,
    CONSTRAINT contacts_last_modification_source_check CHECK ((last_modification_source = ANY (ARRAY['SKIPCALL'::text, 'API'::text])))
)
WITH (fillfactor='85');

CREATE TABLE public.custom_fields (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    updated_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    archived_at timestamp(3) with time zone,
    CONSTRAINT custom_fields_slug_check CHECK ((slug ~ '^[a-z0-9_]+$'::text))
);

CREATE TABLE public.events (
    workspace_id uuid NOT NULL,
    id bigint NOT NULL,
    transaction_id xid8 DEFAULT pg_current_xact_id() NOT NULL,
    type text NOT NULL,
    object_id uuid NOT NULL,
    object_version bigint NOT NULL,
    occurred_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    source text NOT NULL,
    api_key_id uuid,
    request_id text,
    changes jsonb,
    CONSTRAINT events_source_check CHECK ((source = ANY (ARRAY['SKIPCALL'::text, 'API'::text])))
);

ALTER TABLE public.events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.idempotent_answers (
    api_key_id uuid NOT NULL,
    idempotency_key text NOT NULL,
    fingerprint bytea NOT NULL,
    status smallint NOT NULL,
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.migrations (
    name text NOT NULL,
    applied_at timestamp(3) with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.organization_memberships (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text NOT NULL,
    status text NOT NULL,
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    CONSTRAINT organization_memberships_role_check CHECK ((role = ANY (ARRAY['OWNER'::text, 'ADMIN'::text, 'MEMBER'::text]))),
    CONSTRAINT organization_memberships_status_check CHECK ((status = ANY (ARRAY['ACTIVE'::text, 'INVITED'::text, 'SUSPENDED'::text])))
);

CREATE TABLE public.organizations (
    id uuid NOT NULL,
    name text NOT NULL,
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.subscriptions (
    organization_id uuid NOT NULL,
    plan text,
    requests_per_minute integer,
    status text NOT NULL,
    ends_at timestamp(3) with time zone,
    CONSTRAINT subscriptions_plan_check CHECK ((plan = ANY (ARRAY['FREE'::text, 'STARTER'::text, 'INTERMÉDIAIRE'::text, 'EXPERT'::text]))),
    CONSTRAINT subscriptions_requests_per_minute_check CHECK ((requests_per_minute > 0)),
    CONSTRAINT subscriptions_status_check CHECK ((status = ANY (ARRAY['ACTIVE'::text, 'TRIALING'::text, 'PAST_DUE'::text, 'CANCELED'::text, 'NONE'::text])))
);

CREATE TABLE public.users (
    id uuid NOT NULL,
    email text NOT NULL,
    first_name text NOT NULL,
    last_name text NOT NULL,
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.workspace_memberships (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    organization_membership_id uuid NOT NULL,
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.workspaces (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    mode text NOT NULL,
    name text NOT NULL,
    default_country text NOT NULL,
    timezone text NOT NULL,
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    updated_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    CONSTRAINT workspaces_default_country_check CHECK ((default_country ~ '^[A-Z]{2}$'::text)),
    CONSTRAINT workspaces_mode_check CHECK ((mode = ANY (ARRAY['LIVE'::text, 'TEST'::text])))
);

ALTER TABLE ONLY public.access_changes
    ADD CONSTRAINT access_changes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.api_key_secret
    ADD CONSTRAINT api_key_secret_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.api_key_uses
    ADD CONSTRAINT api_key_uses_pkey PRIMARY KEY (api_key_id);

ALTER TABLE ONLY public.api_key_workspaces
    ADD CONSTRAINT api_key_workspaces_pkey PRIMARY KEY (api_key_id, workspace_id);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_organization_id_mode_id_key UNIQUE (organization_id, mode, id);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_public_part_key UNIQUE (public_part);

ALTER TABLE ONLY public.contact_counts
    ADD CONSTRAINT contact_counts_pkey PRIMARY KEY (workspace_id, slot);

ALTER TABLE ONLY public.contact_imports
    ADD CONSTRAINT contact_imports_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.contact_imports
    ADD CONSTRAINT contact_imports_workspace_id_file_sha256_key UNIQUE (workspace_id, file_sha256);

ALTER TABLE ONLY public.contacts
    ADD CONSTRAINT contacts_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.custom_fields
    ADD CONSTRAINT custom_fields_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.custom_fields
    ADD CONSTRAINT custom_fields_workspace_id_slug_key UNIQUE (workspace_id, slug);

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.idempotent_answers
    ADD CONSTRAINT idempotent_answers_pkey PRIMARY KEY (api_key_id, idempotency_key);

ALTER TABLE ONLY public.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.organization_memberships
    ADD CONSTRAINT organization_memberships_organization_id_user_id_key UNIQUE (organization_id, user_id);

ALTER TABLE ONLY public.organization_memberships
    ADD CONSTRAINT organization_memberships_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY public.organizations
    ADD CONSTRAINT organizations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT subscriptions_pkey PRIMARY KEY (organization_id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.workspace_memberships
    ADD CONSTRAINT workspace_memberships_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.workspace_memberships
    ADD CONSTRAINT workspace_memberships_workspace_id_organization_membership__key UNIQUE (workspace_id, organization_membership_id);

ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_organization_id_id_key UNIQUE (organization_id, id);

ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_organization_id_mode_id_key UNIQUE (organization_id, mode, id);

ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_pkey PRIMARY KEY (id);

CREATE UNIQUE INDEX custom_fields_name ON public.custom_fields USING btree (workspace_id, name) WHERE (archived_at IS NULL);

CREATE INDEX events_by_time ON public.events USING btree (workspace_id, occurred_at, object_id);

CREATE INDEX idempotent_answers_by_time ON public.idempotent_answers USING btree (created_at);

CREATE UNIQUE INDEX users_email ON public.users USING btree (lower(email));

CREATE INDEX workspace_memberships_of_member ON public.workspace_memberships USING btree (organization_id, organization_membership_id);

CREATE TRIGGER announce_access_change AFTER INSERT OR DELETE OR UPDATE ON public.api_key_workspaces FOR EACH STATEMENT EXECUTE FUNCTION public.announce_access_change();

CREATE TRIGGER announce_access_change AFTER INSERT OR DELETE OR UPDATE ON public.api_keys FOR EACH STATEMENT EXECUTE FUNCTION public.announce_access_change();

CREATE TRIGGER announce_access_change AFTER INSERT OR DELETE OR UPDATE ON public.subscriptions FOR EACH STATEMENT EXECUTE FUNCTION public.announce_access_change();

ALTER TABLE ONLY public.api_key_uses
    ADD CONSTRAINT api_key_uses_api_key_id_fkey FOREIGN KEY (api_key_id) REFERENCES public.api_keys(id);

ALTER TABLE ONLY public.api_key_workspaces
    ADD CONSTRAINT api_key_workspaces_organization_id_mode_api_key_id_fkey FOREIGN KEY (organization_id, mode, api_key_id) REFERENCES public.api_keys(organization_id, mode, id);

ALTER TABLE ONLY public.api_key_workspaces
    ADD CONSTRAINT api_key_workspaces_organization_id_mode_workspace_id_fkey FOREIGN KEY (organization_id, mode, workspace_id) REFERENCES public.workspaces(organization_id, mode, id);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_id_default_workspace_id_fkey FOREIGN KEY (id, default_workspace_id) REFERENCES public.api_key_workspaces(api_key_id, workspace_id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES public.organizations(id);

ALTER TABLE ONLY public.contact_counts
    ADD CONSTRAINT contact_counts_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.contact_imports
    ADD CONSTRAINT contact_imports_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.contacts
    ADD CONSTRAINT contacts_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.custom_fields
    ADD CONSTRAINT custom_fields_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.idempotent_answers
    ADD CONSTRAINT idempotent_answers_api_key_id_fkey FOREIGN KEY (api_key_id) REFERENCES public.api_keys(id);

ALTER TABLE ONLY public.organization_memberships
    ADD CONSTRAINT organization_memberships_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES public.organizations(id);

ALTER TABLE ONLY public.organization_memberships
    ADD CONSTRAINT organization_memberships_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);

ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT subscriptions_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES public.organizations(id);

ALTER TABLE ONLY public.workspace_memberships
    ADD CONSTRAINT workspace_memberships_organization_id_organization_members_fkey FOREIGN KEY (organization_id, organization_membership_id) REFERENCES public.organization_memberships(organization_id, id);

ALTER TABLE ONLY public.workspace_memberships
    ADD CONSTRAINT workspace_memberships_organization_id_workspace_id_fkey FOREIGN KEY (organization_id, workspace_id) REFERENCES public.workspaces(organization_id, id);

ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES public.organizations(id);
