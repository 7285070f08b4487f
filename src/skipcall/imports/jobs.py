"""SQL of the imports that clients ask for: what is asked, who works on it, how far it is."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import UUID

import msgspec

from skipcall import ids
from skipcall.clock import timestamp
from skipcall.contacts.upserts import hold_all_upserts
from skipcall.imports.model import (
    ACTIVE,
    CANCELABLE,
    KEPT_DAYS,
    UNDO_DAYS,
    UNDOABLE,
    UNFINISHED_MAX,
    WAITING,
    Counts,
    CreateImport,
    DryRun,
    Format,
    Import,
    Status,
    Undone,
)
from skipcall.postgres.db import Database, Row, Session, Statement
from skipcall.postgres.leases import leased, renewal


def _words(statuses: Sequence[Status]) -> str:
    return ", ".join(f"'{status}'" for status in statuses)


_COLUMNS = f"""i.id, i.workspace_id, i.status, i.settings::text, i.file_format, i.columns::text, i.size_bytes, i.sha256,
    i.rows_read, i.line, i.line_count, i.counts::text, i.dry_run::text, i.failure, i.undone::text, i.created_at, i.ended_at,
    i.ended_at + interval '{UNDO_DAYS} days' AS undo_until, i.uploads, i.upload"""
# What a run writes is behind the last event there is before it.
_LAST_EVENT = "coalesce((SELECT max(id) FROM events WHERE workspace_id = :workspace_id), 0)"
# Counts are of what an import has written: those of a dry run go when it ends without more, or begins anew.
_COUNTS_UNLESS = (
    """counts = CASE WHEN {case} THEN '{{}}' ELSE counts END, rows_read = CASE WHEN {case} THEN 0 ELSE rows_read END"""
)
NOTHING_WRITTEN = _COUNTS_UNLESS.format(case="status IN ('CHECKING', 'AWAITING_CONFIRMATION')")
_BEGIN = f"status = 'RUNNING', rows_read = 0, line = 0, counts = '{{}}', failures = 0, next_attempt_at = now(), first_event_id = {_LAST_EVENT}, last_event_id = NULL"

_CREATE = Statement(
    f"""
    INSERT INTO imports AS i (workspace_id, id, settings, created_by)
    SELECT :workspace_id, :id, :settings, :created_by WHERE (
        SELECT count(*) FROM imports WHERE workspace_id = :workspace_id AND status IN ({_words((*WAITING, *ACTIVE))})
    ) < {UNFINISHED_MAX}
    RETURNING {_COLUMNS}
    """
)
_GET = Statement(f"SELECT {_COLUMNS} FROM imports i WHERE workspace_id = ANY(:workspace_ids) AND id = :id")
_LIST = Statement(
    f"""
    WITH counted AS (SELECT count(*) AS total FROM imports WHERE workspace_id = ANY(:workspace_ids)
    ), i AS (
        SELECT * FROM imports WHERE workspace_id = ANY(:workspace_ids) AND id < :before
        ORDER BY id DESC LIMIT :limit OFFSET :offset
    )
    SELECT {_COLUMNS}, counted.total FROM counted LEFT JOIN i ON true ORDER BY i.id DESC
    """
)
_BEGIN_UPLOAD = Statement(
    """
    UPDATE imports SET uploads = uploads + 1
    WHERE workspace_id = :workspace_id AND id = :id AND status = 'AWAITING_FILE' RETURNING uploads
    """
)
_KEEP_FILE = """
    UPDATE imports i SET upload = :upload, file_format = :file_format, size_bytes = :size_bytes, line_count = :line_count,
        sha256 = :sha256, columns = :columns, {status}
    WHERE workspace_id = :workspace_id AND id = :id AND status = 'AWAITING_FILE' RETURNING {columns}"""
_KEEP_FILE_AND_CHECK = Statement(
    _KEEP_FILE.format(status="status = 'CHECKING', next_attempt_at = now()", columns=_COLUMNS)
)
_KEEP_FILE_AND_RUN = Statement(_KEEP_FILE.format(status=_BEGIN, columns=_COLUMNS))
_CONFIRM = Statement(
    f"""
    UPDATE imports i SET {_BEGIN}
    WHERE workspace_id = :workspace_id AND id = :id AND status = 'AWAITING_CONFIRMATION' AND dry_run ->> 'digest' = :digest
    RETURNING {_COLUMNS}
    """
)
_CANCEL = Statement(
    f"""
    UPDATE imports i SET status = 'CANCELED', next_attempt_at = NULL, ended_at = now(), {NOTHING_WRITTEN}
    WHERE workspace_id = ANY(:workspace_ids) AND id = :id AND status IN ({_words(CANCELABLE)}) RETURNING {_COLUMNS}
    """
)
# One that has written nothing is undone at once, by a worker as well.
_UNDO = Statement(
    f"""
    UPDATE imports i SET status = 'UNDOING', undone = '{{}}', undone_by = :undone_by, next_attempt_at = now(), failures = 0
    WHERE workspace_id = ANY(:workspace_ids) AND id = :id AND status IN ({_words(UNDOABLE)})
        AND ended_at > now() - interval '{UNDO_DAYS} days'
    RETURNING {_COLUMNS}
    """
)
_DELETE = Statement(
    f"""
    DELETE FROM imports WHERE workspace_id = ANY(:workspace_ids) AND id = :id AND status NOT IN ({_words(ACTIVE)})
    RETURNING uploads
    """
)

# Of all workspaces, since working on them is the server's own task. A dry run begins anew: it has written nothing.
_CLAIM = Statement(
    f"""
    UPDATE imports i SET claim = claim + 1, failures = failures + 1,
        {_COUNTS_UNLESS.format(case="status = 'CHECKING'")},
        next_attempt_at = now() + make_interval(secs => :lease_seconds)
    FROM (
        SELECT workspace_id, id FROM imports WHERE next_attempt_at <= now()::timestamptz(3)
        ORDER BY next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED
    ) due
    WHERE i.workspace_id = due.workspace_id AND i.id = due.id
    RETURNING i.workspace_id, i.id, i.status, i.settings::text, i.uploads, i.upload, i.sha256, i.size_bytes, i.rows_read,
        i.counts::text, i.columns::text, i.first_event_id, i.last_event_id, i.undone::text, i.created_by, i.undone_by, i.claim, i.failures,
        (SELECT default_country FROM workspaces w WHERE w.id = i.workspace_id) AS default_country
    """
)
_MINE = "workspace_id = :workspace_id AND id = :id AND claim = :claim AND status = :status"
_RENEW = renewal("imports", _MINE)
_LOCK = Statement(f"SELECT clock_timestamp() AS now FROM imports WHERE {_MINE} FOR NO KEY UPDATE")
# From now on, however long the transaction took: its lock has kept others off, and the lease from being renewed.
_RENEWED = "next_attempt_at = clock_timestamp() + make_interval(secs => :lease_seconds)"
_ADVANCE = Statement(
    f"""
    UPDATE imports SET rows_read = :rows_read, line = :line, counts = :counts, failures = 0,
        last_event_id = {_LAST_EVENT}, {_RENEWED}
    WHERE {_MINE}
    """
)
_ADVANCE_UNDO = Statement(
    f"""
    UPDATE imports SET last_event_id = :last_event_id, undone = :undone, failures = 0, {_RENEWED}
    WHERE {_MINE}
    """
)
_FINISH = Statement(
    f"""
    UPDATE imports SET status = :new_status, dry_run = coalesce(:dry_run, dry_run), failure = :failure,
        next_attempt_at = NULL, ended_at = CASE WHEN :has_ended THEN coalesce(ended_at, now()) END,
        {_COUNTS_UNLESS.format(case="status = 'CHECKING' AND :has_ended")}
    WHERE {_MINE} RETURNING id
    """
)
_RELEASE = Statement(f"UPDATE imports SET next_attempt_at = now() + make_interval(secs => :seconds) WHERE {_MINE}")
_ADD_ERRORS = Statement(
    """
    INSERT INTO import_errors (workspace_id, import_id, rows_before, content)
    VALUES (:workspace_id, :id, :rows_before, :content)
    """
)
_FORGET_ERRORS = Statement(
    f"""
    DELETE FROM import_errors WHERE workspace_id = :workspace_id AND import_id = :id
        AND EXISTS (SELECT FROM imports WHERE {_MINE})
    """
)
_MEASURE_ERRORS = Statement(
    """
    SELECT coalesce(sum(octet_length(content)), 0)::bigint AS size, coalesce(max(rows_before), -1) AS last
    FROM import_errors WHERE workspace_id = :workspace_id AND import_id = :id
    """
)
_NEXT_ERRORS = Statement(
    """
    SELECT rows_before, content FROM import_errors
    WHERE workspace_id = :workspace_id AND import_id = :id AND rows_before > :after AND rows_before <= :last
    ORDER BY rows_before LIMIT 1
    """
)

_EXPIRE = Statement(
    f"""
    UPDATE imports SET status = 'EXPIRED', ended_at = now(), {NOTHING_WRITTEN}
    WHERE status IN ({_words(WAITING)}) AND created_at <= now() - interval '{KEPT_DAYS} days'
    """
)
_LIST_FILES_OF_ENDED = Statement(
    "SELECT workspace_id, id, uploads FROM imports WHERE uploads > 0 AND ended_at IS NOT NULL ORDER BY created_at LIMIT 1000"
)
LIST_IDS_WITH_UPLOADS = Statement("SELECT id FROM imports WHERE uploads > 0")
_FORGET_UPLOADS = Statement("UPDATE imports SET uploads = 0 WHERE workspace_id = :workspace_id AND id = :id")


class Claimed(msgspec.Struct, frozen=True):
    """An import to be worked on by who claimed it. `country` is that of national phone numbers."""

    workspace_id: UUID
    id: UUID
    status: Status
    settings: CreateImport
    uploads: int
    upload: int | None
    sha256: bytes
    size_bytes: int
    columns: dict[str, str | None]
    rows_read: int
    counts: Counts
    first_event_id: int
    last_event_id: int
    undone: Undone
    api_key_id: UUID | None
    claim: int
    failures: int
    country: str


class KeptFile(msgspec.Struct, frozen=True):
    """A file that was uploaded."""

    upload: int
    format: Format
    size_bytes: int
    line_count: int
    sha256: bytes
    columns: dict[str, str | None]


async def create_import(db: Session, workspace_id: UUID, settings: CreateImport, created_by: UUID) -> Import | None:
    """Ask for an import, and return it; None if the workspace has too many under way."""
    row = await db.fetch_row(
        _CREATE, workspace_id=workspace_id, id=ids.new_id(), settings=_json(settings), created_by=created_by
    )
    return None if row is None else _import(row)


async def find_import(db: Session, workspace_ids: Sequence[UUID], id: UUID) -> Import | None:
    """Return an import of the workspaces, or None."""
    row = await db.fetch_row(_GET, workspace_ids=workspace_ids, id=id)
    return None if row is None else _import(row)


async def list_imports(
    db: Session, workspace_ids: Sequence[UUID], *, before: UUID, limit: int, offset: int
) -> tuple[list[Import], int]:
    """Return imports, newest first, before an id, and how many there are."""
    rows = await db.fetch_rows(_LIST, workspace_ids=workspace_ids, before=before, limit=limit, offset=offset)
    return [_import(row) for row in rows if row["id"] is not None], rows[0]["total"]


async def begin_upload(db: Session, workspace_id: UUID, id: UUID) -> int | None:
    """Return the number of a new upload; None if the import awaits no file."""
    number: int | None = await db.fetch_value(_BEGIN_UPLOAD, workspace_id=workspace_id, id=id)
    return number


async def keep_file(db: Session, workspace_id: UUID, id: UUID, file: KeptFile, *, check: bool) -> Import | None:
    """Let a file be checked or, without `check`, imported; None if the import awaits no file any more."""
    row = await db.fetch_row(
        _KEEP_FILE_AND_CHECK if check else _KEEP_FILE_AND_RUN,
        workspace_id=workspace_id,
        id=id,
        upload=file.upload,
        file_format=file.format,
        size_bytes=file.size_bytes,
        line_count=file.line_count,
        sha256=file.sha256,
        columns=_json(file.columns),
    )
    return None if row is None else _import(row)


async def confirm_import(db: Session, workspace_id: UUID, id: UUID, digest: str) -> Import | None:
    """Let an import go on; None if it awaits no confirmation, or that of another digest."""
    row = await db.fetch_row(_CONFIRM, workspace_id=workspace_id, id=id, digest=digest)
    return None if row is None else _import(row)


async def cancel_import(db: Session, workspace_ids: Sequence[UUID], id: UUID) -> Import | None:
    """Stop an import; None if it cannot be."""
    row = await db.fetch_row(_CANCEL, workspace_ids=workspace_ids, id=id)
    return None if row is None else _import(row)


async def undo_import(db: Session, workspace_ids: Sequence[UUID], id: UUID, undone_by: UUID) -> Import | None:
    """Let an import be undone; None if it cannot be."""
    row = await db.fetch_row(_UNDO, workspace_ids=workspace_ids, id=id, undone_by=undone_by)
    return None if row is None else _import(row)


async def delete_import(db: Session, workspace_ids: Sequence[UUID], id: UUID) -> int | None:
    """Remove an import that is not worked on; return how many uploads it may have, None if there is none to remove."""
    uploads: int | None = await db.fetch_value(_DELETE, workspace_ids=workspace_ids, id=id)
    return uploads


async def claim_import(db: Session, lease_seconds: float) -> Claimed | None:
    """Take an import that is due, so that nobody else works on it until the lease ends."""
    row = await db.fetch_row(_CLAIM, lease_seconds=lease_seconds)
    if row is None:
        return None
    settings = msgspec.json.decode(row["settings"], type=CreateImport)
    return Claimed(
        **{name: row[name] for name in ("workspace_id", "id", "status", "uploads", "upload", "sha256", "size_bytes")},
        **{name: row[name] for name in ("rows_read", "claim", "failures")},
        settings=settings,
        columns=msgspec.json.decode(row["columns"] or "{}"),
        counts=msgspec.json.decode(row["counts"], type=Counts),
        first_event_id=row["last_event_id"] or 0 if row["first_event_id"] is None else row["first_event_id"],
        last_event_id=row["last_event_id"] or 0,
        undone=msgspec.json.decode(row["undone"] or "{}", type=Undone),
        api_key_id=row["undone_by"] if row["status"] == "UNDOING" else row["created_by"],
        country=(settings.default_country or row["default_country"]).upper(),
    )


def leased_import(db: Database, claimed: Claimed) -> AbstractAsyncContextManager[None]:
    """Keep an import while the block works on it; see `leased`."""
    return leased(db, _RENEW, **_mine(claimed))


async def lock_import(tx: Session, claimed: Claimed) -> Any:
    """Hold an import until the end of the transaction and return the moment; None if it is not this worker's any more.

    Upserts of its workspace are held first: an erasure, which ends imports, holds them too.
    """
    await hold_all_upserts(tx, claimed.workspace_id)
    return await tx.fetch_value(_LOCK, **_mine(claimed))


async def advance_import(
    tx: Session, claimed: Claimed, *, rows_read: int, line: int, counts: Counts, lease_seconds: float
) -> None:
    """Note how far an import is, in the transaction of what was done."""
    await tx.execute(
        _ADVANCE,
        **_mine(claimed),
        rows_read=rows_read,
        line=line,
        counts=_json(counts),
        lease_seconds=lease_seconds,
    )


async def advance_undo(
    tx: Session, claimed: Claimed, *, last_event_id: int, undone: Undone, lease_seconds: float
) -> None:
    """Note from which event on everything is undone."""
    await tx.execute(
        _ADVANCE_UNDO,
        **_mine(claimed),
        last_event_id=last_event_id,
        undone=_json(undone),
        lease_seconds=lease_seconds,
    )


async def finish_import(
    db: Session, claimed: Claimed, status: Status, *, dry_run: DryRun | None = None, failure: str | None = None
) -> bool:
    """End what is done about an import; False if it is not this worker's any more."""
    row = await db.fetch_row(
        _FINISH,
        **_mine(claimed),
        new_status=status,
        dry_run=dry_run and _json(dry_run),
        failure=failure,
        has_ended=status != "AWAITING_CONFIRMATION",
    )
    return row is not None


