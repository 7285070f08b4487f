"""What users of other systems complain about most, asked of this one: how contacts are written and found."""

from pathlib import Path
from typing import Any

import pytest

from tests.changes.reader import Reader
from tests.client import Client
from tests.contacts.test_concurrency import at_once
from tests.make import Make, Team, phone_number
from tests.merges.counts import id_of
from tests.telephony.senders import Senders

CONTACTS, UPSERT, BATCH, LOOKUP = (f"/v1/contacts{path}" for path in ("", "/upsert", "/batch", "/lookup"))
ANA: dict[str, Any] = {"firstName": "Ana", "lastName": "Lopez", "phoneNumbers": [phone_number(1)]}
CLEARABLE = {
    "email": "ana@example.com",
    "company": "Atelier Nord",
    "city": "Lille",
    "country": "France",
    "url": "https://nord.example",
    "linkedinUrl": "https://www.linkedin.com/in/ana-lopez",
    "linkedinSalesUrl": "https://www.linkedin.com/sales/lead/1",
    "role": "CTO",
}
TYPED = {"amount": ("number", "-12.50"), "since": ("date", "2024-02-29"), "site": ("url", "https://a.example")}


def total(client: Client) -> int:
    count: int = client.get(CONTACTS)["meta"]["total"]
    return count


def found(client: Client, **search: Any) -> list[str]:
    return [one["id"] for one in client.post(f"{CONTACTS}/search", search, 200)["data"]]


def test_01_number_formats_make_no_duplicates(team: Team, client: Client, make: Make, tmp_path: Path) -> None:
    """A number in whatever form it comes is one number: from a file, in a sync, on an incoming call."""
    file = tmp_path / "contacts.csv"
    file.write_text("First Name,Last Name,Phone Number\nAna,Lopez,06 39 98 00 01;0033 1.99.00.01.42;(+33) 639980001\n")
    team.import_file(file)
    [ana] = client.get(CONTACTS)["data"]
    assert ana["phoneNumbers"] == ["+33639980001", "+33199000142"]
    item = {"contact": {**ANA, "phoneNumbers": ["+33199000142"]}, "modes": {"phoneNumbers": "append"}}
    synced = client.post(UPSERT, item, 200)
    assert (synced["contact"], synced["matchedBy"], total(client)) == (ana, ["phoneNumbers"], 1)
    for national in ("06 39 98 00 01", "33639980001", "0033639980001"):
        body = {"contact": {**ANA, "phoneNumbers": [national]}}
        assert client.faults("POST", UPSERT, json=body) == [("/contact/phoneNumbers/0", "INVALID_PHONE_NUMBER")]
        assert [one["contact"]["id"] for one in client.get(LOOKUP, params={"phoneNumber": national})["data"]] == [
            ana["id"]
        ]
    with Senders(make, team, client.url) as senders:  # her second number rings
        senders.generic(
            {"callId": "1", "direction": "inbound", "status": "ringing", "from": "01 99 00 01 42", "to": "+33199001234"}
        )
    [call] = client.get("/v1/calls")["data"]
    assert (call["contact"]["id"], call["contact"]["isUnknown"]) == (ana["id"], False)
    for stored, asked in (("+5511987654321", "+55 11 8765-4321"), ("+525512345678", "+52 1 55 1234 5678")):
        path = team.contact(phone_numbers=[stored])
        [match] = client.get(LOOKUP, params={"phoneNumber": asked})["data"]
        assert (match["contact"]["id"], match["matchedBy"][0]["exact"]) == (id_of(path), False)


def test_02_an_upsert_never_picks_one_of_two_silently(team: Team, client: Client) -> None:
    """The address is of one contact and the number of another: nothing is written, and both are named."""
    by_email = team.contact(email="ana@example.com", phone_numbers=[phone_number(8)])
    by_number = team.contact(phone_numbers=[phone_number(1)])
    before = [client.get(path) for path in (by_email, by_number)]
    body: dict[str, Any] = {"contact": {**ANA, "email": "ana@example.com"}}
    error = client.post(UPSERT, body, 409)["error"]
    assert error["code"] == "AMBIGUOUS_MATCH"
    assert {one["id"]: [key["key"] for key in one["matchedBy"]] for one in error["candidates"]} == {
        id_of(by_email): ["email"],
        id_of(by_number): ["phoneNumbers"],
    }
    [result] = client.post(BATCH, {"items": [body["contact"]]}, 200)["results"]
    assert (result["status"], len(result["candidates"])) == ("ambiguous", 2)
    assert [client.get(path) for path in (by_email, by_number)] == before
    decided = client.post(UPSERT, body | {"match": ["email"]}, 200)
    assert decided["changes"]["phoneNumbers"] == [[phone_number(8)], [phone_number(1)]], "and no word is dropped"
    assert client.get(by_email)["phoneNumbers"] == [phone_number(1)]


