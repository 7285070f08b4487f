"""SQL of recordings."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from skipcall import ids
from skipcall.contacts.model import Source
from skipcall.events.queries import RECORD
from skipcall.postgres.db import Session, Statement
from skipcall.recordings.model import MEDIA_TYPES, AnnouncedStatus, Found, Intake, Stored

# The recording that a call shows: one that can be heard before others, an uploaded one before those of a provider, then
# the longest, then the first.
_RANK = "array_position(ARRAY['AVAILABLE', 'PROCESSING', 'FAILED', 'ABSENT', 'ERASED'], r.status)"
_MAIN_FIRST = f"{_RANK}, r.provider_recording_id IS NOT NULL, r.duration_seconds DESC NULLS LAST, r.id"

_MOMENT = """to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24":"MI":"SS.MS"Z"')"""

# In the order of the properties of `Found`.
_FOUND = f"""
    c.workspace_id, c.id AS call_id, r.id, r.status, r.reason, r.object_key, r.format, r.channels, r.duration_seconds::float8,
    r.size_bytes, r.sha256, {_MOMENT.format(column="coalesce(r.started_at, c.answered_at, c.started_at)")},
    t.status"""

FIND_RECORDINGS = Statement(
    f"""
    SELECT {_FOUND} FROM calls c
    LEFT JOIN call_recordings r ON r.workspace_id = c.workspace_id AND r.call_id = c.id
    LEFT JOIN call_transcriptions t ON t.workspace_id = c.workspace_id AND t.call_id = c.id
    WHERE c.workspace_id = ANY(:workspace_ids) AND c.id = :call_id AND c.deleted_at IS NULL
    ORDER BY {_MAIN_FIRST}
    """
)

# What is said later never takes back what is known: nothing < absent < there is one to fetch < stored here or erased.
_SAID = "CASE WHEN {row}.url IS NOT NULL THEN 2 WHEN {row}.status = 'ABSENT' THEN 1 ELSE 0 END"
_IS_NEW_URL = "excluded.url IS NOT NULL AND excluded.url IS DISTINCT FROM r.url"

FIND_RECORDING = Statement(
    f"""
    SELECT {_FOUND} FROM call_recordings r
    JOIN calls c ON c.workspace_id = r.workspace_id AND c.id = r.call_id
    LEFT JOIN call_transcriptions t ON t.workspace_id = c.workspace_id AND t.call_id = c.id
    WHERE r.workspace_id = :workspace_id AND r.call_id = :call_id AND r.id = :id AND c.deleted_at IS NULL
    """
)

# The lock comes in a statement of its own, so that the next one sees what those who held it have committed.
LOCK_CALL = Statement(
    """
    SELECT workspace_id FROM calls
    WHERE workspace_id = ANY(:workspace_ids) AND id = :call_id AND deleted_at IS NULL AND erased_at IS NULL FOR NO KEY UPDATE
    """
)

_TOUCHED = """
    UPDATE calls c SET has_recording = {has_recording}, version = c.version + 1,
        updated_at = greatest(clock_timestamp(), c.updated_at), last_modification_source = :source
    WHERE c.workspace_id = :workspace_id AND c.id = :call_id AND EXISTS (SELECT FROM recording)
    RETURNING c.workspace_id, c.id, c.version, c.updated_at"""

_STORED = """
        status = 'AVAILABLE', reason = NULL, url = NULL, object_key = :object_key, format = :format,
        size_bytes = :size_bytes, sha256 = :sha256, next_attempt_at = NULL, updated_at = clock_timestamp()"""

# Uploaded audio has a row of its own, the one without a provider's id. Of any other recording, only one that is still to
# be fetched takes audio: it may have been erased meanwhile.
_INTO_UPLOADED = f"""
    INSERT INTO call_recordings AS r (workspace_id, call_id, id, status, object_key, format, channels, duration_seconds,
        size_bytes, sha256)
    VALUES (:workspace_id, :call_id, :id, 'AVAILABLE', :object_key, :format, :channels, :duration::float8, :size_bytes,
        :sha256)
    ON CONFLICT (workspace_id, call_id, provider_recording_id) DO UPDATE SET {_STORED},
        channels = :channels, duration_seconds = :duration::float8
    RETURNING r.id"""
_INTO_FETCHED = f"""
    UPDATE call_recordings r SET {_STORED}, channels = coalesce(:channels, r.channels),
        duration_seconds = coalesce(:duration::float8, r.duration_seconds)
    WHERE r.workspace_id = :workspace_id AND r.call_id = :call_id AND r.id = :id AND r.status IN ('PROCESSING', 'FAILED')
    RETURNING r.id"""
