"""GET and HEAD /v1/calls/{id}/recording/audio."""

import base64
import hashlib
from collections.abc import Iterator

import httpx
import pytest

from tests.make import Make, Team
from tests.recordings.sounds import wav
from tests.serving import ServerProcess

# More than a pipe and one piece of reading hold.
LONG = wav(150, seed=3)


@pytest.fixture(scope="module", params=["folder", "bucket"])
def recorded(request: pytest.FixtureRequest, server: ServerProcess, make: Make) -> Iterator[tuple[Team, str, bytes]]:
    """A team, the path of the audio of one of its calls, and the audio."""
    if request.param == "bucket":
        server = request.getfixturevalue("bucket_server")
    there = Make(make.database_url, server.url)
    team = there.team()
    path = f"{team.call()}/recording/audio"
    team.client.request("PUT", path, status=201, content=LONG)
    yield team, path, LONG
    there.close()


def test_the_whole(recorded: tuple[Team, str, bytes]) -> None:
    team, path, content = recorded
    response = team.client.request("GET", path, status=200)
    assert response.content == content
    call_id = path.split("/")[3]
    expected = {
        "content-type": "audio/wav",
        "content-length": str(len(content)),
        "accept-ranges": "bytes",
        "etag": f'"{hashlib.sha256(content).hexdigest()[:32]}"',
        "repr-digest": f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:",
        "content-disposition": f'inline; filename="call-{call_id}.wav"',
        "content-security-policy": "sandbox",
        "x-content-type-options": "nosniff",
    }
    assert {name: response.headers[name] for name in expected} == expected
    assert {"private", "no-store"} <= set(response.headers["cache-control"].split(", "))
    head = team.client.request("HEAD", path, status=200)
    assert {name: head.headers[name] for name in expected} == expected
    assert head.content == b""
    assert team.client.request("HEAD", path, headers={"range": "bytes=0-1"}).headers["content-length"] == str(
        len(content)
    )


SIZE = len(LONG)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=5-9", 5, 10),
        ("Bytes=5-9", 5, 10),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE),
        ("bytes=1000-", 1000, SIZE),
        ("bytes=-10", SIZE - 10, SIZE),
        (f"bytes=-{SIZE * 2}", 0, SIZE),
        (f"bytes=10-{SIZE * 2}", 10, SIZE),
        ("bytes=7-999999999999999999999999999", 7, SIZE),
        ("bytes=0-1500000", 0, 1_500_001),
    ],
)
def test_a_part(recorded: tuple[Team, str, bytes], text: str, start: int, end: int) -> None:
    team, path, content = recorded
    response = team.client.request("GET", path, status=206, headers={"range": text})
    assert response.content == content[start:end]
    assert response.headers["content-range"] == f"bytes {start}-{end - 1}/{SIZE}"
    assert response.headers["content-length"] == str(end - start)


@pytest.mark.parametrize(
    "text",
    [
        "bytes=0-1,5-6",
        "bytes=0-1, -5",
        "bytes=9-5",
        "bytes=a-b",
        "bytes=",
        "bytes=-",
        "lines=0-1",
        "0-1",
        "bytes 0-1",
        "",
    ],
)
def test_several_and_malformed_parts_are_the_whole(recorded: tuple[Team, str, bytes], text: str) -> None:
    team, path, content = recorded
    response = team.client.request("GET", path, status=200, headers={"range": text})
    assert len(response.content) == len(content)
    assert "content-range" not in response.headers


@pytest.mark.parametrize(
    "text", [f"bytes={SIZE}-", f"bytes={SIZE}-{SIZE + 5}", "bytes=-0", "bytes=99999999999999999999-"]
)
def test_beyond_the_end(recorded: tuple[Team, str, bytes], text: str) -> None:
    team, path, _ = recorded
    response = team.client.request("GET", path, status=416, headers={"range": text})
    assert response.headers["content-range"] == f"bytes */{SIZE}"
    assert response.json()["error"]["code"] == "RANGE_NOT_SATISFIABLE"


def test_conditions(recorded: tuple[Team, str, bytes]) -> None:
    team, path, content = recorded
    tag = team.client.request("HEAD", path, status=200).headers["etag"]
    for method in ("GET", "HEAD"):
        for known in (tag, f'"x", W/{tag}', "*"):
            assert (
                team.client.request(method, path, status=304, headers={"if-none-match": known}).headers["etag"] == tag
            )
    part = {"range": "bytes=0-9"}
    team.client.request("GET", path, status=304, headers=part | {"if-none-match": tag})
    assert team.client.request("GET", path, status=206, headers=part | {"if-range": tag}).content == content[:10]
    for other in ('"another"', f"W/{tag}", "Mon, 02 Mar 2026 09:41:07 GMT"):
        whole = team.client.request("GET", path, status=200, headers=part | {"if-range": other})
        assert len(whole.content) == SIZE


def test_an_address_without_a_key(recorded: tuple[Team, str, bytes], make: Make) -> None:
    team, path, content = recorded
    response = team.client.request("GET", path, status=302, params={"redirect": "true"})
    address = response.headers["location"]
    assert "no-store" in response.headers["cache-control"]
    found = httpx.get(httpx.URL(team.client.url).join(address), headers={"range": "bytes=3-9"})
    assert (found.status_code, found.content, found.headers["content-type"]) == (206, content[3:10], "audio/wav")
    if not address.startswith("http"):
        assert make.client().request("GET", address, status=200).content == content


def test_what_is_not_there(team: Team, make: Make) -> None:
    path = team.call()
    for method in ("GET", "HEAD"):
        team.client.request(method, f"{path}/recording/audio", status=404)
        make.team().client.request(method, f"{path}/recording/audio", status=404)
    team.client.request("PUT", f"{path}/recording/audio", status=201, content=wav())
    for other in ("x", "00000000-0000-7000-8000-000000000000"):
        team.client.request("GET", f"{path}/recording/audio", status=404, params={"recordingId": other})
    make.team().client.request("GET", f"{path}/recording/audio", status=404)
