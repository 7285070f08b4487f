"""The importer: rows a second on one core, its memory, and the share of a bare COPY of the same rows.

python -m benchmarks.importing URL ORGANIZATION WORKSPACE FILE      one import, in a process of its own
"""

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID

import msgspec

from benchmarks.data import Tenant, create_bench_workspace
from benchmarks.figures import Figure, Plan, Results
from benchmarks.machine import cores, memory_mib, pinned_to
from benchmarks.servers import ROOT, BenchmarkError
from skipcall.demo.people import write
from skipcall.imports.actions import import_contacts
from skipcall.postgres.db import Database, Statement, connect
from skipcall.workspaces.model import Scope
from skipcall.workspaces.queries import get_workspace

ROWS_PER_SECOND_MIN = 10_000.0
MEMORY_GROWTH_MAX = 1.10
SHORT_SHARE = 5  # the short file has a fifth of the rows

_COLUMNS = (
    *("id", "first_name", "last_name", "email", "company", "city", "country", "url", "linkedin_url", "role"),
    *("allow_phone_calls", "phone_numbers", "custom_fields", "created_at", "updated_at", "last_modification_source"),
)
_ROWS = Statement(f"SELECT {', '.join(_COLUMNS)} FROM contacts WHERE workspace_id = :workspace_id")


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
        copied = asyncio.run(_copy(url, tenant, workspace_id))
    results.measurements["import"] = {"short": short, "long": long, "copy_rows_per_second": copied}
    rate = long.rows / long.seconds
    results.figures += [
        Figure("importer", rate, "rows/s", at_least=ROWS_PER_SECOND_MIN),
        Figure("importer, of a bare COPY", rate / copied),
        Figure(f"importer, memory of {SHORT_SHARE} x rows", long.peak_mib / short.peak_mib, at_most=MEMORY_GROWTH_MAX),
    ]


def _import(url: str, tenant: Tenant, place: Path, rows: int) -> tuple[Import, UUID]:
    path = place / f"{rows}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        write(rows, file)
    workspace_id = asyncio.run(_workspace(url, tenant))
    server_core, _ = cores()
    command = [sys.executable, "-m", "benchmarks.importing"]
    command += [url, str(tenant.organization_id), str(workspace_id), str(path)]
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


async def _copy(url: str, tenant: Tenant, source: UUID) -> float:
    """Copy the rows of a workspace into a new one, and nothing else; return rows a second."""
    target = await _workspace(url, tenant)
    db = await connect(url)
    try:
        rows = [(target, *row) for row in await db.fetch_rows(_ROWS, workspace_id=source)]
        began = time.monotonic()
        await db.copy_rows("contacts", ("workspace_id", *_COLUMNS), rows)
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


if __name__ == "__main__":
    sys.stdout.write(msgspec.json.encode(asyncio.run(_run(*sys.argv[1:]))).decode())
