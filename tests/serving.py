"""The real server as a process, with a log that tests read."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import httpx

SECRET = "a secret that is used for nothing but tests"
SOURCE = Path(__file__).resolve().parents[1] / "src"
START_SECONDS = 30.0
STOP_SECONDS = 30.0  # more than DRAIN_SECONDS

# Ends with its parent, however that ends: the pipe on standard input does.
SERVE = """
import os, signal, sys, threading
from granian import Granian
from granian.constants import Interfaces, Loops
from granian.http import HTTP1Settings
from skipcall.cli.granian_server import DRAIN_SECONDS

def end_with_parent():
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=end_with_parent, daemon=True).start()
Granian(
    "skipcall.app:build", factory=True, port=int(sys.argv[1]), interface=Interfaces.RSGI, loop=Loops.uvloop,
    http1_settings=HTTP1Settings(header_read_timeout=5000), websockets=False, workers_kill_timeout=DRAIN_SECONDS,
).serve()
"""


def hold_free_port() -> socket.socket:
    """Return a socket that keeps a free port for a server that shares it; it never listens itself."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    holder.bind(("127.0.0.1", 0))
    return holder


class ServerProcess:
    """One running server. `log` is all that it has written."""

    def __init__(self, database_url: str, log_file: Path, **environment: str) -> None:
        self._holder = hold_free_port()
        port: int = self._holder.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._log_file = log_file
        settings = {
            "DATABASE_URL": database_url,
            "SKIPCALL_SECRET": SECRET,
            "SKIPCALL_TRUSTED_PROXIES": "127.0.0.0/8",
            "SKIPCALL_DATA": str(log_file.parent / "data"),
            "PYTHONPATH": os.pathsep.join([str(SOURCE), *filter(None, sys.path)]),
        }
        with log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SERVE, str(port)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=os.environ | settings | environment,
                start_new_session=True,
            )
        try:
            self._wait()
        except BaseException:
            self.kill()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/livez").status_code == httpx.codes.OK:
                    return
            assert self.process.poll() is None, f"the server ended: {self.log}"
            assert time.monotonic() < deadline, f"the server does not answer: {self.log}"
            time.sleep(0.02)

    @property
    def log(self) -> str:
        return self._log_file.read_text("utf-8", errors="replace")

    @property
    def failures(self) -> list[dict[str, Any]]:
        """What the server logged as a fault of its own."""
        lines = [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]
        return [line for line in lines if line["message"] == "unexpected failure"]

    def stop(self) -> None:
        """Ask the server to end, as an operator does; its last words are written then."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        self._close()

    def kill(self) -> None:
        """End the server and its workers without a word to them."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_SECONDS)
        self._close()

    def _close(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        self._holder.close()
