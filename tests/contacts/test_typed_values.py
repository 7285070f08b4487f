"""`customFields` of a contact where fields have a type, or must be there."""

from typing import Any

import pytest

from skipcall.custom_fields.model import CustomFieldOption
from tests.client import Client
from tests.make import Make, Team, phone_number

NEW = {"firstName": "Ana", "lastName": "Lopez", "phoneNumbers": [phone_number()]}
OPTIONS = [CustomFieldOption("food", "Food & drinks"), CustomFieldOption("retail", "Retail")]
GOOD = {
    "amount": "-12.50",
    "since": "2024-02-29",
    "industry": "food",
    "site": "https://a.example/x",
    "is_client": "true",
    "note": "1,5",
}
WRONG = {
    "amount": ("1,5", "INVALID_NUMBER"),
    "since": ("2023-02-29", "INVALID_DATE"),
    "industry": ("Foood", "UNKNOWN_OPTION"),
    "site": ("a.example", "INVALID_URL"),
    "is_client": ("oui", "INVALID_BOOLEAN"),
}


@pytest.fixture
def path(team: Team) -> str:
    """A contact in a workspace with a field of each type."""
    team.field("Amount", type="number")
    team.field("Since", type="date")
    team.field("Industry", type="select", options=OPTIONS)
    team.field("Site", type="url")
    team.field("Is client", type="boolean")
    team.field("Note")
    return team.contact()


def put(client: Client, path: str, values: dict[str, str | None]) -> dict[str, str]:
    found: dict[str, str] = client.patch(f"{path}?customFieldKeys=slug", {"customFields": values})["customFields"]
    return found


def test_right_values_are_kept_as_they_are(path: str, client: Client) -> None:
    assert put(client, path, GOOD) == GOOD  # type: ignore[arg-type]
    created = client.post("/v1/contacts?customFieldKeys=slug", NEW | {"customFields": GOOD})
    assert created["customFields"] == GOOD


def test_the_label_of_an_option_is_stored_as_its_key(path: str, client: Client) -> None:
    assert put(client, path, {"industry": "Food & drinks"}) == {"industry": "food"}
    assert client.post("/v1/contacts", NEW | {"customFields": {"industry": "Retail"}})["customFields"] == {
        "Industry": "retail"
    }


def test_an_equal_value_changes_nothing(path: str, client: Client) -> None:
    put(client, path, {"industry": "food"})
    before = client.get(path)
    for value in ("food", "Food & drinks"):
        assert client.patch(path, {"customFields": {"industry": value}}) == before


@pytest.mark.parametrize("slug", WRONG)
def test_a_wrong_value(path: str, client: Client, slug: str) -> None:
    value, code = WRONG[slug]
    put(client, path, GOOD)  # type: ignore[arg-type]
    before = client.get(path)
    for method, target, more in (("PATCH", path, {"city": "Lille"}), ("POST", "/v1/contacts", NEW)):
        response = client.request(method, target, json=more | {"customFields": {slug: value}}, status=400)
        error = response.json()["error"]
        assert error["code"] == "VALIDATION_ERROR"
        [detail] = error["details"]
        assert (detail["pointer"], detail["code"]) == (f"/customFields/{slug}", code)
        assert value not in response.text
        assert detail.get("suggestion") == ("food" if slug == "industry" else None)
    assert client.get(path) == before
    assert client.get("/v1/contacts")["meta"]["total"] == 1


def test_a_wrong_value_under_the_name_of_the_field(path: str, client: Client) -> None:
    faults = client.faults("PATCH", path, json={"customFields": {"Is client": "oui"}})
    assert faults == [("/customFields/Is client", "INVALID_BOOLEAN")]


def test_all_faults_at_once(path: str, client: Client) -> None:
    values = {slug: value for slug, (value, _) in WRONG.items()} | {"nothing": "x", "note": "a", "Note": "b"}
    error = client.patch(path, {"customFields": values}, 400)["error"]
    assert error["code"] == "UNKNOWN_CUSTOM_FIELD"
    assert {(one["pointer"], one["code"]) for one in error["details"]} == {
        ("/customFields", "DUPLICATE_CUSTOM_FIELD"),
        ("/customFields/nothing", "UNKNOWN_CUSTOM_FIELD"),
        *((f"/customFields/{slug}", code) for slug, (_, code) in WRONG.items()),
    }


def test_all_faults_at_once_in_upserts_and_batches_too(team: Team, client: Client) -> None:
    team.field("Head count", type="number")
    fields = {"nope": "x", "head_count": "many"}
    item = {"firstName": "Ana", "lastName": "Lopez", "phoneNumbers": ["+33639980001"], "customFields": fields}
    expected = [("nope", "UNKNOWN_CUSTOM_FIELD"), ("head_count", "INVALID_NUMBER")]
    asks = ("/v1/contacts", item, ""), ("/v1/contacts/upsert", {"contact": item}, "/contact")
    for path, body, place in asks:
        faults = client.faults("POST", path, json=body)
        assert faults == [(f"{place}/customFields/{slug}", code) for slug, code in expected]
    [result] = client.post("/v1/contacts/batch", {"items": [item]}, 200)["results"]
    assert [(one["pointer"], one["code"]) for one in result["error"]["details"]] == [
        (f"/items/0/customFields/{slug}", code) for slug, code in expected
    ]


