"""`GET /v1/custom-fields/{id}`."""

from tests.make import Team


def test_get_custom_field(team: Team) -> None:
    field = team.field("Industry")
    [listed] = team.client.get("/v1/custom-fields")["data"]
    assert team.client.get(f"/v1/custom-fields/{field.id}") == listed


def test_a_deleted_one(team: Team) -> None:
    path = f"/v1/custom-fields/{team.field('Industry').id}"
    team.client.delete(path)
    team.client.get(path, status=404)
