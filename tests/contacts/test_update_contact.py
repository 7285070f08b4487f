"""PATCH /v1/contacts/{id}: the operation of the contract."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.client import Client
from tests.make import Make, Team, phone_number

CLEARABLE = {
    "email": "a@example.com",
    "company": "A",
    "city": "A",
    "country": "A",
    "url": "https://a.example",
    "linkedinUrl": "https://a.example",
    "linkedinSalesUrl": "https://a.example",
    "role": "A",
}
SETTABLE = CLEARABLE | {
    "firstName": "Zoé",
    "lastName": "Roy",
    "allowPhoneCalls": False,
    "phoneNumbers": [phone_number(2), phone_number(1)],
}


@pytest.mark.parametrize("name", SETTABLE)
def test_only_what_is_given_changes(team: Team, client: Client, name: str) -> None:
    path = team.contact()
    before = client.get(path)
    after = client.patch(path, {name: SETTABLE[name]})
    moved = {"updatedAt": after["updatedAt"], "lastModificationSource": "API"}
    assert after == before | {name: SETTABLE[name]} | moved
    assert after["updatedAt"] >= before["updatedAt"]
    assert client.get(path) == after


def test_all_at_once(team: Team, client: Client) -> None:
    team.field("Industry")
    path = team.contact()
    after = client.patch(path, {**SETTABLE, "customFields": {"industry": "Steel"}})
    assert after.items() >= SETTABLE.items()
    assert after["customFields"] == {"Industry": "Steel"}


@pytest.mark.parametrize("nothing", [None, ""])
@pytest.mark.parametrize("name", CLEARABLE)
def test_null_and_empty_text_clear(team: Team, client: Client, name: str, nothing: str | None) -> None:
    path = team.contact()
    client.patch(path, CLEARABLE)
    after = client.patch(path, {name: nothing})
    assert after.items() >= (CLEARABLE | {name: None}).items()


@pytest.mark.parametrize("name", ["firstName", "lastName", "allowPhoneCalls", "phoneNumbers", "customFields"])
def test_null_clears_nothing_that_must_be_there(team: Team, client: Client, name: str) -> None:
    path = team.contact()
    before = client.get(path)
    assert client.faults("PATCH", path, json={name: None, "city": "Lille"}) == [(f"/{name}", "NULL_NOT_ALLOWED")]
    assert client.get(path) == before


@pytest.mark.parametrize("name", ["firstName", "lastName", "phoneNumbers"])
def test_nor_does_nothing(team: Team, client: Client, name: str) -> None:
    body: dict[str, Any] = {name: [] if name == "phoneNumbers" else ""}
    faults = client.faults("PATCH", team.contact(), json=body)
    assert faults == [(f"/{name}", "TOO_FEW_ITEMS" if name == "phoneNumbers" else "TOO_SHORT")]


# --------------------------------------------------------------------------------------------------------- no change


def test_a_patch_that_changes_nothing_leaves_no_trace(team: Team, client: Client, make: Make) -> None:
    team.field("Industry")
    path = team.contact(email="a@example.com", custom_fields={"industry": "Steel"})
    before = client.request("GET", path)
    whole = before.json()
    same = {name: whole[name] for name in ("firstName", "email", "company", "allowPhoneCalls", "phoneNumbers")}
    bodies: list[dict[str, Any]] = [
        {},
        {"customFields": {}},
        same,
        {"email": "a@example.com"},
        {"company": None},
        {"company": ""},
        {"customFields": {"industry": "Steel"}},
        {"customFields": {"Industry": "Steel"}},
        whole,
        {"unknown": 1},
    ]
    for body in bodies:
        response = client.request("PATCH", path, status=200, json=body)
        assert response.json() == whole
        assert response.headers["etag"] == before.headers["etag"]
    assert whole["lastModificationSource"] == "SKIPCALL"
    assert len(make.events(path)) == 1


def test_clearing_what_is_not_there_is_no_change(team: Team, client: Client, make: Make) -> None:
    team.field("Industry")
    path = team.contact()
    before = client.get(path)
    for nothing in (None, ""):
        assert client.patch(path, {"customFields": {"industry": nothing}}) == before
    assert len(make.events(path)) == 1


# -------------------------------------------------------------------------------------------------- what is recorded


def test_each_change_is_recorded(team: Team, client: Client, make: Make) -> None:
    team.field("Team size")
    path = team.contact(city="Lyon", custom_fields={"team_size": "9"})
    response = client.request(
        "PATCH",
        path,
        status=200,
        json={
            "city": "Lille",
            "email": "a@example.com",
            "firstName": "Camille",
            "allowPhoneCalls": False,
            "phoneNumbers": [phone_number(5)],
            "customFields": {"Team size": "10"},
        },
    )
    _, event = make.events(path)
    assert event["type"] == "contact.updated"
    assert event["source"] == "API"
    assert event["workspace_id"] == team.workspace_id
    assert event["object_version"] == 2
    assert event["api_key_id"] == team.key.id
    assert event["request_id"] == response.headers["x-request-id"]
    assert event["occurred_at"].isoformat(timespec="milliseconds")[:-6] + "Z" == response.json()["updatedAt"]
    assert json.loads(event["changes"]) == {
        "city": ["Lyon", "Lille"],
        "email": [None, "a@example.com"],
        "allowPhoneCalls": [True, False],
        "phoneNumbers": [[phone_number()], [phone_number(5)]],
        "customFields": [{"team_size": "9"}, {"team_size": "10"}],
    }
    client.patch(path, {"city": None})
    assert json.loads(make.events(path)[-1]["changes"]) == {"city": ["Lille", None]}


def test_time_never_goes_back(team: Team, client: Client, make: Make) -> None:
    """Whatever the database's clock does, a later change has no earlier time, so that a sync finds it."""
    path = team.contact()
    make.rows(
        "UPDATE contacts SET updated_at = '2099-01-01T00:00:00Z' WHERE id = :id::text::uuid",
        id=path.rpartition("/")[2],
    )
    assert client.patch(path, {"city": "Lille"})["updatedAt"] == "2099-01-01T00:00:00.000Z"
    assert make.events(path)[-1]["occurred_at"].year == 2099


