"""GET /v1/calls/{id}/transcription."""

from tests.make import Make, Team

SEGMENTS = [
    {"speaker": 0, "text": "Good morning", "start": 0.4, "end": 1.9, "confidence": 0.97},
    {"speaker": 1, "text": "Bonjour", "start": 2, "end": 2.5, "confidence": None},
]


def test_the_documented_shape(team: Team) -> None:
    path = team.call()
    team.client.get(f"{path}/transcription", status=404)
    team.client.request("PUT", f"{path}/transcription", status=200, json={"transcript": SEGMENTS, "summary": "Hello"})
    found = team.client.get(f"{path}/transcription")
    assert list(found) == ["id", "status", "transcript", "summary", "startedAt", "endedAt"]
    assert (found["status"], found["transcript"], found["summary"]) == ("COMPLETED", SEGMENTS, "Hello")
    assert [list(one) for one in found["transcript"]] == [["speaker", "text", "start", "end", "confidence"]] * 2


def test_conditions(team: Team) -> None:
    path = f"{team.call()}/transcription"
    tag = team.client.request("PUT", path, status=200, json={"summary": "Hello"}).headers["etag"]
    team.client.request("GET", path, status=304, headers={"if-none-match": tag})
    assert team.client.request("GET", path, status=200).headers["etag"] == tag


def test_what_is_not_there(team: Team, make: Make) -> None:
    path = team.call()
    assert team.client.get(f"{path}/transcription", status=404)["error"]["message"] == "Transcription not found"
    stranger = make.team().client
    assert stranger.get(f"{path}/transcription", status=404)["error"]["message"] == "Call not found"


def test_it_shows_in_the_recording(team: Team) -> None:
    from tests.recordings.sounds import wav

    path = team.call()
    team.client.request("PUT", f"{path}/recording/audio", status=201, content=wav())
    shown = team.client.get(f"{path}/recording")
    assert (shown["hasTranscription"], shown["transcriptionStatus"]) == (False, None)
    team.client.request("PUT", f"{path}/transcription", status=200, json={"status": "IN_PROGRESS"})
    shown = team.client.get(f"{path}/recording")
    assert (shown["hasTranscription"], shown["transcriptionStatus"]) == (False, "IN_PROGRESS")
    team.client.request("PUT", f"{path}/transcription", status=200, json={"transcript": SEGMENTS})
    shown = team.client.get(f"{path}/recording")
    assert (shown["hasTranscription"], shown["transcriptionStatus"]) == (True, "COMPLETED")
