"""The worker beside a server: a process of its own, started again if it dies, ended with the server however that ends."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Self

from skipcall.cli.output import warn

END_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 1.0  # the first requests have the machine for themselves
PAUSE_MIN_SECONDS = 1.0
PAUSE_MAX_SECONDS = 60.0
STEADY_SECONDS = 60.0  # having run so long, it is started again soon


_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Companion:
    """Runs `skipcall worker`, with this process's environment, between `start` and the end of the block."""

    def __init__(self, data: Path) -> None:
        self._command = [sys.executable, "-P", "-m", "skipcall", "worker", "--beside-server", "--data", str(data)]
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._is_over = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._is_over.set()
        process = self._process
        if process is None:
            return
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def start(self) -> None:
        threading.Thread(target=self._keep, name="companion", daemon=True).start()

    def _keep(self) -> None:
        # What the server is told by signals is not for this thread.
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        self._is_over.wait(FIRST_PAUSE_SECONDS)
        pause = PAUSE_MIN_SECONDS
        while True:
            started = time.monotonic()
            with self._lock:
                if self._is_over.is_set():
                    return
                self._process = self._launch()
            code = self._process.wait()
            assert self._process.stdin is not None
            self._process.stdin.close()
            if code == 0 or time.monotonic() - started > STEADY_SECONDS:  # asked to end, or well until now
                pause = PAUSE_MIN_SECONDS
            if self._is_over.is_set():
                return
            warn(f"the worker ended with status {code}; it is started again in {pause:.0f} seconds")
            self._is_over.wait(pause)
            pause = min(pause * 2, PAUSE_MAX_SECONDS)

    def _launch(self) -> "subprocess.Popen[bytes]":
        # Out of the terminal's process group: Ctrl-C is for the server, which ends the worker. Only the server holds the
        # other end of its standard input.
        return subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, process_group=0)
