"""SQL of events: what a statement records with its own write, and many at once."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from skipcall.postgres.db import Session

# The part of a statement that records what it does to `{rows}`: these have workspace_id, id, version and updated_at.
RECORD = """
    INSERT INTO events (workspace_id, type, object_id, object_version, occurred_at, source, api_key_id, request_id, changes)
    SELECT workspace_id, '{type}', id, version, updated_at, :source, :api_key_id, :request_id, {changes} FROM {rows}"""

COLUMNS = ("workspace_id", "type", "object_id", "object_version", "occurred_at", "source")


async def record_created(
    tx: Session, workspace_id: UUID, type: str, object_ids: Sequence[UUID], occurred_at: datetime
) -> None:
    """Record that objects were created by an import, in the transaction that creates them."""
    rows = [(workspace_id, type, object_id, 1, occurred_at, "SKIPCALL") for object_id in object_ids]
    await tx.copy_rows("events", COLUMNS, rows)


async def record_many(
    tx: Session,
    workspace_id: UUID,
    events: Iterable[tuple[str, UUID, int, str | None]],
    occurred_at: datetime,
    *,
    source: str,
    api_key_id: UUID | None,
    request_id: str | None,
) -> None:
    """Record events of one moment: type, object, version and changes (JSON) of each, in the transaction of the changes."""
    rows = [
        (workspace_id, type, object_id, version, occurred_at, source, api_key_id, request_id, changes)
        for type, object_id, version, changes in events
    ]
    await tx.copy_rows("events", (*COLUMNS, "api_key_id", "request_id", "changes"), rows)
