"""Programs beside ours that tests need: whether they are there, and PgBouncer in transaction mode as operators use it."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from skipcall.postgres.embedded import EmbeddedPostgres
from tests.serving import hold_free_port

START_SECONDS = 10.0
CONFIGURATION = """
[databases]
skipcall = host={sockets} port=5432 user=skipcall
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
max_client_conn = 200
"""


def required(command: str, *places: Path) -> str:
    """Return the path of a program that a test needs, looked for in `places` or where programs are.

    Without it the test is skipped; in continuous integration it fails.
    """
    path = os.pathsep.join(map(str, places)) or f"{os.environ.get('PATH', '')}:/usr/sbin"
    found = shutil.which(command, path=path)
    if found is None:
        assert os.environ.get("CI") != "true", f"{command} is not installed"
        pytest.skip(f"{command} is not installed; continuous integration must have it")
    return found


@contextlib.contextmanager
def pooled(postgres: EmbeddedPostgres, place: Path) -> Iterator[str]:
    """Run a PgBouncer with few connections in front of a database; lend its address."""
    binary = required("pgbouncer")
    [sockets] = parse_qs(urlsplit(postgres.url).query)["host"]
    with hold_free_port() as holder:
        port: int = holder.getsockname()[1]  # PgBouncer does not share it
    file = place / f"pgbouncer-{port}.ini"
    file.write_text(CONFIGURATION.format(sockets=sockets, port=port))
    owner = Path(sockets).stat().st_uid if os.geteuid() == 0 else None
    log = file.with_suffix(".log")
    with log.open("wb") as output:
        pooler = subprocess.Popen([binary, str(file)], user=owner, cwd="/", stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
        yield f"postgresql://skipcall@127.0.0.1:{port}/skipcall"
    finally:
        pooler.terminate()
        pooler.wait(10)
