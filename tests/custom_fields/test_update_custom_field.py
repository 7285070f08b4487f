"""`PATCH /v1/custom-fields/{id}`."""

import pytest

from tests.make import Team


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
    error = team.client.patch(f"/v1/custom-fields/{other.id}", {"name": "Industry"}, status=409)["error"]
    assert error["code"] == "CUSTOM_FIELD_NAME_TAKEN"


@pytest.mark.parametrize(
    ("name", "code"),
    [(None, "NULL_NOT_ALLOWED"), ("", "TOO_SHORT"), ("a" * 201, "TOO_LONG"), ("\x7f", "FORBIDDEN_CHARACTER")],
)
def test_bad_input(team: Team, name: object, code: str) -> None:
    path = f"/v1/custom-fields/{team.field('Industry').id}"
    assert team.client.faults("PATCH", path, json={"name": name}) == [("/name", code)]