@pytest.mark.parametrize("empty", [None, ""])
def test_03_a_field_can_be_cleared(team: Team, client: Client, empty: str | None) -> None:
    """What cannot be done is said, and never answered by a 200 that did nothing."""
    team.field("Industry")
    path = team.contact(custom_fields={"industry": "Food"})
    client.patch(path, CLEARABLE)
    reader = Reader(client)
    reader.read()
    for name in CLEARABLE:
        assert client.patch(path, {name: empty})[name] is None
    assert client.patch(path, {"customFields": {"industry": empty}})["customFields"] == {}
    told = [change["changes"] for change in reader.read()]
    assert told[:-1] == [{name: {"old": value, "new": None}} for name, value in CLEARABLE.items()]
    for name in ("firstName", "lastName", "phoneNumbers", "allowPhoneCalls"):
        assert client.faults("PATCH", path, json={name: None})[0][0] == f"/{name}"
    misspelt = client.request("PATCH", path, json={"compnay": empty}, status=200)
    assert misspelt.headers["x-ignored-fields"] == "compnay"


@pytest.mark.parametrize("way", ["PATCH", "upsert", "batch"])
def test_04_null_is_the_same_everywhere(team: Team, client: Client, way: str) -> None:
    """Every operation that writes contacts clears by null, properties and custom values of every type alike."""
    for slug, (type, _) in TYPED.items():
        team.field(slug.capitalize(), type=type)
    values = {slug: value for slug, (_, value) in TYPED.items()}
    path = team.contact(phone_numbers=[phone_number(1)], custom_fields=values)
    client.patch(path, CLEARABLE)
    nothing: dict[str, Any] = {**dict.fromkeys(CLEARABLE), "customFields": dict.fromkeys(TYPED)}
    if way == "PATCH":
        client.patch(path, nothing)
    elif way == "upsert":
        client.post(UPSERT, {"contact": {"id": id_of(path), **nothing}}, 200)
    else:
        assert client.post(BATCH, {"items": [{"id": id_of(path), **nothing}]}, 200)["summary"]["updated"] == 1
    contact = client.get(path)
    assert {name: contact[name] for name in CLEARABLE} == dict.fromkeys(CLEARABLE)
    assert contact["customFields"] == {}


def test_05_what_is_left_out_stays(team: Team, client: Client) -> None:
    """One property, one number, one custom value at a time; the others are as they were."""
    team.field("Industry")
    team.field("Note")
    path = team.contact(
        phone_numbers=[phone_number(1), phone_number(2)], custom_fields={"industry": "Food", "note": "x"}
    )
    expected = client.patch(path, CLEARABLE)
    steps: list[tuple[Any, dict[str, Any]]] = [
        (lambda: client.patch(path, {"role": "CEO"}), {"role": "CEO"}),
        (
            lambda: client.patch(path, {"customFields": {"note": "y"}}),
            {"customFields": {"Industry": "Food", "Note": "y"}},
        ),
        (
            lambda: client.post(f"{path}/phone-numbers", {"phoneNumber": phone_number(3)}, 200),
            {"phoneNumbers": [phone_number(n) for n in (1, 2, 3)]},
        ),
        (
            lambda: client.post(
                UPSERT,
                {"contact": {"phoneNumbers": [phone_number(1), phone_number(4)]}, "modes": {"phoneNumbers": "append"}},
                200,
            ),
            {"phoneNumbers": [phone_number(n) for n in (1, 2, 3, 4)]},
        ),
        (
            lambda: client.delete(f"{path}/phone-numbers/{phone_number(2)}", 200),
            {"phoneNumbers": [phone_number(n) for n in (1, 3, 4)]},
        ),
    ]
    for step, changed in steps:
        step()
        expected |= changed
        contact = client.get(path)
        assert contact == expected | {name: contact[name] for name in ("updatedAt", "lastModificationSource")}


@pytest.mark.parametrize("way", ["feed", "list"])
def test_06_a_sync_sees_deletions(team: Team, client: Client, way: str) -> None:
    """A copy kept by increments ends equal to the original, without ever being read whole again."""
    stays, goes, merged = (team.contact(last_name=name) for name in ("Stays", "Goes", "Merged"))
    reader = Reader(client)
    reader.read()
    copy = {one["id"]: one for one in client.walk(CONTACTS)}
    since = max(one["updatedAt"] for one in copy.values())
    client.delete(goes)
    client.post(f"{stays}/merge", {"contactId": id_of(merged)}, 200)
    client.patch(stays, {"city": "Lille"})
    if way == "feed":
        reader.read()
        copy = reader.contacts
    else:
        for one in client.walk(CONTACTS, updatedSince=since, includeDeleted="true"):
            copy.pop(one["id"], None)
            if one.pop("deletedAt") is None:
                copy[one["id"]] = one
    assert copy == {one["id"]: one for one in client.walk(CONTACTS)}
    assert list(copy) == [id_of(stays)]


