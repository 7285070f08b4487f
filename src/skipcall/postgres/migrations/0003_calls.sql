-- Tags, managed numbers, sequences, where calls come from, calls, recordings and transcriptions.

CREATE TABLE tags (
    workspace_id uuid NOT NULL REFERENCES workspaces,
    id uuid NOT NULL,
    label text NOT NULL,
    is_success_tag boolean NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    archived_at timestamptz(3), -- set by DELETE; calls that have the tag keep it
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX tags_label ON tags (workspace_id, label) WHERE archived_at IS NULL;

CREATE TABLE managed_phone_numbers (
    workspace_id uuid NOT NULL REFERENCES workspaces,
    id uuid NOT NULL,
    value text NOT NULL, -- E.164
    label text,
    country text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    assigned_membership_id uuid, -- organization membership of the user whose number it is
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    released_at timestamptz(3), -- given back to the carrier; calls keep referring to it
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, assigned_membership_id)
        REFERENCES workspace_memberships (workspace_id, organization_membership_id)
);
CREATE UNIQUE INDEX managed_phone_numbers_value ON managed_phone_numbers (workspace_id, value) WHERE released_at IS NULL;

CREATE TABLE sequences (
    workspace_id uuid NOT NULL REFERENCES workspaces,
    id uuid NOT NULL,
    name text NOT NULL,
    creator_id uuid NOT NULL, -- organization membership
    -- Organization memberships in order of assignment, all of the workspace. In the row, so that who holds its lock knows them.
    assigned_to_ids uuid[] NOT NULL DEFAULT '{}',
    status text NOT NULL CHECK (status IN ('DRAFT', 'ACTIVE', 'PAUSED', 'ARCHIVED')),
    contact_count integer NOT NULL DEFAULT 0, -- moved by a trigger
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3),
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, creator_id) REFERENCES workspace_memberships (workspace_id, organization_membership_id)
);

CREATE TABLE sequence_contacts (
    workspace_id uuid NOT NULL,
    sequence_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    assigned_to_workspace_membership_id uuid, -- null in a sequence without assignees
    added_at timestamptz(3) NOT NULL DEFAULT now(),
    removed_at timestamptz(3), -- a contact that is added again keeps its assignee
    PRIMARY KEY (workspace_id, sequence_id, contact_id),
    FOREIGN KEY (workspace_id, sequence_id) REFERENCES sequences,
    FOREIGN KEY (workspace_id, contact_id) REFERENCES contacts,
    FOREIGN KEY (workspace_id, assigned_to_workspace_membership_id) REFERENCES workspace_memberships
);
CREATE INDEX sequence_contacts_of_contact ON sequence_contacts (workspace_id, contact_id);
-- What is in a sequence now, in the order of its list; of everybody and of one.
CREATE INDEX sequence_contacts_present ON sequence_contacts (workspace_id, sequence_id, contact_id)
    WHERE removed_at IS NULL;
CREATE INDEX sequence_contacts_of_assignee
    ON sequence_contacts (workspace_id, sequence_id, assigned_to_workspace_membership_id, contact_id)
    WHERE removed_at IS NULL;

-- One session of one user with a sequence; begun by the first call that names it.
CREATE TABLE sequence_runs (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    sequence_id uuid NOT NULL,
    organization_membership_id uuid,
    started_at timestamptz(3) NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, sequence_id, id),
    FOREIGN KEY (workspace_id, sequence_id) REFERENCES sequences,
    FOREIGN KEY (workspace_id, organization_membership_id)
        REFERENCES workspace_memberships (workspace_id, organization_membership_id)
);
CREATE INDEX sequence_runs_by_start ON sequence_runs (workspace_id, sequence_id, started_at, id);

