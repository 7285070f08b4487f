"""GET /v1/contacts/{id}."""

from tests.client import Client
from tests.make import Team


def test_smoke(team: Team, client: Client) -> None:
    path = team.contact(first_name="Zoé")
    contact = client.get(path)
    assert contact["firstName"] == "Zoé"
