"""The client against real servers on loopback, which the tests allow and nothing else does."""

import asyncio
import socket
import ssl
import subprocess
from collections.abc import Awaitable, Callable, Iterator, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from skipcall.outbound.client import Client, TooLarge, TooSlow, Unreachable
from skipcall.outbound.urls import ForbiddenUrl
from tests.media_host import MediaHost, answer
from tests.programs import required

LOOPBACK = [ip_network("127.0.0.0/8")]
NAME = "media.example"
SOUND = bytes(range(256)) * 1000


@pytest.fixture
def host() -> Iterator[MediaHost]:
    with MediaHost() as host:
        yield host


async def to_loopback(_host: str, _port: int) -> Sequence[str]:
    return ["127.0.0.1"]


def get(
    url: str,
    *,
    allowed: Any = LOOPBACK,
    hosts: Sequence[str] = ("*.example", "127.0.0.1"),
    headers: dict[str, str] | None = None,
    resolve: Callable[[str, int], Awaitable[Sequence[str]]] = to_loopback,
    bytes_max: int = 1_000_000,
    seconds_max: float = 20.0,
    trust: ssl.SSLContext | None = None,
) -> tuple[int, bytes]:
    """Return status and whole body of an answer."""

    async def run() -> tuple[int, bytes]:
        client = Client(allowed, resolve=resolve, trust=trust)
        asked = client.get(url, hosts=hosts, headers=headers or {}, bytes_max=bytes_max, seconds_max=seconds_max)
        async with asked as found:
            return found.status, b"".join([chunk async for chunk in found.body])

    return asyncio.run(run())


def test_a_body_comes_whole_and_untouched(host: MediaHost) -> None:
    host.answers["/a.wav?x=%2F"] = answer(SOUND, Content_Encoding="gzip")
    assert get(host.url("/a.wav?x=%2F", NAME)) == (200, SOUND)
    [(_, headers)] = host.requests
    assert headers["host"] == f"{NAME}:{host.port}"
    assert headers["accept-encoding"] == "identity"


def test_a_chunked_body(host: MediaHost) -> None:
    host.answers["/"] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    assert get(host.url("/")) == (200, b"abcde")


def test_without_the_operators_word_loopback_is_out_of_reach(host: MediaHost) -> None:
    for url in (host.url("/"), host.url("/", NAME), f"https://{NAME}/"):
        with pytest.raises(ForbiddenUrl):
            get(url, allowed=[])
    assert host.requests == []


def test_the_resolver_of_the_system_is_the_one_that_is_used(host: MediaHost) -> None:
    from skipcall.outbound.client import resolve

    host.answers["/"] = answer(b"here")
    assert get(host.url("/", "localhost"), hosts=["localhost"], resolve=resolve) == (200, b"here")
    with pytest.raises(ForbiddenUrl):
        get("https://localhost:8443/", hosts=["localhost"], resolve=resolve, allowed=[])
    with pytest.raises(Unreachable, match="could not be resolved"):
        get("https://nowhere.invalid/", hosts=["nowhere.invalid"], resolve=resolve)


def test_a_name_whose_address_changes_is_dialed_where_it_was_judged(host: MediaHost) -> None:
    """An answer of the DNS with a lifetime of 0 seconds: first a place that is allowed, then one that is not."""
    host.answers["/"] = answer(b"judged")
    asked = []

    async def rebinding(name: str, _port: int) -> Sequence[str]:
        asked.append(name)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    assert get(host.url("/", NAME), allowed=[ip_network("127.0.0.1/32")], resolve=rebinding) == (200, b"judged")
    assert asked == [NAME]
    with pytest.raises(ForbiddenUrl):
        get(host.url("/", NAME), allowed=[ip_network("127.0.0.1/32")], resolve=rebinding)
    assert len(host.requests) == 1


def test_one_denied_address_among_several_is_enough(host: MediaHost) -> None:
    async def both(_name: str, _port: int) -> Sequence[str]:
        return ["127.0.0.1", "10.0.0.1"]

    with pytest.raises(ForbiddenUrl):
        get(host.url("/", NAME), resolve=both)
    assert host.requests == []


def test_the_next_address_is_tried_when_one_takes_no_connection(host: MediaHost) -> None:
    async def both(_name: str, _port: int) -> Sequence[str]:
        return ["127.0.0.7", "127.0.0.1"]

    host.answers["/"] = answer(b"second")
    assert get(host.url("/", NAME), resolve=both) == (200, b"second")


def test_a_host_that_is_not_listed_is_not_asked(host: MediaHost) -> None:
    with pytest.raises(ForbiddenUrl, match="host is none"):
        get(host.url("/", "other.test"))
    assert host.requests == []


def test_proxies_of_the_environment_are_not_used(host: MediaHost, monkeypatch: pytest.MonkeyPatch) -> None:
    with MediaHost() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.url(""))
        host.answers["/"] = answer(b"direct")
        assert get(host.url("/")) == (200, b"direct")
        assert proxy.requests == []