_STORE = """
    WITH before AS (
        SELECT r.object_key FROM call_recordings r WHERE r.workspace_id = :workspace_id AND r.call_id = :call_id AND {which}
    ), recording AS ({into}
    ), touched AS ({touched}
    ), recorded AS ({recorded}
    )
    SELECT r.id, b.object_key FROM recording r LEFT JOIN before b ON true
    """
_AVAILABLE = RECORD.format(type="call.recording.available", changes="NULL", rows="touched")
STORE_UPLOADED = Statement(
    _STORE.format(
        which="r.provider_recording_id IS NULL",
        into=_INTO_UPLOADED,
        touched=_TOUCHED.format(has_recording="true"),
        recorded=_AVAILABLE,
    )
)
STORE_FETCHED = Statement(
    _STORE.format(
        which="r.id = :id", into=_INTO_FETCHED, touched=_TOUCHED.format(has_recording="true"), recorded=_AVAILABLE
    )
)

ERASE_RECORDINGS = Statement(
    f"""
    WITH before AS (
        SELECT r.id, r.object_key FROM call_recordings r
        WHERE r.workspace_id = :workspace_id AND r.call_id = :call_id AND r.status <> 'ERASED'
    ), recording AS (
        UPDATE call_recordings r SET status = 'ERASED', reason = NULL, url = NULL, object_key = NULL, sha256 = NULL,
            size_bytes = NULL, next_attempt_at = NULL, updated_at = clock_timestamp()
        WHERE r.workspace_id = :workspace_id AND r.call_id = :call_id AND r.status <> 'ERASED' RETURNING r.id
    ), touched AS ({_TOUCHED.format(has_recording="false")}
    ), recorded AS ({RECORD.format(type="call.recording.erased", changes="NULL", rows="touched")}
    )
    SELECT object_key FROM before WHERE object_key IS NOT NULL
    """
)

# ------------------------------------------------------------------------------------------ for all workspaces: the sweep

LIST_OBJECT_KEYS = Statement(
    """
    SELECT object_key FROM call_recordings
    WHERE object_key > :after AND object_key <= :until ORDER BY object_key LIMIT :limit
    """
)

FAIL_LOST = Statement(
    """
    WITH lost AS (
        UPDATE call_recordings SET status = 'FAILED', reason = :reason, object_key = NULL, updated_at = clock_timestamp()
        WHERE object_key = :object_key AND status = 'AVAILABLE' RETURNING workspace_id, call_id
    )
    UPDATE calls c SET version = c.version + 1, updated_at = greatest(clock_timestamp(), c.updated_at),
        has_recording = EXISTS (
            SELECT FROM call_recordings r WHERE r.workspace_id = c.workspace_id AND r.call_id = c.id
                AND r.object_key IS NOT NULL AND r.object_key <> :object_key
        )
    FROM lost WHERE c.workspace_id = lost.workspace_id AND c.id = lost.call_id
    """
)

ANNOUNCE_RECORDING = Statement(
    f"""
    INSERT INTO call_recordings AS r (workspace_id, call_id, id, source_id, provider_recording_id, status, reason, url,
        format, channels, duration_seconds, started_at, next_attempt_at)
    VALUES (:workspace_id, :call_id, :id, :source_id, :provider_recording_id,
        CASE WHEN :is_absent THEN 'ABSENT' ELSE 'PROCESSING' END, :reason, :url, :format, :channels,
        :duration_seconds::float8, :started_at, CASE WHEN :url::text IS NOT NULL THEN now() END)
    ON CONFLICT (workspace_id, call_id, provider_recording_id) DO UPDATE SET
        status = CASE WHEN excluded.url IS NOT DISTINCT FROM r.url AND r.url IS NOT NULL THEN r.status
            ELSE excluded.status END,
        reason = CASE WHEN excluded.url IS NOT DISTINCT FROM r.url THEN coalesce(excluded.reason, r.reason)
            ELSE excluded.reason END,
        url = coalesce(excluded.url, r.url),
        format = coalesce(excluded.format, r.format),
        channels = coalesce(excluded.channels, r.channels),
        duration_seconds = coalesce(excluded.duration_seconds, r.duration_seconds),
        started_at = coalesce(excluded.started_at, r.started_at),
        attempts = CASE WHEN {_IS_NEW_URL} THEN 0 ELSE r.attempts END,
        next_attempt_at = CASE WHEN {_IS_NEW_URL} THEN now() ELSE r.next_attempt_at END,
        updated_at = clock_timestamp()
    WHERE r.status NOT IN ('AVAILABLE', 'ERASED') AND {_SAID.format(row="excluded")} >= {_SAID.format(row="r")}
        AND (excluded.url, excluded.status, excluded.duration_seconds, excluded.channels)
            IS DISTINCT FROM (r.url, r.status, r.duration_seconds, r.channels)
    """
)


