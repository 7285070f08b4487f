"""Bodies as a whole: what is no JSON, no JSON of ours, too large, too deep, in another encoding, or never ends."""

import gzip
import json
import time

import pytest

from tests.client import Client, RawAnswer, exchange
from tests.make import Make, Team
from tests.serving import ServerProcess

JSON = {"content-type": "application/json"}
LIMIT = 262_144


@pytest.fixture(scope="module")
def contact(make: Make) -> tuple[Client, str]:
    team = make.team()
    return team.client, team.contact()


def send(contact: tuple[Client, str], content: bytes, status: int = 400) -> list[str]:
    """Return the codes of the faults of a body; the contact must not have changed."""
    client, path = contact
    before = client.get(path)
    response = client.request("PATCH", path, status=status, content=content, headers=JSON)
    assert client.get(path) == before
    return [one["code"] for one in response.json()["error"].get("details", [])]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" ",
        b"{",
        b"}",
        b'{"city":}',
        b'{"city":"a",}',
        b"{'city':'a'}",
        b'{city:"a"}',
        b'{"city":"a"} {"city":"b"}',
        b'{"city":"a"}x',
        b'{"city":"a" /* why */}',
        b'// why\n{"city":"a"}',
        b'{"callCount":NaN}',
        b'{"callCount":Infinity}',
        b'{"callCount":-Infinity}',
        b'{"callCount":1e400}',
        b'{"callCount":-1e400}',
        b'{"callCount":01}',
        b'{"callCount":+1}',
        b'{"callCount":.5}',
        b'{"callCount":1.}',
        b'{"callCount":0x10}',
        b'{"callCount":' + b"9" * 5000 + b"}",
        b'{"city":"\\ud800"}',
        b'{"city":"\\udc00\\ud800"}',
        b'{"city":"\\u12"}',
        b'{"city":"\\x41"}',
        b'{"city":"a\nb"}',
        b'{"city":"\xff"}',
        b'{"city":"\xc0\xaf"}',  # overlong
        b'{"city":"\xed\xa0\x80"}',  # a surrogate in CESU-8
        b'{"city":"\xf4\x90\x80\x80"}',  # beyond U+10FFFF
        b'{"ci\xff":"a"}',
        b'\xef\xbb\xbf{"city":"a"}',
        '{"city":"a"}'.encode("utf-16"),
        '{"city":"a"}'.encode("utf-16-le"),
        '{"city":"a"}'.encode("utf-32"),
        gzip.compress(b'{"city":"a"}', mtime=0),
        b"city=a",
        b"--boundary\r\n",
        b"\x00" * 100,
        b'"' * 100_000,
        b'{"a":' * 50_000,
    ],
    ids=lambda content: repr(content[:30]),
)
def test_what_is_no_json(contact: tuple[Client, str], content: bytes) -> None:
    assert send(contact, content) in (["MALFORMED_JSON"], ["TOO_DEEP"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "A body is needed"),
        (b'{"x":1e400}', "A number in the body is out of range"),
        (b'{"x":' + b"9" * 5_000 + b"}", "A number in the body is out of range"),
        (b'{"x":1', "The body is not valid JSON in UTF-8"),
    ],
)
def test_why_it_is_no_json(contact: tuple[Client, str], content: bytes, message: str) -> None:
    client, path = contact
    [told] = client.request("PATCH", path, status=400, content=content, headers=JSON).json()["error"]["details"]
    assert (told["code"], told["message"]) == ("MALFORMED_JSON", message)


@pytest.mark.parametrize("content", [b"null", b"[]", b'"x"', b"1", b"true", b"[{}]", b"1e5", b'[["city","a"]]'])
def test_what_is_no_object(contact: tuple[Client, str], content: bytes) -> None:
    assert send(contact, content) == ["NULL_NOT_ALLOWED" if content == b"null" else "WRONG_TYPE"]


@pytest.mark.parametrize(
    "content",
    [
        b'{"city":"a","city":"b"}',
        b'{"city":"a","city":"a"}',
        b'{"city":"a","c\\u0069ty":"b"}',
        b'{"city":"a\\"","city":"b"}',
        b'{"customFields":{"a":"1","a":"2"}}',
        b'{"x":1,"x":2}',
        b'{"x":[{"y":{"z":1,"z":1}}]}',
        b'{"":1,"":2}',
        b'{"__proto__":1,"__proto__":2}',
        b'{"city":"a","x":"","city":null}',
    ],
)
def test_a_property_that_stands_twice(contact: tuple[Client, str], content: bytes) -> None:
    assert send(contact, content) == ["DUPLICATE_KEY"]


def test_what_looks_like_twice_and_is_not(contact: tuple[Client, str]) -> None:
    client, path = contact
    for content in (
        b'{"city":"\\"city\\":\\"b\\"","country":"city"}',
        b'{"City":1,"x":{"city":1},"y":[{"a":1},{"a":1}]}',
        b'{"a":"\\\\","b":"\\\\"}',
    ):
        client.request("PATCH", path, status=200, content=content, headers=JSON)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
