"""`doctor`: looks at everything that a server needs, and says what is wrong with it."""

import asyncio
import importlib
import shutil
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from skipcall import clock
from skipcall.api_keys.actions import is_secret_of_keys
from skipcall.cli.database import database_url, read_settings
from skipcall.cli.options import AsJson, Data
from skipcall.cli.output import CommandFailed, print_list
from skipcall.cli.secret import find_secret
from skipcall.errors import Refusal
from skipcall.postgres import migrate
from skipcall.postgres.db import DatabaseRefusal, Session, connect, is_behind_pooler
from skipcall.postgres.embedded import EmbeddedPostgres, PostgresError, find_binaries
from skipcall.postgres.inspection import VERSION_MAX, VERSION_MIN, Inspection, inspect
from skipcall.settings import Settings, SettingsError, list_unknown
from skipcall.storage.choice import check_folder, folder_of, open_storage
from skipcall.storage.model import PENDING, StorageUnavailable

FREE_BYTES_MIN = 100 * 1024**2
FREE_BYTES_WARN = 1024**3
CLOCK_SKEW_MAX = timedelta(seconds=2)
NATIVE_MODULES = ("asyncpg", "granian", "msgspec", "uvloop")
OK, WARNING, FAULT = "ok", "warning", "FAULT"
_COLUMNS = {"": "result", "Check": "check", "Found": "found"}

Finding = tuple[str, str, str]  # check, result, found


def doctor(
    show_database_url: Annotated[
        bool, typer.Option("--database-url", help="Only print the database's address, for psql or pg_dump.")
    ] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Check everything that a server needs. Exit status 1 if there is a fault; a warning is none."""
    read = read_settings(data)
    if show_database_url:
        print(_running_database_url(read))
        return
    findings = [_modules(), *_settings(), _disk(read.data_directory), *asyncio.run(_look_at(read))]
    items: list[dict[str, Any]] = [
        {"check": check, "result": result, "found": found} for check, result, found in findings
    ]
    print_list(items, _COLUMNS, as_json=as_json)
    if any(result == FAULT for _, result, _ in findings):
        raise typer.Exit(1)


def _running_database_url(read: Settings) -> str:
    if read.database_url is not None:
        return read.database_url
    with EmbeddedPostgres.start(read.data_directory, binaries=read.postgres_binaries) as embedded:
        if embedded.owned:
            raise CommandFailed("the embedded database does not run: start it with `skipcall serve`")
        return embedded.url


def _modules() -> Finding:
    for name in NATIVE_MODULES:
        try:
            importlib.import_module(name)
        except ImportError as problem:
            return "Python packages", FAULT, f"{name} cannot be loaded: {problem}"
    return "Python packages", OK, f"Python {'.'.join(map(str, sys.version_info[:3]))}, all load"


def _settings() -> list[Finding]:
    unknown = [("Settings", WARNING, told) for told in list_unknown()]
    return unknown or [("Settings", OK, "each variable SKIPCALL_… is one")]


def _disk(directory: Path) -> Finding:
    place = directory.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    result = FAULT if free < FREE_BYTES_MIN else WARNING if free < FREE_BYTES_WARN else OK
    return "Disk space", result, f"{free / 1024**3:.1f} GiB free for {directory.absolute()}"


async def _look_at(read: Settings) -> list[Finding]:
    return [await _storage(read), *await _database(read)]


async def _storage(read: Settings) -> Finding:
    try:
        check_folder(read)
        await open_storage(read).size(f"{PENDING}/doctor")
    except SettingsError as problem:
        return "Storage", FAULT, str(problem)
    except StorageUnavailable as problem:
        return "Storage", FAULT, f"{read.storage} does not answer, or refuses ({problem.__cause__})"
    return "Storage", OK, read.storage or str(folder_of(read))


async def _database(read: Settings) -> list[Finding]:
    """Return what was found in the database, as far as it can be reached."""
    findings: list[Finding] = []
    try:
        if read.database_url is None:
            binaries = find_binaries(read.postgres_binaries)
            findings.append(("PostgreSQL binaries", OK, f"version {binaries.major} in {binaries.directory}"))
        with database_url(read) as url:
            async for finding in _look(read, url):
                findings.append(finding)  # noqa: PERF401 - what was found before a failure counts
    except CommandFailed as nothing:
        findings.append(("Database", WARNING, str(nothing)))
    except PostgresError as problem:
        findings.append(("Database", FAULT, str(problem)))
    except Refusal as problem:
        findings.append(("Database", FAULT, f"{problem.message} ({problem.__cause__})"))
    except (DatabaseRefusal, OSError) as problem:
        findings.append(("Database", FAULT, str(problem)))
    return findings


async def _look(read: Settings, url: str) -> AsyncIterator[Finding]:
    is_external = read.database_url is not None
    pooled = await is_behind_pooler(url)
    session = await connect(url)
    try:
        yield "Database", OK, "external" if is_external else "embedded"
        found = await inspect(session)
        skew = abs(found.time - clock.now())
        yield _version(found)
        yield _durability(found)
        yield "Encoding", OK if found.encoding == "UTF8" else FAULT, found.encoding
        yield "Clocks", OK if skew <= CLOCK_SKEW_MAX else WARNING, f"{skew.total_seconds():.3f} s apart"
        if is_external:
            yield _role(found)
            yield _pooler(pooled=pooled)
        pending = await migrate.pending(session)
        yield "Migrations", WARNING if pending else OK, f"pending: {', '.join(pending)}" if pending else "all applied"
        if not pending:
            yield await _secret(read, session)
    finally:
        await session.connection.close()


def _version(found: Inspection) -> Finding:
    fits = VERSION_MIN <= found.major <= VERSION_MAX
    return "PostgreSQL version", OK if fits else FAULT, f"{found.version}; {VERSION_MIN} to {VERSION_MAX} are tested"


def _durability(found: Inspection) -> Finding:
    off = [name for name in ("fsync", "full_page_writes", "synchronous_commit") if getattr(found, name) == "off"]
    if off:
        return "Durability", FAULT, f"{', '.join(off)} off: what was answered can be lost"
    return "Durability", OK, "fsync, full_page_writes and synchronous_commit are on"


def _role(found: Inspection) -> Finding:
    if found.is_superuser:
        return "Role", WARNING, f"{found.role} is a superuser; the owner of the database is enough"
    return "Role", OK, f"{found.role} is no superuser"


def _pooler(*, pooled: bool) -> Finding:
    if pooled:
        return "Pooler", WARNING, "transaction pooling: statements are not prepared, and a second server is not noticed"
    return "Pooler", OK, "none"


async def _secret(read: Settings, session: Session) -> Finding:
    where = "SKIPCALL_SECRET" if read.secret is not None else str(read.data_directory.absolute() / "secret")
    secret = find_secret(read)
    matches = await is_secret_of_keys(session, (secret or "").encode())
    if matches is None:
        return "Secret", OK, "no keys yet"
    if secret is None:
        return "Secret", FAULT, f"{where} is missing: without it, no API key works"
    return (
        "Secret",
        OK if matches else FAULT,
        where if matches else f"{where} is not the one that keys and the do-not-call list were made under",
    )
