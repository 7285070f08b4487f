"""PATCH /v1/calls/{id}."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from tests.client import Client
from tests.make import Make, Team, phone_number

NOBODY = "00000000-0000-7000-8000-000000000000"
SHOWN = {"include": "details,tags"}


def id_in(path: str) -> str:
    return path.rpartition("/")[2]


def test_everything_that_can_be_changed(team: Team, client: Client, make: Make) -> None:
    path = team.call(phone_number=phone_number(99))
    contact = team.contact()
    tags = sorted(team.tag(label) for label in ("Hot", "Cold"))
    before = client.get(path, params=SHOWN)
    patch = {
        "notes": "Call\nback",
        "tagIds": tags,
        "contactId": id_in(contact),
        "externalId": "crm-1",
        "syncedWithCrmDate": "2026-03-02T09:41:07.250999Z",
    }
    after = client.patch(path, patch, params=SHOWN)
    assert after.items() >= {"notes": "Call\nback", "externalId": "crm-1", "contactMatches": 1}.items()
    assert after["syncedWithCrmDate"] == "2026-03-02T09:41:07.250Z"
    assert [one["label"] for one in after["tags"]] == ["Cold", "Hot"]
    assert (after["contact"]["id"], after["lastModificationSource"]) == (id_in(contact), "API")
    assert after["updatedAt"] > before["updatedAt"]
    assert client.get(path, params=SHOWN) == after
    assert client.get(contact)["callCount"] == 1
    event = make.events(path)[-1]
    assert (event["type"], event["object_version"], event["source"]) == ("call.tagged", 2, "API")
    assert json.loads(event["changes"]) == {
        "notes": [None, "Call\nback"],
        "tagIds": [[], tags],
        "contactId": [None, id_in(contact)],
        "externalId": [None, "crm-1"],
        "syncedWithCrmDate": [None, "2026-03-02T09:41:07.25+00:00"],
    }
    cleared = client.patch(path, dict.fromkeys(patch), params=SHOWN)
    names = ("notes", "externalId", "syncedWithCrmDate", "tags", "contactMatches")
    assert [cleared[name] for name in names] == [None, None, None, [], 0]
    assert cleared["contact"]["isUnknown"]
    assert client.get(contact)["callCount"] == 0


def test_what_is_not_named_stays(team: Team, client: Client, make: Make) -> None:
    tag_id = team.tag("Hot")
    path = team.call(notes="Old", external_id="x", tag_ids=[UUID(tag_id)])
    before = client.get(path, params=SHOWN)
    after = client.patch(path, {"notes": "New"}, params=SHOWN)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"notes", "updatedAt", "lastModificationSource"}
    assert make.events(path)[-1]["type"] == "call.updated"


@pytest.mark.parametrize("patch", [{}, {"notes": "Old"}, {"externalId": None, "contactId": None}, {"status": "busy"}])
def test_equal_values_change_nothing(team: Team, client: Client, make: Make, patch: dict[str, Any]) -> None:
    path = team.call(notes="Old")
    before = client.request("GET", path)
    response = client.request("PATCH", path, status=200, json=patch)
    assert (response.json(), response.headers["etag"]) == (before.json(), before.headers["etag"])
    assert len(make.events(path)) == 1


def test_equal_tags_in_another_order_change_nothing(team: Team, client: Client, make: Make) -> None:
    tags = sorted(team.tag(label) for label in ("Hot", "Cold"))
    path = team.call(tag_ids=[UUID(one) for one in tags])
    client.patch(path, {"tagIds": tags[::-1]})
    assert len(make.events(path)) == 1


def test_tags_are_replaced(team: Team, client: Client) -> None:
    tags = sorted(team.tag(label) for label in ("a", "b", "c"))
    path = team.call(tag_ids=[UUID(one) for one in tags[:2]])
    after = client.patch(path, {"tagIds": tags[1:]}, params=SHOWN)
    assert sorted(one["id"] for one in after["tags"]) == tags[1:]
    assert client.get(path, params=SHOWN)["tags"] == after["tags"]


def test_a_deleted_tag_may_stay_but_not_come(team: Team, client: Client) -> None:
    tag_id, other = team.tag("Hot"), team.tag("Cold")
    path = team.call(tag_ids=[UUID(tag_id)])
    client.delete(f"/v1/tags/{tag_id}")
    assert len(client.patch(path, {"tagIds": [tag_id, other]}, params=SHOWN)["tags"]) == 2
    client.patch(path, {"tagIds": [other]})
    assert client.faults("PATCH", path, json={"tagIds": [tag_id]}) == [("/tagIds/0", "UNKNOWN_TAG")]


def test_what_the_workspace_does_not_have(team: Team, client: Client, make: Make) -> None:
    path = team.call()
    stranger = make.team()
    before = client.get(path)
    patch = {"notes": "x", "contactId": id_in(stranger.contact()), "tagIds": [stranger.tag("Hot"), NOBODY]}
    assert client.faults("PATCH", path, json=patch) == [
        ("/contactId", "UNKNOWN_CONTACT"),
        ("/tagIds/0", "UNKNOWN_TAG"),
        ("/tagIds/1", "UNKNOWN_TAG"),
    ]
    assert client.get(path) == before


def test_all_faults_at_once(team: Team, client: Client) -> None:
    patch = {
        "notes": "\x07",
        "tagIds": ["x"],
        "contactId": 3,
        "externalId": "a" * 256,
        "syncedWithCrmDate": "1999-01-01T00:00:00Z",
    }
    assert sorted(client.faults("PATCH", team.call(), json=patch)) == [
        ("/contactId", "WRONG_TYPE"),
        ("/externalId", "TOO_LONG"),
        ("/notes", "FORBIDDEN_CHARACTER"),
        ("/syncedWithCrmDate", "OUT_OF_RANGE"),
        ("/tagIds/0", "INVALID_ID"),
    ]


def test_if_match(team: Team, client: Client) -> None:
    path = team.call()
    tag = client.request("GET", path).headers["etag"]
    new = client.request("PATCH", path, status=200, json={"notes": "1"}, headers={"if-match": tag}).headers["etag"]
    refused = client.request("PATCH", path, status=412, json={"notes": "2"}, headers={"if-match": tag})
    assert refused.headers["etag"] == new
    assert client.get(path)["notes"] == "1"


def test_tags_of_many_writers_are_not_mixed(team: Team, client: Client) -> None:
    sets = [sorted(team.tag(f"{number} {part}") for part in range(3)) for number in range(8)]
    path = team.call()

    def write(number: int) -> list[str]:
        tags = client.patch(path, {"tagIds": sets[number % 8]}, params=SHOWN)["tags"]
        return sorted(one["id"] for one in tags)

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(write, range(48))) == [sets[number % 8] for number in range(48)]
    assert sorted(one["id"] for one in client.get(path, params=SHOWN)["tags"]) in sets