def test_a_refused_patch_leaves_no_trace(team: Team, client: Client, make: Make) -> None:
    path = team.contact()
    before = client.get(path)
    client.patch(path, {"city": "Lille", "email": "nonsense"}, 400)
    client.patch(path, {"city": "Lille", "customFields": {"nothing": "x"}}, 400)
    client.patch(path, {"city": "Lille"}, 412, headers={"if-match": '"99-00000000"'})
    assert client.get(path) == before
    assert len(make.events(path)) == 1


# ---------------------------------------------------------------------------------------------------- what is ignored

READ_ONLY = {
    "id": "550e8400-e29b-41d4-a716-446655440000",
    "teamId": "550e8400-e29b-41d4-a716-446655440000",
    "workspaceId": "550e8400-e29b-41d4-a716-446655440000",
    "callCount": 99,
    "lastCallAt": "2026-01-01T00:00:00.000Z",
    "createdAt": "2026-01-01T00:00:00.000Z",
    "updatedAt": "2026-01-01T00:00:00.000Z",
    "lastModificationSource": "SKIPCALL",
    "version": 7,
    "deletedAt": "2026-01-01T00:00:00.000Z",
    "__proto__": {"admin": True},
    "constructor": 1,
    "__class__": 1,
    "FirstName": "X",
    "first_name": "X",
    "fistName": "X",
}


def test_what_cannot_be_set_is_never_applied(team: Team, client: Client, make: Make) -> None:
    path = team.contact()
    before = client.get(path)
    response = client.request("PATCH", path, status=200, json=READ_ONLY)
    assert response.json() == before
    assert response.headers["x-ignored-fields"] == ", ".join(READ_ONLY)
    assert len(make.events(path)) == 1
    after = client.request("PATCH", path, status=200, json=READ_ONLY | {"city": "Lille"}).json()
    assert after == before | {"city": "Lille", "updatedAt": after["updatedAt"], "lastModificationSource": "API"}


