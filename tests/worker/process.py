"""`skipcall worker` as a process of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from tests.serving import SECRET, SOURCE

COMMAND = [sys.executable, "-P", "-m", "skipcall", "worker"]
SECONDS = 25.0


class WorkerProcess:
    """One running worker. `log` is all that it has written."""

    def __init__(self, database_url: str, place: Path, **more: str) -> None:
        self._log_file = place / "worker.log"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SKIPCALL_")}
        settings = {
            "DATABASE_URL": database_url,
            "SKIPCALL_SECRET": SECRET,
            "SKIPCALL_DATA": str(place),
            "SKIPCALL_OUTBOUND_NETWORKS": "127.0.0.0/8",
            "PYTHONPATH": str(SOURCE),
        }
        with self._log_file.open("ab") as log:
            self.process = subprocess.Popen(
                COMMAND, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=kept | settings | more
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            assert self.process.wait(SECONDS) in {0, -signal.SIGTERM}, self.log  # at its start, the signal just ends it

    @property
    def log(self) -> str:
        return self._log_file.read_text("utf-8")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ask the worker to end, as an operator does."""
        self.process.send_signal(number)
        assert self.process.wait(SECONDS) == 0, self.log

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(SECONDS)


def eventually(look: Callable[[], Any], wanted: object = True) -> None:
    """Wait until a look finds what is wanted."""
    deadline = time.monotonic() + SECONDS
    while (found := look()) != wanted:
        assert time.monotonic() < deadline, f"{found!r} and not {wanted!r}"
        time.sleep(0.05)
