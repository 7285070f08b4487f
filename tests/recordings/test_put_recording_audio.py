"""PUT /v1/calls/{id}/recording/audio."""

import base64
import concurrent.futures
import hashlib
import json
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from tests.client import exchange
from tests.make import Make, Team
from tests.recordings.sounds import M4A, MP3, MP3_WITH_TAGS, OGG, streamed_wav, wav
from tests.serving import ServerProcess


def digest(content: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def test_first_and_again(kept_team: Team) -> None:
    path = kept_team.call()
    client = kept_team.client
    assert client.get(path, params={"include": "details"})["hasRecording"] is False
    first, second = wav(2.5, channels=2), wav(1)
    response = client.request("PUT", f"{path}/recording/audio", status=201, content=first)
    assert response.headers["location"] == f"{path}/recording/audio"
    recording = response.json()
    assert list(recording) == ["id", "duration", "startTime", "hasTranscription", "transcriptionStatus"]
    assert recording["duration"] == 2.5
    assert client.request("GET", f"{path}/recording/audio", status=200).content == first
    again = client.request("PUT", f"{path}/recording/audio", status=200, content=second)
    assert again.json()["id"] == recording["id"]
    assert again.json()["duration"] == 1
    assert again.headers["etag"] != response.headers["etag"]
    assert client.request("GET", f"{path}/recording/audio", status=200).content == second
    assert client.get(path, params={"include": "details"})["hasRecording"] is True


def test_it_is_recorded_as_an_event(team: Team, make: Make) -> None:
    path = team.call()
    before = make.events(path)
    team.client.request("PUT", f"{path}/recording/audio", status=201, content=wav())
    (event,) = make.events(path)[len(before) :]
    assert event["type"] == "call.recording.available"
    (row,) = make.rows(
        "SELECT version, updated_at, last_modification_source FROM calls WHERE id = :id", id=event["object_id"]
    )
    assert (row["version"], row["last_modification_source"]) == (event["object_version"], "API")
    assert row["updated_at"] == event["occurred_at"]


@pytest.mark.parametrize(
    ("content", "format", "duration", "channels"),
    [
        (wav(0.5, channels=2), "wav", 0.5, 2),
        (streamed_wav(2), "wav", 2, 1),
        (streamed_wav(2, 0), "wav", 2, 1),
        (MP3, "mp3", None, None),
        (MP3_WITH_TAGS, "mp3", None, None),
        (OGG, "ogg", None, None),
        (M4A, "m4a", None, None),
    ],
)
def test_formats_are_told_by_their_bytes(
    team: Team, content: bytes, format: str, duration: float | None, channels: int | None
) -> None:
    path = team.call()
    team.client.request(
        "PUT", f"{path}/recording/audio", status=201, content=content, headers={"content-type": "text/plain"}
    )
    found = team.client.get(f"{path}/recording", params={"include": "details"})
    assert (found["format"], found["duration"], found["channels"]) == (format, duration, channels)
    assert found["sizeBytes"] == len(content)
    assert found["sha256"] == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"RIFF",
        b"RIFF\x00\x00\x00\x00WAVE",
        b"RIFF\x24\x00\x00\x00WAVEjunk\x04\x00\x00\x00abcddata\x04\x00\x00\x00abcd",
        b"RIFF\x00\x00\x00\x00AVI LIST",
        b"\xff\xfe" + "a WAV? no: text".encode("utf-16-le"),
        b"\xff\xf1\x50\x80" + bytes(100),
        b"\x00\x00\x00\x20ftypqt  " + bytes(100),
        b"<html>not audio</html>",
        b"\x7fELF" + bytes(5_000_000),
    ],
    ids=range(10),
)
def test_what_is_no_audio(kept_team: Team, content: bytes) -> None:
    path = kept_team.call()
    response = kept_team.client.request(
        "PUT", f"{path}/recording/audio", status=415, content=content, headers={"content-type": "audio/wav"}
    )
    assert response.json()["error"]["code"] == "UNSUPPORTED_MEDIA_TYPE"
    kept_team.client.get(f"{path}/recording", status=404)


def test_a_compressed_body(team: Team) -> None:
    path = team.call()
    team.client.request(
        "PUT", f"{path}/recording/audio", status=415, content=wav(), headers={"content-encoding": "gzip"}
    )


def pieces(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), 10_000):
        yield content[start : start + 10_000]


def test_without_a_length(kept_team: Team) -> None:
    path = kept_team.call()
    content = wav(60)
    kept_team.client.request("PUT", f"{path}/recording/audio", status=201, content=pieces(content))
    assert kept_team.client.request("GET", f"{path}/recording/audio").content == content


