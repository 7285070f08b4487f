"""The command line as the operator has it: real processes, with nothing of ours in their environment."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import httpx

SOURCE = Path(__file__).resolve().parents[2] / "src"
COMMAND = [sys.executable, "-P", "-m", "skipcall"]
START_SECONDS = 60.0
END_SECONDS = 60.0


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SKIPCALL_", "DATABASE_URL"))}
    return kept | {"PYTHONPATH": str(SOURCE)} | more


def run(data: Path, *arguments: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        env=environment(SKIPCALL_DATA=str(data), **more),
        capture_output=True,
        text=True,
        timeout=END_SECONDS,
        check=False,
    )


def succeed(data: Path, *arguments: str | Path, **more: str) -> str:
    """Run one command that must succeed, and return what it printed."""
    done = run(data, *arguments, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout


def read_json(data: Path, *arguments: str | Path) -> Any:
    return json.loads(succeed(data, *arguments, "--json"))


def fail(data: Path, *arguments: str | Path, **more: str) -> str:
    """Run one command that must fail as commands do, and return what it said."""
    done = run(data, *arguments, **more)
    assert done.returncode in {1, 2}, done.stdout
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.replace("│", " ").split())  # however typer broke the lines


class Serve:
    """`skipcall serve`, ready for requests."""

    def __init__(self, data: Path, *arguments: str, port: int = 0, **more: str) -> None:
        self.data = data
        ready_file = data.with_name(f"{data.name}.ready.json")
        ready_file.unlink(missing_ok=True)
        self.log_file = data.with_name(f"{data.name}.log")
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "serve", "--data", str(data), f"--port={port}", "--ready-file", str(ready_file), *arguments],
                env=environment(**more),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not ready_file.exists():
            assert self.process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.01)
        self.ready: dict[str, Any] = json.loads(ready_file.read_text())
        self.ready_file = ready_file
        self.url: str = self.ready["url"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            assert self.process.wait(END_SECONDS) == 0, self.log

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def client(self, key: str | None = None) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {key or self.ready['liveKey']}"})

    def workers(self) -> list[int]:
        """The process ids of the children that answer requests."""
        return [pid for pid, command in self._children() if not {b"worker", b"guard.py"} & _words(command)]

    def companions(self) -> list[int]:
        """The process ids of the children that do the other work."""
        return [pid for pid, command in self._children() if b"worker" in _words(command)]

    def _children(self) -> list[tuple[int, bytes]]:
        threads = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        children = [int(pid) for thread in threads for pid in thread.read_text().split()]
        return [(pid, Path(f"/proc/{pid}/cmdline").read_bytes()) for pid in children]

    def kill(self) -> None:
        """End the main process, and only that, as the kernel does when memory is short."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(END_SECONDS)


def _words(command: bytes) -> set[bytes]:
    return {word.rpartition(b"/")[2] for word in command.split(b"\0")}


def wait_until_gone(pid: int, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while Path(f"/proc/{pid}").exists():
        status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        if status == "Z":  # its parent is gone, and nobody has asked for its end yet
            return
        assert time.monotonic() < deadline, f"process {pid} lives on"
        time.sleep(0.01)
