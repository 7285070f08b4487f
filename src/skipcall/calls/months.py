"""The partitions of calls: one for each month, made before the first call of it is written."""

from collections.abc import Iterable
from datetime import UTC, datetime

from skipcall.postgres.db import Session, Statement

# Who attaches a partition holds this lock to the end of the transaction, or of the savepoint, that may still be undone.
_CREATE = Statement(
    """
SELECT moment, create_calls_month(moment) AS was_there, EXISTS (
    SELECT FROM pg_locks
    WHERE pid = pg_backend_pid() AND relation = 'calls'::regclass AND mode = 'ShareUpdateExclusiveLock'
) AS may_be_undone
FROM unnest(:moments::timestamptz[]) AS moment
"""
)


async def ensure_months(db: Session, moments: Iterable[datetime]) -> None:
    """Make the partitions that calls started at these moments belong to.

    Those that were there are not asked for again: a partition is never taken away.
    """
    months = {("calls", utc.year, utc.month): utc for utc in (moment.astimezone(UTC) for moment in moments)}
    unknown = [moment for month, moment in sorted(months.items()) if month not in db.known]
    if unknown:
        rows = await db.fetch_rows(_CREATE, moments=unknown)
        db.known.update(
            ("calls", row["moment"].year, row["moment"].month)
            for row in rows
            if row["was_there"] and not row["may_be_undone"]
        )