@pytest.mark.parametrize("framing", ["Content-Length: 100000", "Transfer-Encoding: chunked"])
def test_what_breaks_off_leaves_nothing(kept_team: Team, make: Make, framing: str) -> None:
    path = kept_team.call()
    start = wav(2)
    body = start if "Length" in framing else f"{len(start):x}\r\n".encode() + start + b"\r\n"
    head = (
        f"PUT {path}/recording/audio HTTP/1.1\r\nHost: {urlsplit(kept_team.client.url).netloc}\r\n"
        f"Authorization: Bearer {kept_team.key.text}\r\n{framing}\r\n\r\n"
    )
    exchange(kept_team.client.url, head.encode() + body, seconds=0.5)
    assert kept_team.client.get(f"{path}/recording", status=404)["error"]["code"] == "NOT_FOUND"
    assert make.value("SELECT count(*) FROM call_recordings WHERE workspace_id = :id", id=kept_team.workspace_id) == 0


@pytest.mark.parametrize("header", ["repr-digest", "content-digest"])
def test_digests(kept_team: Team, header: str) -> None:
    path, content = kept_team.call(), wav()
    put = f"{path}/recording/audio"
    faults = kept_team.client.faults("PUT", put, content=content, headers={header: digest(b"another")})
    assert faults == [("/header/Repr-Digest", "DIGEST_MISMATCH")]
    kept_team.client.get(f"{path}/recording", status=404)
    (fault,) = kept_team.client.faults("PUT", put, content=content, headers={header: "sha-256=:eHh4:"})
    assert fault[1] == "INVALID_FORMAT"
    kept_team.client.request(
        "PUT", put, status=201, content=content, headers={header: f"sha-512=:eHh4:, {digest(content)}"}
    )


def test_if_match(team: Team) -> None:
    path = team.call()
    put = f"{path}/recording/audio"
    team.client.request("PUT", put, status=412, content=wav(), headers={"if-match": "*"})
    first = team.client.request("PUT", put, status=201, content=wav()).headers["etag"]
    assert team.client.request("GET", put).headers["etag"] == first
    second = team.client.request("PUT", put, status=200, content=wav(2), headers={"if-match": first}).headers["etag"]
    response = team.client.request("PUT", put, status=412, content=wav(3), headers={"if-match": first})
    assert response.headers["etag"] == second
    team.client.request("PUT", put, status=412, content=wav(3), headers={"if-match": f"W/{second}"})
    assert team.client.faults("PUT", put, content=wav(3), headers={"if-match": "x"})[0][1] == "MALFORMED_ETAG"
    assert team.client.request("GET", put).headers["etag"] == second


def test_the_cap(own_server_of: Callable[..., ServerProcess], make: Make) -> None:
    server = own_server_of(SKIPCALL_RECORDING_BYTES_MAX="50000")
    team = make.team()
    client = type(team.client)(server.url, team.key.text)
    path = team.call()
    with client:
        client.request("PUT", f"{path}/recording/audio", status=413, content=wav(5))
        client.request("PUT", f"{path}/recording/audio", status=413, content=pieces(wav(5)))
        client.get(f"{path}/recording", status=404)
        client.request("PUT", f"{path}/recording/audio", status=201, content=wav(3))


def test_a_storage_that_cannot_be_reached(own_server_of: Callable[..., ServerProcess], make: Make) -> None:
    server = own_server_of(
        SKIPCALL_STORAGE="s3://bucket",
        SKIPCALL_S3_ENDPOINT="http://127.0.0.1:9",
        SKIPCALL_S3_KEY_ID="k",
        SKIPCALL_S3_SECRET="s",
    )
    team = make.team()
    path = team.call()
    team.client.request("PUT", f"{path}/recording/audio", status=201, content=wav(3))
    with type(team.client)(server.url, team.key.text) as client:
        for method, content in (("PUT", wav()), ("GET", None)):
            response = client.request(method, f"{path}/recording/audio", status=503, failing=True, content=content)
            error = response.json()["error"]
            assert (error["code"], "storage" in error["message"]) == ("SERVICE_UNAVAILABLE", True)
        assert client.request("HEAD", f"{path}/recording/audio", status=200).headers["content-length"] == str(
            len(wav(3))
        )


def test_many_at_once_leave_one(team: Team, make: Make) -> None:
    path = team.call()
    sounds = [wav(1, seed=seed) for seed in range(8)]

    def put(content: bytes) -> int:
        return team.client.request("PUT", f"{path}/recording/audio", content=content).status_code

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(put, sounds))
    assert statuses == [200] * 7 + [201]
    assert team.client.request("GET", f"{path}/recording/audio").content in sounds
    assert make.value("SELECT count(*) FROM call_recordings WHERE workspace_id = :id", id=team.workspace_id) == 1


def test_another_teams_call(team: Team, make: Make) -> None:
    response = make.team().client.request("PUT", f"{team.call()}/recording/audio", status=404, content=wav())
    assert json.loads(response.content)["error"]["message"] == "Call not found"
