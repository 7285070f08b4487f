"""DELETE /v1/do-not-call/{id}."""

from tests.make import Make, Team, phone_number

PATH = "/v1/do-not-call"
BODY = {"phoneNumber": phone_number(142), "reason": "OPPOSITION"}


def test_a_lifted_entry_refuses_nothing(make: Make, team: Team) -> None:
    entry = team.client.post(PATH, BODY)
    response = team.client.delete(f"{PATH}/{entry['id']}")
    assert team.client.walk(PATH) == []
    [checked] = team.client.post(f"{PATH}/check", {"phoneNumbers": [BODY["phoneNumber"]]}, status=200)["data"]
    assert (checked["callable"], checked["reasons"], checked["entryId"]) == (True, [], None)
    team.client.delete(f"{PATH}/{entry['id']}", status=404)
    event = make.events(entry["id"])[-1]
    assert (event["type"], event["request_id"]) == ("do_not_call.lifted", response.headers["x-request-id"])


def test_the_number_may_be_listed_again(team: Team) -> None:
    first = team.client.post(PATH, BODY)
    team.client.delete(f"{PATH}/{first['id']}")
    assert team.client.post(PATH, BODY)["id"] != first["id"]
