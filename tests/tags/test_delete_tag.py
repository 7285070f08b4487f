"""`DELETE /v1/tags/{id}`."""

from tests.make import Make, Team
from tests.tags.test_update_tag import success_tag


def test_a_tag_is_gone(team: Team, make: Make) -> None:
    path = f"/v1/tags/{team.tag('Later')}"
    team.client.delete(path)
    team.client.get(path, status=404)
    team.client.patch(path, {"label": "Back"}, status=404)
    team.client.delete(path, status=404)
    assert [(one["type"], one["object_version"]) for one in make.events(path)] == [
        ("tag.created", 1),
        ("tag.deleted", 2),
    ]


def test_the_last_success_tag_stays(team: Team) -> None:
    path = success_tag(team)
    error = team.client.delete(path, status=409).json()["error"]
    assert error["code"] == "LAST_SUCCESS_TAG"
    assert team.client.get(path)["isSuccessTag"]
    other = f"/v1/tags/{team.tag('Won', is_success_tag=True)}"
    team.client.delete(path)
    team.client.delete(other, status=409)
