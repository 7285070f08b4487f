"""GET /recordings/{token}: the signed addresses of our own."""

import time
from uuid import UUID

import pytest

from skipcall.recordings.links import PATH, SECONDS_MAX, read_link, sign_link
from skipcall.recordings.model import LinkExpired
from tests.make import Make, Team
from tests.recordings.sounds import wav
from tests.serving import SECRET


def link(team: Team, call: str, *, seconds: int = 60, secret: str = SECRET) -> str:
    recording_id = UUID(team.client.get(f"{call}/recording")["id"])
    call_id = UUID(call.rpartition("/")[2])
    expires_at = int(time.time()) + seconds
    return PATH + sign_link(secret.encode(), team.workspace_id, call_id, recording_id, expires_at)


@pytest.fixture
def call(team: Team) -> str:
    path = team.call()
    team.client.request("PUT", f"{path}/recording/audio", status=201, content=wav())
    return path


def test_it_opens_one_recording(team: Team, call: str, make: Make) -> None:
    client = make.client()
    address = link(team, call)
    assert client.request("GET", address, status=200).content == wav()
    assert client.request("GET", address, status=206, headers={"range": "bytes=0-3"}).content == b"RIFF"
    assert client.request("HEAD", address, status=200).headers["content-length"] == str(len(wav()))


def test_it_expires(team: Team, call: str, make: Make) -> None:
    error = make.client().request("GET", link(team, call, seconds=-1), status=410).json()["error"]
    assert error["code"] == "RECORDING_LINK_EXPIRED"
    given = team.client.request("GET", f"{call}/recording/audio", params={"redirect": "true"}).headers["location"]
    read_link(SECRET.encode(), given.removeprefix(PATH), time.time() + SECONDS_MAX - 60)
    with pytest.raises(LinkExpired):
        read_link(SECRET.encode(), given.removeprefix(PATH), time.time() + SECONDS_MAX + 1)


def test_forged_ones(team: Team, call: str, make: Make) -> None:
    client = make.client()
    right = link(team, call)
    forged = [link(team, call, secret="x" * 40), right[:-1], right + "A", PATH + "x", PATH + "é"]
    token = right.removeprefix(PATH)
    forged += [
        PATH + token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :] for place in (0, 30, 60, 70)
    ]
    for address in forged:
        client.request("GET", address, status=404)


def test_what_was_erased(team: Team, call: str, make: Make) -> None:
    address = link(team, call)
    team.client.delete(f"{call}/recording")
    assert make.client().request("GET", address, status=410).json()["error"]["code"] == "RECORDING_ERASED"
