"""The worker's part of an import: the dry run, and the import batch by batch, each in one transaction with the note of how far it is.

So a worker that is killed leaves nothing or an import that the next one goes on with, and no batch is done twice.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from skipcall import clock
from skipcall.contacts import upserts
from skipcall.contacts.upsert_model import UpsertOptions
from skipcall.custom_fields import queries as custom_fields
from skipcall.custom_fields.model import Definition
from skipcall.errors import Invalid, Refusal, Unavailable
from skipcall.imports import jobs, queries
from skipcall.imports.actions import ANALYZE_FROM_ROWS, TRIES_MAX, fill_fields
from skipcall.imports.deciding import Decided, Tally, decide_batch
from skipcall.imports.jobs import Claimed
from skipcall.imports.model import Converted, UnusableFile
from skipcall.imports.reading import Reading, inspect
from skipcall.imports.rows import RowConverter
from skipcall.imports.scratch import Scratch
from skipcall.imports.undoing import Undo
from skipcall.imports.uploading import IMPORTS, id_in, key_of, local_file, remove_uploads, sentence
from skipcall.postgres import leases
from skipcall.postgres.db import Database, Session, UniqueViolation
from skipcall.postgres.leases import LeaseLost
from skipcall.storage.model import ObjectMissing, Storage, remove_orphans

BATCH_ROWS = 1_000  # upserts of the workspace wait so long
FAILURES_MAX = 10  # in a row
RETRY_SECONDS = 30.0
IDLE_SECONDS = 1.0

log = logging.getLogger("skipcall.imports")


class Importer:
    """Does the imports that are asked for, one at a time."""

    def __init__(self, db: Database, storage: Storage, secret: bytes) -> None:
        self._db, self._storage, self._secret = db, storage, secret

    async def step(self) -> float:
        """Work on one import, if one waits; return how many seconds to pause before the next step."""
        claimed = await jobs.claim_import(self._db, leases.LEASE_SECONDS)
        if claimed is None:
            return IDLE_SECONDS
        try:
            await self._work(claimed)
        except LeaseLost:
            pass
        except UnusableFile as unusable:
            await self._fail(claimed, sentence(unusable))
        except (Unavailable, asyncio.CancelledError) as cause:
            with contextlib.suppress(Unavailable):
                seconds = 0 if isinstance(cause, asyncio.CancelledError) else RETRY_SECONDS
                await jobs.release_import(self._db, claimed, seconds)
            raise
        except Invalid as invalid:
            await self._fail(claimed, "; ".join(f"{one.pointer}: {one.message}" for one in invalid.faults))
        except Refusal as refusal:
            await self._fail(claimed, refusal.message)
        except Exception as failure:  # noqa: BLE001 - one import must not hold up the others
            name = type(failure).__qualname__
            log.warning("an import failed", extra={"fields": {"importId": str(claimed.id), "cause": name}})
            with contextlib.suppress(Unavailable):
                await jobs.release_import(self._db, claimed, RETRY_SECONDS)
        return 0.0

    async def remove_expired(self) -> None:
        """End what has waited too long, and remove the files that are not needed any more."""
        await jobs.expire_imports(self._db)
        for workspace_id, id, uploads in await jobs.list_files_of_ended(self._db):
            await remove_uploads(self._storage, id, uploads)
            await jobs.forget_uploads(self._db, workspace_id, id)
        named = await jobs.list_ids_with_uploads(self._db)
        await remove_orphans(self._storage, IMPORTS, lambda key: id_in(key) in named, clock.now())

    async def _fail(self, claimed: Claimed, why: str) -> None:
        if await jobs.finish_import(self._db, claimed, "FAILED", failure=why):
            await remove_uploads(self._storage, claimed.id, claimed.uploads)

    async def _work(self, claimed: Claimed) -> None:
        if claimed.failures > FAILURES_MAX:
            raise UnusableFile("each of several attempts to go on has failed; the server's log tells more")
        async with jobs.leased_import(self._db, claimed):
            if claimed.status == "UNDOING":
                await Undo(self._db, claimed, self._secret, leases.LEASE_SECONDS).run()
                return
            try:
                async with local_file(self._storage, key_of(claimed.id, claimed.upload), claimed.size_bytes) as path:
                    created = await _Run(self._db, claimed, path, self._secret).run()
            except (ObjectMissing, FileNotFoundError):
                raise UnusableFile("the storage does not have the file any more") from None
        if claimed.status == "RUNNING":
            if created >= ANALYZE_FROM_ROWS:
                await queries.refresh_statistics(self._db)
            await remove_uploads(self._storage, claimed.id, claimed.uploads)


class _Run:
    """One import, or its dry run, from where it stands to its end."""

    def __init__(self, db: Database, claimed: Claimed, path: Path, secret: bytes) -> None:
        self._db, self._claimed, self._path, self._secret = db, claimed, path, secret
        self._is_dry = claimed.status == "CHECKING"
        self._rows_read = claimed.rows_read
        settings = msgspec.json.encode(claimed.settings)
        self._tally = Tally(claimed.counts, claimed.sha256 + settings + claimed.country.encode())
        match = claimed.settings.match_by
        self._options = UpsertOptions(match=match, mode=claimed.settings.mode, modes=claimed.settings.modes)

    async def run(self) -> int:
        """Do what is left; return how many contacts were created in all."""
        claimed = self._claimed
        known = await custom_fields.list_definitions(self._db, claimed.workspace_id)
        reading = await asyncio.to_thread(inspect, self._path, claimed.settings, known)
        now = reading.columns()
        if gone := [heading for heading, place in claimed.columns.items() if place and now.get(heading) is None]:
            raise UnusableFile(f"the column {gone[0]} filled a custom field that is gone by now: send the file again")
        converter, definitions = await self._converter(reading, known)
        self._tally.headings = converter.headings()
        if not self._rows_read:
            await jobs.forget_errors(self._db, claimed)
        rows = converter.convert_all(islice(reading.rows(self._path), self._rows_read, None))
        with contextlib.closing(Scratch()) as scratch:
            while batch := await asyncio.to_thread(list, islice(rows, BATCH_ROWS)):
                await self._do(batch, definitions, scratch if self._is_dry else None)
        async with self._db.begin() as tx:
            await self._lock(tx)
            if self._is_dry:
                dry_run = self._tally.dry_run(self._rows_read)
                await jobs.finish_import(tx, claimed, "AWAITING_CONFIRMATION", dry_run=dry_run)
            else:
                await jobs.finish_import(tx, claimed, "COMPLETED")
        return self._tally.counts.created

    async def _converter(
        self, reading: Reading, definitions: Sequence[Definition]
    ) -> tuple[RowConverter, Sequence[Definition]]:
        """Return what makes contacts of rows; a dry run calls fields that are to be made by their names."""
        claimed = self._claimed
        if self._is_dry:
            places = [(one.index, one.slug or one.name) for one in reading.placed.places]
        else:
            places = await fill_fields(self._db, claimed.workspace_id, reading.placed)
            definitions = await custom_fields.list_definitions(self._db, claimed.workspace_id)
        converter = RowConverter(reading.mapping, claimed.country, places, definitions=definitions, partial=True)
        return converter, definitions

    async def _do(self, batch: list[Converted], definitions: Sequence[Definition], scratch: Scratch | None) -> None:
        """Do one batch. Others may write the same unique values at the same time; then it is decided anew."""
        for _ in range(TRIES_MAX):
            with contextlib.suppress(UniqueViolation):
                async with self._db.begin() as tx:
                    moment = await self._lock(tx)
                    decided = await decide_batch(
                        tx, self._claimed.workspace_id, batch, self._options, definitions, scratch, self._secret
                    )
                    if scratch is None:
                        await self._write(tx, decided, moment)
                    else:
                        scratch.keep(decided.ledger, decided.folded)
                    errors = self._tally.add(batch, decided)
                    if errors:
                        await jobs.add_errors(tx, self._claimed, self._rows_read, errors)
                    await jobs.advance_import(
                        tx,
                        self._claimed,
                        rows_read=self._rows_read + len(batch),
                        line=batch[-1][0],
                        counts=self._tally.counts,
                        lease_seconds=leases.LEASE_SECONDS,
                    )
                self._rows_read += len(batch)
                return
        raise Unavailable("Others write the same values of a unique field")

    async def _lock(self, tx: Session) -> Any:
        moment = await jobs.lock_import(tx, self._claimed)
        if moment is None:
            raise LeaseLost
        return moment

    async def _write(self, tx: Session, decided: Decided, moment: Any) -> None:
        """Write what was decided: contacts that are there by one statement, which knows what they give up, new ones by COPY."""
        ledger, claimed = decided.ledger, self._claimed
        new = {one.id: one for one in ledger.written.values() if one.is_new}
        author: dict[str, Any] = {
            "source": "API",
            "api_key_id": claimed.api_key_id,
            "request_id": f"import-{claimed.id}",
        }
        if len(new) < len(ledger.written):
            await upserts.write_contacts(
                tx,
                claimed.workspace_id,
                [one for one in ledger.written.values() if not one.is_new],
                [step for step in ledger.steps if step.id not in new],
                **author,
            )
        if new:
            steps = [step for step in ledger.steps if step.id in new]
            await queries.insert_records(tx, claimed.workspace_id, list(new.values()), steps, moment, **author)