def test_07_what_was_written_is_found_by_the_next_request(team: Team, client: Client) -> None:
    """Search, lookup and upsert see each write at once, and a refusal has the id of who is there as a property."""
    team.field("Badge")

    def write_and_look(number: int) -> None:
        badge, value = f"B-{number:03}", phone_number(number)
        new = {**ANA, "lastName": badge, "phoneNumbers": [value], "customFields": {"badge": badge}}
        id = client.post(CONTACTS, new)["id"]
        assert found(client, text=badge) == [id]
        assert found(client, filter={"field": "customFields.badge", "operator": "equals", "value": badge}) == [id]
        assert found(client, filter={"field": "phoneNumbers", "operator": "equals", "value": value}) == [id]
        assert client.get(LOOKUP, params={"phoneNumber": value})["data"][0]["contact"]["id"] == id
        assert client.post(UPSERT, {"contact": new}, 200)["contact"]["id"] == id
        client.patch(f"{CONTACTS}/{id}", {"lastName": "Other", "customFields": {"badge": "gone"}})
        assert found(client, text=badge) == []

    at_once(write_and_look, range(40), threads=8)
    assert total(client) == 40
    client.post(UPSERT, {"contact": {**ANA, "externalId": "crm-1"}}, 200)
    error = client.post(UPSERT, {"contact": {**ANA, "externalId": "crm-2"}}, 409)["error"]
    assert (
        error["candidates"][0]["id"] == client.get(LOOKUP, params={"externalId": "crm-1"})["data"][0]["contact"]["id"]
    )


def test_08_there_is_no_wall_of_10000_rows(team: Team, client: Client) -> None:
    """Lists, searches and the feed go on to the last row."""
    count = 10_201
    team.make.contacts(team.workspace_id, count)
    assert client.get(CONTACTS, params={"page": 102, "size": 100})["meta"] == {
        "page": 102, "size": 100, "total": count, "totalPages": 103, "hasMore": False, "nextCursor": None
    }  # fmt: skip
    everybody = {"filter": {"field": "phoneNumbers", "operator": "startsWith", "value": "+33"}, "size": 500}
    seen: set[str] = set()
    cursor = None
    while True:
        page = client.post(f"{CONTACTS}/search", everybody | ({"cursor": cursor} if cursor else {}), 200)
        seen.update(one["id"] for one in page["data"])
        cursor = page["meta"]["nextCursor"]
        if cursor is None:
            break
    assert len(seen) == count
    reader = Reader(client, size=500)
    assert len(reader.read()) == count
    assert set(reader.contacts) == seen


def test_09_creating_at_once_makes_one_and_fails_nobody(team: Team, client: Client, make: Make) -> None:
    """Two jobs meet, or one job does not know whether it was heard: one contact, and every job goes on."""
    answers = at_once(lambda _: client.request("POST", UPSERT, json={"contact": ANA}), range(20))
    assert sorted(one.status_code for one in answers) == [200] * 19 + [201]
    assert len({one.json()["contact"]["id"] for one in answers}) == total(client) == 1
    new = {**ANA, "phoneNumbers": [phone_number(2)]}
    for _ in range(3):
        again = client.request("POST", CONTACTS, json=new, headers={"idempotency-key": "job-7"}, status=201)
    assert again.headers["idempotent-replayed"] == "true"
    assert total(client) == 2
    assert len(make.events(again.headers["location"])) == 1


def test_10_a_deleted_contact_owns_nothing(team: Team, client: Client) -> None:
    """Its id elsewhere, address, number and unique values are free, and nobody is brought back unasked."""
    team.field("Badge", is_unique=True)
    person = {**ANA, "externalId": "crm-1", "email": "ana@example.com", "customFields": {"badge": "7"}}
    old = client.post(UPSERT, {"contact": person}, 201)["contact"]["id"]
    client.delete(f"{CONTACTS}/{old}")
    new = client.post(UPSERT, {"contact": person}, 201)["contact"]["id"]
    assert new != old
    client.get(f"{CONTACTS}/{old}", 404)
    error = client.post(f"{CONTACTS}/{old}/restore", None, 409)["error"]
    assert (error["code"], error["conflictingId"]) == ("EXTERNAL_ID_TAKEN", new)
    client.delete(f"{CONTACTS}/{new}")
    assert client.post(f"{CONTACTS}/{old}/restore", None, 200)["id"] == old, "asked for, it comes back"
