"""One cluster, which is what PostgreSQL calls a directory of databases: making it, and who serves it.

It lies in the data directory as `cluster/`. When root's PostgreSQL account cannot get there (see account.py), it lies
in a place of root's, and `cluster` is a symbolic link to it.
"""

import contextlib
import locale
import os
import secrets
import shutil
import socket
import stat
import struct
import sys
import time
from pathlib import Path

from skipcall.postgres.account import Account, digest, remove_abandoned, usable
from skipcall.postgres.binaries import Binaries, PostgresError, run

ROLE = "skipcall"  # superuser of the cluster and name of the database
PORT = 5432  # only part of the socket's name: nothing listens on the network
BUILTIN_LOCALE_SINCE = 17  # major version
SOCKET_PATH_BYTES_MAX = 103  # macOS; Linux takes 107
ANSWER_SECONDS = 2.0

# Written into postgresql.conf when the cluster is made, so the operator can change them there or with ALTER SYSTEM.
# The log keeps no refused statements: the caller gets those errors, and they would put people's data into the log.
SETTINGS = """
# Set by skipcall.
shared_buffers = '{buffers_mib}MB'
max_connections = 100
max_wal_size = '2GB'
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

# Months of calls that are being written, with their indexes, should fit into the buffers; the machine also serves, and caches files.
BUFFERS_SHARE = 8  # an eighth of the memory
BUFFERS_MIB_MIN, BUFFERS_MIB_MAX = 64, 2048
_CONTAINER_MEMORY = Path("/sys/fs/cgroup/memory.max")


def buffers_mib(memory_bytes: int) -> int:
    """Return how many MiB of a machine's memory the database's own cache may take."""
    return max(BUFFERS_MIB_MIN, min(memory_bytes // BUFFERS_SHARE >> 20, BUFFERS_MIB_MAX))


def _memory_bytes() -> int:
    """Return the memory of the machine, or of the container if that has less."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError, ValueError):  # no container, or one without a limit ("max")
        memory = min(memory, int(_CONTAINER_MEMORY.read_text()))
    return memory


def is_made(cluster: Path) -> bool:
    """Raise `PostgresError` for what is no cluster and nothing that one can be put in the place of."""
    if (cluster / "PG_VERSION").exists():
        return True
    if os.path.lexists(cluster) and (cluster.is_symlink() or any(cluster.iterdir())):
        raise PostgresError(
            f"{cluster} is no PostgreSQL cluster, or a link to one that is gone: put it back from a backup, or move "
            "it away to start with an empty database"
        )
    return False


def make_cluster(
    cluster: Path, account: Account, binaries: Binaries, place: Path, *, fast: bool, deadline: float, turn: int
) -> None:
    """Make the cluster beside its place and rename it, so that an interrupted attempt leaves nothing behind.

    `place` is for what the account cannot reach. The programs inherit `turn`, the start lock: an initdb that outlives
    us keeps the next start from interfering.
    """

    def run_tool(command: list[str], text: str = "") -> None:
        seconds = max(1.0, deadline - time.monotonic())
        done = run(command, text, pass_fds=[turn], timeout=seconds, **account.popen_arguments)
        if done is None or done.returncode != 0:
            output = "\n".join((done.stdout + done.stderr).splitlines()[-15:]) if done else "it cannot be run"
            raise PostgresError(f"{command[0]} could not make a new cluster in {home}:\n{output}")

    home = parent = cluster.parent
    final = cluster
    if not account.can_enter(home):
        parent = usable(place)
        final = parent / f"cluster-{digest(str(home))}-{secrets.token_hex(4)}"
        if fast:
            remove_abandoned(parent)
    draft = parent / f"draft-{digest(str(home))}"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    os.chown(draft, account.uid, account.gid)
    initdb = [binaries.program("initdb"), "-D", str(draft), "-U", ROLE, "-A", "trust", "-E", "UTF8", "--data-checksums"]
    initdb += ["--no-instructions", *(["--no-sync"] if fast else [])]
    builtin = [
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        f"--lc-ctype={_character_types()}",
    ]
    run_tool(initdb + (builtin if binaries.major >= BUILTIN_LOCALE_SINCE else ["--locale=C.UTF-8"]))
    single = [binaries.program("postgres"), "--single", "-D", str(draft), "-c", "exit_on_error=on"]
    run_tool([*single, *(["-c", "fsync=off"] if fast else []), "postgres"], f"CREATE DATABASE {ROLE};\n")
    with (draft / "postgresql.conf").open("a") as file:
        file.write(SETTINGS.format(buffers_mib=buffers_mib(_memory_bytes())))
    _flush(draft / "postgresql.conf")
    if final != cluster:
        (draft / "skipcall.origin").write_text(str(cluster))
    draft.rename(final)
    if final != cluster:
        cluster.symlink_to(final)
    _flush(parent)
    _flush(home)


