"""`GET /v1/phone-numbers/{id}`."""

from tests.make import Team


def test_get_phone_number(team: Team) -> None:
    id = team.phone_number()
    assert [team.client.get(f"/v1/phone-numbers/{id}")] == team.client.get("/v1/phone-numbers")["data"]
