"""GET /v1/contacts/{id}/history."""

from tests.client import Client
from tests.make import Team


def test_who_changed_what(team: Team, client: Client) -> None:
    path = team.contact(city="Paris")
    for city in ("Lille", None, "Lyon"):
        client.patch(path, {"city": city})
    client.patch(path, {"role": "CTO", "phoneNumbers": ["+33639980001"]})
    page = client.get(f"{path}/history")
    assert page["meta"]["total"] == 5
    assert [one["version"] for one in page["data"]] == [5, 4, 3, 2, 1], "newest first"
    assert page["data"][0]["changes"]["role"] == {"old": None, "new": "CTO"}
    assert page["data"][0]["changes"]["phoneNumbers"]["new"] == ["+33639980001"]
    cities = [one["changes"]["city"] for one in page["data"][1:4]]
    assert [(one["old"], one["new"]) for one in cities] == [(None, "Lyon"), ("Lille", None), ("Paris", "Lille")]
    assert {one["apiKeyId"] for one in page["data"]} == {client.get("/v1/me")["apiKey"]["id"], None}
    assert "contact" not in page["data"][0]


def test_pages(team: Team, client: Client) -> None:
    path = team.contact()
    for number in range(11):
        client.patch(path, {"city": str(number)})
    walked = client.walk(f"{path}/history", size=5)
    assert [one["version"] for one in walked] == list(range(12, 0, -1))
    second = client.get(f"{path}/history", params={"page": 1, "size": 5})
    assert [one["version"] for one in second["data"]] == [7, 6, 5, 4, 3]
    assert client.faults("GET", f"{path}/history?cursor=abc") == [("/query/cursor", "INVALID_CURSOR")]


def test_also_of_a_deleted_contact(team: Team, client: Client) -> None:
    path = team.contact()
    client.delete(path)
    assert [one["type"] for one in client.get(f"{path}/history")["data"]] == ["contact.deleted", "contact.created"]
