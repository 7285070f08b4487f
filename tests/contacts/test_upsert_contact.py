"""POST /v1/contacts/upsert."""

from typing import Any
from uuid import uuid4

import pytest

from skipcall.custom_fields.model import CustomFieldOption
from tests.client import Client
from tests.make import Make, Team, phone_number

PATH = "/v1/contacts/upsert"
PERSON: dict[str, Any] = {"firstName": "Camille", "lastName": "Moreau", "phoneNumbers": [phone_number(1)]}


def upsert(client: Client, contact: dict[str, Any], status: int = 200, **options: Any) -> Any:
    return client.post(PATH, options | {"contact": contact}, status, params={"include": "externalId"})


def test_creates_what_no_key_leads_to(team: Team, client: Client, make: Make) -> None:
    team.field("Industry")
    body = {**PERSON, "email": "camille@example.com", "externalId": "crm-1", "customFields": {"industry": "Steel"}}
    response = client.request("POST", PATH, status=201, json={"contact": body}, params={"include": "externalId"})
    answer = response.json()
    contact = answer["contact"]
    assert (answer["status"], answer["matchedBy"], answer["changes"]) == ("created", [], None)
    assert contact.items() >= (body | {"customFields": {"Industry": "Steel"}}).items()
    path = f"/v1/contacts/{contact['id']}"
    assert response.headers["location"] == path
    assert client.get(path, params={"include": "externalId"}) == contact
    assert client.request("GET", path, params={"include": "externalId"}).headers["etag"] == response.headers["etag"]
    (event,) = make.events(path)
    assert (event["type"], event["changes"], event["source"]) == ("contact.created", None, "API")
    assert (event["api_key_id"], event["request_id"]) == (team.key.id, response.headers["x-request-id"])
    assert client.get("/v1/contacts")["meta"]["total"] == 1


@pytest.mark.parametrize(
    ("key", "given"),
    [
        ("externalId", {"externalId": "crm-1"}),
        ("phoneNumbers", {"phoneNumbers": [phone_number(9), phone_number(2)]}),
        ("email", {"email": "CAMILLE@example.COM"}),
        ("id", {}),
    ],
)
def test_each_key_leads_to_the_contact(client: Client, key: str, given: dict[str, Any]) -> None:
    known = {"externalId": "crm-1", "email": "camille@example.com", "phoneNumbers": [phone_number(1), phone_number(2)]}
    id = upsert(client, PERSON | known, 201)["contact"]["id"]
    answer = upsert(client, {"id": id, "city": "Lille"} if key == "id" else given | {"city": "Lille"})
    assert (answer["status"], answer["matchedBy"], answer["contact"]["id"]) == ("updated", [key], id)
    assert answer["changes"]["city"] == [None, "Lille"]
    assert client.get("/v1/contacts")["meta"]["total"] == 1


def test_what_is_equal_changes_nothing(team: Team, client: Client, make: Make) -> None:
    path = team.contact(phone_numbers=[phone_number(1)], city="Lille")
    before = client.get(path)
    for given in ({"phoneNumbers": [phone_number(1)]}, {"id": path[-36:]}, {**PERSON, "city": "Lille", "email": None}):
        answer = upsert(client, given)
        assert (answer["status"], answer["changes"]) == ("unchanged", None)
    assert client.get(path) == before
    assert len(make.events(path)) == 1
    assert before["lastModificationSource"] == "SKIPCALL"


def test_absent_stays_and_null_clears(team: Team, client: Client, make: Make) -> None:
    path = team.contact(phone_numbers=[phone_number(1)], city="Lille", company="Nord")
    answer = upsert(client, {"phoneNumbers": [phone_number(1)], "company": None, "role": "CTO"})
    assert answer["changes"] == {"company": ["Nord", None], "role": [None, "CTO"]}
    contact = client.get(path)
    assert (contact["city"], contact["company"], contact["role"]) == ("Lille", None, "CTO")
    assert contact["lastModificationSource"] == "API"
    assert make.events(path)[-1]["object_version"] == 2
    listed = client.get("/v1/contacts", params={"updatedSince": contact["updatedAt"]})["data"]
    assert listed == [contact], "it is among what has changed"


