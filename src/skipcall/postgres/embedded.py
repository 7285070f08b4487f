"""A PostgreSQL that skipcall starts, shares between its processes and stops: nothing to install, no port, no password.

Where things are. binaries.py finds the programs, account.py says who runs them, cluster.py makes the directory of
databases and tells who serves it, guard.py looks after one server, and this module starts, adopts and stops. The data
directory (0700; made by root: 0711, because another account must pass through) holds
    cluster/      what initdb made, 0700, with the Unix socket in it
    postgres.log  the server's and the guard's log, and `postgres.log.1` before it
    *.lock        who lives is never asked by process id, which gets re-used, but by these locks, which end with their
                  holder, however it ends:
        start     held by who starts (and its initdb), one at a time
        users     shared by every process that uses the server; the guard takes it alone before it shuts down
        guard     held by the guard
        tree      inherited by every process of the server

Who owns the server's life. A guard: a process of its own that the first user starts, that starts the server, starts it
again when it dies by accident, and shuts it down when the last user has stopped or died. The user that started the
guard is the owner; when it leaves before others, the guard goes on. A guard that was killed leaves a server without
one: the next start adopts it, which is to give it a new guard.

How a start goes (`_Start`). With the start lock: make the cluster if there is none, share the users lock, then look.
A server that answers is used, and adopted if its guard is gone; where nothing lives, a guard is launched; what is just
starting or stopping is waited for.
"""

import contextlib
import fcntl
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from skipcall.postgres.account import (
    SHARED_PLACE,
    TEMPORARY_PLACE,
    Account,
    account_of,
    reachable_binaries,
    remove_abandoned,
)
from skipcall.postgres.binaries import Binaries, PostgresError, environment, find_binaries
from skipcall.postgres.cluster import (
    PORT,
    ROLE,
    discard_if_stale,
    is_made,
    make_cluster,
    pid_file,
    serving,
    socket_directory,
)

__all__ = ["Binaries", "EmbeddedPostgres", "PostgresError", "find_binaries"]

FAST_SETTINGS = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")
LOG_BYTES_MAX = 4 * 1024 * 1024
STOP_SECONDS = 40.0
POLL_SECONDS = 0.01

_pid_file, _serving, _remove_abandoned = pid_file, serving, remove_abandoned  # the tests look here


class EmbeddedPostgres:
    """A running server that this process uses. Stop it, or use it as a context manager.

    `url` works with asyncpg and psql. `owned` is False when another process looks after the server.
    """

    def __init__(self, home: Path, binaries: Path | None, sockets: str, users: int, guard: "_Guard | None") -> None:
        self.url = f"postgresql://{ROLE}@/{ROLE}?host={quote(sockets, safe='')}&port={PORT}"
        self.owned = guard is not None
        self._home, self._binaries, self._users, self._guard = home, binaries, users, guard
        _in_use.add(self)

    @classmethod
    def start(
        cls, data_directory: Path, *, binaries: Path | None = None, fast: bool = False, timeout_seconds: float = 60
    ) -> "EmbeddedPostgres":
        """Return the server of this data directory: the one that runs, or a new one; all is made on first use.

        `binaries` is as for `find_binaries`; `fast` is for tests: nothing is flushed to disk. Raise `PostgresError`.
        """
        deadline = time.monotonic() + timeout_seconds
        try:
            home = make_home(data_directory)
            with _opened(home / "start.lock") as turn:
                while not _lock(turn):
                    _wait(deadline, f"another process has been starting PostgreSQL in {home} for {timeout_seconds:g} s")
                return _Start(home, binaries, deadline, turn, fast=fast).run()
        except OSError as problem:
            raise PostgresError(f"cannot run PostgreSQL in {data_directory}: {problem}") from problem

    @property
    def process_id(self) -> int:
        """The server's main process, 0 while there is none. It changes when the guard started the server again."""
        return int((pid_file(self._home / "cluster") or ["0"])[0])

    def stop(self) -> None:
        """Let go of the server. Unless others use it, an owned one has shut down on return; more calls do nothing."""
        if self not in _in_use:
            return
        _in_use.discard(self)
        os.close(self._users)
        if self._guard is not None and self._guard.release():
            return
        with _opened(self._home / "guard.lock") as guard, _opened(self._home / "tree.lock") as tree:
            orphan = _lock(guard) and not _lock(tree)
        if orphan:  # its guard was killed, so nobody else would ever stop it
            with contextlib.suppress(PostgresError):  # it is just dying by itself; the next start sees to the rest
                EmbeddedPostgres.start(self._home, binaries=self._binaries).stop()

    def abandon(self) -> None:
        """In a forked child: close what only the parent may hold, so that the parent's end is noticed."""
        os.close(self._users)
        if self._guard is not None:
            self._guard.line.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