def _character_types() -> str:
    """Return the locale that tells pg_trgm what is a letter, in any script where this machine has it; all else goes by the builtin one."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error:
        return "C"
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    return "C.UTF-8"


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def socket_directory(cluster: Path, account: Account) -> Path:
    """Return where the socket goes: the cluster, or a private directory named after it when that path cannot be used.

    Too long for a socket is one reason, a comma the other: every driver takes it for the end of a host name.
    """
    length = len(os.fsencode(cluster)) + len(f"/.s.PGSQL.{PORT}")
    if length <= SOCKET_PATH_BYTES_MAX and "," not in str(cluster):
        return cluster
    directory = Path(f"/tmp/skipcall-{digest(str(cluster))}")  # noqa: S108  checked below
    with contextlib.suppress(FileExistsError):
        directory.mkdir(mode=0o700)
        os.chown(directory, account.uid, -1)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid or found.st_mode & 0o077:
        raise PostgresError(f"{directory} must be a directory that only user id {account.uid} can enter: remove it")
    return directory


def pid_file(cluster: Path) -> list[str]:
    """Return the lines of postmaster.pid (pid, data directory, start, port, socket directory, …); empty without a pid."""
    try:
        lines = (cluster / "postmaster.pid").read_text(errors="surrogateescape").split("\n")
    except OSError:
        return []
    return lines if lines[0].isdecimal() else []


def serving(cluster: Path) -> tuple[int, str] | None:
    """Return process id and socket directory of the server that answers for exactly this cluster.

    postmaster.pid says where to ask; in a copy of a cluster it still names the other one. Who listens there, the kernel
    tells; without that (macOS) the file is believed.
    """
    lines = pid_file(cluster)
    names = f"user\0{ROLE}\0database\0postgres\0\0".encode()
    log_in, log_out = struct.pack("!ii", len(names) + 8, 3 << 16) + names, b"X\0\0\0\4"
    with socket.socket(socket.AF_UNIX) as connection, contextlib.suppress(OSError, ValueError, IndexError):
        if os.path.realpath(lines[1]) != str(cluster):
            return None
        connection.settimeout(ANSWER_SECONDS)
        connection.connect(f"{lines[4]}/.s.PGSQL.{lines[3]}")
        connection.sendall(log_in + log_out)
        with connection.makefile("rb") as stream:
            answer = stream.read()  # all of it, or the server would log that we hung up
        pid = int(lines[0])
        if sys.platform == "linux":
            pid = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        if answer.startswith(b"R"):  # welcome; while it starts or stops: E
            return pid, lines[4]
    return None


def discard_if_stale(file: Path, cluster: Path) -> None:
    """Remove a lock file of PostgreSQL whose process id belongs to a stranger now: it would refuse to start.

    The caller holds the start lock and has seen that no server process of ours is left. A file whose process is gone
    stays: PostgreSQL then looks for remains itself.
    """
    try:
        first = file.read_text(errors="replace").split("\n")[0].lstrip("-")
    except FileNotFoundError:
        return
    if first.isdecimal():
        try:
            os.kill(int(first), 0)
        except ProcessLookupError:
            return
        except PermissionError:
            pass
        if _is_server_of(int(first), cluster):
            raise PostgresError(
                f"a PostgreSQL (pid {first}) that skipcall did not start runs in {cluster} and does not answer: "
                "stop it with its own pg_ctl"
            )
    file.unlink()


def _is_server_of(pid: int, cluster: Path) -> bool:
    if Path("/proc/self/cwd").exists():
        try:
            return os.path.samefile(f"/proc/{pid}/cwd", cluster)
        except OSError:  # a zombie, or another user's process, which cannot be a server in our directory
            return False
    done = run(["ps", "-o", "comm=", "-p", str(pid)])
    return done is None or "postgres" in done.stdout
