"""`DELETE /v1/custom-fields/{id}`."""

from tests.make import Team


def test_field_and_values_disappear_and_do_not_come_back(team: Team) -> None:
    field = team.field("Industry")
    contact = team.contact(custom_fields={"industry": "Food"})
    team.client.delete(f"/v1/custom-fields/{field.id}")
    assert team.client.get(contact)["customFields"] == {}
    faults = team.client.faults("PATCH", contact, json={"customFields": {"industry": "Steel"}})
    assert faults == [("/customFields/industry", "UNKNOWN_CUSTOM_FIELD")]
    again = team.client.post("/v1/custom-fields", {"name": "Industry"})
    assert again["slug"] == "industry_2"
    assert team.client.get(contact)["customFields"] == {}


def test_twice(team: Team) -> None:
    path = f"/v1/custom-fields/{team.field('Industry').id}"
    team.client.delete(path)
    team.client.delete(path, status=404)