async def announce_recording(
    db: Session,
    workspace_id: UUID,
    call_id: UUID,
    *,
    source_id: UUID,
    provider_recording_id: str,
    status: AnnouncedStatus,
    reason: str | None = None,
    url: str | None = None,
    duration_seconds: float | None = None,
    channels: int | None = None,
    format: str | None = None,
    started_at: datetime | None = None,
) -> None:
    """Keep what a provider says about a recording of a call, in whatever order and however often it says so.

    `available` with an address makes it due to be fetched; what is stored or erased here stays as it is.
    """
    await db.execute(
        ANNOUNCE_RECORDING,
        workspace_id=workspace_id,
        call_id=call_id,
        id=ids.new_id(),
        source_id=source_id,
        provider_recording_id=provider_recording_id,
        is_absent=status == "absent",
        reason=reason,
        url=url if status == "available" else None,
        format=format if format in MEDIA_TYPES else None,
        channels=channels,
        duration_seconds=duration_seconds,
        started_at=started_at,
    )


async def find_recordings(db: Session, workspace_ids: Sequence[UUID], call_id: UUID) -> list[Found]:
    """Return the recordings of a call, the one that it shows first; one without an id if it has none.

    Empty: there is no such call.
    """
    rows = await db.fetch_rows(FIND_RECORDINGS, workspace_ids=workspace_ids, call_id=call_id)
    return [Found(*row) for row in rows]


async def find_recording(db: Session, workspace_id: UUID, call_id: UUID, id: UUID) -> Found | None:
    """Return one recording, or None."""
    row = await db.fetch_row(FIND_RECORDING, workspace_id=workspace_id, call_id=call_id, id=id)
    return None if row is None else Found(*row)


async def lock_call(db: Session, workspace_ids: Sequence[UUID], call_id: UUID) -> UUID | None:
    """Hold a call until the end of the transaction; return its workspace, None if there is no such call."""
    found: UUID | None = await db.fetch_value(LOCK_CALL, workspace_ids=workspace_ids, call_id=call_id)
    return found


async def store_recording(
    db: Session,
    workspace_id: UUID,
    call_id: UUID,
    recording_id: UUID | None,
    intake: Intake,
    object_key: str,
    *,
    source: Source,
    api_key_id: UUID | None,
    request_id: str | None,
) -> Stored | None:
    """Make audio that is in the storage that of a recording, or without an id the uploaded audio of the call.

    Returns None if that recording does not take it. The caller holds the lock of the call.
    """
    row = await db.fetch_row(
        STORE_UPLOADED if recording_id is None else STORE_FETCHED,
        workspace_id=workspace_id,
        call_id=call_id,
        id=recording_id or ids.new_id(),
        object_key=object_key,
        format=intake.format,
        channels=intake.channels,
        duration=intake.duration,
        size_bytes=intake.size_bytes,
        sha256=intake.sha256,
        source=source,
        api_key_id=api_key_id,
        request_id=request_id,
    )
    return None if row is None else Stored(row["id"], row["object_key"] is not None, row["object_key"])


async def erase_recordings(
    db: Session,
    workspace_id: UUID,
    call_id: UUID,
    *,
    source: Source,
    api_key_id: UUID | None,
    request_id: str | None,
) -> list[str]:
    """Mark every recording of a call as erased; return the keys of their objects. The caller holds the call's lock."""
    rows = await db.fetch_rows(
        ERASE_RECORDINGS,
        workspace_id=workspace_id,
        call_id=call_id,
        source=source,
        api_key_id=api_key_id,
        request_id=request_id,
    )
    return [row["object_key"] for row in rows]


async def list_object_keys(db: Session, *, after: str, until: str, limit: int) -> list[str]:
    """Return keys that rows of all workspaces name, in their order, after one key and up to another."""
    rows = await db.fetch_rows(LIST_OBJECT_KEYS, after=after, until=until, limit=limit)
    return [row["object_key"] for row in rows]


async def fail_lost_recording(db: Session, object_key: str, *, reason: str) -> None:
    """Mark the recording whose object is gone as failed."""
    await db.execute(FAIL_LOST, object_key=object_key, reason=reason)