@pytest.mark.parametrize("depth", [7, 8, 9, 500, 1100, 100_000])
def test_depth(contact: tuple[Client, str], opening: bytes, depth: int) -> None:
    client, path = contact
    if depth * (len(opening) + 1) > LIMIT:
        depth = LIMIT // (len(opening) + 1) - 10
    closing = b"]" if opening == b"[" else b"}"
    inner = opening * (depth - 1) + b"1" + closing * (depth - 1)
    content = b'{"x":' + inner + b"}"
    start = time.monotonic()
    if depth <= 8:
        client.request("PATCH", path, status=200, content=content, headers=JSON)
    else:
        assert send(contact, content) == ["TOO_DEEP"]
    assert time.monotonic() - start < 2


@pytest.mark.parametrize("number", ["1", "-1", "1" * 30, "1" * 300, "-" + "9" * 19, "1e308", "1e-400", "0.1", "-0"])
def test_numbers_are_never_text(contact: tuple[Client, str], number: str) -> None:
    client, path = contact
    content = f'{{"city":{number},"phoneNumbers":[{number}],"customFields":{{"a":{number}}}}}'.encode()
    faults = client.faults("PATCH", path, content=content, headers=JSON)
    assert sorted(faults) == [(f"/{name}", "WRONG_TYPE") for name in ("city", "customFields/a", "phoneNumbers/0")]


@pytest.mark.parametrize("prefer", ["handling=lenient", "handling=strict"])
def test_many_distinct_names_hold_nobody_up(contact: tuple[Client, str], prefer: str) -> None:
    client, path = contact
    content = json.dumps(dict.fromkeys((f"{number:x}" for number in range(25_000)), 1), separators=(",", ":")).encode()
    assert LIMIT * 0.8 < len(content) < LIMIT
    start = time.monotonic()
    response = client.request("PATCH", path, content=content, headers=JSON | {"prefer": prefer})
    assert time.monotonic() - start < 1
    assert response.status_code == (200 if prefer == "handling=lenient" else 400)


def test_many_faults_hold_nobody_up(contact: tuple[Client, str]) -> None:
    client, path = contact
    for body in (
        {"phoneNumbers": ["x"] * 50_000},
        {"phoneNumbers": [1] * 80_000},
        {"customFields": dict.fromkeys((f"{number:x}" for number in range(20_000)), 1)},
        {"customFields": dict.fromkeys((f"\u0001{number:x}" for number in range(10_000)), "\u0001")},
        {"customFields": {"x" * 200_000: "y"}},
    ):
        content = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
        start = time.monotonic()
        client.request("PATCH", path, status=400, content=content, headers=JSON)
        assert time.monotonic() - start < 5  # each fault looked at beside all others would take minutes


# ------------------------------------------------------------------------------------------------------ content type


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": ""},
        {"content-type": "text/plain"},
        {"content-type": "text/json"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "multipart/form-data; boundary=x"},
        {"content-type": "application/xml"},
        {"content-type": "application/jsonp"},
        {"content-type": "application/json-patch+json"},
        {"content-type": "application/json;charset=utf-16"},
        {"content-type": "application/json; charset=iso-8859-1"},
        {"content-type": "application/json; version=1; charset=utf-16"},
        {"content-type": "application/json\u00e9"},
        {"content-type": "application/json", "content-encoding": "gzip"},
        {"content-type": "application/json", "content-encoding": "br"},
        {"content-type": "application/json", "content-encoding": "identity, gzip"},
    ],
    ids=str,
)
def test_what_is_sent_as_something_else(contact: tuple[Client, str], headers: dict[str, str]) -> None:
    client, path = contact
    before = client.get(path)
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    response = client.request("PATCH", path, status=415, content=b'{"city":"a"}', headers=raw)  # type: ignore[arg-type]
    assert response.json()["error"]["code"] == "UNSUPPORTED_MEDIA_TYPE"
    assert client.get(path) == before


def test_a_bomb_is_not_opened(contact: tuple[Client, str]) -> None:
    client, path = contact
    bomb = gzip.compress(b" " * 50_000_000)
    client.request("PATCH", path, status=415, content=bomb, headers=JSON | {"content-encoding": "gzip"})


@pytest.mark.parametrize(
    "type_", ["application/json", "application/json; charset=utf-8", 'application/json;charset="utf-8"']
)
def test_what_is_sent_as_json(contact: tuple[Client, str], type_: str) -> None:
    client, path = contact
    client.request("PATCH", path, status=200, content=b" \r\n\t{} ", headers={"content-type": type_})
    client.request("PATCH", path, status=200, content=b"{}", headers=JSON | {"content-encoding": "identity"})


# ---------------------------------------------------------------------------------------------------------------- size


def sized(size: int) -> bytes:
    content = b'{"unknown":"' + b"x" * (size - 14) + b'"}'
    assert len(content) == size
    return content