def test_fill_if_empty_leaves_what_people_wrote(team: Team, client: Client) -> None:
    team.contact(phone_numbers=[phone_number(1)], city="Lille", allow_phone_calls=False)
    given = {**PERSON, "firstName": "X", "city": "Paris", "company": "Nord", "allowPhoneCalls": True}
    answer = upsert(client, given | {"phoneNumbers": [phone_number(1), phone_number(2)]}, mode="fillIfEmpty")
    assert answer["changes"] == {"company": [None, "Nord"]}
    answer = upsert(client, given, modes={"city": "fillIfEmpty", "company": "fillIfEmpty"})
    assert set(answer["changes"]) == {"firstName", "allowPhoneCalls"}


def test_phone_numbers_are_replaced_or_appended(team: Team, client: Client) -> None:
    team.contact(phone_numbers=[phone_number(1), phone_number(2)])
    append: dict[str, Any] = {"modes": {"phoneNumbers": "append"}}
    both = upsert(client, {"phoneNumbers": [phone_number(3), phone_number(2)]}, **append)["contact"]
    assert both["phoneNumbers"] == [phone_number(1), phone_number(2), phone_number(3)]
    numbers = [phone_number(n) for n in range(3, 21)]
    error = client.post(PATH, {"contact": {"phoneNumbers": numbers}, **append}, 200)
    assert len(error["contact"]["phoneNumbers"]) == 20
    body = {"contact": {"phoneNumbers": [phone_number(1), phone_number(30)]}, **append}
    assert client.faults("POST", PATH, json=body) == [("/contact/phoneNumbers", "TOO_MANY_ITEMS")]
    assert upsert(client, {"phoneNumbers": [phone_number(1)]})["contact"]["phoneNumbers"] == [phone_number(1)]


@pytest.mark.parametrize(
    ("known", "given"),
    [
        ("+5511987654321", "+551187654321"),
        ("+551187654321", "+5511987654321"),
        ("+5491123456789", "+541123456789"),
    ],
)
def test_a_number_leads_to_the_contact_in_every_form(team: Team, client: Client, known: str, given: str) -> None:
    path = team.contact(phone_numbers=[known])
    modes = {"phoneNumbers": "append"}
    answer = client.post("/v1/contacts/batch", {"modes": modes, "items": [PERSON | {"phoneNumbers": [given]}]}, 200)
    assert [one["matchedBy"] for one in answer["results"]] == [["phoneNumbers"]]
    assert client.get(path)["phoneNumbers"] == [known], "it is there already"
    team.contact(phone_numbers=[given])
    error = upsert(client, {"phoneNumbers": [given]}, 409)["error"]
    assert (error["code"], len(error["candidates"])) == ("AMBIGUOUS_MATCH", 2)


def test_keys_of_several_contacts_are_ambiguous(team: Team, client: Client, make: Make) -> None:
    first = team.contact(phone_numbers=[phone_number(1)])
    second = team.contact(phone_numbers=[phone_number(2)], email="a@example.com")
    given = {"phoneNumbers": [phone_number(1), phone_number(2)], "email": "A@example.com", "city": "Lille"}
    error = upsert(client, given, 409)["error"]
    assert error["code"] == "AMBIGUOUS_MATCH"
    assert error["candidates"] == [
        {
            "id": first[-36:],
            "externalId": None,
            "matchedBy": [{"key": "phoneNumbers", "value": phone_number(1)}],
        },
        {
            "id": second[-36:],
            "externalId": None,
            "matchedBy": [
                {"key": "phoneNumbers", "value": phone_number(2)},
                {"key": "email", "value": "A@example.com"},
            ],
        },
    ]
    assert len(make.events(first)) == len(make.events(second)) == 1
    assert upsert(client, given, match=["email"])["contact"]["id"] == second[-36:], "what is meant can be said"


