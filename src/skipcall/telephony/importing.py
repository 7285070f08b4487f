"""Imports a finished file of an exchange: every line becomes a call or a fault, in constant memory.

A call has its key in the file, so a file that is imported again, or that broke off and is, changes nothing that is stored.
"""

import asyncio
import gzip
import os
import zlib
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from skipcall.imports.model import UnusableFile
from skipcall.telephony.asterisk import read_calls
from skipcall.telephony.model import CallReport, LineFault, Source

BATCH_LINES = 1_000
BATCHES_AT_ONCE = 2  # one is stored while the next is read, or by another core of the database
FAULTS_KEPT_MAX = 1_000
_GZIP = b"\x1f\x8b"


class Progress(msgspec.Struct, frozen=True):
    """Where an import is: after each batch. `byte` of `bytes` tells the share of the file that is done."""

    calls: int
    faulty: int
    byte: int
    bytes: int


class CallImport(msgspec.Struct):
    """What came of an import. `faults` holds the first FAULTS_KEPT_MAX of `faulty`; `on_fault` is told all of them."""

    lines: int = 0  # without blank ones
    calls: int = 0
    created: int = 0
    updated: int = 0
    faulty: int = 0
    faults: list[LineFault] = []


Store = Callable[[Sequence[CallReport]], Coroutine[None, None, tuple[int, int]]]


async def import_calls(
    path: Path,
    source: Source,
    store: Store,
    *,
    on_progress: Callable[[Progress], None] = lambda _: None,
    on_fault: Callable[[LineFault], None] = lambda _: None,
) -> CallImport:
    """Import a file, packed by gzip or not. `store` returns how many calls it created and how many it changed.

    Raises `UnusableFile` if the packing is damaged, `OSError`, and what `store` raises; what was stored until then stays.
    """
    report = CallImport()
    with path.open("rb") as raw:
        size = os.fstat(raw.fileno()).st_size
        is_packed = raw.read(len(_GZIP)) == _GZIP
        raw.seek(0)
        file = cast("BinaryIO", gzip.GzipFile(fileobj=raw)) if is_packed else raw
        stored: deque[asyncio.Task[tuple[int, int]]] = deque()
        try:
            for batch in _batches(read_calls(file, source), path):
                calls = [one for one in batch if isinstance(one, CallReport)]
                if calls:
                    stored.append(asyncio.create_task(store(calls)))
                    await asyncio.sleep(0)  # the batch is on its way before the next one is read
                report.lines += len(batch)
                report.calls += len(calls)
                for fault in batch:
                    if isinstance(fault, LineFault):
                        _note(fault, report, on_fault)
                while len(stored) >= BATCHES_AT_ONCE:
                    _add(report, await stored.popleft())
                on_progress(Progress(report.calls, report.faulty, raw.tell(), size))
            while stored:
                _add(report, await stored.popleft())
        finally:
            for task in stored:
                task.cancel()
    return report


def _add(report: CallImport, counts: tuple[int, int]) -> None:
    report.created += counts[0]
    report.updated += counts[1]


def _batches(lines: Iterable[CallReport | LineFault], path: Path) -> Iterator[list[CallReport | LineFault]]:
    batch = []
    try:
        for one in lines:
            batch.append(one)
            if len(batch) == BATCH_LINES:
                yield batch
                batch = []
    except (EOFError, gzip.BadGzipFile, zlib.error) as damage:
        if batch:
            yield batch
        raise UnusableFile(f"{path.name} is damaged: it cannot be unpacked to its end") from damage
    if batch:
        yield batch


def _note(fault: LineFault, report: CallImport, on_fault: Callable[[LineFault], None]) -> None:
    report.faulty += 1
    if len(report.faults) < FAULTS_KEPT_MAX:
        report.faults.append(fault)
    on_fault(fault)
