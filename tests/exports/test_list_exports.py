"""GET /v1/exports."""

from tests.client import Client
from tests.make import Make, Team

EXPORTS = "/v1/exports"


def test_newest_first(team: Team, client: Client) -> None:
    made = [client.post(EXPORTS, {"format": format}) for format in ("csv", "ndjson", "csv")]
    page = client.get(EXPORTS, params={"size": 2})
    assert page["data"] == made[:0:-1]
    assert page["meta"]["total"] == 3
    assert client.walk(EXPORTS, size=2) == made[::-1]
    for export in made:
        client.delete(f"{EXPORTS}/{export['id']}")


def test_those_of_others_are_not_there(make: Make, client: Client) -> None:
    stranger = make.team()
    export = stranger.client.post(EXPORTS, {})
    assert client.get(EXPORTS)["data"] == []
    for path in (f"{EXPORTS}/{export['id']}", f"{EXPORTS}/{export['id']}/file"):
        client.get(path, 404)
    client.delete(f"{EXPORTS}/{export['id']}", 404)
    stranger.client.delete(f"{EXPORTS}/{export['id']}")
