"""DELETE /v1/calls/{id}."""

from uuid import UUID

from tests.client import Client
from tests.make import Make, Team


def test_it_is_gone(team: Team, client: Client, make: Make) -> None:
    contact = team.contact()
    path = team.call(contact_id=UUID(contact.rpartition("/")[2]))
    client.delete(path)
    client.get(path, status=404)
    client.patch(path, {"notes": "x"}, status=404)
    client.delete(path, status=404)
    for parameters in ({}, {"type": "outbound"}, {"updatedAfter": "2026-01-01T00:00:00Z"}):
        page = client.get("/v1/calls", params=parameters)
        assert (page["data"], page["meta"]["total"]) == ([], 0)
    contact_now = client.get(contact)
    assert (contact_now["callCount"], contact_now["lastCallAt"]) == (0, None)
    assert [(one["type"], one["object_version"]) for one in make.events(path)][-1] == ("call.deleted", 2)
    assert make.value("SELECT deleted_at FROM calls WHERE id = :id", id=UUID(path.rpartition("/")[2])) is not None


def test_if_match(team: Team, client: Client) -> None:
    path = team.call()
    tag = client.request("GET", path).headers["etag"]
    client.patch(path, {"notes": "1"})
    assert client.delete(path, status=412, headers={"if-match": tag}).headers["etag"] != tag
    client.delete(path, headers={"if-match": client.request("GET", path).headers["etag"]})


def test_another_organizations_call_stays(make: Make, client: Client) -> None:
    stranger = make.team()
    path = stranger.call()
    client.delete(path, status=404)
    stranger.client.get(path)
