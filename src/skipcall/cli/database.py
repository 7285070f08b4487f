"""The database of a command: an external one, or the embedded one, attached to or started for as long as it runs."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

from skipcall import settings
from skipcall.cli.output import CommandFailed, warn
from skipcall.postgres import migrate
from skipcall.postgres.db import Database
from skipcall.postgres.embedded import EmbeddedPostgres

CONNECTIONS_MAX = 2

T = TypeVar("T")


def read_settings(data: Path | None) -> settings.Settings:
    """Return the settings of the environment, with the data directory of the command line; raise `SettingsError`."""
    given = {} if data is None else {"SKIPCALL_DATA": str(data)}
    return settings.load(os.environ | given)


def warn_of_unknown_settings() -> None:
    """Tell the operator which variables of the environment look like settings and are none."""
    for told in settings.list_unknown():
        warn(told)


@contextlib.contextmanager
def database_url(read: settings.Settings, *, make: bool = False) -> Iterator[str]:
    """Lend the address of a database that answers. Without `make`, a data directory that has none is refused.

    Raises `PostgresError` and `CommandFailed`.
    """
    if read.database_url is not None:
        yield read.database_url
        return
    if not make and not os.path.lexists(read.data_directory / "cluster"):
        raise CommandFailed(
            f"there is no database in {read.data_directory.absolute()}: start with `skipcall serve`, "
            "or name the right directory with --data"
        )
    with EmbeddedPostgres.start(read.data_directory, binaries=read.postgres_binaries) as embedded:
        yield embedded.url


def run_on_database(data: Path | None, work: Callable[[Database], Awaitable[T]], *, make: bool = False) -> T:
    """Return what `work` makes of a migrated database. `make` allows to make the embedded one if there is none.

    Raises what `work` raises, `SettingsError`, `PostgresError`, `Unavailable` and `CommandFailed`.
    """
    read = read_settings(data)
    with database_url(read, make=make) as url:
        return asyncio.run(_run(url, work, is_ours=read.database_url is None))


async def _run(url: str, work: Callable[[Database], Awaitable[T]], *, is_ours: bool) -> T:
    database = Database(url, CONNECTIONS_MAX)
    await database.open()
    try:
        await _check_migrations(database, may_migrate=is_ours)
        return await work(database)
    finally:
        await database.close()


async def _check_migrations(database: Database, *, may_migrate: bool) -> None:
    pending = await migrate.pending(database)
    if pending and not may_migrate:
        raise CommandFailed(f"the database lacks {len(pending)} migrations: run `skipcall migrate` first")
    if pending:
        async with database.session() as session:
            await migrate.migrate(session)