def test_an_id_says_who_is_meant(team: Team, client: Client) -> None:
    """Others may have the numbers and the address as well, as a PATCH lets them; an external id nobody else may have."""
    shared = {"phone_numbers": [phone_number(1)], "email": "a@example.com"}
    first, second, _ = (team.contact(last_name=name, **shared) for name in ("A", "B", "C"))
    sent_back = client.get(second)
    known = {name: sent_back[name] for name in ("id", "phoneNumbers", "email", "lastName")}
    assert upsert(client, known | {"city": "Lille"})["contact"]["id"] == second[-36:]
    every = [client.get(one) for one in (first, second)]
    results = client.post("/v1/contacts/batch", {"items": every}, 200)["results"]
    assert [one["status"] for one in results] == ["unchanged", "unchanged"]
    upsert(client, {"id": first[-36:], "externalId": "crm-1"})
    error = upsert(client, known | {"externalId": "crm-1"}, 409)["error"]
    assert [one["id"] for one in error["candidates"]] == [second[-36:], first[-36:]]


def test_more_candidates_than_are_told(team: Team, client: Client) -> None:
    for _ in range(101):
        team.contact(phone_numbers=[phone_number(1)])
    assert len(upsert(client, PERSON, 409)["error"]["candidates"]) == 100


class TestExternalId:
    def test_is_taken_by_a_contact_without_one(self, team: Team, client: Client) -> None:
        path = team.contact(phone_numbers=[phone_number(1)])
        for mode in ("fillIfEmpty", "overwrite"):
            answer = upsert(client, {**PERSON, "externalId": "crm-1"}, mode=mode)
            assert answer["contact"]["externalId"] == "crm-1"
        assert client.get(path, params={"include": "externalId"})["externalId"] == "crm-1"

    def test_of_another_contact_is_ambiguous(self, team: Team, client: Client) -> None:
        team.contact(phone_numbers=[phone_number(2)])
        upsert(client, {**PERSON, "externalId": "crm-1"}, 201)
        given = {"phoneNumbers": [phone_number(2)], "externalId": "crm-1"}
        assert len(upsert(client, given, 409)["error"]["candidates"]) == 2
        assert len(upsert(client, given, 409, match=["phoneNumbers"])["error"]["candidates"]) == 2
        (candidate,) = upsert(
            client, given | PERSON | {"phoneNumbers": [phone_number(3)]}, 409, match=["phoneNumbers"]
        )["error"]["candidates"]
        assert candidate["matchedBy"] == [{"key": "externalId", "value": "crm-1"}]

    def test_another_one_is_not_written_over_by_a_phone_number(self, client: Client) -> None:
        id = upsert(client, {**PERSON, "externalId": "crm-1"}, 201)["contact"]["id"]
        (candidate,) = upsert(client, {**PERSON, "externalId": "crm-2"}, 409)["error"]["candidates"]
        assert (candidate["id"], candidate["externalId"]) == (id, "crm-1")
        assert upsert(client, {"id": id, "externalId": "crm-2"})["changes"] == {"externalId": ["crm-1", "crm-2"]}
        assert upsert(client, {"externalId": "crm-2", "city": "Lille"})["contact"]["id"] == id

    def test_of_a_deleted_contact_is_free(self, client: Client) -> None:
        person = {**PERSON, "externalId": "crm-1", "email": "a@example.com"}
        first = upsert(client, person, 201)["contact"]["id"]
        client.delete(f"/v1/contacts/{first}")
        assert upsert(client, person, 201)["contact"]["id"] != first
        assert client.faults("POST", PATH, json={"contact": {"id": first, "city": "Lille"}}) == [
            ("/contact/id", "UNKNOWN_CONTACT")
        ]

    def test_is_forgotten_with_null(self, client: Client) -> None:
        id = upsert(client, {**PERSON, "externalId": "crm-1"}, 201)["contact"]["id"]
        assert upsert(client, {"id": id, "externalId": None})["contact"]["externalId"] is None


def test_a_dry_run_answers_and_does_nothing(team: Team, client: Client, make: Make) -> None:
    answer = upsert(client, PERSON, dryRun=True)
    assert answer == {"status": "created", "matchedBy": [], "changes": None, "contact": None}
    path = team.contact(phone_numbers=[phone_number(1)])
    before = client.get(path)
    response = client.request("POST", PATH, status=200, json={"dryRun": True, "contact": {**PERSON, "city": "Lille"}})
    assert response.json()["changes"] == {"city": [None, "Lille"]}
    assert response.json()["contact"]["city"] == "Lille"
    assert "etag" not in response.headers
    assert client.get(path) == before
    assert len(make.events(path)) == 1
    upsert(client, {**PERSON, "firstName": ""}, 400, dryRun=True)
    assert client.get("/v1/contacts")["meta"]["total"] == 1