_in_use: set[EmbeddedPostgres] = set()
_kept_guards: list[subprocess.Popen[bytes]] = []  # still working; a Popen that is dropped would complain


def _abandon_in_child() -> None:
    for server in _in_use:
        server.abandon()
    _in_use.clear()


os.register_at_fork(after_in_child=_abandon_in_child)


class _Guard:
    """A guard process, and our end of the line to it; guard.py tells what is said there."""

    def __init__(self, home: Path, order: dict[str, Any], guard_lock: int) -> None:
        self.line, theirs = socket.socketpair()
        with theirs, _opened(home / "users.lock") as users, _opened(home / "postgres.log", os.O_APPEND) as log:
            order = order | {"line": theirs.fileno(), "users": users, "tree": str(home / "tree.lock")}
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(Path(__file__).with_name("guard.py")), json.dumps(order)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,  # Ctrl-C in the terminal is not for the guard and the server
                pass_fds=[theirs.fileno(), users, guard_lock],
            )

    def hear(self, seconds: float) -> bytes | None:
        """Return the guard's next word, empty when it is gone, None when it says nothing in time."""
        if not select.select([self.line], [], [], max(0.0, seconds))[0]:
            return None
        word = self.line.recv(1)
        if not word:
            self._process.wait()
        return word

    def release(self) -> bool:
        """Say that we are done; return False when the guard had been killed and did not see to the server."""
        with contextlib.suppress(OSError):
            self.line.shutdown(socket.SHUT_WR)
        self.hear(STOP_SECONDS)
        self.leave()
        return self._process.returncode in (None, 0)

    def leave(self) -> None:
        """Close the line. A guard that has not ended yet sees to its server alone, also to one that is not ready."""
        self.line.close()
        if self._process.poll() is None:
            _kept_guards.append(self._process)

    def kill(self) -> None:
        """End the guard without a shutdown of its server."""
        self._process.kill()
        self._process.wait()
        self.line.close()


