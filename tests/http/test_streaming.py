"""Bodies and answers that are not held in memory."""

import contextlib
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.client import Client, exchange
from tests.make import Make, Team
from tests.recordings.sounds import wav
from tests.s3 import S3Server
from tests.serving import ServerProcess

SIZE = 100_000_000
DOWNLOADS = 8
GROWTH_MAX = 2_000_000 * DOWNLOADS + 10_000_000  # two megabytes each, and what is loaded at the first use


@pytest.fixture(params=["folder", "bucket"])
def own(request: pytest.FixtureRequest, make: Make, tmp_path: Path) -> Iterator[tuple[ServerProcess, Client, str]]:
    """A server by itself, a client of it, and the path of the audio of a call."""
    settings: dict[str, str] = {}
    if request.param == "bucket":
        s3: S3Server = request.getfixturevalue("s3")
        settings = s3.settings
    team = make.team()
    with ServerProcess(make.database_url, tmp_path / "server.log", **settings) as server:
        with Client(server.url, team.key.text) as client:
            yield server, client, f"{team.call()}/recording/audio"
        assert not server.failures


def sound(size: int) -> Iterator[bytes]:
    """Yield a WAV file of a size, whose form says nothing of its length."""
    yield wav(0.1)[:40] + struct.pack("<I", 0xFFFFFFFF)
    left = size - 44
    piece = bytes(range(256)) * 1_000
    while left:
        yield piece[:left]
        left -= min(left, len(piece))


def memory(server: ServerProcess) -> int:
    """Return the resident memory of a server and its workers."""
    workers = subprocess.run(
        ["ps", "--ppid", str(server.process.pid), "-o", "rss="], capture_output=True, text=True, check=True
    )
    return 1024 * sum(map(int, workers.stdout.split()))


def open_slowly(client: Client, path: str) -> socket.socket:
    """Ask for audio and read only the beginning of it."""
    place = urlsplit(client.url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    connection.connect((place.hostname, place.port))
    connection.sendall(
        f"GET {path} HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {client.key}\r\n\r\n".encode()
    )
    assert connection.recv(1_000).startswith(b"HTTP/1.1 200 ")
    return connection


def test_slow_readers_cost_little_memory(own: tuple[ServerProcess, Client, str]) -> None:
    server, client, path = own
    client.request("PUT", path, status=201, content=sound(SIZE))
    client.request("GET", path, status=206, headers={"range": "bytes=0-5000000"})
    before = memory(server)
    with contextlib.ExitStack() as ending:
        connections = [ending.enter_context(open_slowly(client, path)) for _ in range(DOWNLOADS)]
        highest = 0
        for _ in range(10):
            for connection in connections:
                connection.recv(100_000)
            time.sleep(0.1)
            highest = max(highest, memory(server))
        assert highest - before < GROWTH_MAX
        client.request("GET", "/livez", status=200)
        rest = connections[0]
        received = 0
        while received < SIZE * 0.95 and (piece := rest.recv(1_000_000)):
            received += len(piece)
        assert received >= SIZE * 0.95, "who goes on reading gets it all"


def test_an_upload_costs_little_memory(own: tuple[ServerProcess, Client, str]) -> None:
    server, client, path = own
    client.request("PUT", path, status=201, content=sound(6_000_000))
    before = memory(server)
    highest = 0

    def watched() -> Iterator[bytes]:
        nonlocal highest
        for number, piece in enumerate(sound(SIZE)):
            if number % 40 == 0:
                highest = max(highest, memory(server))
            yield piece

    client.request("PUT", path, status=200, content=watched())
    assert highest - before < 40_000_000  # parts of five megabytes, and a body buffer


def test_clients_that_go_away(own: tuple[ServerProcess, Client, str]) -> None:
    server, client, path = own
    client.request("PUT", path, status=201, content=sound(20_000_000))
    (worker,) = subprocess.run(
        ["pgrep", "-P", str(server.process.pid)], capture_output=True, text=True, check=True
    ).stdout.split()
    client.request("GET", path, status=200)

    def descriptors() -> int:
        """Return how many pipes and files are open; connections to the bucket are kept for a while on purpose."""
        links = [str(one.readlink()) for one in Path(f"/proc/{worker}/fd").iterdir() if one.is_symlink()]
        return sum(link.startswith(("pipe:", "/")) for link in links)

    before = descriptors()
    for _ in range(20):
        open_slowly(client, path).close()
    wait_until(lambda: descriptors() <= before + 3)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_body_that_stops(own_server: ServerProcess, team: Team) -> None:
    head = (
        f"PUT {team.call()}/recording/audio HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {team.key.text}\r\n"
        "Content-Length: 50000\r\n\r\n"
    )
    answer = exchange(own_server.url, head.encode() + wav(1), seconds=14)
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_the_storage_goes_away_meanwhile(make: Make, tmp_path: Path) -> None:
    """What has begun cannot become a refusal: it is cut off, and the client sees that it is not whole."""
    team = make.team()
    with (
        S3Server(tmp_path / "s3") as s3,
        ServerProcess(make.database_url, tmp_path / "server.log", **s3.settings) as server,
        Client(server.url, team.key.text) as client,
    ):
        path = f"{team.call()}/recording/audio"
        client.request("PUT", path, status=201, content=sound(30_000_000))

        def read() -> None:
            for number, _ in enumerate(answer.iter_bytes()):
                if number == 0:
                    s3.kill()

        with httpx.stream("GET", client.url + path, headers={"authorization": f"Bearer {client.key}"}) as answer:
            assert answer.status_code == 200
            with pytest.raises(httpx.RemoteProtocolError):
                read()
        assert not server.failures