def test_every_fault_is_told_at_once(client: Client) -> None:
    contact = {
        "firstName": 3,
        "email": "a@b@c",
        "phoneNumbers": [phone_number(1), "+33"],
        "customFields": {"a": "\n"},
        "externalId": "\n",
        "id": "1",
        "url": 7,
    }
    body = {"match": ["name"], "mode": "x", "modes": {"city": "append"}, "dryRun": 1, "contact": contact}
    assert sorted(client.faults("POST", PATH, json=body)) == [
        ("/contact/customFields/a", "FORBIDDEN_CHARACTER"),
        ("/contact/email", "INVALID_EMAIL"),
        ("/contact/externalId", "FORBIDDEN_CHARACTER"),
        ("/contact/firstName", "WRONG_TYPE"),
        ("/contact/id", "INVALID_ID"),
        ("/contact/phoneNumbers/1", "INVALID_PHONE_NUMBER"),
        ("/contact/url", "WRONG_TYPE"),
        ("/dryRun", "WRONG_TYPE"),
        ("/match/0", "UNKNOWN_VALUE"),
        ("/mode", "UNKNOWN_VALUE"),
        ("/modes/city", "UNKNOWN_VALUE"),
    ]
    assert client.faults("POST", PATH, json={}) == [("/contact", "REQUIRED")]
    assert client.faults("POST", PATH, json={"contact": []}) == [("/contact", "WRONG_TYPE")]


def test_what_a_new_contact_needs(client: Client) -> None:
    body: dict[str, Any] = {"contact": {"email": "a@example.com"}}
    assert client.faults("POST", PATH, json=body) == [
        ("/contact/firstName", "REQUIRED"),
        ("/contact/lastName", "REQUIRED"),
        ("/contact/phoneNumbers", "REQUIRED"),
    ]
    assert client.faults("POST", PATH, json={"contact": {"city": "Lille", "email": ""}}) == [("/contact", "REQUIRED")]
    body = {"contact": PERSON, "match": ["externalId"]}
    assert client.faults("POST", PATH, json=body) == [("/contact", "REQUIRED")], "it could only be made again and again"


def test_custom_fields(team: Team, client: Client) -> None:
    team.field("Team size")
    for key, deprecated in (("team_size", False), ("Team size", True)):
        body = {"contact": {**PERSON, "customFields": {key: "9"}}}
        response = client.request("POST", PATH, json=body)
        assert response.json()["contact"]["customFields"] == {"Team size": "9"}
        assert ("deprecation" in response.headers) == deprecated
    error = upsert(client, {**PERSON, "customFields": {"team_sise": "9"}}, 400)["error"]
    assert (error["code"], error["details"][0]["pointer"], error["details"][0]["suggestion"]) == (
        "UNKNOWN_CUSTOM_FIELD",
        "/contact/customFields/team_sise",
        "team_size",
    )
    body = {"contact": {**PERSON, "customFields": {"team_size": "9", "Team size": "9"}}}
    assert client.faults("POST", PATH, json=body) == [("/contact/customFields", "DUPLICATE_CUSTOM_FIELD")]
    answer = upsert(client, {**PERSON, "customFields": {"team_size": None}})
    assert answer["changes"] == {"customFields": [{"team_size": "9"}, {}]}


def test_what_is_not_known_is_named(client: Client) -> None:
    body = {"contact": {**PERSON, "fistName": "X", "callCount": 1}, "modes": {"phone": "append"}, "dryrun": True}
    response = client.request("POST", PATH, status=201, json=body)
    assert response.headers["x-ignored-fields"] == "dryrun, phone, fistName, callCount"
    refused = client.post(PATH, body, 400, headers={"prefer": "handling=strict"})["error"]
    assert {one["pointer"]: one.get("suggestion") for one in refused["details"]} == {
        "/dryrun": "dryRun",
        "/modes/phone": None,
        "/contact/fistName": "firstName",
        "/contact/callCount": "country",
    }


