"""`serve`: database, migrations, secret, demo, then the server itself, and all of it ended together."""

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skipcall.cli.companion import Companion
from skipcall.cli.database import database_url, read_settings, warn_of_unknown_settings
from skipcall.cli.options import Data
from skipcall.cli.output import CommandFailed, warn
from skipcall.cli.port import Address, hold_port
from skipcall.cli.secret import get_secret
from skipcall.postgres.embedded import make_home
from skipcall.private_file import replace_file
from skipcall.settings import Settings

if TYPE_CHECKING:
    from skipcall.demo.actions import Demo

LOCK_FILE = "serve.lock"
LOCK_WAIT_SECONDS = 3.0  # the worker of a server that was killed needs a moment to notice
POLL_SECONDS = 0.02
CONNECTIONS_MAX = 2


def serve(
    host: Annotated[str, typer.Option(help="The address to listen at; 0.0.0.0 is every one of this machine.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen at; 0 is any free one.")] = 8000,
    data: Data = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Make an organization to try things with, and print keys for it.")
    ] = False,
    ready_file: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Write URL and demo keys to this file, as JSON, once requests are answered."),
    ] = None,
    worker: Annotated[
        bool, typer.Option("--worker/--no-worker", help="Do the work of `skipcall worker` too, or leave it to others.")
    ] = True,
) -> None:
    """Run the server until Ctrl-C.

    Without DATABASE_URL an embedded PostgreSQL is started in the data directory, and stopped with the server. Pending
    migrations are applied. One server for one database: the rate limit is counted in its process.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    read = read_settings(data)
    warn_of_unknown_settings()
    with contextlib.ExitStack() as ending:
        make_home(read.data_directory)
        ending.enter_context(_lock(read.data_directory))
        address = ending.enter_context(hold_port(host, port))
        loading = threading.Thread(target=_load, name="load", daemon=True)
        loading.start()
        url = ending.enter_context(database_url(read, make=True))
        secret = get_secret(read)
        made = asyncio.run(_prepare(read, url, secret, demo=demo))
        loading.join()
        data = read.data_directory.absolute()
        os.environ |= {"DATABASE_URL": url, "SKIPCALL_SECRET": secret, "SKIPCALL_DATA": str(data)}
        from skipcall import logs
        from skipcall.cli.granian_server import run_server

        logs.set_up()
        companion = ending.enter_context(Companion(read.data_directory))

        def on_ready() -> None:
            _announce(read, address, made, ready_file)
            if worker:
                companion.start()

        run_server(address, on_ready)


def _end(_number: int, _frame: object) -> None:
    """Before the server runs, a signal ends the process at once, and what was started with it."""
    raise SystemExit(0)


def _load() -> None:
    """Load the modules of the worker while the database starts; the worker then shares them."""
    with contextlib.suppress(ImportError):  # said where it is imported in earnest
        import uvloop  # noqa: F401

        import skipcall.app
        import skipcall.cli.granian_server  # noqa: F401


@contextlib.contextmanager
def _lock(directory: Path) -> Iterator[None]:
    """Hold the data directory for this server alone. The worker inherits the lock. Raises `CommandFailed`."""
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    with (directory / LOCK_FILE).open("a") as file:
        while True:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            if time.monotonic() > deadline:
                raise CommandFailed(
                    f"another `skipcall serve` uses {directory.absolute()}: "
                    "stop it, or choose another directory with --data"
                )
            time.sleep(POLL_SECONDS)
        yield


async def _prepare(read: Settings, url: str, secret: str, *, demo: bool) -> "Demo | None":
    """Hold the database for this server, migrate it, make the demo. Raises `CommandFailed` and what the parts raise."""
    from skipcall.api_keys.actions import SecretMismatch, hold_to_secret
    from skipcall.postgres.db import Database, is_behind_pooler
    from skipcall.postgres.migrate import migrate
    from skipcall.storage.choice import check_folder, open_storage

    check_folder(read)
    await _hold_database(url, is_pooled=await is_behind_pooler(url))
    database = Database(url, CONNECTIONS_MAX)
    await database.open()
    try:
        async with database.session() as session:
            await migrate(session)
        try:
            await hold_to_secret(database, secret.encode())
        except SecretMismatch as mismatch:
            raise CommandFailed(
                f"{mismatch.message}: put back the file `secret` or SKIPCALL_SECRET of that time. Without it a number that is not to be "
                "called, or a person who was erased, would not be known again"
            ) from mismatch
        if not demo:
            return None
        from skipcall.demo.actions import make_demo
        from skipcall.recordings.actions import Archive

        archive = Archive(open_storage(read), read.recording_bytes_max, secret.encode(), read.public_url)
        return await make_demo(database, archive, read.data_directory)
    finally:
        await database.close()


async def _hold_database(url: str, *, is_pooled: bool) -> None:
    from skipcall.postgres.serve_lock import take_serve_lock

    if is_pooled:
        warn(
            "the database is behind a pooler, so this server cannot tell whether another one uses it too. "
            "Run one only: each counts the rate limit by itself"
        )
    elif not await asyncio.to_thread(take_serve_lock, url):
        raise CommandFailed("another `skipcall serve` uses this database: stop it, or set another DATABASE_URL")


def _announce(read: Settings, address: Address, made: "Demo | None", ready_file: Path | None) -> None:
    """Say where the server is, and write the ready file, whole or not at all. Raises `OSError`."""
    if ready_file is not None:
        ready = {
            "url": address.url,
            "liveKey": made.live_key if made else None,
            "testKey": made.test_key if made else None,
            "organizationId": str(made.organization_id) if made else None,
            "workspaceId": str(made.workspace_id) if made else None,
            "contactId": str(made.contact_id) if made and made.contact_id else None,
        }
        replace_file(ready_file, json.dumps(ready) + "\n")
    from skipcall.cli.banner import print_banner

    print_banner(address.url, read.public_url, made)
    sys.stdout.flush()