-- Where calls come from: an account of a provider, or an exchange. Its address names only its id.
CREATE TABLE telephony_sources (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces,
    name text NOT NULL,
    provider text NOT NULL
        CHECK (provider IN ('TWILIO', 'TELNYX', 'VONAGE', 'ASTERISK', 'FREESWITCH', 'GENERIC')),
    sealed_secrets bytea[] NOT NULL DEFAULT '{}', -- under a key derived from the server's secret
    timezone text NOT NULL,
    default_country text NOT NULL CHECK (default_country ~ '^[A-Z]{2}$'),
    options jsonb NOT NULL DEFAULT '{}', -- what only some providers need: contexts, prefixes, folder, host of recordings
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    disabled_at timestamptz(3),
    UNIQUE (workspace_id, id),
    UNIQUE (workspace_id, name)
);

-- Whose extension, SIP account or client name it is, so that a call gets its user.
CREATE TABLE telephony_identities (
    workspace_id uuid NOT NULL,
    source_id uuid NOT NULL,
    identity text NOT NULL,
    organization_membership_id uuid NOT NULL,
    PRIMARY KEY (workspace_id, source_id, identity),
    FOREIGN KEY (workspace_id, source_id) REFERENCES telephony_sources (workspace_id, id),
    FOREIGN KEY (workspace_id, organization_membership_id)
        REFERENCES workspace_memberships (workspace_id, organization_membership_id)
);

-- How far each file of an exchange was read. A file is known by device, inode and a digest of its first line, so a file
-- that was renamed is the same one, and one that was emptied and begun anew is another.
CREATE TABLE telephony_file_places (
    workspace_id uuid NOT NULL,
    source_id uuid NOT NULL,
    identity text NOT NULL,
    path text NOT NULL, -- where it was last seen
    byte_offset bigint NOT NULL, -- behind the last complete line whose call is stored
    line bigint NOT NULL, -- number of that line
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, source_id, identity),
    FOREIGN KEY (workspace_id, source_id) REFERENCES telephony_sources (workspace_id, id)
);

-- Which worker reads the files of a source at present.
CREATE TABLE telephony_file_readers (
    workspace_id uuid NOT NULL,
    source_id uuid NOT NULL,
    reader_id uuid NOT NULL,
    leased_until timestamptz(3) NOT NULL,
    PRIMARY KEY (workspace_id, source_id),
    FOREIGN KEY (workspace_id, source_id) REFERENCES telephony_sources (workspace_id, id)
);

