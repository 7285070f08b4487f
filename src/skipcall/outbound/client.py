"""An HTTP client for addresses that others name: it reaches only what may be reached, for a limited time and size.

A name is resolved once, every address that it has is judged, and the connection goes to a judged one: an answer of the DNS that changes
between check and use changes nothing. Proxies of the environment are not used, and bodies are handed on as they come, never unpacked.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Generator,
    Mapping,
    Sequence,
)
from typing import Any

import httpcore
import msgspec

from skipcall.outbound.addresses import Network, is_within, read_address
from skipcall.outbound.urls import (
    ForbiddenUrl,
    OutboundError,
    Target,
    check_addresses,
    check_host,
    follow,
    parse_url,
)

REDIRECTS_MAX = 5
CONNECT_SECONDS = 5.0
SILENCE_SECONDS = 30.0
ADDRESSES_TRIED_MAX = 4
_REDIRECTS = frozenset({301, 302, 303, 307, 308})

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class Unreachable(OutboundError):
    """Nobody answered, or not as HTTP; trying again later may help."""


class TooSlow(OutboundError):
    """The answer did not end in time."""


class TooLarge(OutboundError):
    """The body is larger than asked for."""


class Answer(msgspec.Struct, frozen=True):
    """An answer whose body is still to be read. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: AsyncIterator[bytes]


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return every address of a name, as the system's resolver gives them. Raises `OSError`."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


class Client:
    """Fetches URLs. `allowed` are networks that may be reached beside the public internet."""

    def __init__(
        self, allowed: Collection[Network] = (), *, resolve: Resolve = resolve, trust: ssl.SSLContext | None = None
    ) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._trust = trust

    @contextlib.asynccontextmanager
    async def get(
        self, url: str, *, hosts: Collection[str], headers: Mapping[str, str], bytes_max: int, seconds_max: float
    ) -> AsyncGenerator[Answer]:
        """Lend the answer to a GET, after redirects. All of the block counts towards `seconds_max`.

        `hosts` are those that may be asked, see `check_host`, redirects included. `headers` are credentials: they go to
        the origin of `url` and, after a redirect to another one, nowhere any more.
        Raises `ForbiddenUrl`, `Unreachable`, `TooSlow` and, at the latest while the body is read, `TooLarge`.
        """
        deadline = asyncio.timeout(seconds_max)
        try:
            async with deadline, contextlib.AsyncExitStack() as ending:
                answer = await self._follow(url, hosts, headers, ending)
                length = answer.headers.get("content-length", "")
                if length.isdecimal() and int(length) > bytes_max:
                    raise TooLarge(f"the answer has more than {bytes_max} bytes")
                yield msgspec.structs.replace(answer, body=_limited(answer.body, bytes_max))
        except TimeoutError as late:
            if not deadline.expired():
                raise
            raise TooSlow(f"the answer did not end within {seconds_max:.0f} seconds") from late

    async def _follow(
        self, url: str, hosts: Collection[str], headers: Mapping[str, str], ending: contextlib.AsyncExitStack
    ) -> Answer:
        origin = None
        for _ in range(REDIRECTS_MAX + 1):
            target = parse_url(url)
            check_host(target, hosts)
            if origin not in {None, target.origin}:
                headers = {}
            origin = target.origin
            hop = await ending.enter_async_context(contextlib.AsyncExitStack())
            answer = await self._ask(target, headers, hop)
            location = answer.headers.get("location")
            if answer.status not in _REDIRECTS or location is None:
                return answer
            await hop.aclose()
            url = follow(url, location)
        raise ForbiddenUrl(f"more than {REDIRECTS_MAX} redirects")

    async def _ask(self, target: Target, headers: Mapping[str, str], ending: contextlib.AsyncExitStack) -> Answer:
        host = f"[{target.host}]" if ":" in target.host else target.host
        default = {"https": 443, "http": 80}[target.scheme]
        sent = {
            "Host": host if target.port == default else f"{host}:{target.port}",
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "User-Agent": "skipcall",
            "Connection": "close",
        }
        url = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
        self._trust = self._trust or httpcore.default_ssl_context()
        connection = httpcore.AsyncHTTPConnection(
            url.origin, ssl_context=self._trust, network_backend=_Dialer(target, self._allowed, self._resolve)
        )
        ending.push_async_callback(connection.aclose)
        timeouts = {"connect": CONNECT_SECONDS, "read": SILENCE_SECONDS, "write": SILENCE_SECONDS}
        request = httpcore.Request(
            "GET", url, headers=list((sent | dict(headers)).items()), extensions={"timeout": timeouts}
        )
        with _told():
            response = await connection.handle_async_request(request)
        ending.push_async_callback(response.aclose)
        received = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
        return Answer(response.status, received, response.aiter_stream())


class _Dialer(httpcore.AsyncNetworkBackend):
    """Connects to the addresses of one target that may be reached, and to no other place."""

    def __init__(self, target: Target, allowed: Collection[Network], resolve: Resolve) -> None:
        self._target, self._allowed, self._resolve = target, allowed, resolve
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Any = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        assert (host, port) == (self._target.host, self._target.port)
        if self._target.address is None:
            try:
                texts = await asyncio.wait_for(self._resolve(host, port), CONNECT_SECONDS)
            except (OSError, UnicodeError) as unknown:
                raise Unreachable("the name of the host could not be resolved") from unknown
        else:
            texts = [host]
        addresses = [read_address(text) for text in texts]
        check_addresses(self._target, addresses, self._allowed)
        lost: Exception | None = None
        for text in texts[:ADDRESSES_TRIED_MAX]:
            try:
                stream = await self._network.connect_tcp(text, port, timeout)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failure:
                lost = failure
                continue
            try:
                self._check_peer(stream, text)
            except BaseException:
                await stream.aclose()
                raise
            return stream
        raise Unreachable("the host takes no connection") from lost

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def _check_peer(self, stream: httpcore.AsyncNetworkStream, text: str) -> None:
        """Raise `ForbiddenUrl` unless the other end is the address that was judged, and is not this machine."""
        peer = read_address(str(stream.get_extra_info("server_addr")[0]))
        own = read_address(str(stream.get_extra_info("client_addr")[0]))
        if peer != read_address(text) or (peer == own and not is_within(peer, self._allowed)):
            raise ForbiddenUrl("the host is this machine itself")


async def _limited(body: AsyncIterator[bytes], bytes_max: int) -> AsyncIterator[bytes]:
    received = 0
    with _told():
        async for chunk in body:
            received += len(chunk)
            if received > bytes_max:
                raise TooLarge(f"the answer has more than {bytes_max} bytes")
            yield chunk


@contextlib.contextmanager
def _told() -> Generator[None]:
    """Say in our words what the connection raises."""
    try:
        yield
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError, OSError) as lost:
        raise Unreachable(_reason(lost)) from lost


def _reason(lost: Exception) -> str:
    if isinstance(lost, httpcore.TimeoutException):
        return f"the host was silent for {SILENCE_SECONDS:.0f} seconds"
    if isinstance(lost, httpcore.ProtocolError):
        return "the answer is no proper HTTP, or broke off"
    if isinstance(lost, httpcore.ConnectError | ssl.SSLError):
        return "no secure connection could be made with the host; its certificate may be invalid or not trusted"
    return "the connection was lost"
