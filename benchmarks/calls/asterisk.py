"""`skipcall calls import`: rows a second of an Asterisk CDR file, its memory, and the share of a bare COPY of the same rows.

python -m benchmarks.calls.asterisk FILE SOURCE DATA      one import, in a process of its own; DATABASE_URL names the database
"""

import asyncio
import contextlib
import io
import os
import random
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from benchmarks.calls.data import Made
from benchmarks.data import SECRET
from benchmarks.figures import Figure, Plan, Results
from benchmarks.importing import Import
from benchmarks.machine import cores, memory_mib, pinned_to
from benchmarks.servers import ROOT, BenchmarkError
from skipcall import ids
from skipcall.cli.main import app
from skipcall.clock import now
from skipcall.postgres.db import Statement, connect
from skipcall.telephony.model import Source
from skipcall.telephony.sources import SourceOptions, add_source

ROWS_PER_SECOND_MIN = 15_000.0
MEMORY_GROWTH_MAX = 1.10
SHORT_SHARE = 5  # the short file has a fifth of the rows
ZONE = "Europe/Paris"
DAYS = 20  # before now, in which the calls of a file are
EXTENSIONS = 60
_ENDS = (("ANSWERED", 31), ("NO ANSWER", 52), ("BUSY", 12), ("FAILED", 5))
_COLUMNS = Statement(
    """
    SELECT attname FROM pg_attribute
    WHERE attrelid = 'calls'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
    """
)


class _Report(msgspec.Struct):
    calls: int
    created: int


def measure(made: Made, postgres_pid: int, place: Path, plan: Plan, results: Results) -> None:
    """Add the figures of the import. The rate is that of the whole machine; beside COPY the database has one core, as ever."""
    short, _ = _import(made, place, plan.cdr_rows // SHORT_SHARE)
    long, source_id = _import(made, place, plan.cdr_rows)
    pinned = os.sched_getaffinity(postgres_pid)
    os.sched_setaffinity(postgres_pid, cores())  # new connections are born with it
    try:
        free, _ = _import(made, place, plan.cdr_rows + 1)
    finally:
        os.sched_setaffinity(postgres_pid, pinned)
    if long.created < 0.99 * long.rows:
        raise BenchmarkError(f"only {long.created} of {long.rows} rows were imported")
    server_core, _ = cores()
    with pinned_to(server_core):
        copied = asyncio.run(_copy(made, source_id))
    results.measurements["Asterisk"] = {"short": short, "long": long, "free": free, "copy_rows_per_second": copied}
    results.figures += [
        Figure("Asterisk CSV", free.rows / free.seconds, "rows/s", at_least=ROWS_PER_SECOND_MIN),
        Figure("Asterisk CSV, of a bare COPY", long.rows / long.seconds / copied),
        Figure(
            f"Asterisk CSV, memory of {SHORT_SHARE} x rows", long.peak_mib / short.peak_mib, at_most=MEMORY_GROWTH_MAX
        ),
    ]


def write_cdrs(path: Path, rows: int) -> None:
    """Write a Master.csv of 18 columns: calls from extensions to numbers of contacts, and some that come in."""
    draw = random.Random(rows)
    begin = now() - timedelta(days=DAYS)
    zone = ZoneInfo(ZONE)
    ends, weights = [one for one, _ in _ENDS], [weight for _, weight in _ENDS]
    with path.open("w", encoding="utf-8", newline="") as file:
        for number in range(rows):
            moment = begin + timedelta(days=DAYS) * number / rows
            local = moment.astimezone(zone)
            extension = str(101 + draw.randrange(EXTENSIONS))
            contact = f"06399{80_000 + draw.randrange(10_000)}"
            [end] = draw.choices(ends, weights)
            ring = draw.randint(3, 28)
            talk = min(3_000, int(draw.lognormvariate(4.0, 1.0))) + 1 if end == "ANSWERED" else 0
            is_inbound = number % 12 == 0
            src, dst = (contact, extension) if is_inbound else (extension, contact)
            context = "from-trunk" if is_inbound else "from-internal"
            answer = _text(local + timedelta(seconds=ring)) if talk else ""
            file.write(
                f'"","{src}","{dst}","{context}","""{src}"" <{src}>","PJSIP/{src}-{number:08x}","PJSIP/trunk-{number:08x}",'
                f'"Dial","PJSIP/{dst}@trunk,30","{_text(local)}","{answer}","{_text(local + timedelta(seconds=ring + talk))}",'
                f'{ring + talk},{talk},"{end}","DOCUMENTATION","{int(moment.timestamp())}.{number}",""\n'
            )


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _import(made: Made, place: Path, rows: int) -> tuple[Import, UUID]:
    path = place / f"cdr-{rows}.csv"
    write_cdrs(path, rows)
    source_id = asyncio.run(_add_source(made, f"{rows} rows"))
    server_core, _ = cores()
    command = [sys.executable, "-m", "benchmarks.calls.asterisk", str(path), str(source_id), str(place / "imports")]
    environment = {"DATABASE_URL": made.url, "SKIPCALL_SECRET": SECRET}
    with pinned_to(server_core):
        done = subprocess.run(
            command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise BenchmarkError(f"the import failed: {done.stderr}")
    return msgspec.json.decode(done.stdout, type=Import), source_id


async def _add_source(made: Made, name: str) -> UUID:
    db = await connect(made.url)
    try:
        source = Source(provider="ASTERISK", timezone=ZONE, default_country="FR")
        id = await add_source(
            db, made.tenant.workspace_id, name=name, source=source, options=SourceOptions(), secret=SECRET.encode()
        )
    finally:
        await db.connection.close()
    assert id is not None
    return id


async def _copy(made: Made, source_id: UUID) -> float:
    """Copy the calls of a source to the same table, under ids of their own, and nothing else; return rows a second."""
    db = await connect(made.url)
    try:
        columns = [row["attname"] for row in await db.fetch_rows(_COLUMNS)]
        place = columns.index("id")
        found = await db.connection.fetch(
            f"SELECT {', '.join(columns)} FROM calls WHERE workspace_id = $1 AND source_id = $2 ORDER BY id",
            made.tenant.workspace_id,
            source_id,
        )
        rows = [(*row[:place], ids.id_at(row["started_at"]), *row[place + 1 :]) for row in found]
        began = time.monotonic()
        await db.copy_rows("calls", columns, rows)
        return len(rows) / (time.monotonic() - began)
    finally:
        await db.connection.close()


def _run(file: str, source: str, data: str) -> Import:
    output = io.StringIO()
    began = time.monotonic()
    with contextlib.redirect_stdout(output):
        app(["calls", "import", file, "--source", source, "--data", data, "--json"], standalone_mode=False)
    seconds = time.monotonic() - began
    report = msgspec.json.decode(output.getvalue(), type=_Report)
    return Import(report.calls, report.created, seconds, memory_mib("self", "VmHWM"))


if __name__ == "__main__":
    sys.stdout.write(msgspec.json.encode(_run(*sys.argv[1:])).decode())