@pytest.mark.parametrize(
    "prefer", ["handling=strict", "Handling=Strict", "respond-async, handling=strict", 'handling = "strict"']
)
def test_strict_handling_refuses_them(team: Team, client: Client, prefer: str) -> None:
    path = team.contact()
    body = {"fistName": "X", "callCount": 1, "city": "Lille"}
    error = client.patch(path, body, 400, headers={"prefer": prefer})["error"]
    assert error["code"] == "VALIDATION_ERROR"
    assert {one["pointer"]: one.get("suggestion") for one in error["details"]}["/fistName"] == "firstName"
    assert {one["pointer"] for one in error["details"]} == {"/fistName", "/callCount"}
    assert client.get(path)["city"] is None


def test_lenient_handling_is_the_default(team: Team, client: Client) -> None:
    client.patch(team.contact(), {"fistName": "X"}, headers={"prefer": "handling=lenient"})


def test_the_names_ignored_are_safe_in_a_header(team: Team, client: Client) -> None:
    names = ["a\r\nx-evil: 1", "é", "\u0000", "a,b", "a b", "", "x" * 1000, *(f"n{number}" for number in range(40))]
    response = client.request("PATCH", team.contact(), status=200, json=dict.fromkeys(names, 1))
    ignored = response.headers["x-ignored-fields"]
    assert "x-evil" not in response.headers
    assert ignored.startswith("a%0D%0Ax-evil%3A%201, %C3%A9, %00, a%2Cb, a%20b, , x")
    assert ignored.endswith(", ...")
    assert len(ignored) < 2000


def test_a_contact_may_be_sent_back_as_it_was_read(team: Team, client: Client) -> None:
    team.field("Team size")
    path = team.contact(email="a@example.com", custom_fields={"team_size": "9"})
    whole = client.get(path)
    assert client.patch(path, whole) == whole


# ------------------------------------------------------------------------------------------------------- conditions


def test_if_match(team: Team, client: Client) -> None:
    path = team.contact()
    old = client.request("GET", path).headers["etag"]
    changed = client.request("PATCH", path, status=200, json={"city": "Lille"}, headers={"if-match": old})
    now = changed.headers["etag"]
    assert now == client.request("GET", path).headers["etag"]
    refused = client.request("PATCH", path, status=412, json={"city": "Lyon"}, headers={"if-match": old})
    assert refused.json()["error"]["code"] == "VERSION_MISMATCH"
    assert refused.headers["etag"] == now
    assert client.get(path)["city"] == "Lille"
    for value in ("*", now, f'"other", {now}', f"{old},{now}"):
        client.patch(path, {"city": "Lille"}, headers={"if-match": value})
    for value in (f"W/{now}", '"other"', '""', '"999999999999999999-00000000"', '"1-0"'):
        client.patch(path, {"city": "Lyon"}, 412, headers={"if-match": value})
    for value in (now.strip('"'), "", f"{now} {now}", f"{now},", "* , *", '"' * 8_000, '"a"' * 4_000, '"é"'):
        options: dict[str, Any] = {"json": {"city": "Lyon"}, "headers": {"if-match": value.encode()}}
        assert client.faults("PATCH", path, **options) == [("/header/If-Match", "MALFORMED_ETAG")]
    assert client.get(path)["city"] == "Lille"


def test_if_match_of_another_contact(team: Team, client: Client) -> None:
    """A tag is good for one contact, also while another one is of the same version."""
    path, other = team.contact(), team.contact()
    tag = client.request("GET", other).headers["etag"]
    client.patch(path, {"city": "Lyon"}, 412, headers={"if-match": tag})
    client.patch(other, {"city": "Lyon"}, headers={"if-match": tag})
    client.patch(other.upper().replace("/V1/CONTACTS", "/v1/contacts"), {}, headers={"if-match": "*"})


