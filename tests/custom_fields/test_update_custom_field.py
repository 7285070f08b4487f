"""`PATCH /v1/custom-fields/{id}`."""

from typing import Any

import pytest

from skipcall.custom_fields.model import CustomFieldOption
from tests.make import Make, Team


def test_a_new_name_shows_at_once_and_the_slug_stays(team: Team) -> None:
    field = team.field("Industry")
    contact = team.contact(custom_fields={"industry": "Food"})
    before = team.client.request("GET", contact)
    assert before.json()["customFields"] == {"Industry": "Food"}
    renamed = team.client.patch(f"/v1/custom-fields/{field.id}", {"name": "Secteur"})
    assert (renamed["name"], renamed["slug"]) == ("Secteur", "industry")
    assert renamed["updatedAt"] >= renamed["createdAt"]
    after = team.client.request("GET", contact, headers={"if-none-match": before.headers["etag"]}, status=200)
    assert after.json()["customFields"] == {"Secteur": "Food"}
    assert after.json()["updatedAt"] == before.json()["updatedAt"]
    assert team.client.patch(contact, {"customFields": {"Secteur": "Steel"}})["customFields"] == {"Secteur": "Steel"}
    team.client.patch(contact, {"customFields": {"Industry": "x"}}, status=400)


@pytest.mark.parametrize("body", [{}, {"name": "Industry"}, {"slug": "other", "id": "other"}])
def test_nothing_to_change(team: Team, body: dict[str, str]) -> None:
    field = team.field("Industry")
    changed = team.client.patch(f"/v1/custom-fields/{field.id}", body)
    assert (changed["name"], changed["slug"], changed["updatedAt"]) == ("Industry", "industry", field.updated_at)


def test_a_taken_name_is_409(team: Team) -> None:
    team.field("Industry")
    other = team.field("Size")
    for name in ("Industry", "industry"):  # or a slug
        error = team.client.patch(f"/v1/custom-fields/{other.id}", {"name": name}, status=409)["error"]
        assert error["code"] == "CUSTOM_FIELD_NAME_TAKEN"
    assert team.client.patch(f"/v1/custom-fields/{other.id}", {"name": "size"}, 200)["slug"] == "size"


@pytest.mark.parametrize(
    ("name", "code"),
    [(None, "NULL_NOT_ALLOWED"), ("", "TOO_SHORT"), ("a" * 201, "TOO_LONG"), ("\x7f", "FORBIDDEN_CHARACTER")],
)
def test_bad_input(team: Team, name: object, code: str) -> None:
    path = f"/v1/custom-fields/{team.field('Industry').id}"
    assert team.client.faults("PATCH", path, json={"name": name}) == [("/name", code)]


# ------------------------------------------------------------------------------------------------- type, options, rules


def path_of(team: Team, **values: Any) -> str:
    return f"/v1/custom-fields/{team.field('Industry', **values).id}?include=details"


def test_the_type_never_changes(team: Team) -> None:
    path = path_of(team, type="number")
    assert team.client.faults("PATCH", path, json={"name": "Sector", "type": "text"}) == [("/type", "IMMUTABLE")]
    both = [("/type", "IMMUTABLE"), ("/options", "OPTIONS_NOT_ALLOWED")]
    assert team.client.faults("PATCH", path, json={"type": "select", "options": [{"label": "x"}]}) == both
    field = team.client.get(path)
    assert (field["name"], field["type"]) == ("Industry", "number")


def test_what_was_answered_can_be_sent_back(team: Team) -> None:
    path = path_of(team, type="select", options=[CustomFieldOption("food", "Food")])
    for options in ([{"key": "food", "label": "Meat"}, {"label": "Food"}], [{"label": "Food"}]):
        before = team.client.patch(path, {"options": options})
        assert team.client.patch(path, before) == before
        assert team.client.patch(path, {}) == before
    assert [(one["key"], one["isArchived"]) for one in before["options"]] == [("food_2", False), ("food", True)]
    both = [one | {"isArchived": False} for one in before["options"]]
    assert team.client.patch(path, {"options": both})["options"] == both


def test_options_are_replaced_and_keys_stay(team: Team) -> None:
    path = path_of(
        team, type="select", options=[CustomFieldOption("food", "Food"), CustomFieldOption("steel", "Steel")]
    )
    contact = team.contact(custom_fields={"industry": "steel"})
    body = {"options": [{"label": "Retail"}, {"key": "food", "label": "Food & drinks"}]}
    changed = team.client.patch(path, body)
    assert changed["options"] == [
        {"key": "retail", "label": "Retail", "isArchived": False},
        {"key": "food", "label": "Food & drinks", "isArchived": False},
        {"key": "steel", "label": "Steel", "isArchived": True},
    ]
    assert team.client.get(path) == changed
    assert changed["updatedAt"] > changed["createdAt"]
    # A contact keeps what it has, and nobody gets it any more.
    assert team.client.get(contact)["customFields"] == {"Industry": "steel"}
    team.client.patch(contact, {"role": "CTO", "customFields": {"industry": "steel"}})
    for value in ("steel", "Steel", "Food"):
        faults = team.client.faults("PATCH", team.contact(), json={"customFields": {"industry": value}})
        assert faults == [("/customFields/industry", "UNKNOWN_OPTION")]
    # By its label or its key it comes back.
    for option in ({"label": "Steel"}, {"key": "steel", "label": "Iron"}):
        back = team.client.patch(path, {"options": [option]})["options"]
        assert back[0] == {"key": "steel", "label": option["label"], "isArchived": False}
        assert {one["key"] for one in back[1:]} == {"retail", "food"}


