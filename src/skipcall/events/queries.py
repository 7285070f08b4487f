"""SQL of events: what a statement records with its own write, and many at once."""

from collections.abc import Sequence
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
