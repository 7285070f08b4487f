"""The composition root of the worker: what is done beside answering requests, until a signal ends it.

Several workers may run for one database: recordings are claimed one by one, a folder is read by one worker at a time, and
the rest may be done twice.
"""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from uuid import UUID

from skipcall import clock
from skipcall.api_keys.actions import is_secret_of_keys
from skipcall.calls.months import ensure_months
from skipcall.changes.queries import forget_changes
from skipcall.contacts.tidying import TIDIED_INDEXES, tidy_index
from skipcall.erasures.actions import Eraser
from skipcall.errors import Refusal, Unavailable
from skipcall.exports.actions import Exporter
from skipcall.imports.running import Importer
from skipcall.merges.actions import move_strays
from skipcall.merges.queries import forget_old_merges
from skipcall.outbound.client import Client
from skipcall.postgres import migrate
from skipcall.postgres.db import Database
from skipcall.recordings.actions import Archive, sweep
from skipcall.recordings.fetching import Access, Fetcher, NoAccess
from skipcall.settings import Settings, SettingsError
from skipcall.storage.choice import open_storage
from skipcall.telephony.actions import record_reports
from skipcall.telephony.model import CallReport
from skipcall.telephony.queries import forget_old_reports, list_sources
from skipcall.telephony.recording_access import access_to_recordings
from skipcall.telephony.sources import Sources, StoredSource, read_source
from skipcall.telephony.tailing import FolderReader
from skipcall.workspaces.queries import list_all_workspaces

CONNECTIONS_MAX = 4
PAUSE_MIN_SECONDS = 1.0
PAUSE_MAX_SECONDS = 60.0
LOOK_SECONDS = 1.0
INDEXES_SECONDS = 1.0
SOURCES_SECONDS = 5.0
STRAYS_SECONDS = 60.0
HOUR_SECONDS = 3_600.0
AHEAD = timedelta(days=7)  # so long before a month begins, its partition is made

log = logging.getLogger("skipcall.worker")


