"""Requests that no client library would send: never two readings, never a 5xx, never a hang."""

import json
import re
import time

import pytest

from tests.client import REQUEST_ID, RawAnswer, exchange
from tests.make import Make, Team
from tests.serving import ServerProcess


@pytest.fixture(scope="module")
def team(make: Make) -> Team:
    return make.team()


def ask(server: ServerProcess, text: bytes | str, *more: bytes, seconds: float = 1.0) -> list[RawAnswer]:
    """Return every answer that some bytes get."""
    raw = text.encode("latin-1") if isinstance(text, str) else text
    received = exchange(server.url, raw, *more, seconds=seconds)
    return [RawAnswer(part) for part in re.split(rb"(?=HTTP/1\.[01] \d)", received) if part]


def patch(team: Team, path: str, *lines: str, body: str = "") -> str:
    fields = [
        f"PATCH {path} HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {team.key.text}",
        "Content-Type: application/json",
        "Connection: close",
        *lines,
    ]
    return "\r\n".join([*fields, "", body])


BODY = '{"city":"a"}'


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 12", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Content-Length: 12"],
        ["Content-Length: 12", "Content-Length: 13"],
        ["Content-Length: 12, 13"],
        ["Content-Length: +12"],
        ["Content-Length: 0x0c"],
        ["Content-Length: -1"],
        ["Content-Length: 12 12"],
        ["Content-Length: 99999999999999999999999"],
        ["Content-Length:"],
        ["Transfer-Encoding: xchunked"],
        ["Transfer-Encoding: chunked, identity"],
        ["Transfer-Encoding: identity"],
        ["Transfer-Encoding: gzip, chunked"],
        ["Transfer-Encoding : chunked"],
        ["Content-Length : 12"],
        [" Content-Length: 12"],
        ["Content-Length: 12", "X: a\n Y: b"],
        ["Content-Length: 12", "X: a\0b"],
        ["Content-Length: 12", "X: a\rb"],
        ["Content-Length: 12", "X"],
        ["Content-Length: 12", ": x"],
        ["Content-Length: 12", "X\u00e9: x"],
    ],
    ids=str,
)
def test_doubtful_framing_is_answered_once_at_most(server: ServerProcess, team: Team, lines: list[str]) -> None:
    path = team.contact()
    answers = ask(server, patch(team, path, *lines, body=BODY), seconds=0.5)
    assert all(answer.status < 500 for answer in answers)
    done = [answer for answer in answers if answer.status == 200]
    assert len(done) <= 1
    written = team.client.get(path)["city"]
    assert written in {None, "a"}
    assert (written == "a") == bool(done)


@pytest.mark.parametrize(
    "chunks",
    [
        "c;name=value\r\n" + BODY + "\r\n0\r\n\r\n",
        "0c\r\n" + BODY + "\r\n0\r\nTrailer: x\r\n\r\n",
        "C\r\n" + BODY + "\r\n0\r\n\r\n",
    ],
)
def test_chunks_that_are_odd_but_right(server: ServerProcess, team: Team, chunks: str) -> None:
    path = team.contact()
    (answer,) = ask(server, patch(team, path, "Transfer-Encoding: chunked", body=chunks))
    assert answer.status == 200
    assert team.client.get(path)["city"] == "a"


@pytest.mark.parametrize("size", ["x", "-1", "0x0c", "ffffffffffffffffff", " ", ""])
def test_chunks_that_are_wrong(server: ServerProcess, team: Team, size: str) -> None:
    path = team.contact()
    body = f"{size}\r\n{BODY}\r\n0\r\n\r\n"
    answers = ask(server, patch(team, path, "Transfer-Encoding: chunked", body=body), seconds=0.5)
    assert all(answer.status < 500 for answer in answers)
    assert team.client.get(path)["city"] is None


