"""The importer: rows a second on one core, its memory, and the share of a bare COPY of the same rows.

python -m benchmarks.importing URL ORGANIZATION WORKSPACE FILE            one import, in a process of its own
python -m benchmarks.importing URL ORGANIZATION WORKSPACE FILE job        the same as a job, as a client asks for it
"""

import asyncio
import contextlib
import csv
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, TextIO
from uuid import UUID

import msgspec

from benchmarks.data import SECRET, Tenant, create_bench_workspace, create_tenant
from benchmarks.figures import Figure, Plan, Results
from benchmarks.machine import cores, memory_mib, pinned_to
from benchmarks.servers import ROOT, BenchmarkError
from skipcall import ids
from skipcall.demo.people import HEADER, people, write
from skipcall.imports import jobs
from skipcall.imports.actions import import_contacts
from skipcall.imports.model import CreateImport
from skipcall.imports.running import Importer
from skipcall.imports.uploading import store_file
from skipcall.page import FIRST_ID
from skipcall.postgres.db import Database, Statement, connect
from skipcall.postgres.embedded import EmbeddedPostgres
from skipcall.storage.folder import Folder
from skipcall.workspaces.model import Scope
from skipcall.workspaces.queries import get_workspace

ROWS_PER_SECOND_MIN = 10_000.0
JOB_OF_COPY_MIN = 0.30
MEMORY_GROWTH_MAX = 1.10
SHORT_SHARE = 5  # the short file has a fifth of the rows

_COLUMNS = (
    *("id", "first_name", "last_name", "email", "company", "city", "country", "url", "linkedin_url", "role"),
    *("allow_phone_calls", "phone_numbers", "custom_fields", "created_at", "updated_at", "last_modification_source"),
)
_ROWS = Statement(
    f"""
    SELECT {", ".join(_COLUMNS)} FROM contacts WHERE workspace_id = :workspace_id AND id > :after ORDER BY id LIMIT 50000
    """
)
_NUMBER, _MOBILE = HEADER.index("Phone Number"), HEADER.index("Mobile Phone Number")
_NOBODYS_CODE = "+888"  # a country code that no country has


class Import(msgspec.Struct, frozen=True):
    """One import. `peak_mib` is the most that its process held."""

    rows: int
    created: int
    seconds: float
    peak_mib: float


