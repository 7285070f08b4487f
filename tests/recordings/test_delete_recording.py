"""DELETE /v1/calls/{id}/recording."""

from pathlib import Path

from tests.make import Make, Team
from tests.recordings.sounds import wav


def test_the_call_stays(kept_team: Team, make: Make) -> None:
    path = kept_team.call()
    kept_team.client.request("PUT", f"{path}/recording/audio", status=201, content=wav())
    kept_team.client.delete(f"{path}/recording")
    assert make.events(path)[-1]["type"] == "call.recording.erased"
    for place in ("recording", "recording/audio"):
        error = kept_team.client.get(f"{path}/{place}", status=410)["error"]
        assert error["code"] == "RECORDING_ERASED"
    assert kept_team.client.get(path, params={"include": "details"})["hasRecording"] is False
    (row,) = make.rows("SELECT * FROM call_recordings WHERE workspace_id = :id", id=kept_team.workspace_id)
    assert (row["status"], row["object_key"], row["sha256"], row["url"]) == ("ERASED", None, None, None)


def test_the_file_goes(team: Team, place: Path) -> None:
    path = team.call()

    def files() -> set[Path]:
        return {one for one in (place / "data" / "recordings").rglob("*") if one.is_file()}

    team.client.request("PUT", f"{path}/recording/audio", status=201, content=wav())
    before = files()
    team.client.delete(f"{path}/recording")
    assert len(before - files()) == 1


def test_again_and_without_one(team: Team, make: Make) -> None:
    path = team.call()
    team.client.delete(f"{path}/recording")
    team.client.get(f"{path}/recording", status=404)
    team.client.request("PUT", f"{path}/recording/audio", status=201, content=wav())
    team.client.delete(f"{path}/recording")
    events = make.events(path)
    team.client.delete(f"{path}/recording")
    assert make.events(path) == events


def test_another_one_after_it(team: Team) -> None:
    path = team.call()
    for _ in range(2):
        team.client.request("PUT", f"{path}/recording/audio", status=201, content=wav())
        assert team.client.request("GET", f"{path}/recording/audio", status=200).content == wav()
        team.client.delete(f"{path}/recording")


def test_another_teams_call(team: Team, make: Make) -> None:
    make.team().client.delete(f"{team.call()}/recording", status=404)