@pytest.mark.parametrize(
    "start",
    [
        "GARBAGE",
        "GET",
        "GET /livez",
        "GET /livez HTTP/3.0",
        "GET  /livez  HTTP/1.1",
        "GET /li vez HTTP/1.1",
        "GET /livez\0 HTTP/1.1",
        "\x16\x03\x01\x02",
        "GET \u00e9 HTTP/1.1",
        "CONNECT localhost:80 HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "GET ? HTTP/1.1",
        "GET http:// HTTP/1.1",
        "GET //user@host/livez HTTP/1.1",
        "POST /livez HTTP/1.1\r\nExpect: 200-maybe",
    ],
    ids=ascii,
)
def test_first_lines(server: ServerProcess, start: str) -> None:
    answers = ask(server, f"{start}\r\nHost: localhost\r\nConnection: close\r\n\r\n", seconds=0.5)
    assert all(0 < answer.status < 500 for answer in answers)


@pytest.mark.parametrize(
    "lines",
    [[], ["Host: a", "Host: b"], ["Host: user@localhost"], ["Host: "], ["Host: [::1"], ["Host: \u00e9"]],
    ids=str,
)
def test_hosts_do_not_matter(server: ServerProcess, lines: list[str]) -> None:
    answers = ask(server, "\r\n".join(["GET /livez HTTP/1.1", "Connection: close", *lines, "", ""]))
    assert [answer.status for answer in answers] in ([200], [400])


def test_absolute_target(server: ServerProcess) -> None:
    (answer,) = ask(server, "GET http://elsewhere.example/livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert answer.status == 200


def test_http_1_0(server: ServerProcess) -> None:
    (answer,) = ask(server, "GET /livez HTTP/1.0\r\n\r\n")
    assert answer.status == 200


def test_a_hundred_requests_at_once_are_answered_in_order(server: ServerProcess, team: Team) -> None:
    paths = [team.contact(city=str(number)) for number in range(10)]
    text = "".join(
        f"GET {paths[number % 10]} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {team.key.text}\r\n\r\n"
        for number in range(100)
    )
    answers = ask(server, text, seconds=1.5)
    assert [json.loads(answer.body)["city"] for answer in answers] == [str(number % 10) for number in range(100)]


def test_expect_continue(server: ServerProcess, team: Team) -> None:
    path = team.contact()
    lines = ["Content-Length: 12", "Expect: 100-continue"]
    first, last = ask(server, patch(team, path, *lines), BODY.encode())
    assert (first.status, last.status) == (100, 200)
    silent = exchange(server.url, patch(team, path, *lines).encode(), seconds=0.3)
    assert silent.startswith(b"HTTP/1.1 100 ")
    refused = RawAnswer(exchange(server.url, patch(team, "/v1/nowhere", *lines).encode(), seconds=0.5))
    assert refused.status == 404, "a refusal need not wait for the body"


def test_many_fields(server: ServerProcess, team: Team) -> None:
    fields = [(f"x-{number}", "x") for number in range(70)]
    response = team.client.request("GET", "/v1/me", status=431, headers=fields)
    assert response.json()["error"]["code"] == "REQUEST_HEADERS_TOO_LARGE"
    team.client.get("/v1/me", headers=fields[:50])


@pytest.mark.parametrize("length", [17_000, 64_000])
def test_long_fields(team: Team, length: int) -> None:
    response = team.client.request("GET", "/v1/me", status=431, headers={"x-long": "x" * length})
    assert response.json()["error"]["code"] == "REQUEST_HEADERS_TOO_LARGE"


@pytest.mark.parametrize("text", ["".join(f"x-{n}: x\r\n" for n in range(10_000)), f"x: {'x' * 2_000_000}\r\n"])
def test_far_too_much(server: ServerProcess, text: str) -> None:
    answers = ask(server, f"GET /livez HTTP/1.1\r\nHost: a\r\n{text}\r\n")
    assert all(400 <= answer.status < 500 for answer in answers)


def test_slow_headers_are_cut_off(server: ServerProcess) -> None:
    start = time.monotonic()
    exchange(server.url, b"GET /livez HTTP/1.1\r\nHost:", seconds=8)
    assert time.monotonic() - start < 7


def test_a_request_id_of_the_client_is_not_taken_over(team: Team) -> None:
    sent = "req_" + "0" * 24
    response = team.client.request("GET", "/v1/me", headers={"x-request-id": sent})
    assert response.headers["x-request-id"] != sent
    assert REQUEST_ID.fullmatch(response.headers["x-request-id"])
