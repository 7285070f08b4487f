"""POST /v1/contacts/{id}/merge."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from skipcall.merges import model
from tests.client import Client
from tests.make import Make, Team, phone_number
from tests.merges.counts import CALLED, id_of, present_in, set_external_id

MOMENTS = [datetime(2026, month, 2, 9, tzinfo=UTC) for month in (1, 2, 3)]


def merge(client: Client, target: str, source: str, status: int = 200, **body: Any) -> Any:
    return client.post(f"{target}/merge", {"contactId": id_of(source), **body}, status)


def test_what_the_target_lacks_comes_from_the_source(team: Team, client: Client) -> None:
    team.field("Industry")
    team.field("Note")
    target = team.contact(first_name="Ana", company="Nord", custom_fields={"industry": "Retail"})
    source = team.contact(
        first_name="Anna",
        company="Sud",
        city="Lille",
        email="ana@example.com",
        phone_numbers=[phone_number(1), phone_number()],
        custom_fields={"industry": "Food", "note": "Likes tea"},
    )
    before = client.get(target)
    merged = merge(client, target, source)
    assert (merged["movedCalls"], merged["movedSequences"]) == (0, 0)
    assert merged["contact"] == before | {
        "city": "Lille",
        "email": "ana@example.com",
        "phoneNumbers": [phone_number(), phone_number(1)],
        "customFields": {"Industry": "Retail", "Note": "Likes tea"},
        "updatedAt": merged["contact"]["updatedAt"],
        "lastModificationSource": "API",
    }
    assert client.get(target) == merged["contact"]


def test_fields_choose_where_both_have_a_value(team: Team, client: Client) -> None:
    target, source = team.contact(company="Nord", city="Lille"), team.contact(company="Sud", last_name="Petit")
    fields = {"company": "source", "city": "source", "lastName": "target"}
    contact = merge(client, target, source, fields=fields)["contact"]
    assert (contact["company"], contact["city"], contact["lastName"]) == ("Sud", "Lille", "Moreau")


@pytest.mark.parametrize("allowed", [(True, False), (False, True), (False, False), (True, True)])
def test_who_must_not_be_called_stays_so(team: Team, client: Client, allowed: tuple[bool, bool]) -> None:
    target, source = (team.contact(allow_phone_calls=one) for one in allowed)
    assert merge(client, target, source)["contact"]["allowPhoneCalls"] == all(allowed)


@pytest.mark.parametrize(("ids", "expected"), [(("a", "b"), "a"), ((None, "b"), "b"), (("a", None), "a")])
def test_external_id(team: Team, client: Client, make: Make, ids: tuple[str | None, str | None], expected: str) -> None:
    target, source = team.contact(), team.contact()
    for path, external_id in zip((target, source), ids, strict=True):
        set_external_id(make, path, external_id)
    merge(client, target, source)
    stored = make.value("SELECT external_id FROM contacts WHERE id = :id", id=UUID(id_of(target)))
    assert stored == expected


def test_too_many_phone_numbers(team: Team, client: Client) -> None:
    target = team.contact(phone_numbers=[phone_number(n) for n in range(15)])
    source = team.contact(phone_numbers=[phone_number(n) for n in range(10, 21)])
    assert merge(client, target, source, 409)["error"]["code"] == "TOO_MANY_PHONE_NUMBERS"
    client.patch(source, {"phoneNumbers": [phone_number(n) for n in range(10, 20)]})
    assert len(merge(client, target, source)["contact"]["phoneNumbers"]) == 20


def test_calls_go_to_the_target(team: Team, client: Client, make: Make) -> None:
    target, source = team.contact(), team.contact()
    calls = [team.call(contact_id=UUID(id_of(source)), started_at=moment) for moment in MOMENTS]
    gone = team.call(contact_id=UUID(id_of(source)))
    client.delete(gone)
    call_before = client.get(calls[0])
    merged = merge(client, target, source)
    assert merged["movedCalls"] == 3
    assert merged["contact"]["callCount"] == 3
    assert merged["contact"]["lastCallAt"] == "2026-03-02T09:00:00.000Z"
    for call in calls:
        assert client.get(call)["contact"]["id"] == id_of(target)
        event = make.events(call)[-1]
        assert (event["type"], event["object_version"]) == ("call.updated", 2)
        assert event["changes"] == f'{{"contactId": ["{id_of(source)}", "{id_of(target)}"]}}'
    assert client.get(calls[0])["updatedAt"] > call_before["updatedAt"]
    assert make.value(CALLED, workspace_id=team.workspace_id) == 1
    assert client.get("/v1/contacts")["meta"]["total"] == 1
    assert client.get("/v1/calls", params={"contactId": id_of(target)})["meta"]["total"] == 3


def test_more_calls_than_can_be_moved(team: Team, client: Client, make: Make) -> None:
    target, source = team.contact(), team.contact()
    make.value("SELECT create_calls_month('2026-03-02')")
    make.rows(
        """
        INSERT INTO calls (workspace_id, id, provider, contact_id, call_type, type, status, result, started_at,
            last_modification_source)
        SELECT :workspace_id, (substr(first_id_at('2026-03-02')::text, 1, 24) || lpad(n::text, 12, '0'))::uuid, 'API',
            :contact_id, 'DIRECT_CALL', 'outbound', 'completed', 'CONNECTED', '2026-03-02', 'API'
        FROM generate_series(1, :count::integer) n
        """,
        workspace_id=team.workspace_id,
        contact_id=UUID(id_of(source)),
        count=model.CALLS_MOVED_MAX,
    )
    extra = team.call(contact_id=UUID(id_of(source)))
    assert merge(client, target, source, 409)["error"]["code"] == "TOO_MANY_CALLS"
    client.delete(extra)
    assert merge(client, target, source)["contact"]["callCount"] == model.CALLS_MOVED_MAX


def test_it_takes_the_place_in_sequences(team: Team, client: Client) -> None:
    both, mine, other, left = (team.sequence(name=name) for name in ("Both", "Mine", "Other", "Left"))
    target, source = team.contact(), team.contact()
    for sequence, paths in ((both, [target, source]), (mine, [target]), (other, [source]), (left, [source])):
        client.post(f"{sequence}/contacts", [{"contactId": id_of(path)} for path in paths], 200)
    client.request("DELETE", f"{left}/contacts", json=[id_of(source)], status=204)
    assert merge(client, target, source)["movedSequences"] == 1
    for sequence in (both, mine, other):
        assert present_in(client, sequence) == [id_of(target)]
        assert client.get(sequence)["contactCount"] == 1
    assert present_in(client, left) == []


def test_events_and_history(team: Team, client: Client, make: Make) -> None:
    target, source = team.contact(), team.contact(city="Lille")
    merge(client, target, source)
    merged, updated = make.events(source)[-1], make.events(target)[-1]
    assert (merged["type"], merged["changes"]) == ("contact.merged", f'{{"mergedIntoId": [null, "{id_of(target)}"]}}')
    assert (updated["type"], updated["changes"]) == ("contact.updated", '{"city": [null, "Lille"]}')
    assert merged["request_id"] == updated["request_id"]
    merge(client, target, team.contact())
    assert len(make.events(target)) == 2, "nothing changed"


def test_a_merged_contact_says_where_it_went(team: Team, client: Client, make: Make) -> None:
    first, second, third = (team.contact() for _ in range(3))
    merge(client, second, first)
    merge(client, third, second)
    for path in (first, second):
        for method, body in (("GET", None), ("PATCH", {"city": "Lille"}), ("DELETE", None)):
            response = client.request(method, path, json=body, status=410)
            assert response.json()["error"]["code"] == "CONTACT_MERGED"
            assert response.headers["link"] == f'<{third}>; rel="canonical"'
            make.team().client.request(method, path, json=body, status=404)
        restored = client.post(f"{path}/restore", None, 409)["error"]
        assert restored["code"] == "RESTORE_BY_UNMERGE"
    assert restored["conflictingId"] == id_of(third)
    fourth = team.contact()
    for target, source in ((first, fourth), (fourth, first)):
        response = client.request("POST", f"{target}/merge", json={"contactId": id_of(source)}, status=410)
        assert response.headers["link"] == f'<{third}>; rel="canonical"'


def test_a_dry_run_changes_nothing(team: Team, client: Client, make: Make) -> None:
    target, source = team.contact(), team.contact(city="Lille")
    team.call(contact_id=UUID(id_of(source)))
    before = [client.request("GET", path).content for path in (target, source)]
    tried = merge(client, target, source, dryRun=True)
    assert [client.request("GET", path).content for path in (target, source)] == before
    assert len(make.events(target)) == len(make.events(source)) == 1
    done = merge(client, target, source)
    assert tried["movedCalls"] == 1
    assert tried["contact"] | {"updatedAt": None} == done["contact"] | {"updatedAt": None}
    assert tried | {"contact": None} == done | {"contact": None}


def test_if_match_and_idempotency_key(team: Team, client: Client) -> None:
    target, source = team.contact(), team.contact(city="Lille")
    old = client.request("GET", target).headers["etag"]
    client.patch(target, {"role": "CTO"})
    body = {"contactId": id_of(source)}
    refused = client.request("POST", f"{target}/merge", json=body, headers={"if-match": old}, status=412)
    now = client.request("GET", target).headers["etag"]
    assert refused.headers["etag"] == now
    headers = {"if-match": now, "idempotency-key": "one merge"}
    first = client.request("POST", f"{target}/merge", json=body, headers=headers, status=200)
    again = client.request("POST", f"{target}/merge", json=body, headers=headers, status=200)
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    client.patch(target, {"role": "CEO"}, headers={"if-match": first.headers["etag"]})


def test_what_cannot_be_merged(team: Team, client: Client) -> None:
    target = team.contact()
    assert client.faults("POST", f"{target}/merge", json={"contactId": id_of(target)}) == [
        ("/contactId", "SAME_CONTACT")
    ]
    assert client.faults("POST", f"{target}/merge", json={"contactId": "x", "fields": {"city": "mine"}}) == [
        ("/contactId", "INVALID_ID"),
        ("/fields/city", "UNKNOWN_VALUE"),
    ]
    merge(client, target, "/00000000-0000-7000-8000-000000000001", 404)
    deleted = team.contact()
    client.delete(deleted)
    merge(client, target, deleted, 404)
    merge(client, deleted, target, 404)
    neighbour = team.make.contact(other := team.workspace())
    both = team.client_for(team.workspace_id, other)
    merge(both, target, f"/{neighbour}", 404)
    assert both.get(target)["id"] == id_of(target)


def test_an_upsert_by_the_old_id_is_told_where_it_went(team: Team, client: Client) -> None:
    target, source = team.contact(), team.contact()
    merge(client, target, source)
    item = {"id": id_of(source), "city": "Lille"}
    response = client.request("POST", "/v1/contacts/upsert", json={"contact": item}, status=410)
    assert response.json()["error"]["code"] == "CONTACT_MERGED"
    assert response.headers["link"] == f'<{target}>; rel="canonical"'
    [result] = client.post("/v1/contacts/batch", {"items": [item]}, 200)["results"]
    assert result["error"]["code"] == "CONTACT_MERGED"
    assert id_of(target) in result["error"]["message"]
    client.post(f"{target}/erase", None, 200)
    [result] = client.post("/v1/contacts/batch", {"items": [item]}, 200)["results"]
    assert result["error"]["code"] == "CONTACT_ERASED"