class _Start:
    """One attempt to get a server; the caller holds the start lock, whose file is `turn`, meanwhile."""

    def __init__(self, home: Path, binaries: Path | None, deadline: float, turn: int, *, fast: bool) -> None:
        self.home, self.cluster, self.configured, self.fast = home, home / "cluster", binaries, fast
        self.deadline, self.turn = deadline, turn
        self.place = TEMPORARY_PLACE if fast else SHARED_PLACE

    def run(self) -> EmbeddedPostgres:
        if not is_made(self.cluster):
            account, binaries = self.account_and_binaries()
            make_cluster(
                self.cluster, account, binaries, self.place, fast=self.fast, deadline=self.deadline, turn=self.turn
            )
        self.cluster = self.cluster.resolve()
        while True:
            with _opened(self.home / "users.lock") as users:
                # Shared before we look: from here on no guard shuts the server down under us.
                if _lock(users, shared=True) and (server := self.join(users)) is not None:
                    return server
            pid = (pid_file(self.cluster) or ["?"])[0]
            _wait(
                self.deadline, f"PostgreSQL of {self.home} (pid {pid}) runs but does not answer. {_log_tail(self.home)}"
            )

    def join(self, users: int) -> EmbeddedPostgres | None:
        """Attach, adopt or launch; None when a server is just starting or stopping."""
        guard: _Guard | None = None
        with _opened(self.home / "guard.lock") as guard_lock, _opened(self.home / "tree.lock") as tree:
            guarded = not _lock(guard_lock)
            ours = guarded or not _lock(tree)  # else, if one answers, somebody started it by hand
            answering = serving(self.cluster)
            if answering is None and ours:
                return None
            if answering is None:
                fcntl.flock(tree, fcntl.LOCK_UN)
                sockets, guard = self.launch(guard_lock)
            else:
                pid, sockets = answering
                if ours and not guarded and pid > 0:  # 0: it runs in another container
                    guard = self.adopt(pid, sockets, guard_lock)
                    if guard is None:
                        return None
            return EmbeddedPostgres(self.home, self.configured, sockets, os.dup(users), guard)

    def adopt(self, pid: int, sockets: str, guard_lock: int) -> _Guard | None:
        """Give a server whose guard was killed a new one; None when it ended meanwhile."""
        account, binaries = self.account_and_binaries()
        guard = _Guard(self.home, self.order(account, binaries, sockets) | {"adopt": pid}, guard_lock)
        if guard.hear(self.deadline - time.monotonic()) != b"r":
            guard.leave()
            return None
        # Only now is it sure that what the guard holds on to, and may signal, is not a stranger with a re-used id.
        if serving(self.cluster) != (pid, sockets):
            guard.kill()
            return None
        return guard

    def launch(self, guard_lock: int) -> tuple[str, _Guard]:
        """Start a guard that starts the server, and wait until that is ready."""
        account, binaries = self.account_and_binaries()
        made_by = (self.cluster / "PG_VERSION").read_text().strip()
        if made_by != str(binaries.major):
            raise PostgresError(
                f"{self.home} was made by PostgreSQL {made_by}, but {binaries.directory} is PostgreSQL {binaries.major}, "
                f"which cannot open it. Point SKIPCALL_POSTGRES_BINARIES to the binaries of {made_by}, save with their "
                f"pg_dump, move {self.home} away, and restore the dump into a new one"
            )
        if not account.can_enter(self.cluster):
            raise PostgresError(
                f"root runs PostgreSQL as user id {account.uid}, which cannot reach {self.cluster}: move that directory to "
                f"{SHARED_PLACE} and leave a symbolic link, or run skipcall as the user whom it belongs to"
            )
        sockets = socket_directory(self.cluster, account)
        for file in (self.cluster / "postmaster.pid", sockets / f".s.PGSQL.{PORT}.lock"):
            discard_if_stale(file, self.cluster)
        log = self.home / "postgres.log"
        if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
            log.replace(log.with_name("postgres.log.1"))
        seen = log.stat().st_size if log.exists() else 0
        guard = _Guard(self.home, self.order(account, binaries, str(sockets)) | {"adopt": None}, guard_lock)
        word: bytes | None = None
        try:
            word = guard.hear(self.deadline - time.monotonic())
        finally:
            if word != b"r":
                guard.leave()
        if word != b"r":
            what = "did not start" if word == b"" else "was not ready in time (a longer timeout lets recovery finish)"
            raise PostgresError(f"PostgreSQL of {self.home} {what}. {_log_tail(self.home, seen)}")
        return str(sockets), guard

    def account_and_binaries(self) -> tuple[Account, Binaries]:
        account = account_of(self.cluster)
        return account, reachable_binaries(find_binaries(self.configured), account, self.place)

    def order(self, account: Account, binaries: Binaries, sockets: str) -> dict[str, Any]:
        """Return the part of the guard's order that says how to start the server."""
        quoted = sockets.replace('"', '""')  # the setting is a list, in which commas separate
        settings = ["listen_addresses=", f"port={PORT}", f'unix_socket_directories="{quoted}"', "logging_collector=off"]
        settings += ["unix_socket_permissions=0700", *(FAST_SETTINGS if self.fast else ())]
        command = [binaries.program("postgres"), "-D", str(self.cluster)]
        return {
            "command": command + [word for setting in settings for word in ("-c", setting)],
            "environment": environment(),
            "user": account.popen_arguments,
            "pid_file": str(self.cluster / "postmaster.pid"),
        }


def make_home(data_directory: Path) -> Path:
    """Return the data directory, made if it was not there, with the permissions that the server needs."""
    home = data_directory.absolute()
    home.parent.mkdir(parents=True, exist_ok=True)
    mode = 0o711 if os.geteuid() == 0 else 0o700
    with contextlib.suppress(FileExistsError):
        home.mkdir(mode)
        home.chmod(mode)  # whatever the umask took
    return home.resolve()


@contextlib.contextmanager
def _opened(path: Path, flags: int = 0) -> Iterator[int]:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | flags, 0o600)
    try:
        if os.geteuid() == 0:  # the user whose directory this is must be able to use it without root later
            owner = os.stat(path.parent)
            os.fchown(file, owner.st_uid, owner.st_gid)
        yield file
    finally:
        os.close(file)


def _lock(file: int, *, shared: bool = False) -> bool:
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(deadline: float, problem: str) -> None:
    if time.monotonic() > deadline:
        raise PostgresError(problem)
    time.sleep(POLL_SECONDS)


def _log_tail(home: Path, start: int = 0) -> str:
    log = home / "postgres.log"
    try:
        with log.open("rb") as file:
            file.seek(max(start, log.stat().st_size - 8192))
            lines = file.read().decode(errors="replace").splitlines()[-15:]
    except OSError:
        lines = []
    return "\n".join([f"The end of {log}:", *lines])
