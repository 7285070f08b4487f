"""SQL of imports: how far one has come, and the rows that one batch adds, all in the batch's transaction."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from skipcall import ids
from skipcall.contacts.ledger import COLUMNS, Record, Step
from skipcall.contacts.model import Source
from skipcall.contacts.queries import COUNT_SLOTS
from skipcall.events.queries import RECORD, record_created, record_many
from skipcall.imports.model import ContactRow, RowFault
from skipcall.postgres.db import Row, Session, Statement

_decode = msgspec.json.Decoder(dict[str, tuple[Any, Any]]).decode
_decode_faults = msgspec.json.Decoder(list[RowFault]).decode

_CONTACT_COLUMNS = (
    *("workspace_id", "id", "first_name", "last_name", "email", "company", "city", "country", "url", "linkedin_url"),
    *("linkedin_sales_url", "role", "allow_phone_calls", "phone_numbers", "custom_fields", "created_at", "updated_at"),
    "last_modification_source",
)

# What an import has done, newest first; and everything that was done to some contacts since it began.
_RECORDED = "id, type, object_id, request_id, changes::text"
_LIST_RECORDED = Statement(
    f"""
    SELECT {_RECORDED} FROM events
    WHERE workspace_id = :workspace_id AND id > :first AND id <= :until AND request_id = :request_id
    ORDER BY id DESC LIMIT :limit
    """
)
_LIST_RECORDED_OF = Statement(
    f"""
    SELECT {_RECORDED} FROM events
    WHERE workspace_id = :workspace_id AND object_id = ANY(:object_ids) AND id > :first ORDER BY id DESC
    """
)
# What leaves no event of a contact. An entry of the ledger without a key is that of a change, which has an event.
_LIST_USED = Statement(
    """
    SELECT id FROM contacts c WHERE workspace_id = :workspace_id AND id = ANY(:ids) AND (
        EXISTS (SELECT FROM calls WHERE workspace_id = :workspace_id AND contact_id = c.id AND deleted_at IS NULL)
        OR EXISTS (SELECT FROM contacts WHERE workspace_id = :workspace_id AND merged_into_id = c.id)
        OR EXISTS (SELECT FROM sequence_contacts WHERE workspace_id = :workspace_id AND contact_id = c.id)
        OR EXISTS (
            SELECT FROM contact_consents
            WHERE workspace_id = :workspace_id AND contact_id = c.id AND api_key_id IS NOT NULL
        )
    )
    """
)
_DELETE_CONTACTS = Statement(
    f"""
    WITH written AS (
        UPDATE contacts c SET deleted_at = clock_timestamp(), version = c.version + 1,
            updated_at = greatest(clock_timestamp(), c.updated_at), last_modification_source = :source
        WHERE c.workspace_id = :workspace_id AND c.id = ANY(:ids) AND c.deleted_at IS NULL
        RETURNING c.workspace_id, c.id, c.version, c.updated_at, c.call_count
    ), recorded AS ({RECORD.format(type="contact.deleted", changes="NULL", rows="written")}
    )
    INSERT INTO contact_counts (workspace_id, slot, count, called)
    SELECT :workspace_id, pg_backend_pid() % {COUNT_SLOTS}, -count(*), -count(*) FILTER (WHERE call_count > 0)
    FROM written HAVING count(*) > 0
    ON CONFLICT (workspace_id, slot) DO UPDATE
    SET count = contact_counts.count + excluded.count, called = contact_counts.called + excluded.called
    """
)
_RECORD_COLUMNS = (
    *("workspace_id", "id", *COLUMNS, "custom_fields", "version", "created_at", "updated_at"),
    "last_modification_source",
)

# The update changes nothing; it lets RETURNING answer for the row of an earlier run too.
_START = Statement(
    """
    INSERT INTO contact_imports AS i (workspace_id, id, file_sha256) VALUES (:workspace_id, :id, :file_sha256)
    ON CONFLICT (workspace_id, file_sha256) DO UPDATE SET file_sha256 = i.file_sha256
    RETURNING id, rows_read, created_count, refused_count, completed_at
    """
)
# Only from where this run believes to be: of two runs of one file, the second to commit a batch finds no row.
_ADVANCE = Statement(
    """
    UPDATE contact_imports SET rows_read = rows_read + :rows, created_count = created_count + :created,
        refused_count = refused_count + :rows - :created
    WHERE workspace_id = :workspace_id AND id = :id AND rows_read = :rows_before AND completed_at IS NULL
    RETURNING clock_timestamp()
    """
)
_COMPLETE = Statement(
    """
    UPDATE contact_imports SET completed_at = now()
    WHERE workspace_id = :workspace_id AND id = :id AND rows_read = :rows_read
    RETURNING id
    """
)
_ADD_FAULTS = Statement(
    """
    INSERT INTO contact_import_faults (workspace_id, import_id, rows_before, faults)
    VALUES (:workspace_id, :id, :rows_before, :faults)
    """
)
_NEXT_FAULTS = Statement(
    """
    SELECT rows_before, faults FROM contact_import_faults
    WHERE workspace_id = :workspace_id AND import_id = :id AND rows_before > :after ORDER BY rows_before LIMIT 1
    """
)
_COUNT = Statement(
    f"""
    INSERT INTO contact_counts (workspace_id, slot, count)
    VALUES (:workspace_id, pg_backend_pid() % {COUNT_SLOTS}, :count)
    ON CONFLICT (workspace_id, slot) DO UPDATE SET count = contact_counts.count + excluded.count
    """
)


class Recorded(msgspec.Struct, frozen=True):
    """Something that was done to a contact: each property with its old and its new value."""

    id: int
    type: str
    object_id: UUID
    request_id: str | None
    changes: dict[str, tuple[Any, Any]]


class ImportRun(msgspec.Struct, frozen=True):
    """How far the import of one file into one workspace has come, over all its runs."""

    id: UUID
    rows_read: int
    created: int
    refused: int
    completed_at: datetime | None


async def start_import(db: Session, workspace_id: UUID, file_sha256: bytes) -> ImportRun:
    """Return the run of a file: a new one, or where an earlier one stopped."""
    row = await db.fetch_row(_START, workspace_id=workspace_id, id=ids.new_id(), file_sha256=file_sha256)
    assert row is not None
    return ImportRun(*row)


async def advance_import(
    tx: Session, workspace_id: UUID, id: UUID, *, rows_before: int, rows: int, created: int
) -> datetime | None:
    """Note a batch as done and return the moment of its contacts; None if another run has moved on from there."""
    moment: datetime | None = await tx.fetch_value(
        _ADVANCE, workspace_id=workspace_id, id=id, rows_before=rows_before, rows=rows, created=created
    )
    return moment


async def add_faults(tx: Session, workspace_id: UUID, id: UUID, rows_before: int, faults: Sequence[RowFault]) -> None:
    """Keep what was wrong with the rows of a batch."""
    await tx.execute(_ADD_FAULTS, workspace_id=workspace_id, id=id, rows_before=rows_before, faults=_json(faults))


async def list_faults(db: Session, workspace_id: UUID, id: UUID) -> AsyncIterator[list[RowFault]]:
    """Yield what was wrong with the rows of each batch."""
    after = -1
    while row := await db.fetch_row(_NEXT_FAULTS, workspace_id=workspace_id, id=id, after=after):
        after = row["rows_before"]
        yield _decode_faults(row["faults"])


async def complete_import(db: Session, workspace_id: UUID, id: UUID, rows_read: int) -> bool:
    """Note that the whole file was read; return False if another run is elsewhere in it."""
    row = await db.fetch_row(_COMPLETE, workspace_id=workspace_id, id=id, rows_read=rows_read)
    return row is not None


async def refresh_statistics(db: Session) -> None:
    """Let the planner know what came in now; by itself the server looks only once a minute, and lists would sort."""
    await db.analyze("contacts", "events")


async def insert_contacts(tx: Session, workspace_id: UUID, rows: Sequence[ContactRow], moment: datetime) -> None:
    """Add contacts with their events and their count, by COPY. `moment` is when all of them were created."""
    contact_ids = [ids.new_id() for _ in rows]
    await tx.copy_rows(
        "contacts",
        _CONTACT_COLUMNS,
        [
            (
                *(workspace_id, id, row.first_name, row.last_name, row.email, row.company, row.city, row.country),
                *(row.url, row.linkedin_url, row.linkedin_sales_url, row.role, row.allow_phone_calls is not False),
                *(row.phone_numbers, msgspec.json.encode(row.custom_fields).decode(), moment, moment, "SKIPCALL"),
            )
            for id, row in zip(contact_ids, rows, strict=True)
        ],
    )
    await record_created(tx, workspace_id, "contact.created", contact_ids, moment)
    await _count(tx, workspace_id, len(rows))


async def insert_records(
    tx: Session,
    workspace_id: UUID,
    records: Sequence[Record],
    steps: Sequence[Step],
    moment: datetime,
    *,
    source: Source,
    api_key_id: UUID | None,
    request_id: str,
) -> None:
    """Add contacts as an upsert's ledger has made them, with the steps that led to them, by COPY."""
    rows = []
    for one in records:
        values = one.values
        custom_fields = _json(values["custom_fields"])
        row = [values[column] for column in COLUMNS]
        rows.append((workspace_id, one.id, *row, custom_fields, one.version, moment, moment, source))
    await tx.copy_rows("contacts", _RECORD_COLUMNS, rows)
    events = ((step.type, step.id, step.version, _json(step.changes) if step.changes else None) for step in steps)
    await record_many(tx, workspace_id, events, moment, source=source, api_key_id=api_key_id, request_id=request_id)
    await _count(tx, workspace_id, len(rows))