def test_the_largest_body(contact: tuple[Client, str]) -> None:
    client, path = contact
    client.request("PATCH", path, status=200, content=sized(LIMIT), headers=JSON)
    chunks = (sized(LIMIT)[start : start + 10_000] for start in range(0, LIMIT, 10_000))
    client.request("PATCH", path, status=200, content=chunks, headers=JSON)


@pytest.mark.parametrize("size", [LIMIT + 1, 1_000_000])
def test_a_larger_one(contact: tuple[Client, str], size: int) -> None:
    client, path = contact
    by_length = client.request("PATCH", path, status=413, content=sized(size), headers=JSON)
    assert by_length.json()["error"]["code"] == "PAYLOAD_TOO_LARGE"
    chunks = (sized(size)[start : start + 10_000] for start in range(0, size, 10_000))
    in_chunks = client.request("PATCH", path, status=413, content=chunks, headers=JSON)
    assert in_chunks.json()["error"]["code"] == "PAYLOAD_TOO_LARGE"


def head(team: Team, path: str, *lines: str, method: str = "PATCH") -> bytes:
    fields = [
        f"{method} {path} HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {team.key.text}",
        "Content-Type: application/json",
        *lines,
    ]
    return "\r\n".join([*fields, "", ""]).encode("latin-1")


def test_a_length_alone_is_refused_at_once(team: Team, server: ServerProcess) -> None:
    start = time.monotonic()
    answer = RawAnswer(exchange(server.url, head(team, team.contact(), "Content-Length: 10000000000")))
    assert answer.status == 413
    assert time.monotonic() - start < 4


def test_who_is_refused_while_sending_gets_the_answer(team: Team, server: ServerProcess) -> None:
    """Bytes that nobody reads would make the system reset the connection, and the answer might be lost."""
    call = team.call()
    content = bytes(4_000_000)
    refused = {
        f"{call}/recording/audio": ("If-Match: *", 412),
        f"{call[:-4]}ffff/recording/audio": ("X: y", 404),
        "/v1/nothing": ("X: y", 404),
        f"{call}/recording": ("X: y", 405),
        "/v1/contacts": ("Authorization: Basic x", 405),
    }
    for path, (line, status) in refused.items():
        for framing, parts in (
            (f"Content-Length: {len(content)}", [content]),
            ("Transfer-Encoding: chunked", [b"3D0900\r\n", content, b"\r\n0\r\n\r\n"]),
        ):
            for _ in range(5):
                request = head(team, path, framing, line, method="PUT"), *parts
                received = exchange(server.url, *request, one_answer=True)
                assert received.startswith(b"HTTP/1.1 "), (path, framing)
                assert RawAnswer(received).status in {status, 401}, (path, framing)


def test_who_waits_to_be_told_to_send_is_not_told(team: Team, server: ServerProcess) -> None:
    path = f"{team.call()}/recording/audio"
    lines = ("Content-Length: 4000000", "Expect: 100-continue", "If-Match: *")
    start = time.monotonic()
    answer = RawAnswer(exchange(server.url, head(team, path, *lines, method="PUT"), seconds=1.5))
    assert answer.status == 412
    assert time.monotonic() - start < 10


def test_chunks_without_end(team: Team, server: ServerProcess) -> None:
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    answer = RawAnswer(exchange(server.url, head(team, team.contact(), "Transfer-Encoding: chunked"), *[chunk] * 5))
    assert answer.status == 413


def test_a_body_that_never_ends(team: Team, server: ServerProcess) -> None:
    path = team.contact()
    start = time.monotonic()
    answer = RawAnswer(exchange(server.url, head(team, path, "Content-Length: 100"), b'{"city":', seconds=13))
    assert answer.status == 408
    assert json.loads(answer.body)["error"]["code"] == "REQUEST_TIMEOUT"
    assert time.monotonic() - start > 9
    assert team.client.get(path)["city"] is None


@pytest.mark.parametrize("length", ["Content-Length: 17", "Transfer-Encoding: chunked"])
def test_a_client_that_goes_half_way(team: Team, server: ServerProcess, length: str) -> None:
    """Nothing is written, and nothing is logged as a fault of ours (which the end of all tests checks)."""
    path = team.contact()
    part = b'{"city":"Lille"' if "Length" in length else b'f\r\n{"city":"Lille"\r\n'
    for _ in range(5):
        exchange(server.url, head(team, path, length), part, seconds=0.2)
    exchange(server.url, head(team, path, length), part, seconds=0.5, half_close=True)
    assert team.client.get(path)["city"] is None


def test_a_longer_body_than_its_length(team: Team, server: ServerProcess) -> None:
    """What is too much is another request, and a bad one."""
    path = team.contact()
    content = b'{"city":"a"}GARBAGE GARBAGE\r\n\r\n'
    received = exchange(server.url, head(team, path, "Content-Length: 12"), content, seconds=1)
    first, _, rest = received.partition(b"HTTP/1.1 400")
    assert RawAnswer(first).status == 200
    assert rest
    assert team.client.get(path)["city"] == "a"