async def release_import(db: Session, claimed: Claimed, seconds: float) -> None:
    """Leave an import to whoever claims it after some seconds."""
    await db.execute(_RELEASE, **_mine(claimed), seconds=seconds)


async def add_errors(tx: Session, claimed: Claimed, rows_before: int, content: str) -> None:
    """Keep lines of the file of errors."""
    await tx.execute(
        _ADD_ERRORS, workspace_id=claimed.workspace_id, id=claimed.id, rows_before=rows_before, content=content
    )


async def forget_errors(tx: Session, claimed: Claimed) -> None:
    """Begin the file of errors anew."""
    await tx.execute(_FORGET_ERRORS, **_mine(claimed))


async def measure_errors(db: Session, workspace_id: UUID, id: UUID) -> tuple[int, int]:
    """Return the bytes of the file of errors, and where its last piece is."""
    row = await db.fetch_row(_MEASURE_ERRORS, workspace_id=workspace_id, id=id)
    assert row is not None  # an aggregate
    return row["size"], row["last"]


async def next_errors(db: Session, workspace_id: UUID, id: UUID, *, after: int, last: int) -> tuple[int, bytes] | None:
    """Return the next piece of the file of errors, and where it is."""
    row = await db.fetch_row(_NEXT_ERRORS, workspace_id=workspace_id, id=id, after=after, last=last)
    return None if row is None else (row["rows_before"], row["content"].encode())


