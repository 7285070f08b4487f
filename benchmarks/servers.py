"""Starting what is measured, and stopping it whatever happens."""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from benchmarks.data import SECRET, Tenant
from benchmarks.machine import pinned_to

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 20.0
STOP_SECONDS = 15.0
SERVE = [sys.executable, "-m", "skipcall", "serve"]
POLL_SECONDS = 0.002


class BenchmarkError(Exception):
    """A run that says nothing; the message tells why."""


class Server(msgspec.Struct, frozen=True):
    """A server that answers. `start_seconds` is from its `exec` to its first answer."""

    pid: int
    port: int
    start_seconds: float


@contextlib.contextmanager
def skipcall(
    url: str | None, data: Path, core: int | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Run the product, on one core if one is named; without a URL on an embedded database of its own."""
    port = _free_port()
    command = [*SERVE, "--port", str(port), "--data", str(data)]
    environment = {"SKIPCALL_SECRET": SECRET} | ({"DATABASE_URL": url} if url else {}) | dict(settings or {})
    with _running(command, environment, port, core, data.with_suffix(".log")) as server:
        yield server


@contextlib.contextmanager
def bare(url: str, tenant: Tenant, log: Path, core: int, file: Path | None = None) -> Iterator[Server]:
    """Run the bare server on one core; `file` is what it answers at `/audio`."""
    port = _free_port()
    environment = {
        "DATABASE_URL": url,
        "BARE_PORT": str(port),
        "BARE_WORKSPACE": str(tenant.workspace_id),
        "BARE_API_KEY": str(tenant.api_key_id),
        "BARE_FILE": str(file or ""),
    }
    command = [sys.executable, "-m", "benchmarks.peers.bare"]
    with _running(command, environment, port, core, log) as server:
        yield server


def has_nginx() -> bool:
    """Whether nginx is installed."""
    return shutil.which("nginx") is not None


@contextlib.contextmanager
def nginx(file: Path, place: Path, core: int) -> Iterator[Server]:
    """Run nginx with one worker on one core; it answers a file at `/audio`."""
    port = _free_port()
    place.mkdir()
    user = "user root;" if os.geteuid() == 0 else ""  # the file is for nobody else to read
    kept = "".join(f"{name}_temp_path {place}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (place / "nginx.conf").write_text(
        f"""{user} daemon off; worker_processes 1; pid {place}/pid; error_log {place}/error.log;
        events {{ worker_connections 256; }}
        http {{
            access_log off; sendfile on; tcp_nopush on; {kept}
            server {{ listen 127.0.0.1:{port}; location = /audio {{ alias {file}; }} }}
        }}
        """
    )
    with _running(["nginx", "-c", str(place / "nginx.conf")], {}, port, core, place / "nginx.log") as server:
        yield server


@contextlib.contextmanager
def _running(
    command: list[str], environment: Mapping[str, str], port: int, core: int | None, log: Path
) -> Iterator[Server]:
    with log.open("ab") as output, pinned_to(core):
        began = time.monotonic()
        # A session of its own, so that Ctrl-C reaches only us, and we end it in order.
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | environment,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        while not _answers(port):
            if process.poll() is not None or time.monotonic() - began > START_SECONDS:
                raise BenchmarkError(f"{' '.join(command)} did not start: {log.read_text()[-2000:]}")
            time.sleep(POLL_SECONDS)
        yield Server(process.pid, port, time.monotonic() - began)
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process and all of its session, gently first."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _answers(port: int) -> bool:
    """Whether a request is answered, by whatever status: the bare server knows no path but one."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/v1/health")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