def test_a_redirect_is_followed_and_credentials_stay_at_their_origin(host: MediaHost) -> None:
    with MediaHost() as store:
        host.answers["/a"] = answer(status="307 Temporary Redirect", Location="/b")
        host.answers["/b"] = answer(status="302 Found", Location=store.url("/signed", NAME))
        store.answers["/signed"] = answer(status="302 Found", Location=host.url("/c"))
        host.answers["/c"] = answer(SOUND)
        assert get(host.url("/a"), headers={"Authorization": "Basic secret"}) == (200, SOUND)
        assert [("authorization" in headers) for _, headers in host.requests] == [True, True, False]
        assert [("authorization" in headers) for _, headers in store.requests] == [False]


@pytest.mark.parametrize(
    "location",
    [
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "http://2130706433/",
        "http://unlisted.test/",
        "file:///etc/passwd",
        "http://user@127.0.0.1/",
        "http://127.0.0.1\\@media.example/",
    ],
)
def test_each_redirect_goes_through_the_whole_guard(host: MediaHost, location: str) -> None:
    host.answers["/"] = answer(status="302 Found", Location=location)
    with pytest.raises(ForbiddenUrl):
        get(host.url("/"), hosts=["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1"])
    assert len(host.requests) == 1


def test_redirects_end(host: MediaHost) -> None:
    host.answers["/"] = answer(status="301 Moved Permanently", Location="/")
    with pytest.raises(ForbiddenUrl, match="redirects"):
        get(host.url("/"))
    assert len(host.requests) == 6


def test_a_redirect_without_a_place_is_an_answer(host: MediaHost) -> None:
    host.answers["/"] = answer(b"x", status="302 Found")
    assert get(host.url("/")) == (302, b"x")


async def _endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(bytes(10_000))
        await writer.drain()


async def _dripping(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def _headers_without_end(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-Filler: " + b"x" * 1000 + b"\r\n")
        await writer.drain()


async def _one_huge_header(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        writer.write(b"x" * 10_000)
        await writer.drain()


async def _only_informing(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.001)


async def _silent(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


def test_an_endless_body_is_cut_off(host: MediaHost) -> None:
    host.answers["/"] = _endless
    with pytest.raises(TooLarge):
        get(host.url("/"), bytes_max=100_000)


def test_a_length_beyond_the_cap_is_not_even_read(host: MediaHost) -> None:
    host.answers["/"] = answer(SOUND)
    assert get(host.url("/"), bytes_max=len(SOUND)) == (200, SOUND)
    with pytest.raises(TooLarge):
        get(host.url("/"), bytes_max=len(SOUND) - 1)


@pytest.mark.parametrize("behaviour", [_dripping, _silent, _only_informing])
def test_the_clock_ends_what_does_not_end_itself(
    host: MediaHost, behaviour: Callable[[asyncio.StreamWriter], Awaitable[None]]
) -> None:
    host.answers["/"] = behaviour
    with pytest.raises(TooSlow):
        get(host.url("/"), seconds_max=0.3)


@pytest.mark.parametrize("behaviour", [_headers_without_end, _one_huge_header])
def test_headers_have_an_end(host: MediaHost, behaviour: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> None:
    host.answers["/"] = behaviour
    with pytest.raises(Unreachable, match="no proper HTTP"):
        get(host.url("/"))


@pytest.mark.parametrize(
    "raw", [b"", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", b"\x00" * 100]
)
def test_what_is_no_whole_answer(host: MediaHost, raw: bytes) -> None:
    host.answers["/"] = raw
    with pytest.raises(Unreachable):
        get(host.url("/"))


def test_nobody_there() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        with pytest.raises(Unreachable, match="no connection"):
            get(f"http://127.0.0.1:{holder.getsockname()[1]}/")


def test_a_failure_of_the_reader_is_its_own(host: MediaHost) -> None:
    host.answers["/"] = answer(SOUND)

    async def run() -> None:
        async with Client(LOOPBACK).get(
            host.url("/"), hosts=["127.0.0.1"], headers={}, bytes_max=1_000_000, seconds_max=20
        ):
            raise TimeoutError("of the storage")

    with pytest.raises(TimeoutError, match="of the storage"):
        asyncio.run(run())


def _certificate(directory: Path, name: str) -> Path:
    file = directory / f"{name}.pem"
    command = [
        required("openssl"),
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        f"/CN={name}",
    ]
    command += ["-addext", f"subjectAltName=DNS:{name}", "-keyout", str(file), "-out", f"{file}.crt"]
    subprocess.run(command, check=True, capture_output=True)
    file.write_bytes(file.read_bytes() + Path(f"{file}.crt").read_bytes())
    return file


def test_tls_is_spoken_with_the_name_and_its_certificate_is_checked(tmp_path: Path) -> None:
    file = _certificate(tmp_path, NAME)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(file)
    names: list[str | None] = []
    served.sni_callback = lambda _socket, name, _context: names.append(name)
    trusting = ssl.create_default_context(cafile=str(file))
    with MediaHost(served) as host:
        host.answers["/a"] = answer(SOUND)
        assert get(host.url("/a", NAME), trust=trusting) == (200, SOUND)
        assert names == [NAME]
        with pytest.raises(Unreachable, match="certificate"):
            get(host.url("/a", "other.example"), trust=trusting)
        with pytest.raises(Unreachable, match="certificate"):
            get(host.url("/a", NAME))
        assert len(host.requests) == 1
