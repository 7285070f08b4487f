"""SQL of transcriptions."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from skipcall import ids
from skipcall.contacts.model import Source
from skipcall.events.queries import RECORD
from skipcall.postgres.db import Session, Statement
from skipcall.transcriptions.model import Segment, Transcription

_MOMENT = """to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24":"MI":"SS.MS"Z"')"""

FIND_TRANSCRIPTION = Statement(
    f"""
    SELECT t.id::text, t.status, t.transcript::text, t.summary, {_MOMENT.format(column="t.started_at")} AS started_at,
        {_MOMENT.format(column="t.ended_at")} AS ended_at, t.version
    FROM calls c LEFT JOIN call_transcriptions t ON t.workspace_id = c.workspace_id AND t.call_id = c.id
    WHERE c.workspace_id = ANY(:workspace_ids) AND c.id = :call_id AND c.deleted_at IS NULL
    """
)

# Nothing is written, and nothing recorded, if it is the same already or not one of the versions.
_PUT = f"""
    WITH written AS (
        INSERT INTO call_transcriptions AS t (workspace_id, call_id, id, status, transcript, summary, language, started_at,
            ended_at)
        SELECT :workspace_id, :call_id, :id, :status, :transcript::jsonb, :summary, :language, now(),
            CASE WHEN :status IN ('COMPLETED', 'FAILED') THEN now() END
        WHERE NOT :must_exist OR EXISTS (
            SELECT FROM call_transcriptions WHERE workspace_id = :workspace_id AND call_id = :call_id
        )
        ON CONFLICT (workspace_id, call_id) DO UPDATE SET status = excluded.status, transcript = excluded.transcript,
            summary = excluded.summary, language = excluded.language, ended_at = excluded.ended_at,
            version = t.version + 1, updated_at = clock_timestamp()
        WHERE (:versions::bigint[] IS NULL OR t.version = ANY(:versions))
            AND (t.status, t.transcript, t.summary, t.language)
                IS DISTINCT FROM (excluded.status, excluded.transcript, excluded.summary, excluded.language)
        RETURNING t.status
    ), touched AS (
        UPDATE calls c SET has_transcription = written.status = 'COMPLETED', version = c.version + 1,
            updated_at = greatest(clock_timestamp(), c.updated_at), last_modification_source = :source
        FROM written WHERE c.workspace_id = :workspace_id AND c.id = :call_id
        RETURNING c.workspace_id, c.id, c.version, c.updated_at
    ), recorded AS ({RECORD.format(type="{type}", changes="NULL", rows="touched")}
    )
    SELECT status FROM written
    """
PUT_COMPLETED = Statement(_PUT.replace("{type}", "call.transcription.completed"))
PUT_OTHER = Statement(_PUT.replace("{type}", "call.updated"))


async def find_transcription(
    db: Session, workspace_ids: Sequence[UUID], call_id: UUID
) -> tuple[Transcription | None, int] | None:
    """Return the transcription of a call, or None in its place, and its version; None if there is no such call."""
    row = await db.fetch_row(FIND_TRANSCRIPTION, workspace_ids=workspace_ids, call_id=call_id)
    if row is None:
        return None
    id, status, transcript, summary, started_at, ended_at, version = row
    if id is None:
        return None, 0
    segments = None if transcript is None else msgspec.json.decode(transcript, type=list[Segment])
    return Transcription(id, status, segments, summary, started_at, ended_at), version


async def put_transcription(
    db: Session,
    workspace_id: UUID,
    call_id: UUID,
    *,
    status: str,
    transcript: str | None,
    summary: str | None,
    language: str | None,
    versions: list[int] | None,
    must_exist: bool,
    source: Source,
    api_key_id: UUID | None,
    request_id: str | None,
) -> bool:
    """Write the transcription of a call and return True; False if nothing differs, or it is not of the versions.

    `transcript` is JSON. The caller holds the lock of the call.
    """
    row = await db.fetch_row(
        PUT_COMPLETED if status == "COMPLETED" else PUT_OTHER,
        workspace_id=workspace_id,
        call_id=call_id,
        id=ids.new_id(),
        status=status,
        transcript=transcript,
        summary=summary,
        language=language,
        versions=versions,
        must_exist=must_exist,
        source=source,
        api_key_id=api_key_id,
        request_id=request_id,
    )
    return row is not None
