"""A client that mistrusts every answer: whatever a test asks, the promises made for all answers are checked too."""

import itertools
import re
import socket
import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, Self

import httpx

ENVELOPE = {"code", "message", "status", "requestId", "docUrl"}
PROPERTIES_OF = {
    "AMBIGUOUS_MATCH": {"candidates"},
    "EXTERNAL_ID_TAKEN": {"conflictingId"},
    "RESTORE_BY_UNMERGE": {"conflictingId"},
    "MERGE_TARGET_GONE": {"conflictingId"},
    "MERGED_LATER": {"conflictingId"},
}
DETAIL = {"pointer", "code", "message"}
FAULTS_MAX = 50
REQUEST_ID = re.compile(r"req_[0-9a-f]{24}")
RATE_LIMIT = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
FIRST_SERVER_ERROR = 500
ASSUMED_CLOCK_DIFFERENCE_SECONDS = 2

OPEN_MAX = 100  # clients with connections; the oldest ones open theirs anew

_addresses = itertools.count(1)
_open: "deque[Client]" = deque()
_opening = threading.Lock()


def new_address() -> str:
    """Return an address that no other test of this process comes from, so that no budget of failures is shared."""
    number = next(_addresses)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


class Client:
    """Speaks to one server with one key, or with none."""

    def __init__(self, url: str, key: str | None = None, *, address: str | None = None) -> None:
        self.url = url
        self.key = key
        self.address = address or new_address()
        self._headers = {"x-forwarded-for": self.address}
        if key is not None:
            self._headers["authorization"] = f"Bearer {key}"
        self._opened: httpx.Client | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    @property
    def _http(self) -> httpx.Client:
        """Connections, opened when they are needed. A process has thousands of clients, but not of sockets."""
        opened = self._opened
        if opened is None:
            with _opening:
                opened = self._opened
                if opened is None:
                    limits = httpx.Limits(max_connections=64)
                    opened = httpx.Client(base_url=self.url, headers=self._headers, timeout=30, limits=limits)
                    self._opened = opened
                    _open.append(self)
                while len(_open) > OPEN_MAX:
                    _open.popleft().close()
        return opened

    def request(
        self,
        method: str,
        path: str,
        *,
        status: int | None = None,
        failing: bool = False,
        headers: Mapping[str, str] | list[tuple[str, str]] | None = None,
        **options: Any,
    ) -> httpx.Response:
        """Send a request; `status` is what must come back. Only `failing` allows a 5xx."""
        response = self._http.request(method, path, headers=headers, **options)
        check(response, failing=failing)
        if status is not None:
            assert response.status_code == status, f"{response.status_code} {response.text[:2000]}"
        return response

    def get(self, path: str, status: int = 200, **options: Any) -> Any:
        """Return what a GET answers."""
        return self.request("GET", path, status=status, **options).json()

    def post(self, path: str, body: Any, status: int = 201, **options: Any) -> Any:
        """Return what a POST of a JSON value answers."""
        return self.request("POST", path, status=status, json=body, **options).json()

    def patch(self, path: str, body: Any, status: int = 200, **options: Any) -> Any:
        """Return what a PATCH with a JSON value answers."""
        return self.request("PATCH", path, status=status, json=body, **options).json()

    def delete(self, path: str, status: int = 204, **options: Any) -> httpx.Response:
        """Return the answer to a DELETE."""
        return self.request("DELETE", path, status=status, **options)

    def faults(self, method: str, path: str, status: int = 400, **options: Any) -> list[tuple[str, str]]:
        """Return pointer and code of each detail of a refusal."""
        error = self.request(method, path, status=status, **options).json()["error"]
        return [(one["pointer"], one["code"]) for one in error.get("details", ())]

    def walk(self, path: str, **parameters: Any) -> list[Any]:
        """Return the items of all pages of a list, by cursor."""
        found: list[Any] = []
        cursors: set[str] = set()
        while True:
            page = self.get(path, params=parameters)
            found += page["data"]
            cursor = page["meta"]["nextCursor"]
            assert page["meta"]["hasMore"] == (cursor is not None)
            if cursor is None:
                return found
            assert cursor not in cursors, "a walk that never ends"
            cursors.add(cursor)
            parameters["cursor"] = cursor


def check(response: httpx.Response, *, failing: bool = False) -> None:
    """Check what every answer promises."""
    status = response.status_code
    headers = response.headers
    told = f"{response.request.method} {response.request.url} -> {status} {headers} {response.text[:2000]}"
    assert failing or status < FIRST_SERVER_ERROR, told
    assert len(headers.get_list("x-request-id")) == 1, told
    assert REQUEST_ID.fullmatch(headers["x-request-id"]), told
    limit, remaining, reset = (_number(headers, name, told) for name in RATE_LIMIT)
    assert 0 <= remaining <= limit or limit == 0, told
    asked = time.time() - response.elapsed.total_seconds()
    assert reset - asked >= -ASSUMED_CLOCK_DIFFERENCE_SECONDS, told
    assert reset - time.time() <= 60 + ASSUMED_CLOCK_DIFFERENCE_SECONDS, told
    assert headers["x-content-type-options"] == "nosniff", told
    if status in {204, 304}:
        assert response.content == b"", told
    elif status >= 400:
        assert headers["content-type"] == "application/json; charset=utf-8", told
        if response.request.method != "HEAD":
            check_envelope(response.json(), response, told)
    if "retry-after" in headers or status in {429, 503}:
        assert 1 <= _number(headers, "retry-after", told) <= 61, told


def check_envelope(body: Any, response: httpx.Response, told: str) -> None:
    """Check the one form of every refusal."""
    assert set(body) == {"error"}, told
    error = body["error"]
    assert ENVELOPE <= set(error) <= ENVELOPE | {"details"} | PROPERTIES_OF.get(error["code"], set()), told
    assert error["status"] == response.status_code, told
    assert error["requestId"] == response.headers["x-request-id"], told
    assert re.fullmatch(r"[A-Z][A-Z_]+", error["code"]), told
    assert error["docUrl"].endswith(f"#{error['code']}"), told
    assert error["message"], told
    details = error.get("details", [])
    assert len(details) <= FAULTS_MAX, told
    if "details" in error:
        assert details, told
    for one in details:
        assert set(one) >= DETAIL, told
        assert set(one) <= DETAIL | {"suggestion"}, told
        assert one["pointer"] == "" or one["pointer"].startswith("/"), told


def _number(headers: httpx.Headers, name: str, told: str) -> int:
    values = headers.get_list(name)
    assert len(values) == 1, f"{name}: {told}"
    assert re.fullmatch(r"[0-9]+", values[0]), f"{name}: {told}"
    return int(values[0])


class RawAnswer:
    """An answer as it came, for what no HTTP client would send."""

    def __init__(self, received: bytes) -> None:
        self.received = received
        head, _, self.body = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split(" ")[1]) if first.startswith("HTTP/1.") else 0
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def exchange(url: str, *parts: bytes, seconds: float = 3, half_close: bool = False, one_answer: bool = False) -> bytes:
    """Send bytes to a server and return all it answers, until it closes, has sent `one_answer` or says nothing for `seconds`."""
    host, _, port = url.removeprefix("http://").partition(":")
    received = b""
    with socket.create_connection((host, int(port)), timeout=seconds) as connection:
        try:
            for part in parts:
                connection.sendall(part)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            while chunk := connection.recv(65_536):
                received += chunk
                if one_answer and _is_whole(received):
                    break
        except (TimeoutError, ConnectionError):
            pass
    return received


def _is_whole(answer: bytes) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
    return length is not None and len(body) >= int(length[1])
