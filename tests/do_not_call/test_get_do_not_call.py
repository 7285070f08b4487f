"""GET /v1/do-not-call/{id}."""

from tests.make import Team, phone_number

PATH = "/v1/do-not-call"


def test_an_entry_can_be_read_after_it_was_lifted(team: Team) -> None:
    entry = team.client.post(PATH, {"phoneNumber": phone_number(142), "reason": "OPPOSITION"})
    assert team.client.get(f"{PATH}/{entry['id']}") == entry
    team.client.delete(f"{PATH}/{entry['id']}")
    lifted = team.client.get(f"{PATH}/{entry['id']}")
    assert lifted == entry | {"liftedAt": lifted["liftedAt"]}
    assert lifted["liftedAt"] >= entry["createdAt"]