def test_if_match_holds_for_a_patch_that_changes_nothing(team: Team, client: Client) -> None:
    path = team.contact()
    old = client.request("GET", path).headers["etag"]
    client.patch(path, {"city": "Lille"})
    client.patch(path, {}, 412, headers={"if-match": old})


def test_two_if_match_fields_are_one_list(team: Team, client: Client) -> None:
    path = team.contact()
    tag = client.request("GET", path).headers["etag"]
    headers = [("if-match", '"other"'), ("if-match", tag)]
    client.request("PATCH", path, status=200, json={"city": "Lille"}, headers=headers)


def test_if_none_match_is_for_reads(team: Team, client: Client) -> None:
    path = team.contact()
    tag = client.request("GET", path).headers["etag"]
    client.patch(path, {"city": "Lille"}, headers={"if-none-match": tag})


# -------------------------------------------------------------------------------------------------------- answering


def test_answer_by_slug(team: Team, client: Client) -> None:
    team.field("Team size")
    path = team.contact()
    body = {"customFields": {"team_size": "9"}}
    assert client.patch(path, body, params={"customFieldKeys": "slug"})["customFields"] == {"team_size": "9"}
    assert client.patch(path, body)["customFields"] == {"Team size": "9"}


@pytest.mark.parametrize(
    "type_", ["application/json", "application/merge-patch+json", "Application/JSON;charset=UTF-8"]
)
def test_content_types(team: Team, client: Client, type_: str) -> None:
    path = team.contact()
    client.request("PATCH", path, status=200, content=b'{"city":"Lille"}', headers={"content-type": type_})
    assert client.get(path)["city"] == "Lille"


def test_all_faults_at_once(team: Team, client: Client) -> None:
    body = {
        "firstName": "",
        "lastName": "x" * 101,
        "email": "nonsense",
        "company": 1,
        "url": "nonsense",
        "role": "a\u0000",
        "allowPhoneCalls": "true",
        "phoneNumbers": ["+33639980000", "0639980000", 7, "+33639980000"],
        "customFields": {"a": 1, "b/c~d": []},
    }
    faults = client.faults("PATCH", f"{team.contact()}?customFieldKeys=x", json=body, headers={"if-match": "x"})
    assert sorted(faults) == sorted(
        [
            ("/query/customFieldKeys", "UNKNOWN_VALUE"),
            ("/header/If-Match", "MALFORMED_ETAG"),
            ("/firstName", "TOO_SHORT"),
            ("/lastName", "TOO_LONG"),
            ("/email", "INVALID_EMAIL"),
            ("/company", "WRONG_TYPE"),
            ("/url", "INVALID_URL"),
            ("/role", "FORBIDDEN_CHARACTER"),
            ("/allowPhoneCalls", "WRONG_TYPE"),
            ("/phoneNumbers/1", "INVALID_PHONE_NUMBER"),
            ("/phoneNumbers/2", "WRONG_TYPE"),
            ("/phoneNumbers/3", "DUPLICATE_PHONE_NUMBER"),
            ("/customFields/a", "WRONG_TYPE"),
            ("/customFields/b~1c~0d", "WRONG_TYPE"),
        ]
    )


def test_at_most_fifty_faults_and_no_value_comes_back(team: Team, client: Client) -> None:
    secret = f"<script>{uuid4()}</script>"
    for body in (
        {"phoneNumbers": [secret] * 20, "email": secret, "url": secret, "firstName": secret * 10},
        {"customFields": {f"key{number}": [secret] for number in range(100)}},
        {"phoneNumbers": [[secret]] * 1000},
    ):
        response = client.request("PATCH", team.contact(), status=400, json=body)
        assert secret not in response.text
        assert len(response.json()["error"]["details"]) >= 20


def test_to_nobody(team: Team, client: Client) -> None:
    error = client.patch(f"/v1/contacts/{uuid4()}", {"city": "Lille"}, 404)["error"]
    assert error["code"] == "NOT_FOUND"
    assert error["message"] == "Contact not found"
