"""GET /v1/changes."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from skipcall.changes.queries import forget_changes
from tests.changes.reader import Reader
from tests.client import Client
from tests.make import Make, Team

FEED = "/v1/changes"


def types(changes: list[dict[str, Any]]) -> list[str]:
    return [change["type"] for change in changes]


def cursor_of(*values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def test_a_change_says_who_did_what(team: Team, client: Client) -> None:
    path = team.contact(role="CEO")
    answer = client.request("PATCH", path, json={"role": "CTO", "email": "a@example.com"})
    created, updated = client.get(FEED)["data"]
    assert created["type"] == "contact.created"
    assert created["changes"] == {}
    assert (created["source"], created["apiKeyId"], created["requestId"]) == ("SKIPCALL", None, None)
    contact = client.get(path)
    assert updated == {
        "id": updated["id"],
        "type": "contact.updated",
        "objectId": contact["id"],
        "workspaceId": str(team.workspace_id),
        "version": 2,
        "occurredAt": contact["updatedAt"],
        "changes": {"role": {"old": "CEO", "new": "CTO"}, "email": {"old": None, "new": "a@example.com"}},
        "source": "API",
        "apiKeyId": client.get("/v1/me")["apiKey"]["id"],
        "requestId": answer.headers["x-request-id"],
        "contact": contact,
    }
    assert created["contact"] == contact, "as it is now"


def test_every_change_once_and_at_once(team: Team, client: Client) -> None:
    reader = Reader(client)
    assert reader.read() == []
    path = team.contact()
    assert types(reader.read()) == ["contact.created"]
    client.patch(path, {"city": "Lille"})
    client.patch(path, {"city": "Lille"})
    assert types(reader.read()) == ["contact.updated"], "what changes nothing is no change"
    client.delete(path)
    [deleted] = reader.read()
    assert (deleted["type"], deleted["contact"]) == ("contact.deleted", None)
    assert reader.read() == []
    assert reader.contacts == {}


@pytest.mark.parametrize("size", [1, 2, 500])
def test_who_begins_later_ends_with_the_same(make: Make, size: int) -> None:
    team = make.team()
    paths = [team.contact() for _ in range(4)]
    for number, path in enumerate(paths * 2):
        team.client.patch(path, {"city": str(number)})
    team.client.delete(paths[0])
    reader = Reader(team.client, size=size)
    reader.read()
    assert reader.contacts == {one["id"]: one for one in team.client.walk("/v1/contacts")}
    assert len(reader.seen) == 13


def test_starting_now(team: Team, client: Client) -> None:
    team.contact()
    answer = client.get(FEED, params={"start": "now"})
    assert (answer["data"], answer["meta"]["hasMore"]) == ([], False)
    path = team.contact()
    [change] = client.get(FEED, params={"cursor": answer["meta"]["nextCursor"]})["data"]
    assert path.endswith(change["objectId"])


def test_own_changes_can_be_left_out(team: Team, client: Client) -> None:
    path = team.contact()
    other = team.client_for()
    client.patch(path, {"city": "Lille"})
    other.patch(path, {"city": "Lyon"})
    changes = client.get(FEED, params={"skipOwn": "true"})["data"]
    assert [change["changes"].get("city", {}).get("new") for change in changes] == [None, "Lyon"]
    reader = Reader(client, skipOwn="true")
    reader.read()
    client.patch(path, {"city": "Nantes"})
    assert reader.read() == []


def test_calls(team: Team, client: Client) -> None:
    path = team.contact()
    call = team.call(contact_id=path.rpartition("/")[2])
    client.patch(call, {"notes": "Rappeler"})
    assert types(client.get(FEED)["data"]) == ["contact.created", "call.completed", "call.updated"]
    assert types(client.get(FEED, params={"object": "contact"})["data"]) == ["contact.created"]
    calls = client.get(FEED, params={"object": "call"})["data"]
    assert calls[1]["changes"] == {"notes": {"old": None, "new": "Rappeler"}}
    assert calls[1]["contact"] == client.get(path)
    without = team.client_for(scopes=["contacts:read"])
    assert types(without.get(FEED)["data"]) == ["contact.created"]
    assert without.get(FEED, params={"object": "call"})["data"] == []


def test_what_makes_no_change_of_a_contact_is_found_by_the_call(team: Team, client: Client) -> None:
    """As the guide says: items of calls have the contacts whose `callCount` and `lastCallAt` have moved."""
    reader = Reader(client)
    field = team.field("Industry")
    kept, gone = team.contact(custom_fields={"industry": "Food"}), team.contact()
    reader.read()
    before = client.get(kept)
    call = {"type": "outbound", "status": "completed", "contactId": gone[-36:], "startedAt": "2026-03-02T09:00:00Z"}
    path = "/v1/calls/" + client.post("/v1/calls", call)["id"]
    [item] = reader.read()
    assert (item["type"], item["changes"], item["contact"]) == ("call.completed", {}, client.get(gone))
    assert reader.contacts[gone[-36:]]["callCount"] == 1

    client.post(f"{kept}/merge", {"contactId": gone[-36:]}, 200)
    merged, moved = reader.read()
    assert (merged["type"], merged["objectId"]) == ("contact.merged", gone[-36:])
    assert (moved["type"], moved["changes"]) == ("call.updated", {"contactId": {"old": gone[-36:], "new": kept[-36:]}})
    assert reader.contacts == {kept[-36:]: client.get(kept)}

    client.post(
        f"{kept}/consents", {"status": "given", "legalBasis": "consent", "purpose": "Prospecting", "source": "form"}
    )
    client.patch(f"/v1/custom-fields/{field.id}", {"name": "Branch"})
    assert reader.read() == []
    now = client.get(kept, params={"include": "consent"})
    assert now.pop("consent")["status"] == "given"
    assert now == before | {
        "callCount": 1,
        "lastCallAt": "2026-03-02T09:00:00.000Z",
        "customFields": {"Branch": "Food"},
    }

    client.delete(path)
    [item] = reader.read()
    assert (item["type"], item["changes"]) == ("call.deleted", {})
    client.get(path, status=404)
    assert reader.contacts[kept[-36:]] == item["contact"] == client.get(kept)
    assert item["contact"]["callCount"] == 0


def test_workspaces(team: Team, make: Make) -> None:
    second = team.workspace()
    mine, other = team.contact(), str(make.contact(second))
    make.team().contact()
    client = team.client_for(team.workspace_id, second)
    assert [one["objectId"] for one in client.get(FEED)["data"]] == [mine.rpartition("/")[2], other]
    narrowed = client.get(FEED, params={"workspaceIds": str(second)})["data"]
    assert [one["workspaceId"] for one in narrowed] == [str(second)]
    assert [one["objectId"] for one in team.client.get(FEED)["data"]] == [mine.rpartition("/")[2]]


def test_custom_fields_are_keyed_as_asked(team: Team, client: Client) -> None:
    team.field("Team size")
    path = team.contact()
    client.patch(path, {"customFields": {"team_size": "11-50"}})
    updated = client.get(FEED, params={"customFieldKeys": "slug"})["data"][1]
    assert updated["changes"] == {"customFields": {"old": {}, "new": {"team_size": "11-50"}}}
    assert updated["contact"]["customFields"] == {"team_size": "11-50"}
    assert client.get(FEED)["data"][1]["contact"]["customFields"] == {"Team size": "11-50"}


def test_a_cursor_that_is_too_old(team: Team, client: Client, make: Make) -> None:
    """Old values are forgotten; the last change of everything is not, so who begins anew ends with the table."""
    paths = [team.contact() for _ in range(3)]
    reader = Reader(client)
    reader.read()
    for path in paths:
        client.patch(path, {"city": "Lille"})
    client.delete(paths[0])
    make.run(forget_changes(make.db, [team.workspace_id], datetime.now(UTC) + timedelta(seconds=60)))
    make.rows(
        "UPDATE event_sweeps SET occurred_at = now() + interval '1 minute' WHERE workspace_id = :id",
        id=team.workspace_id,
    )
    error = client.get(FEED, 410, params={"cursor": reader.cursor})["error"]
    assert error["code"] == "CURSOR_EXPIRED"
    anew = Reader(client)
    assert types(anew.read()) == ["contact.updated", "contact.updated", "contact.deleted"]
    assert anew.contacts == {one["id"]: one for one in client.walk("/v1/contacts")}
    assert [one["type"] for one in client.get(f"{paths[1]}/history")["data"]] == ["contact.updated"]


def test_forgetting_goes_on_where_it_ended(team: Team, client: Client, make: Make) -> None:
    path = team.contact()
    soon = datetime.now(UTC) + timedelta(seconds=60)
    for version, city in enumerate(("Lille", "Lyon", "Nantes"), start=2):
        client.patch(path, {"city": city})
        make.run(forget_changes(make.db, [team.workspace_id], soon))
        assert [event["object_version"] for event in make.events(path)] == [version]


def test_what_is_young_is_kept(team: Team, client: Client, make: Make) -> None:
    path = team.contact()
    client.patch(path, {"city": "Lille"})
    make.run(forget_changes(make.db, [team.workspace_id], datetime.now(UTC) - timedelta(days=90)))
    assert len(make.events(path)) == 2


def test_bad_input(team: Team, client: Client) -> None:
    assert client.faults("GET", f"{FEED}?size=0&object=tag&start=then&skipOwn=maybe&workspaceIds=x") == [
        ("/query/start", "UNKNOWN_VALUE"),
        ("/query/size", "TOO_SMALL"),
        ("/query/object", "UNKNOWN_VALUE"),
        ("/query/skipOwn", "WRONG_TYPE"),
        ("/query/workspaceIds", "INVALID_ID"),
    ]
    assert client.faults("GET", f"{FEED}?start=now&cursor=abc") == [("/query/start", "CONFLICTING_PARAMETERS")]
    place = [0, 0, 0, 0, "", 0, 0, 0]
    for cursor in (
        "abc",
        "é",
        client.get("/v1/contacts", params={"size": 1})["meta"]["nextCursor"] or "AAAA",
        cursor_of("1:2", *place),
        cursor_of("3:2:", *place),
        cursor_of("1:3:2,1", *place),
        cursor_of("1:3:3", *place),
        cursor_of("1:99999999999999999999:", *place),
        cursor_of("1:2:'); DROP TABLE contacts; --", *place),
        cursor_of("1:2:", -1, *place[1:]),
        cursor_of("1:2:", *place[:-1], 10**18),
    ):
        assert client.faults("GET", FEED, params={"cursor": cursor}) == [("/query/cursor", "INVALID_CURSOR")], cursor


def test_a_cursor_of_a_database_that_was_restored(client: Client) -> None:
    """The copy is older than the reader: it cannot know what the reader has had."""
    cursor = cursor_of(f"{2**40}:{2**40}:", 0, 0, 0, 0, "", 0, 0, 0)
    assert client.get(FEED, 410, params={"cursor": cursor})["error"]["code"] == "CURSOR_EXPIRED"


def test_changes_of_a_restored_database_come_once(team: Team, client: Client, make: Make) -> None:
    """Its events name transactions that are still to come."""
    reader = Reader(client)
    paths = [team.contact() for _ in range(3)]
    make.rows("UPDATE events SET transaction_id = '9000000000'::xid8 WHERE workspace_id = :id", id=team.workspace_id)
    assert len(reader.read()) == 3
    assert reader.read() == []
    client.patch(paths[0], {"city": "Lille"})
    assert types(reader.read()) == ["contact.updated"]
