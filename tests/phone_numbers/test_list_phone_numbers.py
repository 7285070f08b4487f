"""`GET /v1/phone-numbers`."""

from tests.make import Make, Team

VALUES = [f"+3319900014{number}" for number in range(7)]


def test_a_number(team: Team) -> None:
    id = team.phone_number("+33199000142")
    [number] = team.client.get("/v1/phone-numbers")["data"]
    assert number == {
        "id": id,
        "value": "+33199000142",
        "label": None,
        "country": "FR",
        "workspaceId": str(team.workspace_id),
        "assignedMembershipId": None,
        "createdAt": number["createdAt"],
    }


def test_in_order_with_total(team: Team) -> None:
    for value in VALUES:
        team.phone_number(value)
    page = team.client.get("/v1/phone-numbers", params={"size": 3, "page": 1})
    assert [one["value"] for one in page["data"]] == VALUES[3:6]
    assert page["meta"]["total"] == 7
    assert [one["value"] for one in team.client.walk("/v1/phone-numbers", size=3)] == VALUES


def test_scope_and_narrowing(make: Make, team: Team) -> None:
    other = team.workspace()
    here, there = team.phone_number(), make.phone_number(other, "+33199000142")
    both = team.client_for(team.workspace_id, other)
    assert [one["id"] for one in both.get("/v1/phone-numbers")["data"]] == [here, there]
    assert [one["id"] for one in team.client.get("/v1/phone-numbers")["data"]] == [here]
    narrowed = both.get("/v1/phone-numbers", params={"workspaceIds": str(other)})
    assert [one["id"] for one in narrowed["data"]] == [there]