class Worker:
    """What one worker process holds."""

    def __init__(self, read: Settings) -> None:
        if read.database_url is None or read.secret is None:
            raise SettingsError("the worker needs DATABASE_URL and SKIPCALL_SECRET; `skipcall worker` sets both")
        self._database = Database(read.database_url, CONNECTIONS_MAX)
        self._secret = read.secret.encode()
        self._changes_kept = timedelta(days=read.changes_days)
        self._sources = Sources(self._secret, read.public_url)
        self._storage = open_storage(read)
        archive = Archive(self._storage, read.recording_bytes_max, self._secret, read.public_url)
        client = Client([ip_network(network) for network in read.outbound_networks])
        self._exporter = Exporter(self._database, self._storage)
        self._eraser = Eraser(self._database, self._storage)
        self._importer = Importer(self._database, self._storage, self._secret)
        self._fetcher = Fetcher(self._database, archive, client, self._access_of)
        self._folders: dict[StoredSource, asyncio.Task[None]] = {}
        self._indexes = itertools.cycle(TIDIED_INDEXES)

    async def run(self) -> None:
        """Work until cancelled. Nothing that goes wrong in one task ends it, or the others."""
        await keep_doing("start", self._open)
        steps = {
            "recordings": self._fetcher.step,
            "exports": self._exporter.step,
            "erasures": self._eraser.step,
            "imports": self._importer.step,
            "folders": self._follow_folders,
            "months": self._make_months,
            "strays": self._move_strays,
            "clean": self._clean,
            "sweep": self._sweep,
            "indexes": self._tidy_indexes,
        }
        try:
            async with asyncio.TaskGroup() as tasks:
                for name, step in steps.items():
                    tasks.create_task(keep_doing(name, step))
        finally:
            for task in self._folders.values():
                task.cancel()
            await asyncio.gather(self._fetcher.stop(), *self._folders.values(), return_exceptions=True)
            await self._database.close()

    async def _open(self) -> None:
        await self._database.open()
        if await migrate.pending(self._database):
            raise Unavailable("the database lacks migrations: run `skipcall migrate`")
        # Under another secret it would not know who was erased, and let an import bring them back.
        if await is_secret_of_keys(self._database, self._secret) is False:
            raise Unavailable("SKIPCALL_SECRET, or the file `secret`, is another one than the server's")

    async def _make_months(self) -> float:
        now = clock.now()
        await ensure_months(self._database, [now, now + AHEAD])
        return HOUR_SECONDS

    async def _clean(self) -> float:
        await forget_old_reports(self._database)
        workspaces = await self._workspaces()
        await forget_changes(self._database, workspaces, clock.now() - self._changes_kept)
        await forget_old_merges(self._database, workspaces)
        return HOUR_SECONDS

    async def _tidy_indexes(self) -> float:
        # One at a time: what all of them log at once would keep commits waiting.
        await tidy_index(self._database, next(self._indexes))
        return INDEXES_SECONDS / len(TIDIED_INDEXES)

    async def _move_strays(self) -> float:
        workspaces = await self._workspaces()
        await move_strays(self._database, workspaces)
        await self._eraser.reopen(workspaces)
        return STRAYS_SECONDS

    async def _workspaces(self) -> list[UUID]:
        return [UUID(workspace.id) for _, workspace in await list_all_workspaces(self._database, None)]

    async def _sweep(self) -> float:
        await sweep(self._database, self._storage, clock.now())
        await self._exporter.remove_expired()
        await self._importer.remove_expired()
        return HOUR_SECONDS

    async def _access_of(self, source_id: UUID, url: str) -> Access:
        source = await self._sources.find(self._database, source_id)
        if source is None:
            raise NoAccess("its source is gone")
        return access_to_recordings(source, url)

    async def _follow_folders(self) -> float:
        """Follow the folders of the sources that there are now, each in a task of its own."""
        sources = [read_source(row) for row in await list_sources(self._database, None)]
        wanted = [one for one in sources if one.provider == "ASTERISK" and one.options.folder and not one.is_disabled]
        for source in self._folders.keys() - set(wanted):
            self._folders.pop(source).cancel()
        for source in wanted:
            if source not in self._folders:
                self._folders[source] = asyncio.create_task(self._follow_folder(source))
        return SOURCES_SECONDS

    async def _follow_folder(self, source: StoredSource) -> None:
        async def record(reports: Sequence[CallReport]) -> None:
            await record_reports(self._database, source, reports)

        assert source.options.folder is not None
        reader = FolderReader(
            self._database, source.workspace_id, source.id, source.source, Path(source.options.folder), record
        )

        async def look() -> float:
            await reader.look()
            return LOOK_SECONDS

        try:
            await keep_doing(f"folder of {source.name}", look)
        finally:
            with contextlib.suppress(Refusal):
                await reader.leave()


async def keep_doing(name: str, step: Callable[[], Awaitable[float | None]]) -> None:
    """Do a step again and again; it returns how many seconds to pause before the next, None when it is done.

    A step that fails is done again after a pause that grows. Each cause is logged once, until the step works again.
    """
    cause: str | None = None
    pause = PAUSE_MIN_SECONDS
    while True:
        try:
            seconds = await step()
        except Exception as failure:  # noqa: BLE001 - this must go on
            seconds, pause = pause, min(pause * 2, PAUSE_MAX_SECONDS)
            if cause != (cause := _cause(failure)):
                log.warning("the worker is held up", extra={"fields": {"task": name, "cause": cause}})
        else:
            if cause is not None:
                log.info("the worker goes on", extra={"fields": {"task": name}})
            cause, pause = None, PAUSE_MIN_SECONDS
            if seconds is None:
                return
        await asyncio.sleep(seconds)


def _cause(failure: Exception) -> str:
    """Return what is wrong, without values: our own refusals in words, others by type."""
    if isinstance(failure, Refusal):
        return failure.message
    return (failure.strerror if isinstance(failure, OSError) else None) or type(failure).__qualname__
