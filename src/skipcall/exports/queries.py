"""SQL of exports: what is asked for, and who makes it."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from uuid import UUID

import msgspec

from skipcall import ids
from skipcall.clock import timestamp
from skipcall.contacts.model import Contact
from skipcall.contacts.queries import COLUMNS as CONTACT_COLUMNS
from skipcall.contacts.queries import make_contact
from skipcall.exports.model import KEPT_DAYS, UNFINISHED_MAX, Export, Format
from skipcall.postgres.db import Database, Row, Session, Statement
from skipcall.postgres.leases import leased, renewal

_COLUMNS = """e.id, e.workspace_id, e.format, e.status, e.row_count, e.size_bytes, e.sha256, e.snapshot_at, e.created_at, e.ended_at,
    e.expires_at, e.attempts"""
_CREATE = Statement(
    f"""
    INSERT INTO exports AS e (workspace_id, id, format, created_by)
    SELECT :workspace_id, :id, :format, :created_by WHERE (
        SELECT count(*) FROM exports WHERE workspace_id = :workspace_id AND status IN ('PENDING', 'RUNNING')
    ) < {UNFINISHED_MAX}
    RETURNING {_COLUMNS}
    """
)
_GET = Statement(f"SELECT {_COLUMNS} FROM exports e WHERE workspace_id = ANY(:workspace_ids) AND id = :id")
_LIST = Statement(
    f"""
    WITH counted AS (SELECT count(*) AS total FROM exports WHERE workspace_id = ANY(:workspace_ids)
    ), e AS (
        SELECT * FROM exports WHERE workspace_id = ANY(:workspace_ids) AND id < :before
        ORDER BY id DESC LIMIT :limit OFFSET :offset
    )
    SELECT {_COLUMNS}, counted.total FROM counted LEFT JOIN e ON true ORDER BY e.id DESC
    """
)
_DELETE = Statement("DELETE FROM exports WHERE workspace_id = ANY(:workspace_ids) AND id = :id RETURNING attempts")

# Of all workspaces, since making them is the server's own work.
CLAIM_EXPORT = Statement(
    """
    UPDATE exports e SET status = 'RUNNING', attempts = attempts + 1, row_count = 0,
        next_attempt_at = now() + make_interval(secs => :lease_seconds)
    FROM (
        SELECT workspace_id, id FROM exports WHERE next_attempt_at <= now()::timestamptz(3)
        ORDER BY next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED
    ) due
    WHERE e.workspace_id = due.workspace_id AND e.id = due.id
    RETURNING e.workspace_id, e.id, e.format, e.attempts
    """
)
# What an attempt has to say counts only while it is the last one, and nobody has deleted the export.
_MINE = "workspace_id = :workspace_id AND id = :id AND attempts = :attempts AND status = 'RUNNING'"
_RENEW = renewal("exports", _MINE)
_ADVANCE = Statement(f"UPDATE exports SET row_count = :row_count WHERE {_MINE}")
_COMPLETE = Statement(
    f"""
    UPDATE exports SET status = 'COMPLETED', row_count = :row_count, size_bytes = :size_bytes, sha256 = :sha256,
        snapshot_at = :snapshot_at, next_attempt_at = NULL, ended_at = now(), expires_at = now() + interval '{KEPT_DAYS} days'
    WHERE {_MINE} RETURNING id
    """
)
_FAIL = Statement(f"UPDATE exports SET status = 'FAILED', next_attempt_at = NULL, ended_at = now() WHERE {_MINE}")
_RELEASE = Statement(f"UPDATE exports SET next_attempt_at = now() + make_interval(secs => :seconds) WHERE {_MINE}")
EXPIRE_EXPORTS = Statement(
    """
    UPDATE exports SET status = 'EXPIRED' WHERE status = 'COMPLETED' AND expires_at <= now()::timestamptz(3)
    RETURNING id, attempts
    """
)

LIST_IDS_WITH_FILES = Statement("SELECT id FROM exports WHERE status IN ('PENDING', 'RUNNING', 'COMPLETED')")

_LIST_CONTACTS = Statement(
    f"""
    SELECT {CONTACT_COLUMNS} FROM contacts c
    WHERE c.workspace_id = :workspace_id AND c.id > :after AND c.deleted_at IS NULL ORDER BY c.id LIMIT :limit
    """
)


class Claimed(msgspec.Struct, frozen=True):
    """An export to be made by who claimed it; `attempts` counts this one."""

    workspace_id: UUID
    id: UUID
    format: Format
    attempts: int


async def create_export(db: Session, workspace_id: UUID, format: Format, created_by: UUID) -> Export | None:
    """Ask for an export, and return it; None if the workspace has too many under way."""
    row = await db.fetch_row(_CREATE, workspace_id=workspace_id, id=ids.new_id(), format=format, created_by=created_by)
    return None if row is None else _export(row)


async def find_export(db: Session, workspace_ids: Sequence[UUID], id: UUID) -> tuple[Export, int] | None:
    """Return an export of the workspaces and the number of its last attempt, or None."""
    row = await db.fetch_row(_GET, workspace_ids=workspace_ids, id=id)
    return None if row is None else (_export(row), row["attempts"])


async def list_exports(
    db: Session, workspace_ids: Sequence[UUID], *, before: UUID, limit: int, offset: int
) -> tuple[list[Export], int]:
    """Return exports, newest first, before a place, and how many there are."""
    rows = await db.fetch_rows(_LIST, workspace_ids=workspace_ids, before=before, limit=limit, offset=offset)
    return [_export(row) for row in rows if row["id"] is not None], rows[0]["total"]


async def delete_export(db: Session, workspace_ids: Sequence[UUID], id: UUID) -> int | None:
    """Delete an export, whatever it is at, and return how many attempts may have left a file; None if there is none."""
    attempts: int | None = await db.fetch_value(_DELETE, workspace_ids=workspace_ids, id=id)
    return attempts


async def claim_export(db: Session, lease_seconds: float) -> Claimed | None:
    """Take the export that waits longest; it is nobody else's for as long as the lease."""
    row = await db.fetch_row(CLAIM_EXPORT, lease_seconds=lease_seconds)
    return None if row is None else Claimed(*row)


