"""POST /v1/contacts/{id}/unmerge."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from skipcall.consents.actions import verify_consents
from skipcall.contacts.model import RESTORE_DAYS
from tests.client import Client
from tests.make import Make, Team, phone_number
from tests.merges.counts import check_counts, id_of, present_in, set_external_id

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def merge(client: Client, target: str, source: str, **body: Any) -> Any:
    return client.post(f"{target}/merge", {"contactId": id_of(source), **body}, 200)


def unmerge(client: Client, source: str, status: int = 200) -> Any:
    return client.post(f"{source}/unmerge", None, status)


def without_times(contact: dict[str, Any]) -> dict[str, Any]:
    return contact | {"updatedAt": None, "lastModificationSource": None}


def test_both_are_as_they_were(team: Team, client: Client, make: Make) -> None:
    team.field("Industry")
    team.field("Note")
    target = team.contact(company="Nord", custom_fields={"industry": "Retail"})
    source = team.contact(
        first_name="Anna",
        company="Sud",
        city="Lille",
        allow_phone_calls=False,
        phone_numbers=[phone_number(1)],
        custom_fields={"industry": "Food", "note": "Likes tea"},
    )
    set_external_id(make, source, "crm-1")
    calls = [team.call(contact_id=UUID(id_of(path)), started_at=NOON) for path in (target, source, source)]
    before = [client.get(path) for path in (target, source)]
    merge(client, target, source, fields={"company": "source"})
    check_counts(team)
    response = client.request("POST", f"{source}/unmerge", status=200)
    unmerged = response.json()
    after = [client.get(path) for path in (target, source)]
    before[0]["allowPhoneCalls"] = False  # a refusal is not taken back
    assert list(map(without_times, after)) == list(map(without_times, before))
    assert unmerged == {"contact": after[1], "movedCalls": 2, "movedSequences": 0, "kept": ["allowPhoneCalls"]}
    assert response.headers["etag"].split("-")[:2] == client.request("GET", source).headers["etag"].split("-")[:2]
    assert check_counts(team) == {id_of(target): 1, id_of(source): 2}
    assert client.get(calls[1])["contact"]["id"] == id_of(source)
    restored, updated, moved = (make.events(path)[-1] for path in (source, target, calls[1]))
    assert restored["type"] == "contact.restored"
    assert restored["changes"] == f'{{"mergedIntoId": ["{id_of(target)}", null]}}'
    assert updated["type"] == "contact.updated"
    assert moved["changes"] == f'{{"contactId": ["{id_of(target)}", "{id_of(source)}"]}}'
    merge(client, target, source)


def test_what_was_changed_since_stays(team: Team, client: Client) -> None:
    for name in ("Industry", "Note", "Size"):
        team.field(name)
    target = team.contact()
    source = team.contact(
        company="Sud", city="Lille", custom_fields={"industry": "Food", "note": "Likes tea", "size": "11-50"}
    )
    merge(client, target, source)
    client.patch(target, {"company": "Est", "role": "CTO", "customFields": {"industry": "Retail", "note": None}})
    assert unmerge(client, source)["kept"] == ["company", "customFields.industry", "customFields.note"]
    contact = client.get(target)
    assert (contact["company"], contact["city"], contact["role"]) == ("Est", None, "CTO")
    assert contact["customFields"] == {"Industry": "Retail"}


def test_a_refusal_of_since_holds_for_both(team: Team, client: Client, make: Make) -> None:
    target, source = team.contact(), team.contact()
    merge(client, target, source)
    client.post(f"{target}/consents", {"status": "objected", "source": "call"}, 201)
    unmerged = unmerge(client, source)
    assert (unmerged["contact"]["allowPhoneCalls"], unmerged["kept"]) == (False, [])
    last = client.get(f"{source}/history")["data"][0]
    assert (last["type"], last["changes"]) == (
        "contact.restored",
        {"mergedIntoId": {"old": id_of(target), "new": None}, "allowPhoneCalls": {"old": True, "new": False}},
    )
    [entry] = client.get(f"{source}/consents")["data"]
    assert (entry["status"], entry["contactVersion"]) == ("objected", last["version"])
    assert make.run(verify_consents(make.db, team.workspace_id)).breaks == []


def test_who_was_allowed_again_since_may_be_called(team: Team, client: Client) -> None:
    target, source = team.contact(), team.contact()
    merge(client, target, source)
    client.post(f"{target}/consents", {"status": "objected", "source": "call"}, 201)
    client.patch(target, {"allowPhoneCalls": True})
    assert unmerge(client, source)["contact"]["allowPhoneCalls"] is True


def test_calls_of_since_stay(team: Team, client: Client) -> None:
    target, source, third = (team.contact() for _ in range(3))
    calls = [team.call(contact_id=UUID(id_of(source)), started_at=NOON) for _ in range(3)]
    merge(client, target, source)
    team.call(contact_id=UUID(id_of(target)), started_at=NOON)
    client.patch(calls[0], {"contactId": id_of(third)})
    client.delete(calls[1])
    assert unmerge(client, source)["movedCalls"] == 1
    assert check_counts(team) == {id_of(target): 1, id_of(source): 1, id_of(third): 1}


def test_sequences(team: Team, client: Client) -> None:
    both, mine, other, left = (team.sequence(name=name) for name in ("Both", "Mine", "Other", "Left"))
    target, source = team.contact(), team.contact()
    for sequence, paths in ((both, [target, source]), (mine, [target]), (other, [source]), (left, [source])):
        client.post(f"{sequence}/contacts", [{"contactId": id_of(path)} for path in paths], 200)
    merge(client, target, source)
    client.request("DELETE", f"{left}/contacts", json=[id_of(target)], status=204)
    assert unmerge(client, source)["movedSequences"] == 2
    assert present_in(client, both) == sorted([id_of(target), id_of(source)])
    assert present_in(client, mine) == [id_of(target)]
    assert present_in(client, other) == [id_of(source)]
    assert present_in(client, left) == [], "who was taken out meanwhile is not called again"
    check_counts(team)


def test_in_the_opposite_order(team: Team, client: Client) -> None:
    first, second, third = (team.contact() for _ in range(3))
    team.call(contact_id=UUID(id_of(first)))
    merge(client, second, first)
    merge(client, third, second)
    error = unmerge(client, first, 409)["error"]
    assert (error["code"], error["conflictingId"]) == ("MERGE_TARGET_GONE", id_of(second))
    assert unmerge(client, second)["movedCalls"] == 1
    client.delete(second)
    assert unmerge(client, first, 409)["error"]["code"] == "MERGE_TARGET_GONE"
    client.post(f"{second}/restore", None, 200)
    assert unmerge(client, first)["movedCalls"] == 1
    assert check_counts(team) == {id_of(first): 1, id_of(second): 0, id_of(third): 0}
    assert client.get("/v1/contacts")["meta"]["total"] == 3


def test_merges_into_one_contact_are_undone_in_the_opposite_order(team: Team, client: Client) -> None:
    target, first, second = (
        team.contact(phone_numbers=[phone_number(number)], email=email)
        for number, email in enumerate((None, "first@example.com", "second@example.com"))
    )
    before = without_times(client.get(target))
    merge(client, target, first)
    merge(client, target, second, fields={"email": "source"})
    error = unmerge(client, first, 409)["error"]
    assert (error["code"], error["conflictingId"]) == ("MERGED_LATER", id_of(second))
    assert unmerge(client, second)["kept"] == []
    assert client.get(target)["email"] == "first@example.com"
    assert unmerge(client, first)["kept"] == []
    assert without_times(client.get(target)) == before


def test_numbers_go_back_one_by_one(team: Team, client: Client) -> None:
    own, brought, shared, new = map(phone_number, range(4))
    target, source = team.contact(phone_numbers=[own, shared]), team.contact(phone_numbers=[brought, shared])
    merge(client, target, source)
    client.post(f"{target}/phone-numbers", {"phoneNumber": new}, 200)
    client.delete(f"{target}/phone-numbers/{own}", 200)
    assert unmerge(client, source)["kept"] == []
    assert client.get(target)["phoneNumbers"] == [shared, new]
    assert client.get(source)["phoneNumbers"] == [brought, shared]
    merge(client, target, source)
    for number in (shared, new):
        client.delete(f"{target}/phone-numbers/{number}", 200)
    assert unmerge(client, source)["kept"] == ["phoneNumbers"], "it has no other"
    assert client.get(target)["phoneNumbers"] == [brought]


def test_a_number_in_another_form_is_no_second_one(team: Team, client: Client) -> None:
    target, source = (team.contact(phone_numbers=[one]) for one in ("+5491123456789", "+541123456789"))
    assert merge(client, target, source)["contact"]["phoneNumbers"] == ["+5491123456789"]


def test_an_external_id_that_another_has_by_now(team: Team, client: Client, make: Make) -> None:
    target, source, third = (team.contact() for _ in range(3))
    set_external_id(make, target, "crm-1")
    set_external_id(make, source, "crm-2")
    merge(client, target, source)
    set_external_id(make, third, "crm-2")
    error = unmerge(client, source, 409)["error"]
    assert (error["code"], error["conflictingId"]) == ("EXTERNAL_ID_TAKEN", id_of(third))
    client.get(source, 410)


def test_values_of_unique_fields_that_others_have_by_now(team: Team, client: Client) -> None:
    for name in ("Badge", "Locker"):
        team.field(name, is_unique=True)
    target, source, third = (team.contact() for _ in range(3))
    client.patch(source, {"customFields": {"badge": "A", "locker": "1"}})
    merge(client, target, source)
    client.patch(target, {"customFields": {"badge": None}})
    client.patch(third, {"customFields": {"badge": "A"}})
    error = unmerge(client, source, 409)["error"]
    assert (error["code"], [(one["pointer"], one["suggestion"]) for one in error["details"]]) == (
        "CUSTOM_VALUE_TAKEN",
        [("/customFields/badge", id_of(third))],
    )
    client.patch(third, {"customFields": {"badge": "B"}})
    assert unmerge(client, source)["contact"]["customFields"] == {"Badge": "A", "Locker": "1"}


def test_what_was_not_merged(team: Team, client: Client) -> None:
    target, source, deleted = (team.contact() for _ in range(3))
    client.delete(deleted)
    for path in (target, deleted):
        assert unmerge(client, path, 409)["error"]["code"] == "CONTACT_NOT_MERGED"
    merge(client, target, source)
    assert unmerge(client, target, 409)["error"]["code"] == "CONTACT_NOT_MERGED"
    unmerge(client, source)
    assert unmerge(client, source, 409)["error"]["code"] == "CONTACT_NOT_MERGED"


@pytest.mark.parametrize(("days", "status"), [(RESTORE_DAYS - 1, 200), (RESTORE_DAYS + 1, 410)])
def test_it_can_be_done_for_some_days(team: Team, client: Client, make: Make, days: int, status: int) -> None:
    target, source = team.contact(), team.contact()
    merge(client, target, source)
    make.rows(
        "UPDATE contact_merges SET merged_at = merged_at - make_interval(days => :days) WHERE source_id = :id",
        id=UUID(id_of(source)),
        days=days,
    )
    answer = unmerge(client, source, status)
    assert status == 200 or answer["error"]["code"] == "RESTORE_EXPIRED"


def test_with_an_idempotency_key(team: Team, client: Client) -> None:
    target, source = team.contact(), team.contact()
    merge(client, target, source)
    first, again = (
        client.request("POST", f"{source}/unmerge", headers={"idempotency-key": "undo"}, status=200) for _ in range(2)
    )
    assert first.content == again.content


def test_nobody_becomes_who_was_erased_meanwhile(team: Team, client: Client) -> None:
    target = team.contact(email="told@example.com", company="Nord")
    source = team.contact(email="anna@example.com", company="Sud", phone_numbers=[phone_number(1)])
    merge(client, target, source, fields={"email": "source", "company": "source"})
    other = team.contact(email="told@example.com", last_name="Other", phone_numbers=[phone_number(2)])
    client.post(f"{other}/erase", None, status=200)
    assert unmerge(client, source)["kept"] == ["email"]
    assert [client.get(target)[name] for name in ("email", "company")] == ["anna@example.com", "Nord"]
