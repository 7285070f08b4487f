"""POST /v1/contacts."""

from uuid import UUID, uuid4

import pytest

from tests.client import Client
from tests.make import Make, Team, phone_number

LEAST = {"firstName": "Camille", "lastName": "Moreau", "phoneNumbers": [phone_number()]}
WHOLE = {
    **LEAST,
    "email": "camille.moreau@example.com",
    "company": "Atelier Nord",
    "city": "Lille",
    "country": "France",
    "url": "https://example.com/",
    "linkedinUrl": "https://www.linkedin.com/in/camille",
    "linkedinSalesUrl": "https://www.linkedin.com/sales/lead/camille",
    "role": "CTO",
    "allowPhoneCalls": False,
    "phoneNumbers": [phone_number(2), phone_number(1)],
}


def test_creates_what_was_sent(team: Team, client: Client, make: Make) -> None:
    team.field("Industry")
    response = client.request("POST", "/v1/contacts", status=201, json={**WHOLE, "customFields": {"industry": "Steel"}})
    contact = response.json()
    assert contact.items() >= WHOLE.items()
    assert contact["customFields"] == {"Industry": "Steel"}
    assert contact["teamId"] == str(team.workspace_id)
    assert contact["lastModificationSource"] == "API"
    assert contact["callCount"] == 0
    assert contact["createdAt"] == contact["updatedAt"]
    assert UUID(contact["id"]).version == 7
    path = f"/v1/contacts/{contact['id']}"
    assert response.headers["location"] == path
    assert client.get(path) == contact
    assert client.request("GET", path).headers["etag"] == response.headers["etag"]
    (event,) = make.events(path)
    assert event["type"] == "contact.created"
    assert event["source"] == "API"
    assert event["object_version"] == 1
    assert event["api_key_id"] == team.key.id
    assert event["request_id"] == response.headers["x-request-id"]
    assert event["workspace_id"] == team.workspace_id
    assert event["changes"] is None


def test_only_names_and_a_number_are_required(client: Client) -> None:
    contact = client.post("/v1/contacts", LEAST)
    assert contact["allowPhoneCalls"] is True
    assert contact["email"] is None
    assert contact["customFields"] == {}
    faults = client.faults("POST", "/v1/contacts", json={})
    assert sorted(faults) == [("/firstName", "REQUIRED"), ("/lastName", "REQUIRED"), ("/phoneNumbers", "REQUIRED")]


def test_null_and_empty_text_leave_a_value_out(client: Client) -> None:
    for nothing in (None, ""):
        names = ("email", "company", "city", "country", "url", "linkedinUrl", "linkedinSalesUrl", "role")
        contact = client.post("/v1/contacts", LEAST | dict.fromkeys(names, nothing))
        assert [contact[name] for name in names] == [None] * len(names)
    required = LEAST | {"firstName": None, "lastName": None, "phoneNumbers": None, "allowPhoneCalls": None}
    faults = client.faults("POST", "/v1/contacts", json={**required, "customFields": None})
    assert dict(faults) == dict.fromkeys(
        ("/firstName", "/lastName", "/phoneNumbers", "/allowPhoneCalls", "/customFields"), "NULL_NOT_ALLOWED"
    )


def test_workspace(team: Team, make: Make) -> None:
    second = team.workspace()
    client = team.client_for(second, team.workspace_id)
    assert client.post("/v1/contacts", LEAST)["teamId"] == str(second), "the key's default workspace is its first"
    assert client.post("/v1/contacts", LEAST, params={"workspaceId": str(team.workspace_id)})["teamId"] == str(
        team.workspace_id
    )
    third, test_mode = team.workspace(), team.workspace("TEST")
    outside = [str(third), str(test_mode), str(make.team().workspace_id), str(uuid4()), "1", "%00"]
    codes = [
        client.post("/v1/contacts", LEAST, status=404, params={"workspaceId": one})["error"]["code"] for one in outside
    ]
    assert codes == ["NOT_FOUND"] * len(outside)
    assert make.value("SELECT count(*) FROM contacts WHERE workspace_id = ANY(:ids)", ids=[third, test_mode]) == 0


def test_custom_fields(team: Team, client: Client) -> None:
    team.field("Team size")
    contact = client.post("/v1/contacts", {**LEAST, "customFields": {"team_size": "9"}})
    assert contact["customFields"] == {"Team size": "9"}
    by_name = client.request("POST", "/v1/contacts", status=201, json={**LEAST, "customFields": {"Team size": "9"}})
    assert by_name.json()["customFields"] == {"Team size": "9"}
    assert by_name.headers["deprecation"].startswith("@")
    assert 'rel="deprecation"' in by_name.headers["link"]
    error = client.post("/v1/contacts", {**LEAST, "customFields": {"team_sise": "9"}}, 400)["error"]
    assert error["code"] == "UNKNOWN_CUSTOM_FIELD"
    assert error["details"][0]["pointer"] == "/customFields/team_sise"
    assert error["details"][0]["suggestion"] == "team_size"
    for nothing in (None, ""):
        assert client.post("/v1/contacts", {**LEAST, "customFields": {"team_size": nothing}})["customFields"] == {}


def test_answer_by_slug(team: Team, client: Client) -> None:
    team.field("Team size")
    body = {**LEAST, "customFields": {"team_size": "9"}}
    contact = client.post("/v1/contacts", body, params={"customFieldKeys": "slug"})
    assert contact["customFields"] == {"team_size": "9"}


def test_what_cannot_be_set_is_ignored_and_named(client: Client) -> None:
    body = {**LEAST, "id": str(uuid4()), "callCount": 7, "teamId": str(uuid4()), "fistName": "X"}
    response = client.request("POST", "/v1/contacts", status=201, json=body)
    assert response.headers["x-ignored-fields"] == "id, callCount, teamId, fistName"
    contact = response.json()
    assert contact["id"] != body["id"]
    assert contact["callCount"] == 0
    refused = client.post("/v1/contacts", body, 400, headers={"prefer": "handling=strict"})["error"]
    suggested = {one["pointer"]: one.get("suggestion") for one in refused["details"]}
    assert suggested["/fistName"] == "firstName"
    assert set(suggested) == {"/id", "/callCount", "/teamId", "/fistName"}


def test_a_refused_creation_leaves_nothing(team: Team, client: Client, make: Make) -> None:
    client.post("/v1/contacts", {**LEAST, "customFields": {"nothing": "x"}}, 400)
    client.post("/v1/contacts", {**LEAST, "phoneNumbers": []}, 400)
    assert client.get("/v1/contacts")["meta"]["total"] == 0
    assert make.value("SELECT count(*) FROM events WHERE workspace_id = :id", id=team.workspace_id) == 0


def test_the_same_number_and_address_may_be_on_several_contacts(client: Client) -> None:
    first = client.post("/v1/contacts", {**LEAST, "email": "same@example.com"})
    second = client.post("/v1/contacts", {**LEAST, "email": "same@example.com"})
    assert first["id"] < second["id"], "ids are in the order of creation"
    assert client.get("/v1/contacts")["meta"]["total"] == 2


@pytest.mark.parametrize("headers", [{"If-Match": "*"}, {"If-None-Match": '"nonsense"'}])
def test_conditions_are_for_what_exists(client: Client, headers: dict[str, str]) -> None:
    client.post("/v1/contacts", LEAST, headers=headers)
