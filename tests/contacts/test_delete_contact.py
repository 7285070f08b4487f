"""DELETE /v1/contacts/{id}."""

from tests.client import Client
from tests.make import Make, Team


def test_a_deleted_contact_is_gone(team: Team, client: Client, make: Make) -> None:
    path = team.contact()
    response = client.delete(path)
    for method in ("GET", "DELETE"):
        client.request(method, path, status=404)
    client.patch(path, {"city": "Lille"}, 404)
    page = client.get("/v1/contacts")
    assert page["data"] == []
    assert page["meta"]["total"] == 0
    created, deleted = make.events(path)
    assert created["type"] == "contact.created"
    assert deleted["type"] == "contact.deleted"
    assert deleted["source"] == "API"
    assert deleted["object_version"] == created["object_version"] + 1
    assert deleted["api_key_id"] == team.key.id
    assert deleted["request_id"] == response.headers["x-request-id"]


def test_if_match(team: Team, client: Client) -> None:
    path = team.contact()
    old = client.request("GET", path).headers["etag"]
    client.patch(path, {"city": "Lille"})
    now = client.request("GET", path).headers["etag"]
    refused = client.delete(path, 412, headers={"if-match": old})
    assert refused.headers["etag"] == now
    assert refused.json()["error"]["code"] == "VERSION_MISMATCH"
    assert client.faults("DELETE", path, headers={"if-match": "nonsense"}) == [("/header/If-Match", "MALFORMED_ETAG")]
    client.delete(path, headers={"if-match": now})
    client.delete(path, 404, headers={"if-match": now})


def test_any_version(team: Team, client: Client) -> None:
    client.delete(team.contact(), headers={"if-match": "*"})


def test_a_body_is_not_looked_at(team: Team, client: Client) -> None:
    client.delete(team.contact(), content=b"{", headers={"content-type": "text/plain"})


def test_deleted_twice_at_once_counts_once(team: Team, client: Client) -> None:
    from concurrent.futures import ThreadPoolExecutor

    path = team.contact()
    team.contact()
    with ThreadPoolExecutor(10) as pool:
        statuses = list(pool.map(lambda _: client.request("DELETE", path).status_code, range(10)))
    assert sorted(statuses) == [204] + [404] * 9
    assert client.get("/v1/contacts")["meta"]["total"] == 1