-- The id is a version 7 UUID of the moment at which the call started, as far as it was known when the call was
-- recorded. So months are ranges of ids, the primary key is the order that lists page by, and an id leads to one month.
CREATE TABLE calls (
    workspace_id uuid NOT NULL, -- no foreign key: every write would lock its workspace's row to check it
    id uuid NOT NULL,
    provider text NOT NULL
        CHECK (provider IN ('TWILIO', 'TELNYX', 'VONAGE', 'ASTERISK', 'FREESWITCH', 'GENERIC', 'API')),
    source_id uuid, -- null for a call logged through the API; sources are never removed, and a foreign key would lock one for every call
    provider_call_id text,
    user_provider_id text, -- the leg of the user
    admin_provider_id text, -- the leg of the prospect
    provider_conference_id text,
    call_type text NOT NULL CHECK (call_type IN ('CALL_SESSION', 'DIRECT_CALL')),
    type text NOT NULL CHECK (type IN ('outbound', 'inbound')),
    status text NOT NULL CHECK (
        status IN ('queued', 'ringing', 'in-progress', 'completed', 'no-answer', 'busy', 'canceled', 'failed')
    ),
    result text NOT NULL CHECK (
        result IN ('IN_PROGRESS', 'CONNECTED', 'VOICEMAIL', 'NO_ANSWER', 'BUSY', 'FAILED', 'CANCELED', 'ABANDONED')
    ),
    started_at timestamptz(3) NOT NULL,
    ringing_at timestamptz(3),
    answered_at timestamptz(3),
    ended_at timestamptz(3),
    ring_seconds integer,
    talk_seconds integer,
    duration_seconds integer, -- from start to end; null while it lasts
    answered_by text CHECK (answered_by IN ('human', 'machine', 'fax', 'unknown')),
    hangup_cause text,
    hangup_source text CHECK (hangup_source IN ('caller', 'callee', 'system')),
    sip_code integer,
    cancel_reason text CHECK (cancel_reason IN ('PARALLEL_RACE_LOST')),
    abandoned boolean NOT NULL DEFAULT false, -- a person answered and no user was there in time
    contact_id uuid, -- no foreign key: its check locks the contact before the counters do, and the two orders meet in a circle
    contact_matches integer NOT NULL DEFAULT 0, -- how many contacts had the number when the call was attached
    phone_number text, -- of the contact, E.164; null if withheld
    raw_phone_number text, -- as the provider wrote it
    caller_phone_number text, -- of the user
    raw_caller_phone_number text,
    managed_phone_number_id uuid,
    organization_membership_id uuid, -- the user
    sequence_id uuid,
    sequence_run_id uuid,
    transferred boolean NOT NULL DEFAULT false,
    synced_with_crm_at timestamptz(3),
    is_synced_with_crm boolean NOT NULL GENERATED ALWAYS AS (synced_with_crm_at IS NOT NULL) STORED,
    notes text,
    external_id text,
    has_recording boolean NOT NULL DEFAULT false, -- one can be heard now
    has_transcription boolean NOT NULL DEFAULT false,
    state text, -- JSON of what the reports so far come to, see telephony.merge
    report_count integer NOT NULL DEFAULT 0, -- how often `state` was written; two writers cannot both be the next
    version bigint NOT NULL DEFAULT 1, -- of what a client can see
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(), -- never indexed; "changed since" is answered from events
    last_modification_source text NOT NULL CHECK (last_modification_source IN ('SKIPCALL', 'API')),
    deleted_at timestamptz(3),
    -- The calls that `callCount` and `lastCallAt` of a contact are about: attempts to reach it, and its own that were answered.
    is_counted boolean NOT NULL GENERATED ALWAYS AS (
        contact_id IS NOT NULL AND deleted_at IS NULL AND (type = 'outbound' OR answered_at IS NOT NULL)
    ) STORED,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, managed_phone_number_id) REFERENCES managed_phone_numbers,
    FOREIGN KEY (workspace_id, organization_membership_id)
        REFERENCES workspace_memberships (workspace_id, organization_membership_id),
    FOREIGN KEY (workspace_id, sequence_id) REFERENCES sequences,
    FOREIGN KEY (workspace_id, sequence_id, sequence_run_id)
        REFERENCES sequence_runs (workspace_id, sequence_id, id)
) PARTITION BY RANGE (id);

CREATE FUNCTION first_id_at(moment timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM moment - timestamptz 'epoch') * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;
-- Whether an id says a later start. As bytes, since this is asked of every call that is written.
CREATE FUNCTION is_learnt_late(id uuid, started_at timestamptz) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT uuid_send(id) > int8send((extract(epoch FROM started_at - timestamptz 'epoch') * 1000)::bigint << 16 | 65535)
$$;

-- One for each filter of the list, always in the order of the list. What is deleted is in none, so
-- that a filter can be counted without looking at the calls.
CREATE INDEX calls_by_contact ON calls (workspace_id, contact_id, id) WHERE deleted_at IS NULL;
CREATE INDEX calls_by_phone_number ON calls (workspace_id, phone_number, id) WHERE deleted_at IS NULL;
CREATE INDEX calls_by_member ON calls (workspace_id, organization_membership_id, id) WHERE deleted_at IS NULL;
CREATE INDEX calls_by_sequence ON calls (workspace_id, sequence_id, id)
    WHERE deleted_at IS NULL AND sequence_id IS NOT NULL;
CREATE INDEX calls_by_sequence_run ON calls (workspace_id, sequence_run_id, id)
    WHERE deleted_at IS NULL AND sequence_run_id IS NOT NULL;
