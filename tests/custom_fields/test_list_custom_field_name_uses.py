"""`GET /v1/custom-fields/name-uses`."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from skipcall.api_keys import queries as api_keys
from skipcall.api_keys.model import KeyUse
from tests.client import Client
from tests.make import Key, Make, Team
from tests.merges.counts import id_of
from tests.serving import ServerProcess

PATH = "/v1/custom-fields/name-uses"
NOW = datetime(2026, 3, 2, 9, 41, 7, 250_000, UTC)


def used(make: Make, key: Key, count: int = 1, at: datetime = NOW) -> None:
    use = KeyUse()
    use.custom_field_names = count
    make.run(api_keys.record_use(make.db, key.id, at, use))


def ids(client: Client, **parameters: str) -> list[UUID]:
    return [UUID(one["apiKeyId"]) for one in client.get(PATH, params=parameters)["data"]]


def test_who_sent_which_name_how_often_and_when(make: Make, own_server: ServerProcess) -> None:
    team = make.team()
    team.field("Team size")
    team.field("Industry")
    contact = team.contact()
    assert team.client.get(PATH) == {
        "data": [],
        "meta": {"page": 0, "size": 10, "total": 0, "totalPages": 0, "hasMore": False, "nextCursor": None},
    }
    item = {"id": id_of(contact), "customFields": {"Industry": "Food", "team_size": "4"}}
    with Client(own_server.url, team.key.text) as client:
        start = datetime.now(UTC)
        client.patch(contact, {"customFields": {"Team size": "1"}})
        client.patch(contact, {"customFields": {"Team size": "2", "Industry": "Steel"}})
        client.patch(contact, {"customFields": {"team_size": "3"}})
        client.post("/v1/contacts/upsert", {"contact": item}, 200)
        client.post("/v1/contacts/batch", {"items": [item, item]}, 200)
    own_server.stop()
    page = team.client.get(PATH)
    [use] = page["data"]
    at = use["lastUsedAt"]
    seen = {"workspaceId": str(team.workspace_id), "lastUsedAt": at}
    assert use == {
        "apiKeyId": str(team.key.id),
        "name": "Test",
        "count": 4,
        "lastUsedAt": at,
        "fields": [
            seen | {"slug": "industry", "name": "Industry", "count": 3},
            seen | {"slug": "team_size", "name": "Team size", "count": 2},
        ],
    }
    assert datetime.fromisoformat(at) >= start.replace(microsecond=0)
    assert page["meta"]["total"] == 1
    assert team.key.text not in str(page)


def test_a_field_that_was_renamed_is_told_once_by_its_slug(make: Make, team: Team) -> None:
    later = NOW + timedelta(hours=1)
    for name, at in (("Team size", NOW), ("Head count", later)):
        use = KeyUse()
        use.note_names(team.workspace_id, {"team_size": name})
        make.run(api_keys.record_use(make.db, team.key.id, at, use))
    [told] = team.client.get(PATH)["data"]
    assert [(one["slug"], one["name"], one["count"]) for one in told["fields"]] == [("team_size", "Head count", 2)]
    assert told["fields"][0]["lastUsedAt"] == told["lastUsedAt"] == "2026-03-02T10:41:07.250Z"


def test_the_last_use_is_that_of_a_name(make: Make, team: Team) -> None:
    used(make, team.key, 3)
    used(make, team.key, 0, datetime.now(UTC))
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
