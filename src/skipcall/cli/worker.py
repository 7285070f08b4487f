"""`worker`: everything that is done beside answering requests."""

import asyncio
import contextlib
import os
import signal
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from skipcall.cli.database import database_url, read_settings, warn_of_unknown_settings
from skipcall.cli.options import Data
from skipcall.cli.secret import get_secret

if TYPE_CHECKING:
    from skipcall.worker import Worker

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def worker(
    data: Data = None,
    *,
    beside_server: Annotated[
        bool, typer.Option("--beside-server", hidden=True, help="End when standard input does.")
    ] = False,
) -> None:
    """Fetch recordings, follow the files of Asterisk, clean up; until Ctrl-C.

    `skipcall serve` does it too, unless it is started with --no-worker. Several workers may share a database, for example
    one on the machine of the exchange.
    """
    from skipcall import logs
    from skipcall.worker import Worker

    for number in ENDING:
        signal.signal(number, _end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)  # the server blocks them
    read = read_settings(data)
    if not beside_server:  # which has said it
        warn_of_unknown_settings()
    with database_url(read) as url:
        os.environ |= {"DATABASE_URL": url, "SKIPCALL_SECRET": get_secret(read)}
        logs.set_up()
        work = Worker(read_settings(data))
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)  # a loop that is half made is left to come up, then ended
        asyncio.run(_run(work, beside_server=beside_server))


def _end(_number: int, _frame: object) -> None:
    raise SystemExit(0)


async def _run(work: "Worker", *, beside_server: bool) -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work.run())
    for number in ENDING:
        loop.add_signal_handler(number, task.cancel)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
    if beside_server:
        threading.Thread(target=_end_with_server, name="end-with-server", daemon=True).start()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _end_with_server() -> None:
    """The server's end of the pipe is closed when it ends, however it does; then it is too late for last words."""
    # Not through sys.stdin: a thread that waits there holds its lock, and the interpreter then aborts at its own end.
    while os.read(0, 1):
        pass
    os._exit(1)