def test_a_label_that_another_option_takes_over(team: Team) -> None:
    path = path_of(team, type="select", options=[CustomFieldOption("a", "A"), CustomFieldOption("b", "B")])
    options = [{"key": "a", "label": "B"}, {"key": "b", "label": "A"}]
    assert [one["key"] for one in team.client.patch(path, {"options": options})["options"]] == ["a", "b"]
    mixed = team.client.patch(path, {"options": [{"key": "a", "label": "C"}, {"label": "B"}]})["options"]
    assert [(one["key"], one["isArchived"]) for one in mixed] == [("a", False), ("b_2", False), ("b", True)]


def test_options_that_are_kept_have_a_limit(team: Team) -> None:
    path = path_of(team, type="select", options=[CustomFieldOption("x", "X")])
    for first, count in ((0, 499), (500, 500)):
        labels = [{"label": f"Option {number}"} for number in range(first, first + count)]
        team.client.patch(path, {"options": labels})
    error = team.client.patch(path, {"options": [{"label": "One more"}]}, 409)["error"]
    assert error["code"] == "TOO_MANY_OPTIONS"


def test_unique_while_values_repeat_is_409_and_names_contacts(make: Make, team: Team) -> None:
    path = path_of(team)
    alike = [team.contact(custom_fields={"industry": "Food"}).rpartition("/")[2] for _ in range(3)]
    for value in ("Steel", "Steel", "Wood"):
        team.contact(custom_fields={"industry": value})
    team.client.delete(team.contact(custom_fields={"industry": "Wood"}))
    response = team.client.request("PATCH", path, json={"isUnique": True, "name": "Sector"}, status=409)
    error = response.json()["error"]
    assert error["code"] == "CUSTOM_VALUES_NOT_UNIQUE"
    assert error["message"].startswith("2 values")
    assert "Food" not in response.text
    [detail] = error["details"]
    assert (detail["pointer"], detail["code"]) == ("/isUnique", "CUSTOM_VALUES_NOT_UNIQUE")
    assert detail["suggestion"] == ", ".join(alike)
    field = team.client.get(path)
    assert (field["name"], field["isUnique"]) == ("Industry", False)


def test_unique_and_back(team: Team) -> None:
    path = path_of(team)
    holder = team.contact(custom_fields={"industry": "Food"})
    other = team.contact()
    assert team.client.patch(path, {"isUnique": True})["isUnique"] is True
    error = team.client.patch(other, {"customFields": {"industry": "Food"}}, 409)["error"]
    assert error["details"][0]["suggestion"] == holder.rpartition("/")[2]
    assert team.client.patch(path, {"isUnique": False})["isUnique"] is False
    team.client.patch(other, {"customFields": {"industry": "Food"}})
    team.client.patch(path, {"isUnique": True}, 409)


def test_under_an_idempotency_key(team: Team) -> None:
    path = path_of(team)
    team.field("Size")
    headers = {"idempotency-key": "1"}
    team.client.patch(path, {"name": "Size", "isUnique": True}, 409, headers=headers)
    changed = team.client.patch(path, {"name": "Sector", "isUnique": True}, headers=headers)
    assert (changed["name"], changed["isUnique"]) == ("Sector", True)
    assert team.client.patch(path, {"name": "Sector", "isUnique": True}, headers=headers) == changed


def test_required_and_back(team: Team) -> None:
    path = path_of(team)
    changed = team.client.patch(path, {"isRequired": True})
    assert (changed["isRequired"], changed["isUnique"]) == (True, False)
    assert team.client.patch(path, {"isRequired": False})["isRequired"] is False


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"options": []}, ("/options", "TOO_FEW_ITEMS")),
        ({"options": None}, ("/options", "NULL_NOT_ALLOWED")),
        ({"options": [{"label": "a"}, {"label": "a"}]}, ("/options/1/label", "DUPLICATE_OPTION")),
        ({"isRequired": None}, ("/isRequired", "NULL_NOT_ALLOWED")),
        ({"isUnique": 1}, ("/isUnique", "WRONG_TYPE")),
        ({"type": "other"}, ("/type", "UNKNOWN_VALUE")),
    ],
)
def test_bad_rules(team: Team, body: dict[str, object], fault: tuple[str, str]) -> None:
    assert team.client.faults("PATCH", path_of(team), json=body) == [fault]