def leased_export(db: Database, claimed: Claimed) -> AbstractAsyncContextManager[None]:
    """Keep an export while the block makes it; see `leased`."""
    return leased(db, _RENEW, **_values(claimed))


async def advance_export(db: Session, claimed: Claimed, row_count: int) -> None:
    """Say how far it is."""
    await db.execute(_ADVANCE, **_values(claimed), row_count=row_count)


async def complete_export(
    db: Session, claimed: Claimed, *, row_count: int, size_bytes: int, sha256: bytes, snapshot_at: datetime
) -> bool:
    """Say that the file is there; False if it was deleted, or is somebody else's."""
    row = await db.fetch_row(
        _COMPLETE,
        **_values(claimed),
        row_count=row_count,
        size_bytes=size_bytes,
        sha256=sha256,
        snapshot_at=snapshot_at,
    )
    return row is not None


async def fail_export(db: Session, claimed: Claimed) -> None:
    """Say that there will be no file."""
    await db.execute(_FAIL, **_values(claimed))


async def release_export(db: Session, claimed: Claimed, seconds: float) -> None:
    """Leave it to whoever claims it next, in some seconds."""
    await db.execute(_RELEASE, **_values(claimed), seconds=seconds)


async def expire_exports(db: Session) -> list[tuple[UUID, int]]:
    """End what has been kept long enough, and return whose files of how many attempts are to be removed."""
    return [(row["id"], row["attempts"]) for row in await db.fetch_rows(EXPIRE_EXPORTS)]


async def list_ids_with_files(db: Session) -> set[str]:
    """Return the ids of all exports that have a file, or may get one."""
    return {str(row["id"]) for row in await db.fetch_rows(LIST_IDS_WITH_FILES)}


async def list_contacts(tx: Session, workspace_id: UUID, *, after: UUID, limit: int) -> list[Contact]:
    """Return contacts in order of creation after one."""
    rows = await tx.fetch_rows(_LIST_CONTACTS, workspace_id=workspace_id, after=after, limit=limit, by_slug=False)
    return [make_contact(row, ("external_id",)) for row in rows]


def _values(claimed: Claimed) -> dict[str, object]:
    return {"workspace_id": claimed.workspace_id, "id": claimed.id, "attempts": claimed.attempts}


def _export(row: Row) -> Export:
    sha256, moments = row["sha256"], ("snapshot_at", "ended_at", "expires_at")
    return Export(
        id=str(row["id"]),
        workspace_id=str(row["workspace_id"]),
        format=row["format"],
        status=row["status"],
        row_count=row["row_count"],
        size_bytes=row["size_bytes"],
        sha256=sha256 and sha256.hex(),
        created_at=timestamp(row["created_at"]),
        **{name: row[name] and timestamp(row[name]) for name in moments},
    )
