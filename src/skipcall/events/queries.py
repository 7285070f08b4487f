"""SQL of events, for those who write many at once; a single write records its event in its own statement."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from skipcall.postgres.db import Session

COLUMNS = ("workspace_id", "type", "object_id", "object_version", "occurred_at", "source")


async def record_created(
    tx: Session, workspace_id: UUID, type: str, object_ids: Sequence[UUID], occurred_at: datetime
) -> None:
    """Record that objects were created by an import, in the transaction that creates them."""
    rows = [(workspace_id, type, object_id, 1, occurred_at, "SKIPCALL") for object_id in object_ids]
    await tx.copy_rows("events", COLUMNS, rows)