def measure(url: str, tenant: Tenant, place: Path, plan: Plan, results: Results) -> None:
    """Add the figures of the importer."""
    short, workspace_id = _import(url, tenant, place, plan.import_rows // SHORT_SHARE)
    long, workspace_id = _import(url, tenant, place, plan.import_rows)
    if long.created < 0.9 * long.rows:
        raise BenchmarkError(f"only {long.created} of {long.rows} rows were imported")
    server_core, _ = cores()
    with pinned_to(server_core):
        copied = asyncio.run(_copy(url, tenant, asyncio.run(_read(url, workspace_id))))
    results.measurements["import"] = {"short": short, "long": long, "copy_rows_per_second": copied}
    rate = long.rows / long.seconds
    results.figures += [
        Figure("importer", rate, "rows/s", at_least=ROWS_PER_SECOND_MIN),
        Figure("importer, of a bare COPY", rate / copied),
        Figure(f"importer, memory of {SHORT_SHARE} x rows", long.peak_mib / short.peak_mib, at_most=MEMORY_GROWTH_MAX),
    ]


def measure_jobs(place: Path, plan: Plan, results: Results) -> None:
    """Add the figures of imports that clients ask for. Both the first of them and the COPY begin with an empty database."""
    jobs: list[Import] = []
    with _database(place / "jobs") as url:
        tenant = asyncio.run(create_tenant(url, 0))
        for rows in (plan.job_rows, plan.job_rows // SHORT_SHARE):
            print(f"Importing {rows:,} contacts ...", flush=True)
            job, workspace_id = _import(url, tenant, place, rows, "job")
            if job.created != rows:
                raise BenchmarkError(f"only {job.created} of {rows} rows were imported")
            if not jobs:
                written = asyncio.run(_read(url, workspace_id))
            jobs.append(job)
    print("The same by COPY ...", flush=True)
    server_core, _ = cores()
    with _database(place / "copy") as url:
        tenant = asyncio.run(create_tenant(url, 0))
        with pinned_to(server_core):
            copied = asyncio.run(_copy(url, tenant, written))
    long, short = jobs
    rate = long.rows / long.seconds
    results.measurements["import as a job"] = {"short": short, "long": long, "copy_rows_per_second": copied}
    results.figures += [
        Figure(f"import of {long.rows:,} contacts as a job", rate, "rows/s"),
        Figure("import as a job, of a bare COPY", rate / copied, at_least=JOB_OF_COPY_MIN),
        Figure(
            f"import as a job, memory of {SHORT_SHARE} x rows",
            long.peak_mib / short.peak_mib,
            at_most=MEMORY_GROWTH_MAX,
        ),
    ]


def _write_distinct(rows: int, file: TextIO) -> None:
    """Write the demo's people, each with a number of its own."""
    writer = csv.writer(file)
    writer.writerow(HEADER)
    for place, person in enumerate(people(rows)):
        person[_NUMBER], person[_MOBILE] = "", f"{_NOBODYS_CODE}{place:011}"
        writer.writerow(person)


@contextlib.contextmanager
def _database(place: Path) -> Iterator[str]:
    _, load_core = cores()
    with pinned_to(load_core):
        postgres = EmbeddedPostgres.start(place)
    with postgres:
        yield postgres.url


def _import(url: str, tenant: Tenant, place: Path, rows: int, *how: str) -> tuple[Import, UUID]:
    path = place / f"{rows}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        (_write_distinct if how else write)(rows, file)
    workspace_id = asyncio.run(_workspace(url, tenant))
    server_core, _ = cores()
    command = [sys.executable, "-m", "benchmarks.importing"]
    command += [url, str(tenant.organization_id), str(workspace_id), str(path), *how]
    with pinned_to(server_core):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkError(f"the import failed: {done.stderr}")
    return msgspec.json.decode(done.stdout, type=Import), workspace_id


async def _workspace(url: str, tenant: Tenant) -> UUID:
    db = await connect(url)
    try:
        return await create_bench_workspace(db, tenant.organization_id)
    finally:
        await db.connection.close()


async def _read(url: str, workspace_id: UUID) -> list[tuple[Any, ...]]:
    """Return the rows of a workspace."""
    db = await connect(url)
    try:
        rows: list[tuple[Any, ...]] = []
        while batch := await db.fetch_rows(_ROWS, workspace_id=workspace_id, after=rows[-1][0] if rows else FIRST_ID):
            rows += map(tuple, batch)
        return rows
    finally:
        await db.connection.close()


async def _copy(url: str, tenant: Tenant, rows: list[tuple[Any, ...]]) -> float:
    """Copy rows into a new workspace, and nothing else; return rows a second."""
    target = await _workspace(url, tenant)
    db = await connect(url)
    try:
        placed = [(target, *row) for row in rows]
        began = time.monotonic()
        await db.copy_rows("contacts", ("workspace_id", *_COLUMNS), placed)
        return len(rows) / (time.monotonic() - began)
    finally:
        await db.connection.close()


async def _run(url: str, organization: str, workspace: str, path: str) -> Import:
    db = Database(url, 1)
    await db.open()
    try:
        space = await get_workspace(db, Scope(UUID(organization), (UUID(workspace),)), UUID(workspace))
        began = time.monotonic()
        report = await import_contacts(db, space, Path(path), create_fields=True)
        seconds = time.monotonic() - began
    finally:
        await db.close()
    return Import(report.rows_read, report.created, seconds, memory_mib("self", "VmHWM"))


async def _run_job(url: str, _: str, workspace: str, path: str) -> Import:
    """Import a file as the worker does, matching e-mail addresses and phone numbers; it is in the storage when the clock starts."""
    db = Database(url, 2)
    await db.open()
    try:
        with tempfile.TemporaryDirectory() as folder:
            storage = Folder(Path(folder))
            workspace_id = UUID(workspace)
            settings = CreateImport(match_by=["email", "phoneNumbers"], create_fields=True, dry_run=False)
            made = await jobs.create_import(db, workspace_id, settings, ids.new_id())
            assert made is not None
            await store_file(db, storage, made, _chunks(Path(path)))
            began = time.monotonic()
            await Importer(db, storage, SECRET.encode()).step()
            seconds = time.monotonic() - began
            done = await jobs.find_import(db, [workspace_id], UUID(made.id))
    finally:
        await db.close()
    assert done is not None
    return Import(done.rows_read, done.counts.created, seconds, memory_mib("self", "VmHWM"))


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(1 << 16):
            yield chunk


if __name__ == "__main__":
    run = _run_job if sys.argv[5:] else _run
    sys.stdout.write(msgspec.json.encode(asyncio.run(run(*sys.argv[1:5]))).decode())
