"""PUT /v1/calls/{id}/transcription."""

from typing import Any

import pytest

from tests.make import Make, Team

SEGMENT: dict[str, Any] = {"speaker": 0, "text": "Good morning", "start": 0.4, "end": 1.9, "confidence": 0.97}


def test_it_takes_the_place_of_the_one_before(team: Team, make: Make) -> None:
    path = team.call()
    put = f"{path}/transcription"
    first = team.client.request("PUT", put, status=200, json={"transcript": [SEGMENT], "language": "fr-FR"}).json()
    assert first["transcript"] == [SEGMENT]
    second = team.client.request("PUT", put, status=200, json={"summary": "Wants an offer"}).json()
    assert second["id"] == first["id"]
    assert (second["transcript"], second["summary"]) == (None, "Wants an offer")
    assert team.client.get(path, params={"include": "details"})["hasTranscription"] is True


def test_sent_again_it_changes_nothing(team: Team, make: Make) -> None:
    path = team.call()
    body = {"transcript": [SEGMENT], "summary": "Wants an offer"}
    first = team.client.request("PUT", f"{path}/transcription", status=200, json=body)
    events = make.events(path)
    assert events[-1]["type"] == "call.transcription.completed"
    again = team.client.request("PUT", f"{path}/transcription", status=200, json=body)
    assert (again.json(), again.headers["etag"]) == (first.json(), first.headers["etag"])
    assert make.events(path) == events


def test_one_that_is_not_done(team: Team, make: Make) -> None:
    path = team.call()
    made = team.client.request("PUT", f"{path}/transcription", status=200, json={"status": "PENDING"}).json()
    assert (made["status"], made["transcript"], made["endedAt"]) == ("PENDING", None, None)
    assert make.events(path)[-1]["type"] == "call.updated"
    assert team.client.get(path, params={"include": "details"})["hasTranscription"] is False


def test_if_match(team: Team) -> None:
    put = f"{team.call()}/transcription"
    team.client.request("PUT", put, status=412, json={"summary": "a"}, headers={"if-match": "*"})
    first = team.client.request("PUT", put, status=200, json={"summary": "a"}).headers["etag"]
    second = team.client.request("PUT", put, status=200, json={"summary": "b"}, headers={"if-match": first})
    refused = team.client.request("PUT", put, status=412, json={"summary": "c"}, headers={"if-match": first})
    assert refused.headers["etag"] == second.headers["etag"]
    team.client.request("PUT", put, status=200, json={"summary": "c"}, headers={"if-match": "*"})


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({}, [("/transcript", "REQUIRED")]),
        ({"transcript": None}, [("/transcript", "REQUIRED")]),
        ({"status": "DONE"}, [("/status", "UNKNOWN_VALUE")]),
        ({"summary": "x" * 20_001}, [("/summary", "TOO_LONG")]),
        ({"summary": "a\0b"}, [("/summary", "FORBIDDEN_CHARACTER")]),
        ({"summary": "a", "language": "fr_FR!"}, [("/language", "INVALID_FORMAT")]),
        ({"transcript": [SEGMENT] * 10_001}, [("/transcript", "TOO_MANY_ITEMS")]),
        ({"transcript": [SEGMENT | {"speaker": 100}]}, [("/transcript/0/speaker", "TOO_LARGE")]),
        ({"transcript": [SEGMENT | {"speaker": -1}]}, [("/transcript/0/speaker", "TOO_SMALL")]),
        ({"transcript": [SEGMENT | {"speaker": 1.5}]}, [("/transcript/0/speaker", "WRONG_TYPE")]),
        ({"transcript": [SEGMENT | {"text": "x" * 5_001}]}, [("/transcript/0/text", "TOO_LONG")]),
        ({"transcript": [SEGMENT, SEGMENT | {"end": 0.3}]}, [("/transcript/1/end", "OUT_OF_RANGE")]),
        ({"transcript": [SEGMENT | {"start": -0.1}]}, [("/transcript/0/start", "TOO_SMALL")]),
        ({"transcript": [SEGMENT | {"confidence": 1.01}]}, [("/transcript/0/confidence", "TOO_LARGE")]),
        ({"transcript": [SEGMENT | {"confidence": "high"}]}, [("/transcript/0/confidence", "WRONG_TYPE")]),
        ({"transcript": ["Good morning"]}, [("/transcript/0", "WRONG_TYPE")]),
        (
            {"transcript": [{"speaker": 0, "start": 3, "end": 2}], "summary": 5},
            [("/transcript/0/text", "REQUIRED"), ("/summary", "WRONG_TYPE"), ("/transcript/0/end", "OUT_OF_RANGE")],
        ),
    ],
)
def test_bad_input(team: Team, body: dict[str, Any], faults: list[tuple[str, str]]) -> None:
    path = team.call()
    assert team.client.faults("PUT", f"{path}/transcription", json=body) == faults
    team.client.get(f"{path}/transcription", status=404)


def test_more_digits_than_are_kept(team: Team) -> None:
    put, headers = f"{team.call()}/transcription", {"content-type": "application/json"}
    body = b'{"transcript": [{"speaker": 0, "text": "a", "start": %s, "end": 1.90000000000000000001}]}'
    made = team.client.request("PUT", put, status=200, content=body % b"0.4", headers=headers).json()
    assert made["transcript"][0]["end"] == 1.9
    faults = team.client.faults("PUT", put, content=body % b"2.10000000000000000001", headers=headers)
    assert faults == [("/transcript/0/end", "OUT_OF_RANGE")]


def test_an_hour_of_talk_and_more(team: Team) -> None:
    put = f"{team.call()}/transcription"
    segments = [SEGMENT | {"text": "words " * 50, "start": second, "end": second + 1} for second in range(9_000)]
    made = team.client.request("PUT", put, status=200, json={"transcript": segments}).json()
    assert made["transcript"] == segments
    team.client.request("PUT", put, status=413, json={"summary": "x" * 4_200_000})


def test_another_teams_call(team: Team, make: Make) -> None:
    stranger = make.team().client
    stranger.request("PUT", f"{team.call()}/transcription", status=404, json={"summary": "a"})
