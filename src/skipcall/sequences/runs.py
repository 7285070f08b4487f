"""SQL of the runs of sequences. Whoever stores a call begins them."""

from collections.abc import Sequence as ListOf
from datetime import UTC, datetime
from uuid import UUID

from skipcall.clock import timestamp
from skipcall.page import Place
from skipcall.postgres.db import Row, Session, Statement
from skipcall.sequences.model import SequenceRun

_END = Place(UUID(int=2**128 - 1), datetime(9999, 12, 31, tzinfo=UTC))

_LIST = Statement(
    """
    WITH s AS (
        SELECT workspace_id, id FROM sequences
        WHERE workspace_id = ANY(:workspace_ids) AND id = :id AND deleted_at IS NULL
    ), counted AS (
        SELECT count(*) AS total FROM s JOIN sequence_runs r ON r.workspace_id = s.workspace_id AND r.sequence_id = s.id
    ), r AS (
        SELECT r.* FROM s CROSS JOIN LATERAL (
            SELECT * FROM sequence_runs r
            WHERE r.workspace_id = s.workspace_id AND r.sequence_id = s.id AND (r.started_at, r.id) < (:moment, :before)
            ORDER BY r.started_at DESC, r.id DESC LIMIT :limit OFFSET :offset
        ) r
    )
    SELECT r.id, r.sequence_id, r.organization_membership_id, r.started_at, k.*, counted.total
    FROM s CROSS JOIN counted LEFT JOIN r ON true LEFT JOIN LATERAL (
        SELECT count(*) AS calls_placed, count(*) FILTER (WHERE result = 'CONNECTED') AS calls_connected,
            CASE WHEN bool_and(status NOT IN ('queued', 'ringing', 'in-progress')) THEN max(ended_at) END AS ended_at
        FROM calls
        WHERE workspace_id = r.workspace_id AND sequence_run_id = r.id AND deleted_at IS NULL
    ) k ON true
    ORDER BY r.started_at DESC, r.id DESC
    """
)


async def list_sequence_runs(
    db: Session, workspace_ids: ListOf[UUID], id: UUID, *, before: Place | None, limit: int, offset: int
) -> tuple[list[SequenceRun], list[Place], int] | None:
    """Return runs of a sequence, newest first, after a place, the place of each, and how many it has; None without one."""
    before = before or _END
    rows = await db.fetch_rows(
        _LIST,
        workspace_ids=workspace_ids,
        id=id,
        moment=before.moment,
        before=before.id,
        limit=limit,
        offset=offset,
    )
    if not rows:
        return None
    found = [row for row in rows if row["id"] is not None]
    return [_run(row) for row in found], [Place(row["id"], row["started_at"]) for row in found], rows[0]["total"]


def _run(row: Row) -> SequenceRun:
    member = row["organization_membership_id"]
    return SequenceRun(
        id=str(row["id"]),
        sequence_id=str(row["sequence_id"]),
        organization_membership_id=member and str(member),
        started_at=timestamp(row["started_at"]),
        ended_at=row["ended_at"] and timestamp(row["ended_at"]),
        calls_placed=row["calls_placed"],
        calls_connected=row["calls_connected"],
    )
