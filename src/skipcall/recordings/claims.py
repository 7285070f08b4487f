"""SQL of fetching: who is at which recording, and what came of an attempt.

What an attempt has to say counts only while it is the last one, so a worker that was thought dead changes nothing.
"""

from contextlib import AbstractAsyncContextManager
from uuid import UUID

import msgspec

from skipcall.postgres.db import Database, Session, Statement
from skipcall.postgres.leases import leased, renewal


class Claimed(msgspec.Struct, frozen=True):
    """A recording to be fetched by who claimed it; `attempts` counts this one."""

    workspace_id: UUID
    call_id: UUID
    id: UUID
    source_id: UUID
    url: str
    attempts: int


# Of all workspaces, since fetching is the server's own work.
_CLAIM = Statement("""
UPDATE call_recordings r SET attempts = r.attempts + 1, next_attempt_at = now() + make_interval(secs => :lease_seconds)
FROM (
    SELECT workspace_id, call_id, id FROM call_recordings
    WHERE next_attempt_at <= now()::timestamptz(3) AND status = 'PROCESSING' AND url IS NOT NULL AND source_id IS NOT NULL
    ORDER BY next_attempt_at LIMIT :limit FOR UPDATE SKIP LOCKED
) due
WHERE r.workspace_id = due.workspace_id AND r.call_id = due.call_id AND r.id = due.id
RETURNING r.workspace_id, r.call_id, r.id, r.source_id, r.url, r.attempts""")
_MINE = """workspace_id = :workspace_id AND call_id = :call_id AND id = :id AND attempts = :attempts
    AND status = 'PROCESSING' AND next_attempt_at IS NOT NULL"""
_RENEW = renewal("call_recordings", _MINE)
_POSTPONE = Statement(f"""
UPDATE call_recordings SET next_attempt_at = now() + make_interval(secs => :seconds), reason = :reason, updated_at = now()
WHERE {_MINE}""")
_RELEASE = Statement(f"UPDATE call_recordings SET next_attempt_at = now(), attempts = attempts - 1 WHERE {_MINE}")
_END = Statement(f"""
UPDATE call_recordings SET status = :status, reason = :reason, next_attempt_at = NULL, updated_at = now() WHERE {_MINE}""")


async def claim_recordings(db: Session, *, limit: int, lease_seconds: float) -> list[Claimed]:
    """Take recordings that are due, the longest due first; each is nobody else's for as long as the lease."""
    rows = await db.fetch_rows(_CLAIM, limit=limit, lease_seconds=lease_seconds)
    return [Claimed(*row) for row in rows]


def leased_recording(db: Database, claimed: Claimed) -> AbstractAsyncContextManager[None]:
    """Keep a recording while the block fetches it; see `leased`."""
    return leased(db, _RENEW, **_values(claimed))


async def postpone_recording(db: Session, claimed: Claimed, *, seconds: float, reason: str) -> None:
    """Make it due again later, and keep why it is not here."""
    await db.execute(_POSTPONE, **_values(claimed), seconds=seconds, reason=reason)


async def release_recording(db: Session, claimed: Claimed) -> None:
    """Make it due at once, as if it had never been claimed."""
    await db.execute(_RELEASE, **_values(claimed))


async def end_fetching(db: Session, claimed: Claimed, *, status: str, reason: str) -> None:
    """Say that it will not be fetched: `FAILED`, or `ABSENT` for one that its provider does not have."""
    await db.execute(_END, **_values(claimed), status=status, reason=reason)


def _values(claimed: Claimed) -> dict[str, object]:
    return {
        "workspace_id": claimed.workspace_id,
        "call_id": claimed.call_id,
        "id": claimed.id,
        "attempts": claimed.attempts,
    }
