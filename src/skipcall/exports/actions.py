"""How a file is made: by the worker, from one snapshot, piece by piece.

Each attempt has a file of its own, named after the export. The attempt that succeeds, or the end of the export, removes what
killed ones have left; what is in `pending/` is removed by the sweep of recordings.
"""

import asyncio
import contextlib
import hashlib
import logging
import secrets
from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

import msgspec

from skipcall import clock
from skipcall.custom_fields.queries import list_definitions
from skipcall.errors import Unavailable
from skipcall.exports import queries
from skipcall.exports.model import MEDIA_TYPES, Lines
from skipcall.exports.queries import Claimed
from skipcall.page import FIRST_ID
from skipcall.postgres import leases
from skipcall.postgres.db import Database
from skipcall.postgres.leases import LeaseLost
from skipcall.storage.model import PENDING, Storage, remove_objects, remove_orphans

EXPORTS = "exports"
ROWS_AT_ONCE = 1_000
ROWS_TOLD = 20_000  # how often it is told how far it is
ATTEMPTS_MAX = 5
RETRY_SECONDS = 30.0
IDLE_SECONDS = 1.0

log = logging.getLogger("skipcall.exports")


class _Made(msgspec.Struct):
    """What was written so far."""

    snapshot_at: datetime
    row_count: int = 0
    size_bytes: int = 0
    digest: bytes = b""


def key_of(id: UUID | str, attempt: int) -> str:
    """Return where the file of an attempt is kept."""
    return f"{EXPORTS}/{id}-{attempt}"


def id_in(key: str) -> str:
    """Return the id of the export whose file has a key."""
    return key.removeprefix(f"{EXPORTS}/").rpartition("-")[0]


async def remove_files(storage: Storage, id: UUID, attempts: int) -> None:
    """Remove the files of so many attempts, as far as there are any."""
    await remove_objects(storage, [key_of(id, attempt) for attempt in range(1, attempts + 1)])


class Exporter:
    """Makes the exports that are asked for, one at a time."""

    def __init__(self, db: Database, storage: Storage) -> None:
        self._db, self._storage = db, storage

    async def step(self) -> float:
        """Make one export, if one waits; return how many seconds to pause before the next step."""
        claimed = await queries.claim_export(self._db, leases.LEASE_SECONDS)
        if claimed is None:
            return IDLE_SECONDS
        try:
            async with queries.leased_export(self._db, claimed):
                await self._make(claimed)
            await remove_files(self._storage, claimed.id, claimed.attempts - 1)
        except LeaseLost:
            return 0.0
        except asyncio.CancelledError:
            await queries.release_export(self._db, claimed, 0)
            raise
        except Exception as failure:  # noqa: BLE001 - one export must not hold up the others
            cause = type(failure).__qualname__
            log.warning("an export failed", extra={"fields": {"exportId": str(claimed.id), "cause": cause}})
            with contextlib.suppress(Unavailable):
                if claimed.attempts >= ATTEMPTS_MAX:
                    await queries.fail_export(self._db, claimed)
                else:
                    await queries.release_export(self._db, claimed, RETRY_SECONDS)
        return 0.0

    async def remove_expired(self) -> None:
        """Remove the files that have been kept long enough, and those of which somebody else was killed while removing them."""
        for id, attempts in await queries.expire_exports(self._db):
            await remove_files(self._storage, id, attempts)
        named = await queries.list_ids_with_files(self._db)
        await remove_orphans(self._storage, EXPORTS, lambda key: id_in(key) in named, clock.now())

    async def _make(self, claimed: Claimed) -> None:
        made = _Made(clock.now())
        pending, key = f"{PENDING}/{secrets.token_hex(16)}", key_of(claimed.id, claimed.attempts)
        try:
            await self._storage.put(pending, self._chunks(claimed, made), MEDIA_TYPES[claimed.format])
        except BaseException:
            await remove_objects(self._storage, [pending])
            raise
        await self._storage.move(pending, key)
        is_mine = await queries.complete_export(
            self._db,
            claimed,
            row_count=made.row_count,
            size_bytes=made.size_bytes,
            sha256=made.digest,
            snapshot_at=made.snapshot_at,
        )
        if not is_mine:
            await remove_objects(self._storage, [key])
            raise LeaseLost

    async def _chunks(self, claimed: Claimed, made: _Made) -> AsyncIterator[bytes]:
        hashed = hashlib.sha256()

        def noted(chunk: bytes) -> bytes:
            hashed.update(chunk)
            made.size_bytes += len(chunk)
            return chunk

        async with self._db.snapshot() as tx:
            made.snapshot_at = clock.now()
            lines = Lines(claimed.format, await list_definitions(tx, claimed.workspace_id))
            yield noted(lines.head())
            after: UUID | None = FIRST_ID
            while after is not None:
                contacts = await queries.list_contacts(tx, claimed.workspace_id, after=after, limit=ROWS_AT_ONCE)
                made.row_count += len(contacts)
                yield noted(lines.rows(contacts))
                after = UUID(contacts[-1].id) if len(contacts) == ROWS_AT_ONCE else None
                if made.row_count % ROWS_TOLD == 0:
                    await queries.advance_export(self._db, claimed, made.row_count)
        made.digest = hashed.digest()
