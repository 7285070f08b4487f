"""`PATCH /v1/tags/{id}`."""

import json

import pytest

from tests.make import Make, Team


def success_tag(team: Team) -> str:
    return f"/v1/tags/{team.client.get('/v1/tags')['data'][0]['id']}"


def test_a_change(team: Team, make: Make) -> None:
    path = f"/v1/tags/{team.tag('Later')}"
    before = team.client.get(path)
    after = team.client.patch(path, {"label": "Won", "isSuccessTag": True})
    assert after == before | {"label": "Won", "isSuccessTag": True, "updatedAt": after["updatedAt"]}
    assert after["updatedAt"] >= before["updatedAt"]
    assert team.client.get(path) == after
    _, updated = make.events(path)
    assert (updated["type"], updated["object_version"]) == ("tag.updated", 2)
    assert json.loads(updated["changes"]) == {"label": ["Later", "Won"], "isSuccessTag": [False, True]}
    team.client.patch(path, {"label": "Won again"})
    assert json.loads(make.events(path)[2]["changes"]) == {"label": ["Won", "Won again"]}


@pytest.mark.parametrize("body", [{}, {"label": "Later"}, {"isSuccessTag": False}, {"id": "x", "createdAt": "x"}])
def test_nothing_to_change(team: Team, make: Make, body: dict[str, object]) -> None:
    path = f"/v1/tags/{team.tag('Later')}"
    before = team.client.get(path)
    assert team.client.patch(path, body) == before
    assert len(make.events(path)) == 1


def test_the_last_success_tag_is_not_demoted(team: Team, make: Make) -> None:
    path = success_tag(team)
    before = team.client.get(path)
    for body in ({"isSuccessTag": False}, {"isSuccessTag": False, "label": "Other"}):
        assert team.client.patch(path, body, status=409)["error"]["code"] == "LAST_SUCCESS_TAG"
    assert team.client.get(path) == before
    team.client.patch(path, {"isSuccessTag": True, "label": "Other"})
    team.tag("Won", is_success_tag=True)
    assert team.client.patch(path, {"isSuccessTag": False})["isSuccessTag"] is False


def test_a_success_tag_of_another_workspace_does_not_count(team: Team, make: Make) -> None:
    other = team.workspace()
    make.tag(other, "Won", is_success_tag=True)
    client = team.client_for(team.workspace_id, other)
    client.patch(success_tag(team), {"isSuccessTag": False}, status=409)


def test_a_taken_label_is_409(team: Team) -> None:
    path = f"/v1/tags/{team.tag('Later')}"
    assert team.client.patch(path, {"label": "À rappeler"}, status=409)["error"]["code"] == "TAG_LABEL_TAKEN"


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"label": None}, ("/label", "NULL_NOT_ALLOWED")),
        ({"label": ""}, ("/label", "TOO_SHORT")),
        ({"label": "\x7f"}, ("/label", "FORBIDDEN_CHARACTER")),
        ({"isSuccessTag": None}, ("/isSuccessTag", "NULL_NOT_ALLOWED")),
    ],
)
def test_bad_input(team: Team, body: object, fault: tuple[str, str]) -> None:
    assert team.client.faults("PATCH", f"/v1/tags/{team.tag('Later')}", json=body) == [fault]
