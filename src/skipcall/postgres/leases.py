"""Work that one process at a time does, under a lease: `next_attempt_at` of its row, renewed while the work goes on.

Who is killed renews nothing, so another takes the work up LEASE_SECONDS later at most. Who has lost the lease is broken off, and what they
still write counts only as far as their claim is the last: that is in the statements of each kind of work.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from skipcall.errors import Unavailable
from skipcall.postgres.db import Database, Statement

LEASE_SECONDS = 30.0
RENEWALS = 3  # in the time of one lease
RETRY_SECONDS = 1.0


class LeaseLost(Exception):
    """What was claimed was canceled, or somebody else has it now."""


def renewal(table: str, mine: str) -> Statement:
    """Return the statement that renews the lease of a row, for `leased`. `mine` holds for the row only while it is the claimer's.

    It does not wait for a row that is locked, by the claimer's own transaction as a rule: claims pass over such a row, too.
    """
    return Statement(
        f"""
        WITH renewed AS (
            UPDATE {table} SET next_attempt_at = clock_timestamp() + make_interval(secs => :lease_seconds)
            WHERE {mine} AND EXISTS (SELECT FROM {table} WHERE {mine} FOR NO KEY UPDATE SKIP LOCKED)
        )
        SELECT EXISTS (SELECT FROM {table} WHERE {mine})
        """
    )


@contextlib.asynccontextmanager
async def leased(db: Database, renewal: Statement, **values: object) -> AsyncGenerator[None]:
    """Renew a lease that was just taken while the block works; break the block off with `LeaseLost` when it is over."""
    try:
        async with asyncio.timeout(LEASE_SECONDS) as end:
            renewing = asyncio.create_task(_renew(db, renewal, values, end))
            try:
                yield
            finally:
                renewing.cancel()
                await asyncio.gather(renewing, return_exceptions=True)
    except TimeoutError:
        if end.expired():
            raise LeaseLost from None
        raise


async def _renew(db: Database, renewal: Statement, values: dict[str, object], end: asyncio.Timeout) -> None:
    loop, pause = asyncio.get_running_loop(), LEASE_SECONDS / RENEWALS
    while True:
        await asyncio.sleep(pause)
        asked = loop.time()
        try:
            is_mine = await db.fetch_value(renewal, **values, lease_seconds=LEASE_SECONDS)
        except Unavailable:
            pause = RETRY_SECONDS
            continue
        pause = LEASE_SECONDS / RENEWALS
        end.reschedule(asked + LEASE_SECONDS if is_mine else asked)
        if not is_mine:
            return
