"""One request, as a route sees it."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Protocol

from skipcall import ids

if TYPE_CHECKING:
    from skipcall.http.routing import Operation


class Headers(Protocol):
    """Header fields by lower-case name. A value with bytes outside ASCII counts as absent, except to `in`."""

    def __contains__(self, name: str, /) -> bool: ...
    def get(self, name: str, /) -> str | None: ...
    def get_all(self, name: str, /) -> list[str]: ...
    def items(self) -> list[tuple[str, str]]: ...


class Scope(Protocol):
    """What RSGI tells of a request before its body. `path` is percent-decoded; `client` is `address:port`."""

    method: str
    path: str
    query_string: str
    client: str

    @property
    def headers(self) -> Headers: ...


class HTTPProtocol(Protocol):
    """What RSGI gives to read the body with and to answer with, once."""

    async def __call__(self) -> bytes: ...
    def __aiter__(self) -> AsyncIterator[bytes]: ...
    def response_empty(self, status: int, headers: list[tuple[str, str]], /) -> None: ...
    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes, /) -> None: ...
    def response_file(self, status: int, headers: list[tuple[str, str]], file: str, /) -> None: ...
    def response_file_range(
        self, status: int, headers: list[tuple[str, str]], file: str, start: int, end: int, /
    ) -> None: ...


class Request:
    """What came in, and what is known about it so far.

    `caller` is set by the gate: who is asking. `database` is what a route runs its statements on: the pool or, under an
    Idempotency-Key, the transaction that also keeps the answer. `searches` is a small pool whose statements are planned for
    their values. `archive` is where files are kept. `gate` and `sources` are for routes that authenticate in their own way.
    `is_body_read`: nothing of the body is on its way any more; `pieces` is what a route reads it from piece by piece.
    `versions` are those that If-Match accepts, None for any. `strict`: what is not known is to be refused, not ignored.
    `headers` are those that every answer to this request carries; `notes` are added by the route or by decoding.
    """

    __slots__ = (
        "archive",
        "body",
        "caller",
        "database",
        "gate",
        "headers",
        "id",
        "idempotency_key",
        "is_body_read",
        "notes",
        "operation",
        "path_values",
        "pieces",
        "protocol",
        "scope",
        "searches",
        "sources",
        "strict",
        "versions",
    )

    operation: "Operation"
    caller: Any
    database: Any
    searches: Any
    archive: Any
    gate: Any
    sources: Any

    def __init__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        self.scope = scope
        self.protocol = protocol
        self.id = ids.new_request_id()
        self.path_values: tuple[str, ...] = ()
        self.body = b""
        self.is_body_read = False
        self.pieces: AsyncIterator[bytes] | None = None
        self.versions: list[int] | None = None
        self.strict = False
        self.idempotency_key: str | None = None
        self.headers: list[tuple[str, str]] = [("x-request-id", self.id)]
        self.notes: list[tuple[str, str]] = []


class Answer:
    """A whole answer: bytes and what stands before them."""

    __slots__ = ("body", "content_type", "headers", "status")

    def __init__(
        self,
        body: bytes,
        status: int = 200,
        headers: tuple[tuple[str, str], ...] = (),
        content_type: str = "application/json; charset=utf-8",
    ) -> None:
        self.body = body
        self.status = status
        self.headers = headers
        self.content_type = content_type
