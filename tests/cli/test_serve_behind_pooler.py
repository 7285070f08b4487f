"""`skipcall serve` on a database behind PgBouncer in transaction mode."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from skipcall.postgres.embedded import EmbeddedPostgres
from tests.cli.process import Serve, run
from tests.serving import hold_free_port

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
CONFIGURATION = """
[databases]
skipcall = host={sockets} port=5432 user=skipcall
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
"""


@pytest.fixture
def pooled_url(place: Path) -> Iterator[str]:
    if PGBOUNCER is None:
        pytest.skip("needs pgbouncer")
    with EmbeddedPostgres.start(place / "pooled", fast=True) as postgres, hold_free_port() as holder:
        port = holder.getsockname()[1]
        holder.close()  # pgbouncer does not share it
        [sockets] = parse_qs(urlsplit(postgres.url).query)["host"]
        file = place / "pgbouncer.ini"
        file.write_text(CONFIGURATION.format(sockets=sockets, port=port))
        owner = Path(sockets).stat().st_uid if os.geteuid() == 0 else None
        pooler = subprocess.Popen([PGBOUNCER, "--quiet", str(file)], user=owner, cwd="/")
        try:
            _wait_for(port)
            yield f"postgresql://skipcall@127.0.0.1:{port}/skipcall"
        finally:
            pooler.send_signal(signal.SIGQUIT)
            pooler.wait(10)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        else:
            return


def test_it_serves_and_says_what_it_cannot_see(pooled_url: str, place: Path) -> None:
    with Serve(place / "behind", "--demo", DATABASE_URL=pooled_url) as serve:
        assert "behind a pooler" in serve.log
        with serve.client() as client:
            patched = client.patch(f"/v1/contacts/{serve.ready['contactId']}", json={"role": "CTO"})
        assert patched.json()["role"] == "CTO"
        found = run(serve.data, "doctor", DATABASE_URL=pooled_url).stdout
        assert "warning\tPooler" in found
