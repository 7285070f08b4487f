"""The worker beside a server: there, started again, gone with it."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.process import COMMAND, Serve, environment, fail, wait_until_gone

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks into /proc")
SECONDS = 30.0


def companion(serve: Serve, other_than: int | None = None) -> int:
    """Wait for the worker of a server, and return its process id."""
    deadline = time.monotonic() + SECONDS
    while True:
        found = [pid for pid in serve.companions() if pid != other_than]
        if found and _has_started(found[0]):
            return found[0]
        assert time.monotonic() < deadline, serve.log
        time.sleep(0.05)


def _has_started(pid: int) -> bool:
    """Whether it answers signals itself (SIGTERM is caught), so that its end is in order."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [caught] = [int(line.split()[1], 16) for line in lines if line.startswith("SigCgt")]
    return bool(caught >> (signal.SIGTERM - 1) & 1)


def test_it_ends_with_its_server_and_says_nothing(place: Path) -> None:
    with Serve(place / "beside") as serve:
        worker = companion(serve)
        assert len(serve.companions()) == 1
    wait_until_gone(worker)
    assert "{" not in serve.log
    assert "worker ended" not in serve.log
    assert "Fatal" not in serve.log


def test_both_name_a_setting_that_is_none_and_together_once(place: Path) -> None:
    told = "skipcall: SKIPCALL_CONECTIONS is no setting: do you mean SKIPCALL_CONNECTIONS?"
    with Serve(place / "beside", SKIPCALL_CONECTIONS="3", SKIPCALL_SERVICE_HOST="10.0.0.1") as serve:
        companion(serve)
    assert serve.log.count(told) == serve.log.count("is no setting") == 1
    assert told in fail(place / "none", "worker", SKIPCALL_CONECTIONS="3")


def test_it_ends_with_a_server_that_is_killed(place: Path) -> None:
    serve = Serve(place / "beside")
    worker = companion(serve)
    serve.kill()
    wait_until_gone(worker)


def test_a_signal_to_the_whole_terminal_is_for_the_server(place: Path) -> None:
    serve = Serve(place / "beside")
    worker = companion(serve)
    os.killpg(serve.process.pid, signal.SIGINT)
    assert serve.process.wait(SECONDS) == 0, serve.log
    wait_until_gone(worker)
    assert "worker ended" not in serve.log


def test_it_is_started_again_when_it_dies(place: Path) -> None:
    with Serve(place / "beside") as serve:
        worker = companion(serve)
        os.kill(worker, signal.SIGKILL)
        wait_until_gone(worker)
        again = companion(serve, other_than=worker)
        assert "the worker ended with status -9" in serve.log
    wait_until_gone(again)


def test_a_server_without_it_and_a_worker_elsewhere(place: Path, tmp_path: Path) -> None:
    with Serve(place / "beside", "--no-worker") as serve:
        time.sleep(1)
        assert serve.companions() == []
        with subprocess.Popen(
            [*COMMAND, "worker", "--data", str(place / "beside")], env=environment(), stderr=subprocess.PIPE
        ) as worker:
            deadline = time.monotonic() + SECONDS
            while not _has_started(worker.pid):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            worker.terminate()
            assert worker.wait(SECONDS) == 0
            assert worker.stderr is not None
            assert worker.stderr.read() == b""


def test_a_worker_without_a_database_is_refused(tmp_path: Path) -> None:
    assert "there is no database" in fail(tmp_path / "nothing", "worker")
