"""`GET /v1/tags/{id}`."""

from tests.make import Team


def test_get_tag(team: Team) -> None:
    for tag in team.client.get("/v1/tags")["data"]:
        assert team.client.get(f"/v1/tags/{tag['id']}") == tag


def test_a_deleted_one(team: Team) -> None:
    path = f"/v1/tags/{team.tag('Later')}"
    team.client.delete(path)
    team.client.get(path, status=404)
