"""Runs the server under Granian: one worker process, started again if it dies, ended with its parent."""

import contextlib
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from multiprocessing import connection
from typing import Any

from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.common import AbstractServer
from granian.server.mp import MPServer

from skipcall.cli.output import CommandFailed
from skipcall.cli.port import Address

HEADER_READ_TIMEOUT_MS = 5_000
# More than the 16 kB of headers that the application allows, so that it is the one that answers.
BUFFER_BYTES_MAX = 65_536
CONNECTIONS_MAX = 1_024
DRAIN_SECONDS = 15
READY_SECONDS = 30.0
POLL_SECONDS = 0.01
INTERRUPT_SECONDS = 0.1  # between a signal and the beginning of the end
ANSWER_SECONDS = 2.0
# Warnings of the server itself go the way of our own.
_LOGGING = {"formatters": {}, "handlers": {}, "loggers": {"_granian": {"handlers": [], "propagate": True}}}


def run_server(address: Address, on_ready: Callable[[], None]) -> None:
    """Serve until a signal asks to end, and drain; call `on_ready` in a thread once a request was answered.

    The worker reads its settings from the environment. Raises `CommandFailed` when it does not become ready, or dies
    again and again.
    """
    server = _Granian(
        "skipcall.app:build",
        address=address.host,
        port=address.port,
        interface=Interfaces.RSGI,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_READ_TIMEOUT_MS, max_buffer_size=BUFFER_BYTES_MAX),
        websockets=False,
        workers=1,
        backlog=CONNECTIONS_MAX,
        respawn_failed_workers=True,
        workers_kill_timeout=DRAIN_SECONDS,
        log_level=LogLevels.warning,
        log_dictconfig=_LOGGING,
    )
    server.main_loop_interrupt = _Interrupt()
    startup = _Startup(server, address, on_ready)
    server.on_startup(startup.begin)
    failed = False
    try:
        server.serve(target_loader=load_application, wrap_loader=False)
    except SystemExit as end:  # Ctrl-C reaches the worker too, and its end may be taken for an accident
        failed = bool(end.code) and not server.interrupt_signal
    if startup.failure:
        raise CommandFailed(startup.failure)
    if failed:
        raise CommandFailed("the server process died twice in a row; what it wrote is above")


def load_application() -> Any:
    """Return the application; called in the worker.

    The worker leaves the terminal's process group: Ctrl-C would reach it beside its parent's word to end, and two such
    words within a moment can make Granian hang until it is killed.
    """
    os.setpgid(0, 0)
    threading.Thread(target=_end_with_parent, name="end-with-parent", daemon=True).start()
    from skipcall.app import build

    return build()


def _end_with_parent() -> None:
    """A worker without its parent would keep the port, and nobody would stop it."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


class _Granian(MPServer):
    """Tells a worker that has just ended from one that will not end.

    A thread waits for each worker's end. Until that thread has run again, `Process.is_alive` says that the worker lives,
    and on a busy machine Granian then says that it refused to stop, and kills whoever has its number by now.
    """

    def _spawn_worker(self, *args: Any, **named: Any) -> Any:
        worker: Any = super()._spawn_worker(*args, **named)
        worker.is_alive = lambda: not connection.wait([worker.inner.sentinel], timeout=0)
        return worker


class _Interrupt(threading.Event):
    """What the main thread waits for, in short sleeps and without a lock.

    In an endless wait, a signal that arrives in the moment before it begins goes unnoticed until there is another; and a
    signal's handler that sets an ordinary event may wait for the lock that its own thread holds.
    """

    def __init__(self) -> None:
        super().__init__()
        self._is_set = False

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        self._is_set = True

    def clear(self) -> None:
        self._is_set = False

    def wait(self, timeout: float | None = None) -> bool:
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._is_set and (deadline is None or time.monotonic() < deadline):
            time.sleep(INTERRUPT_SECONDS)
        return self._is_set


class _Startup:
    """Watches a server become ready."""

    def __init__(self, server: AbstractServer[Any], address: Address, on_ready: Callable[[], None]) -> None:
        self.failure: str | None = None
        self._server, self._address, self._on_ready = server, address, on_ready

    def begin(self) -> None:
        signal.signal(signal.SIGHUP, self._server.signal_handler_interrupt)  # the terminal is gone
        threading.Thread(target=self._watch, name="startup", daemon=True).start()

    def _watch(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self._server.wrks:  # nothing may run beside the fork
            time.sleep(POLL_SECONDS)
        while not self._is_ready():
            if time.monotonic() > deadline:
                self._fail(f"the server answered no request within {READY_SECONDS:.0f} seconds; what it wrote is above")
                return
            time.sleep(POLL_SECONDS)
        try:
            self._on_ready()
        except OSError as problem:
            self._fail(str(problem))

    def _fail(self, failure: str) -> None:
        self.failure = failure
        os.kill(os.getpid(), signal.SIGTERM)

    def _is_ready(self) -> bool:
        place = (self._address.reachable_host, self._address.port)
        with contextlib.suppress(OSError), socket.create_connection(place, timeout=ANSWER_SECONDS) as asking:
            asking.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return asking.recv(64).startswith(b"HTTP/1.1 200 ")
        return False
