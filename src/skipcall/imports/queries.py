"""SQL of imports: how far one has come, and the rows that one batch adds, all in the batch's transaction."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from skipcall import ids
from skipcall.contacts.queries import COUNT_SLOTS
from skipcall.events.queries import record_created
from skipcall.imports.model import ContactRow
from skipcall.postgres.db import Session, Statement

_CONTACT_COLUMNS = (
    *("workspace_id", "id", "first_name", "last_name", "email", "company", "city", "country", "url", "linkedin_url"),
    *("linkedin_sales_url", "role", "allow_phone_calls", "phone_numbers", "custom_fields", "created_at", "updated_at"),
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
_ANALYZE = Statement("ANALYZE contacts, events")
_COUNT = Statement(
    f"""
    INSERT INTO contact_counts (workspace_id, slot, count)
    VALUES (:workspace_id, pg_backend_pid() % {COUNT_SLOTS}, :count)
    ON CONFLICT (workspace_id, slot) DO UPDATE SET count = contact_counts.count + excluded.count
    """
)


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


async def complete_import(db: Session, workspace_id: UUID, id: UUID, rows_read: int) -> bool:
    """Note that the whole file was read; return False if another run is elsewhere in it."""
    row = await db.fetch_row(_COMPLETE, workspace_id=workspace_id, id=id, rows_read=rows_read)
    return row is not None


async def refresh_statistics(db: Session) -> None:
    """Let the planner know what came in now; by itself the server looks only once a minute, and lists would sort."""
    await db.execute(_ANALYZE)


async def insert_contacts(tx: Session, workspace_id: UUID, rows: Sequence[ContactRow], moment: datetime) -> None:
    """Add contacts with their events and their count, by COPY. `moment` is when all of them were created."""
    contact_ids = [ids.new_id() for _ in rows]
    await tx.copy_rows(
        "contacts",
        _CONTACT_COLUMNS,
        [
            (
                *(workspace_id, id, row.first_name, row.last_name, row.email, row.company, row.city, row.country),
                *(row.url, row.linkedin_url, row.linkedin_sales_url, row.role, row.allow_phone_calls),
                *(row.phone_numbers, msgspec.json.encode(row.custom_fields).decode(), moment, moment, "SKIPCALL"),
            )
            for id, row in zip(contact_ids, rows, strict=True)
        ],
    )
    await record_created(tx, workspace_id, "contact.created", contact_ids, moment)
    # Last, since the counter's row is shared with other writers and stays locked until the commit.
    await tx.execute(_COUNT, workspace_id=workspace_id, count=len(rows))
