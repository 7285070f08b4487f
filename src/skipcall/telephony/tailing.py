"""Follows the growing files of call detail records in a folder of an exchange.

Each look reads what was added. A batch of calls is stored first, and then how far the file was read: who dies in
between stores them again, which changes nothing. Files that were rotated are followed under their new name; those that were
copied before they were emptied are read again from the start. Packed ones are not read: by then they have been.
"""

import asyncio
import logging
import os
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from hashlib import blake2s
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import msgspec

from skipcall import ids
from skipcall.postgres.db import Session
from skipcall.telephony.asterisk import LINE_BYTES_MAX, CdrReader
from skipcall.telephony.file_places import LEASE_SECONDS, Place, advance, give_back_lease, list_places, take_lease
from skipcall.telephony.model import CallReport, LineFault, Source

BATCH_LINES = 1_000
LEASE_RENEWED_AFTER_SECONDS = LEASE_SECONDS / 3
# As cdr_csv and cdr_custom name them, and as logrotate renames them.
_FILES = re.compile(r".+\.(?:csv|jsonl?|ndjson)(?:[.-][0-9]+)?", re.IGNORECASE)
# Calls within the house are left out, not faulty.
_NO_FAULTS = frozenset({"INTERNAL_CALL"})

Record = Callable[[Sequence[CallReport]], Awaitable[object]]

log = logging.getLogger("skipcall.telephony")


class Batch(msgspec.Struct, frozen=True):
    """Some lines of a file, and the place behind them."""

    reports: list[CallReport]
    faults: list[LineFault]
    place: Place


class FolderReader:
    """Follows the folder of one source; `record` stores calls and must change nothing when it gets one again."""

    def __init__(
        self, db: Session, workspace_id: UUID, source_id: UUID, source: Source, folder: Path, record: Record
    ) -> None:
        self.folder = folder
        self._db, self._workspace_id, self._source_id, self._record = db, workspace_id, source_id, record
        self._id = ids.new_id()
        self._reader = CdrReader(source)
        self._renew_at: float | None = None  # None: another worker is the reader
        self._places: dict[str, Place] = {}
        self._seen: dict[Path, tuple[int, int, int]] = {}
        self._unreadable: set[Path] = set()

    async def look(self) -> None:
        """Store what was added to any file since the last look. Raises `OSError` if the folder is not there."""
        files = await asyncio.to_thread(self._changed_files)
        if not await self._hold_lease():
            return
        for path, state in files:
            try:
                is_read = await self._read_file(path)
            except OSError as problem:  # it may have been rotated away just now
                if not isinstance(problem, FileNotFoundError) and path not in self._unreadable:
                    self._unreadable.add(path)
                    log.warning(
                        "a file cannot be read", extra={"fields": _fields(path, exception=type(problem).__name__)}
                    )
                continue
            if not is_read:
                return
            self._unreadable.discard(path)
            self._seen[path] = state

    async def leave(self) -> None:
        """Let another worker take over at once."""
        if self._renew_at is not None:
            await give_back_lease(self._db, self._workspace_id, self._source_id, self._id)

    def _changed_files(self) -> list[tuple[Path, tuple[int, int, int]]]:
        found = {}
        with os.scandir(self.folder) as entries:
            for entry in entries:
                if _FILES.fullmatch(entry.name) and entry.is_file():
                    state = entry.stat()
                    found[Path(entry.path)] = (state.st_ino, state.st_size, state.st_mtime_ns)
        self._seen = {path: state for path, state in self._seen.items() if path in found}
        return sorted((path, state) for path, state in found.items() if self._seen.get(path) != state)

    async def _hold_lease(self) -> bool:
        now = time.monotonic()
        if self._renew_at is not None and now < self._renew_at:
            return True
        was_reader = self._renew_at is not None
        self._renew_at = None
        if not await take_lease(self._db, self._workspace_id, self._source_id, self._id):
            return False
        if not was_reader:
            self._places = await list_places(self._db, self._workspace_id, self._source_id)
            self._seen = {}
        self._renew_at = now + LEASE_RENEWED_AFTER_SECONDS
        return True

    async def _read_file(self, path: Path) -> bool:
        """Read a file to its last complete line; return False when another worker has become the reader."""
        with path.open("rb") as file:
            head = file.readline(LINE_BYTES_MAX)
            if head[-1:] != b"\n" and len(head) < LINE_BYTES_MAX:
                return True  # nothing complete yet
            identity = _identity(file, head)
            place = self._places.get(identity, Place())
            if place.byte_offset > os.fstat(file.fileno()).st_size:
                place = Place()
            while True:
                batch = await asyncio.to_thread(read_batch, file, place, self._reader)
                if batch.place == place or os.pread(file.fileno(), len(head), 0) != head:  # emptied meanwhile
                    return True
                if batch.reports:
                    await self._record(batch.reports)
                _tell(path, batch.faults)
                if not await self._keep(identity, path, batch.place):
                    return False
                place = batch.place
                if not await self._hold_lease():
                    return False

    async def _keep(self, identity: str, path: Path, place: Place) -> bool:
        kept = await advance(
            self._db, self._workspace_id, self._source_id, self._id, identity=identity, path=str(path), place=place
        )
        if kept:
            self._places[identity] = place
        else:
            self._renew_at = None
        return kept


def read_batch(file: BinaryIO, place: Place, reader: CdrReader) -> Batch:
    """Read at most BATCH_LINES complete lines from a place on. The rest of a line that is too long is passed over."""
    reports, faults = [], []
    offset, number = place.byte_offset, place.line
    file.seek(offset)
    while number - place.line < BATCH_LINES and (line := file.readline(LINE_BYTES_MAX + 1)):
        if line[-1:] != b"\n" and len(line) <= LINE_BYTES_MAX:
            break  # half written
        number += 1
        offset += len(line)
        if line[-1:] != b"\n":
            while (rest := file.readline(LINE_BYTES_MAX)) and rest[-1:] != b"\n":
                offset += len(rest)
            offset += len(rest)
            faults.append(LineFault(number, "LINE_TOO_LONG", f"the line is longer than {LINE_BYTES_MAX} bytes"))
            continue
        result = reader.read_line(line, number)
        if isinstance(result, LineFault):
            faults.append(result)
        elif result is not None:
            reports.append(result)
    return Batch(reports, faults, Place(offset, number))


def _identity(file: BinaryIO, head: bytes) -> str:
    state = os.fstat(file.fileno())
    return f"{state.st_dev:x}:{state.st_ino:x}:{blake2s(head, digest_size=16).hexdigest()}"


def _tell(path: Path, faults: Sequence[LineFault]) -> None:
    """Log once for a batch that lines were not understood; of which kind, and where the first one is."""
    told = [fault for fault in faults if fault.code not in _NO_FAULTS]
    if told:
        fields = _fields(path, codes=dict(Counter(fault.code for fault in told)), firstLine=told[0].line)
        log.warning("lines of a file are no calls", extra={"fields": fields})


def _fields(path: Path, **more: object) -> dict[str, object]:
    return {"file": str(path), **more}