async def list_recorded(
    tx: Session, workspace_id: UUID, request_id: str, *, first: int, until: int, limit: int
) -> list[Recorded]:
    """Return what was done under a request id between two events, newest first."""
    rows = await tx.fetch_rows(
        _LIST_RECORDED, workspace_id=workspace_id, request_id=request_id, first=first, until=until, limit=limit
    )
    return [_recorded(row) for row in rows]


async def list_recorded_of(
    tx: Session, workspace_id: UUID, object_ids: Sequence[UUID], *, first: int
) -> list[Recorded]:
    """Return what was done to objects after an event, newest first."""
    rows = await tx.fetch_rows(_LIST_RECORDED_OF, workspace_id=workspace_id, object_ids=object_ids, first=first)
    return [_recorded(row) for row in rows]


async def list_used(tx: Session, workspace_id: UUID, ids: Sequence[UUID]) -> set[UUID]:
    """Return those of some contacts that were called, took another one in, were in a sequence, or said something about being called."""
    return {row["id"] for row in await tx.fetch_rows(_LIST_USED, workspace_id=workspace_id, ids=ids)}


async def delete_contacts(
    tx: Session, workspace_id: UUID, ids: Sequence[UUID], *, source: Source, api_key_id: UUID | None, request_id: str
) -> None:
    """Mark contacts as deleted."""
    await tx.execute(
        _DELETE_CONTACTS,
        workspace_id=workspace_id,
        ids=ids,
        source=source,
        api_key_id=api_key_id,
        request_id=request_id,
    )


def _recorded(row: Row) -> Recorded:
    changes = row["changes"]
    return Recorded(row["id"], row["type"], row["object_id"], row["request_id"], _decode(changes) if changes else {})


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


async def _count(tx: Session, workspace_id: UUID, count: int) -> None:
    # Last, since the counter's row is shared with other writers and stays locked until the commit.
    await tx.execute(_COUNT, workspace_id=workspace_id, count=count)
