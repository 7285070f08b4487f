"""`include`: what contacts are answered with beside the documented properties."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.client import Client
from tests.make import Make, Team, phone_number

DOCUMENT = Path(__file__).parents[2] / "openapi.json"
PERSON = {"firstName": "Camille", "lastName": "Moreau", "phoneNumbers": [phone_number(1)]}
INCLUDED = {"include": "externalId"}
BOTH = {"include": "externalId,consent"}
# Everything that is known of a person has no view.
WHOLE = {"PersonalDataController_get"}


@pytest.fixture
def path(client: Client) -> str:
    body = {"contact": PERSON | {"externalId": "crm-1"}}
    return client.request("POST", "/v1/contacts/upsert", json=body, status=201).headers["location"]


def answers_contacts(schemas: dict[str, Any], schema: Any, seen: set[str]) -> bool:
    names = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(schema))) - seen
    seen |= names
    return "PublicContactDto" in names or any(answers_contacts(schemas, schemas[name], seen) for name in names)


def test_every_operation_that_answers_contacts_takes_it() -> None:
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    answering = {
        one["operationId"]: {parameter["name"] for parameter in one.get("parameters", ())}
        for operations in document["paths"].values()
        for one in operations.values()
        if answers_contacts(
            document["components"]["schemas"], [one["responses"].get(code) for code in ("200", "201")], set()
        )
    }
    assert len(answering) > 10
    assert answering.keys() >= WHOLE
    for name in answering.keys() - WHOLE:
        assert {"include", "customFieldKeys"} <= answering[name], name


def contacts_in(answer: Any) -> list[dict[str, Any]]:
    """Return every contact that an answer holds, wherever it stands."""
    if isinstance(answer, list):
        return [one for item in answer for one in contacts_in(item)]
    if not isinstance(answer, dict):
        return []
    return [answer] if "lastModificationSource" in answer else contacts_in(list(answer.values()))


def test_every_operation_answers_it_when_asked(path: str, client: Client) -> None:
    entry = client.post(f"{path}/consents", {"status": "refused", "source": "Phone call"})
    plain = client.get(path)
    own = {"externalId": "crm-1"}
    body: dict[str, Any] = {"contact": {"externalId": "crm-1"}}
    number = {"phoneNumber": phone_number(1)}
    asks: list[tuple[str, str, Any]] = [
        ("GET", path, None),
        ("GET", "/v1/contacts", None),
        ("GET", "/v1/contacts?sort=createdAt", None),
        ("GET", "/v1/contacts?updatedSince=2026-01-01T00:00:00Z", None),
        ("GET", "/v1/contacts/lookup?externalId=crm-1", None),
        ("GET", "/v1/changes?object=contact", None),
        ("PATCH", path, {}),
        ("PATCH", path, {"customFields": {}}),
        ("POST", "/v1/contacts/search", {}),
        ("POST", "/v1/contacts/upsert", body),
        ("POST", f"{path}/phone-numbers", number),
        ("POST", f"{path}/restore", None),
    ]
    for method, url, json_body in asks:
        for include, expected in (
            ({}, plain),
            (INCLUDED, plain | own),
            ({"include": "externalId , externalId"}, plain | own),
            ({"include": "consent"}, plain | {"consent": entry}),
            (BOTH, plain | own | {"consent": entry}),
        ):
            options = {} if json_body is None else {"json": json_body}
            query = dict(one.split("=") for one in url.partition("?")[2].split("&") if one) | include
            answer = client.request(method, url.partition("?")[0], status=200, params=query, **options).json()
            assert contacts_in(answer), url
            assert all(one == expected for one in contacts_in(answer)), (method, url, include)


def test_what_one_statement_does_not_see_of_its_own_triggers_is_answered(client: Client) -> None:
    """Whoever may not be called gets an entry by a trigger, after the statement has begun."""
    made = client.post("/v1/contacts", PERSON | {"allowPhoneCalls": False}, params=BOTH)
    assert (made["externalId"], made["consent"]["status"], made["consent"]["position"]) == (None, "objected", 1)
    path = f"/v1/contacts/{made['id']}"
    # That somebody allows it again is nothing that the person said.
    allowed = client.patch(path, {"allowPhoneCalls": True}, params=BOTH)
    assert (allowed["allowPhoneCalls"], allowed["consent"]) == (True, made["consent"])
    assert [one["status"] for one in client.walk(f"{path}/consents")] == ["asserted", "objected"]
    item = {"contact": {"id": made["id"], "allowPhoneCalls": False}, "dryRun": True}
    shown = client.post("/v1/contacts/upsert", item, 200, params=BOTH)["contact"]
    assert (shown["consent"]["status"], shown["consent"]["position"]) == ("objected", 3)
    assert client.get(path, params=BOTH) == allowed
    assert client.post("/v1/contacts", PERSON, params=BOTH)["consent"] is None
    assert not {"externalId", "consent"} & client.post("/v1/contacts", PERSON).keys()


def test_merged_contacts_and_deleted_ones(team: Team, client: Client) -> None:
    target, source = team.contact(), team.contact()
    client.patch(source, {"allowPhoneCalls": False})
    merge = {"contactId": source.rpartition("/")[2]}
    groups = client.get("/v1/contacts/duplicates", params=BOTH)["data"]
    assert [one["consent"] and one["consent"]["status"] for one in contacts_in(groups)] == [None, "objected"]
    for more in ({"dryRun": True}, {}):
        merged = client.post(f"{target}/merge", merge | more, 200, params=BOTH)["contact"]
        assert (merged["consent"]["status"], merged["externalId"]) == ("objected", None)
    back = client.post(f"{source}/unmerge", None, 200, params=BOTH)["contact"]
    assert back["consent"] == client.walk(f"{source}/consents")[0]
    client.request("DELETE", source, status=204)
    listed = client.walk("/v1/contacts", include="consent", includeDeleted=True)
    assert {one["id"]: one["consent"]["status"] for one in listed if one["deletedAt"]} == {
        merge["contactId"]: "objected"
    }


def test_the_ledger_of_another_contact_is_not_shown(make: Make, team: Team) -> None:
    other = make.team()
    mine, theirs = team.contact(), other.contact()
    team.client.post(f"{mine}/consents", {"status": "withdrawn", "source": "Letter"})
    assert other.client.get(theirs, params=BOTH)["consent"] is None
    many = [team.contact() for _ in range(3)]
    listed = team.client.walk("/v1/contacts", include="consent", sort="createdAt")
    assert [one["consent"] and one["consent"]["status"] for one in listed] == ["withdrawn", *[None] * len(many)]


def test_the_tag_is_that_of_what_is_answered(path: str, client: Client) -> None:
    tags = [client.request("GET", path, params=query).headers["etag"] for query in ({}, INCLUDED, BOTH)]
    assert len(set(tags)) == len(tags)
    client.request("GET", path, params=INCLUDED, headers={"if-none-match": tags[0]}, status=200)
    client.request("GET", path, params=INCLUDED, headers={"if-none-match": tags[1]}, status=304)
    client.request("GET", path, params=BOTH, headers={"if-none-match": tags[2]}, status=304)
    given = {"status": "given", "source": "Web form", "legalBasis": "consent", "purpose": "Offers"}
    client.post(f"{path}/consents", given)
    client.request("GET", path, params=BOTH, headers={"if-none-match": tags[2]}, status=200)
    client.patch(path, {"city": "Lille"}, headers={"if-match": tags[0]})


@pytest.mark.parametrize("include", ["", "everything", "externalId,", "externalid", "external_id", "deletedAt"])
def test_unknown_names_are_refused(path: str, client: Client, include: str) -> None:
    query = {"include": include}
    expected = [("/query/include", "UNKNOWN_VALUE")]
    for listing in ("", "/duplicates", "/lookup"):
        more = {"externalId": "crm-1"} if listing == "/lookup" else {}
        assert client.faults("GET", f"/v1/contacts{listing}", params=query | more) == expected
    assert client.faults("GET", path, params=query) == expected
    assert client.faults("GET", "/v1/changes", params=query) == expected
    assert client.faults("POST", "/v1/contacts", params=query, json=PERSON) == expected
    assert client.faults("POST", "/v1/contacts/search", params=query, json={}) == expected
    assert client.faults("PATCH", path, params=query, json={}) == expected
    assert client.faults("POST", "/v1/contacts/upsert", params=query, json={"contact": PERSON}) == expected