CREATE INDEX calls_by_status ON calls (workspace_id, status, id) WHERE deleted_at IS NULL;
CREATE INDEX calls_by_result ON calls (workspace_id, result, id) WHERE deleted_at IS NULL;
CREATE INDEX calls_by_type ON calls (workspace_id, type, id) WHERE deleted_at IS NULL;
CREATE INDEX calls_by_call_type ON calls (workspace_id, call_type, id) WHERE deleted_at IS NULL;
CREATE INDEX calls_by_recording ON calls (workspace_id, has_recording, id) WHERE deleted_at IS NULL;
CREATE INDEX calls_by_crm_sync ON calls (workspace_id, is_synced_with_crm, id) WHERE deleted_at IS NULL;
CREATE INDEX calls_by_external_id ON calls (workspace_id, external_id, id)
    WHERE deleted_at IS NULL AND external_id IS NOT NULL;
-- A least duration between two of these passes over the calls from the shorter one on. Most calls are in none of them.
CREATE INDEX calls_of_1_second ON calls (workspace_id, id) INCLUDE (talk_seconds)
    WHERE deleted_at IS NULL AND talk_seconds >= 1;
CREATE INDEX calls_of_15_seconds ON calls (workspace_id, id) INCLUDE (talk_seconds)
    WHERE deleted_at IS NULL AND talk_seconds >= 15;
CREATE INDEX calls_of_1_minute ON calls (workspace_id, id) INCLUDE (talk_seconds)
    WHERE deleted_at IS NULL AND talk_seconds >= 60;
CREATE INDEX calls_of_4_minutes ON calls (workspace_id, id) INCLUDE (talk_seconds)
    WHERE deleted_at IS NULL AND talk_seconds >= 240;
CREATE INDEX calls_of_15_minutes ON calls (workspace_id, id) INCLUDE (talk_seconds)
    WHERE deleted_at IS NULL AND talk_seconds >= 900;
CREATE INDEX calls_of_1_hour ON calls (workspace_id, id) INCLUDE (talk_seconds)
    WHERE deleted_at IS NULL AND talk_seconds >= 3600;
-- The few calls whose start was learnt to be earlier than their id says.
CREATE INDEX calls_learnt_late ON calls (workspace_id, id) WHERE deleted_at IS NULL AND is_learnt_late(id, started_at);

-- Make the partition of the month of a moment (UTC) and return false, or true if it was there. It is attached instead of
-- created in place, since that lets readers and writers go on.
CREATE FUNCTION create_calls_month(moment timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    month timestamptz := date_trunc('month', moment, 'UTC');
    name text := 'calls_' || to_char(month AT TIME ZONE 'UTC', 'YYYY_MM');
    filtered text;
BEGIN
    IF to_regclass(name) IS NOT NULL THEN
        RETURN true;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('create_calls_month'));
    -- Not to_regclass: it would remember from above that there was none, whatever was made while this waited.
    IF NOT EXISTS (
        SELECT FROM pg_class WHERE relname = name
            AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'calls'::regclass)
    ) THEN
        EXECUTE format('CREATE TABLE %I (LIKE calls INCLUDING ALL)', name);
        -- Columns that may have one value in a whole month. Told so, the planner would take the primary key for a filter
        -- by one of them, and read everything to find nothing when it is asked for another value.
        FOREACH filtered IN ARRAY ARRAY['status', 'result', 'type', 'call_type', 'has_recording', 'is_synced_with_crm'] LOOP
            EXECUTE format('ALTER TABLE %I ALTER COLUMN %I SET (n_distinct = 100)', name, filtered);
        END LOOP;
        FOREACH filtered IN ARRAY ARRAY['organization_membership_id', 'sequence_id'] LOOP
            EXECUTE format('ALTER TABLE %I ALTER COLUMN %I SET (n_distinct = 1000)', name, filtered);
        END LOOP;
        EXECUTE format(
            'ALTER TABLE calls ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
            name, first_id_at(month), first_id_at(month + interval '1 month')
        );
    END IF;
    RETURN false;
END $$;