def test_only_contacts_of_the_workspace_are_found(team: Team, make: Make) -> None:
    second = team.workspace()
    client = team.client_for(team.workspace_id, second)
    path = team.contact(phone_numbers=[phone_number(1)], email="a@example.com")
    there = {"workspaceId": str(second)}
    body = {"contact": {**PERSON, "email": "a@example.com"}}
    made = client.post(PATH, body, 201, params=there)["contact"]
    assert made["teamId"] == str(second)
    assert client.post(PATH, body, 200)["contact"]["id"] == path[-36:]
    by_id = {"contact": {"id": path[-36:], "city": "Lille"}}
    assert client.faults("POST", PATH, json=by_id, params=there) == [("/contact/id", "UNKNOWN_CONTACT")]
    for outside in (str(make.team().workspace_id), str(team.workspace("TEST")), str(uuid4()), "x"):
        client.post(PATH, body, 404, params={"workspaceId": outside})


def test_the_same_key_does_it_once(client: Client, make: Make) -> None:
    headers = {"idempotency-key": "one"}
    first = client.request("POST", PATH, json={"contact": PERSON}, headers=headers, status=201)
    again = client.request("POST", PATH, json={"contact": PERSON}, headers=headers, status=201)
    assert again.headers["idempotent-replayed"] == "true"
    assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])
    dry = client.request(
        "POST", PATH, json={"dryRun": True, "contact": {**PERSON, "city": "Lille"}}, headers={"idempotency-key": "two"}
    )
    assert dry.json()["status"] == "updated"
    assert len(make.events(first.headers["location"])) == 1


def test_a_custom_value_that_the_contact_has_can_be_sent_back_whatever_became_of_the_field(
    team: Team, client: Client
) -> None:
    old = CustomFieldOption("food", "Food")
    field = team.field("Industry", type="select", options=[old])
    team.field("Amount", type="number")
    path = team.contact(phone_numbers=PERSON["phoneNumbers"], custom_fields={"industry": "food"})
    # The old option is archived, and its key is the label of the new one.
    client.patch(f"/v1/custom-fields/{field.id}", {"options": [{"key": "fish", "label": "food"}]})
    before = client.get(path)
    for mode in ("overwrite", "fillIfEmpty"):
        answer = upsert(client, {**PERSON, "customFields": {"industry": "food"}}, mode=mode)
        assert (answer["status"], answer["changes"]) == ("unchanged", None)
    assert client.patch(path, {"customFields": {"industry": "food"}}) == before
    item = {**PERSON, "customFields": {"industry": "food", "amount": "7"}}
    assert client.post("/v1/contacts/batch", {"items": [item]}, 200)["summary"]["updated"] == 1
    assert client.get(path)["customFields"] == {"Industry": "food", "Amount": "7"}
    other = {**PERSON, "phoneNumbers": [phone_number(2)], "customFields": {"industry": "food"}}
    assert upsert(client, other, 201)["contact"]["customFields"] == {"Industry": "fish"}


def test_all_that_is_wrong_with_a_contact_comes_at_once(team: Team, client: Client) -> None:
    team.field("Amount", type="number")
    team.field("Since", type="date")
    team.field("Segment", is_required=True)
    new = {"externalId": "crm-1", "firstName": "Ana", "customFields": {"amount": "1,5", "Since": "soon"}}
    assert sorted(client.faults("POST", PATH, json={"contact": new})) == [
        ("/contact/customFields/Since", "INVALID_DATE"),
        ("/contact/customFields/amount", "INVALID_NUMBER"),
        ("/contact/customFields/segment", "REQUIRED_CUSTOM_FIELD"),
        ("/contact/lastName", "REQUIRED"),
        ("/contact/phoneNumbers", "REQUIRED"),
    ]
    upsert(client, {**PERSON, "customFields": {"segment": "A"}}, 201)
    for mode in ("overwrite", "fillIfEmpty"):
        body = {"contact": {**PERSON, "customFields": {"amount": "1,5"}}, "mode": mode}
        assert client.faults("POST", PATH, json=body) == [("/contact/customFields/amount", "INVALID_NUMBER")]
    values = {"amount": "1,5", "segment": ""}
    assert sorted(client.faults("POST", PATH, json={"contact": {**PERSON, "customFields": values}})) == [
        ("/contact/customFields/amount", "INVALID_NUMBER"),
        ("/contact/customFields/segment", "REQUIRED_CUSTOM_FIELD"),
    ]
