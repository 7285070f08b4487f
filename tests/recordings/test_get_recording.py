"""GET /v1/calls/{id}/recording, and what providers say of recordings."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from skipcall.recordings.queries import announce_recording
from tests.make import Make, Team
from tests.recordings.sounds import wav

URL = "https://api.twilio.example/recordings/RE1.mp3"


class Told:
    """One call of which a provider tells."""

    def __init__(self, team: Team) -> None:
        self.team, self.path = team, team.call()
        self.source_id = team.make.source(team.workspace_id, "TWILIO", "token")

    def tell(self, status: str, recording_id: str = "RE1", **values: Any) -> None:
        make = self.team.make
        make.run(
            announce_recording(
                make.db,
                self.team.workspace_id,
                UUID(self.path.rpartition("/")[2]),
                source_id=self.source_id,
                provider_recording_id=recording_id,
                status=status,  # type: ignore[arg-type]
                **values,
            )
        )

    def row(self, recording_id: str = "RE1") -> dict[str, Any]:
        (row,) = self.team.make.rows(
            "SELECT * FROM call_recordings WHERE workspace_id = :id AND provider_recording_id = :recording_id",
            id=self.team.workspace_id,
            recording_id=recording_id,
        )
        return row

    def code(self, status: int, **options: Any) -> str:
        for place in ("recording", "recording/audio"):
            response = self.team.client.request("GET", f"{self.path}/{place}", status=status, **options)
        return str(response.json()["error"]["code"])


@pytest.fixture
def told(team: Team) -> Told:
    return Told(team)


def test_the_documented_shape(told: Told) -> None:
    told.team.client.request("PUT", f"{told.path}/recording/audio", status=201, content=wav(1.5))
    found = told.team.client.get(f"{told.path}/recording")
    assert found == {
        "id": found["id"],
        "duration": 1.5,
        "startTime": "2026-03-02T09:41:07.000Z",
        "hasTranscription": False,
        "transcriptionStatus": None,
    }


def test_states_are_told_apart(told: Told) -> None:
    assert told.code(404) == "NOT_FOUND"
    told.tell("processing")
    assert told.code(409) == "RECORDING_PROCESSING"
    response = told.team.client.request("GET", f"{told.path}/recording", status=409)
    assert response.headers["retry-after"] == "10"
    told.tell("absent", reason="silence only")
    assert told.code(404) == "RECORDING_ABSENT"
    assert "silence only" in told.team.client.get(f"{told.path}/recording", status=404)["error"]["message"]
    told.tell("available", url=URL)
    assert told.code(409) == "RECORDING_PROCESSING"
    told.team.make.rows(
        "UPDATE call_recordings SET status = 'FAILED', reason = 'too large' WHERE workspace_id = :id RETURNING id",
        id=told.team.workspace_id,
    )
    assert told.code(404) == "RECORDING_FAILED"
    told.team.client.delete(f"{told.path}/recording")
    assert told.code(410) == "RECORDING_ERASED"


def test_reports_in_any_order_come_to_the_same(told: Told) -> None:
    told.tell(
        "available", url=URL, duration_seconds=61, channels=2, format="mp3", started_at=datetime(2026, 3, 2, tzinfo=UTC)
    )
    first = told.row()
    assert (first["status"], first["url"], first["attempts"]) == ("PROCESSING", URL, 0)
    assert first["next_attempt_at"] is not None
    for status, values in (("processing", {}), ("absent", {}), ("available", {"url": URL}), ("available", {})):
        told.tell(status, **values)
        now = told.row()
        kept = ("status", "url", "next_attempt_at", "duration_seconds", "channels", "format", "reason", "id")
        assert {name: now[name] for name in kept} == {name: first[name] for name in kept}
    told.tell("available", url=URL + "?again")
    assert told.row()["url"] == URL + "?again"


def test_absent_is_not_taken_back_by_processing(told: Told) -> None:
    told.tell("absent", reason="none")
    told.tell("processing")
    assert told.row()["status"] == "ABSENT"


def test_what_was_erased_stays_so(told: Told) -> None:
    told.tell("processing")
    told.team.client.delete(f"{told.path}/recording")
    told.tell("available", url=URL)
    assert (told.row()["status"], told.row()["url"]) == ("ERASED", None)


def test_of_several_the_uploaded_one_is_shown(told: Told) -> None:
    told.tell("processing", "RE1", duration_seconds=90)
    told.tell("absent", "RE2")
    client = told.team.client
    client.request("PUT", f"{told.path}/recording/audio", status=201, content=wav(1))
    found = client.get(f"{told.path}/recording", params={"include": "details"})
    assert [one["status"] for one in found["recordings"]] == ["AVAILABLE", "PROCESSING", "ABSENT"]
    assert found["recordings"][0]["id"] == found["id"]
    assert (found["callId"], found["status"], found["format"]) == (told.path.rpartition("/")[2], "AVAILABLE", "wav")
    other = found["recordings"][1]["id"]
    assert told.code(409, params={"recordingId": other}) == "RECORDING_PROCESSING"
    assert told.code(404, params={"recordingId": "nonsense"}) == "NOT_FOUND"


def test_another_teams_call(team: Team, make: Make) -> None:
    path = team.call()
    team.client.request("PUT", f"{path}/recording/audio", status=201, content=wav())
    make.team().client.get(f"{path}/recording", status=404)