-- By what a report finds its call: its own leg, or what several legs have in common.
CREATE TABLE call_keys (
    workspace_id uuid NOT NULL,
    source_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('LEG', 'GROUP', 'CONFERENCE')),
    key text NOT NULL,
    call_id uuid NOT NULL,
    PRIMARY KEY (workspace_id, source_id, kind, key, call_id)
);
CREATE UNIQUE INDEX call_keys_leg ON call_keys (workspace_id, source_id, key) WHERE kind = 'LEG';

-- Reports about what several calls have in common, or about a leg that has no call yet: kept for two days, and taken in
-- by each call that gets the key.
CREATE TABLE telephony_reports (
    workspace_id uuid NOT NULL,
    source_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('LEG', 'GROUP', 'CONFERENCE')),
    key text NOT NULL,
    digest bytea NOT NULL, -- of the report, so that a repeated one is kept once
    report text NOT NULL, -- JSON of a telephony.model.CallReport
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, source_id, kind, key, digest),
    FOREIGN KEY (workspace_id, source_id) REFERENCES telephony_sources (workspace_id, id)
);
CREATE INDEX telephony_reports_by_age ON telephony_reports (created_at);

CREATE TABLE call_tags (
    workspace_id uuid NOT NULL,
    call_id uuid NOT NULL,
    tag_id uuid NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, call_id, tag_id),
    FOREIGN KEY (workspace_id, call_id) REFERENCES calls,
    FOREIGN KEY (workspace_id, tag_id) REFERENCES tags
);
CREATE INDEX call_tags_by_tag ON call_tags (workspace_id, tag_id, call_id);
ALTER TABLE call_tags ALTER COLUMN tag_id SET (n_distinct = 1000); -- as for the filters of calls

-- How many calls a workspace has, as contact_counts for contacts.
CREATE TABLE call_counts (
    workspace_id uuid NOT NULL REFERENCES workspaces,
    slot smallint NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (workspace_id, slot)
) WITH (fillfactor = 50);

CREATE TABLE call_recordings (
    workspace_id uuid NOT NULL,
    call_id uuid NOT NULL,
    id uuid NOT NULL,
    source_id uuid, -- null for an uploaded one
    provider_recording_id text, -- null for an uploaded one
    status text NOT NULL CHECK (status IN ('PROCESSING', 'AVAILABLE', 'ABSENT', 'FAILED', 'ERASED')),
    reason text, -- why there is none: what the provider said, or why it could not be fetched
    url text, -- where the provider keeps it; emptied once it is stored here
    object_key text COLLATE "C", -- in the storage, random, ordered as there; null unless AVAILABLE
    format text CHECK (format IN ('wav', 'mp3', 'ogg', 'm4a')),
    channels smallint,
    duration_seconds numeric(9, 3),
    size_bytes bigint,
    sha256 bytea CHECK (length(sha256) = 32),
    started_at timestamptz(3),
    attempts integer NOT NULL DEFAULT 0, -- to fetch it
    next_attempt_at timestamptz(3), -- null: nothing is left to do
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, call_id, id),
    UNIQUE NULLS NOT DISTINCT (workspace_id, call_id, provider_recording_id), -- so at most one is uploaded
    FOREIGN KEY (workspace_id, call_id) REFERENCES calls,
    FOREIGN KEY (workspace_id, source_id) REFERENCES telephony_sources (workspace_id, id),
    CHECK ((status = 'AVAILABLE') = (object_key IS NOT NULL))
);
CREATE INDEX call_recordings_to_fetch ON call_recordings (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX call_recordings_by_object_key ON call_recordings (object_key) WHERE object_key IS NOT NULL;

CREATE TABLE call_transcriptions (
    workspace_id uuid NOT NULL,
    call_id uuid NOT NULL,
    id uuid NOT NULL,
    status text NOT NULL CHECK (status IN ('PENDING', 'IN_PROGRESS', 'FAILED', 'COMPLETED')),
    transcript jsonb, -- [{speaker, text, start, end, confidence}], seconds from the start of the recording
    summary text,
    language text,
    started_at timestamptz(3), -- of the processing
    ended_at timestamptz(3),
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, call_id),
    FOREIGN KEY (workspace_id, call_id) REFERENCES calls
);