@pytest.mark.parametrize("empty", [None, ""])
def test_every_type_can_be_cleared(path: str, client: Client, empty: str | None) -> None:
    put(client, path, GOOD)  # type: ignore[arg-type]
    assert put(client, path, dict.fromkeys(GOOD, empty)) == {}


def test_a_missing_contact_comes_before_a_wrong_value(path: str, client: Client, make: Make) -> None:
    stranger = make.team().contact()
    client.patch(stranger, {"customFields": {"amount": "x"}}, 404)


def test_a_wrong_value_comes_before_the_version(path: str, client: Client) -> None:
    headers = {"if-match": '"9-1-0badcafe"'}
    assert client.faults("PATCH", path, json={"customFields": {"amount": "x"}}, headers=headers)


def test_what_a_contact_has_can_be_sent_back_whatever_became_of_it(path: str, client: Client, make: Make) -> None:
    make.rows(
        """
        UPDATE contacts SET custom_fields = '{"amount": "a dozen", "industry": "gone"}' WHERE id = :id::uuid RETURNING id
        """,
        id=path.rpartition("/")[2],
    )
    kept = {"amount": "a dozen", "industry": "gone"}
    assert put(client, path, {**kept, "note": "x"}) == kept | {"note": "x"}
    assert client.faults("PATCH", path, json={"customFields": {"amount": "two dozen"}})
    assert put(client, path, {"amount": "24"})["amount"] == "24"


# ------------------------------------------------------------------------------------------------------- required fields


def test_a_new_contact_needs_what_is_required(team: Team, client: Client) -> None:
    team.field("Segment", is_required=True)
    team.field("Amount", type="number", is_required=True)
    team.field("Note")
    missing = [("/customFields/segment", "REQUIRED_CUSTOM_FIELD"), ("/customFields/amount", "REQUIRED_CUSTOM_FIELD")]
    bodies: list[dict[str, Any]] = [NEW, NEW | {"customFields": {"note": "x"}}]
    bodies += [NEW | {"customFields": {"segment": empty, "amount": empty}} for empty in (None, "")]
    for body in bodies:
        assert sorted(client.faults("POST", "/v1/contacts", json=body)) == sorted(missing)
    faults = client.faults("POST", "/v1/contacts", json=NEW | {"customFields": {"amount": "x"}})
    assert sorted(faults) == [("/customFields/amount", "INVALID_NUMBER"), missing[0]]
    client.post("/v1/contacts", NEW | {"customFields": {"Segment": "A", "amount": "1"}})


def test_what_is_required_cannot_be_cleared(team: Team, client: Client) -> None:
    team.field("Segment", is_required=True)
    path = team.contact(custom_fields={"segment": "A"})
    for empty in (None, ""):
        faults = client.faults("PATCH", path, json={"customFields": {"segment": empty}})
        assert faults == [("/customFields/segment", "REQUIRED_CUSTOM_FIELD")]
    assert client.patch(path, {"customFields": {"segment": "B"}})["customFields"] == {"Segment": "B"}


def test_contacts_without_it_stay_valid_until_it_is_touched(team: Team, client: Client) -> None:
    path = team.contact()
    id = path.rpartition("/")[2]
    field = team.field("Segment")
    client.patch(f"/v1/custom-fields/{field.id}", {"isRequired": True})
    assert client.patch(path, {"role": "CTO"})["role"] == "CTO"
    before = client.get(path)
    for empty in (None, ""):
        assert client.patch(path, {"customFields": {"segment": empty}}) == before
        answer = client.post("/v1/contacts/upsert", {"contact": {"id": id, "customFields": {"segment": empty}}}, 200)
        assert answer["status"] == "unchanged"
    client.patch(path, {"customFields": {"segment": "A"}})
    client.patch(path, {"customFields": {"segment": ""}}, 400)
    client.patch(f"/v1/custom-fields/{field.id}", {"isRequired": False})
    client.patch(path, {"customFields": {"segment": ""}})


def test_a_deleted_field_is_not_required(team: Team, client: Client) -> None:
    field = team.field("Segment", is_required=True)
    client.delete(f"/v1/custom-fields/{field.id}")
    client.post("/v1/contacts", NEW)


def test_another_workspaces_field_is_not_required(make: Make, team: Team, client: Client) -> None:
    make.custom_field(team.workspace(), "Segment", is_required=True)
    client.post("/v1/contacts", NEW)