async def expire_imports(db: Session) -> None:
    """End the imports that have waited too long."""
    await db.execute(_EXPIRE)


async def list_files_of_ended(db: Session) -> list[tuple[UUID, UUID, int]]:
    """Return workspace, id and number of uploads of imports that need none any more."""
    return [(row["workspace_id"], row["id"], row["uploads"]) for row in await db.fetch_rows(_LIST_FILES_OF_ENDED)]


async def list_ids_with_uploads(db: Session) -> set[str]:
    """Return the ids of all imports that may have an upload."""
    return {str(row["id"]) for row in await db.fetch_rows(LIST_IDS_WITH_UPLOADS)}


async def forget_uploads(db: Session, workspace_id: UUID, id: UUID) -> None:
    """Note that all uploads of an import are removed."""
    await db.execute(_FORGET_UPLOADS, workspace_id=workspace_id, id=id)


def _mine(claimed: Claimed) -> dict[str, object]:
    return {name: getattr(claimed, name) for name in ("workspace_id", "id", "claim", "status")}


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _import(row: Row) -> Import:
    dry_run, undone, columns = row["dry_run"], row["undone"], row["columns"]
    ended = row["status"] in UNDOABLE
    return Import(
        **{name: row[name] for name in ("status", "size_bytes", "rows_read", "line", "line_count", "failure")},
        id=str(row["id"]),
        workspace_id=str(row["workspace_id"]),
        settings=msgspec.Raw(row["settings"]),
        format=row["file_format"],
        columns=columns and msgspec.json.decode(columns),
        sha256=row["sha256"] and row["sha256"].hex(),
        counts=msgspec.json.decode(row["counts"], type=Counts),
        dry_run=dry_run and msgspec.json.decode(dry_run, type=DryRun),
        undone=undone and msgspec.json.decode(undone, type=Undone),
        created_at=timestamp(row["created_at"]),
        ended_at=row["ended_at"] and timestamp(row["ended_at"]),
        undo_until=timestamp(row["undo_until"]) if ended else None,
    )
