"""`GET /v1/custom-fields/name-uses`."""

from datetime import UTC, datetime
from uuid import UUID

from skipcall.api_keys import queries as api_keys
from tests.client import Client
from tests.make import Key, Make, Team
from tests.serving import ServerProcess

PATH = "/v1/custom-fields/name-uses"
NOW = datetime(2026, 3, 2, 9, 41, 7, 250_000, UTC)


def used(make: Make, key: Key, count: int = 1) -> None:
    make.run(api_keys.record_use(make.db, key.id, NOW, count))


def ids(client: Client, **parameters: str) -> list[UUID]:
    return [UUID(one["apiKeyId"]) for one in client.get(PATH, params=parameters)["data"]]


def test_who_sent_a_name_how_often_and_when(make: Make, own_server: ServerProcess) -> None:
    team = make.team()
    team.field("Team size")
    contact = team.contact()
    assert team.client.get(PATH) == {
        "data": [],
        "meta": {"page": 0, "size": 10, "total": 0, "totalPages": 0, "hasMore": False, "nextCursor": None},
    }
    with Client(own_server.url, team.key.text) as client:
        start = datetime.now(UTC)
        client.patch(contact, {"customFields": {"Team size": "1"}})
        client.patch(contact, {"customFields": {"Team size": "2"}})
        client.patch(contact, {"customFields": {"team_size": "3"}})
    own_server.stop()
    page = team.client.get(PATH)
    [use] = page["data"]
    assert use == {"apiKeyId": str(team.key.id), "name": "Test", "count": 2, "lastUsedAt": use["lastUsedAt"]}
    assert datetime.fromisoformat(use["lastUsedAt"]) >= start.replace(microsecond=0)
    assert page["meta"]["total"] == 1
    assert team.key.text not in str(page)


def test_the_last_use_is_that_of_a_name(make: Make, team: Team) -> None:
    used(make, team.key, 3)
    make.run(api_keys.record_use(make.db, team.key.id, datetime.now(UTC), 0))
    [use] = team.client.get(PATH)["data"]
    assert (use["count"], use["lastUsedAt"]) == (3, "2026-03-02T09:41:07.250Z")


def test_keys_that_open_more_and_keys_of_others_are_not_told(make: Make, team: Team) -> None:
    other = team.workspace()
    wide = make.api_key(team.organization_id, [team.workspace_id, other])
    beside = make.api_key(team.organization_id, [other])
    revoked = make.api_key(team.organization_id, [team.workspace_id])
    for key in (team.key, wide, beside, revoked, make.team().key, make.team("TEST", team.organization_id).key):
        used(make, key)
    make.revoke(revoked)
    assert ids(team.client) == [team.key.id]
    wide_client = make.client(wide)
    assert ids(wide_client) == [team.key.id, wide.id, beside.id]
    assert ids(wide_client, workspaceIds=str(other)) == [beside.id]


def test_pages(make: Make, team: Team) -> None:
    keys = [team.key, *(make.api_key(team.organization_id, [team.workspace_id]) for _ in range(4))]
    for key in keys:
        used(make, key)
    assert [UUID(one["apiKeyId"]) for one in team.client.walk(PATH, size=2)] == [key.id for key in keys]
    assert team.client.get(PATH, params={"size": 2, "page": 2})["meta"]["total"] == 5
