"""`DELETE /v1/sequences/{id}/contacts`."""

from uuid import uuid4

import pytest

from tests.make import Make, Team
from tests.sequences.people import staffed


def test_removed_and_removed_again(team: Team) -> None:
    made = staffed(team)
    made.add(made.contact_ids)
    for _ in range(2):
        made.remove([*made.contact_ids[:4], made.contact_ids[0], str(uuid4())])
        assert [one["contactId"] for one in made.contacts()] == made.contact_ids[4:]


def test_another_sequence_keeps_it(team: Team) -> None:
    one, other = staffed(team), staffed(team)
    for made in (one, other):
        made.add(one.contact_ids)
    one.remove(one.contact_ids)
    assert (len(one.contacts()), len(other.contacts())) == (0, 10)


def test_contacts_and_calls_stay(team: Team, make: Make) -> None:
    made = staffed(team)
    made.add(made.contact_ids)
    made.call(made.contact_ids[0])
    made.remove(made.contact_ids[:1])
    assert team.client.get(f"/v1/contacts/{made.contact_ids[0]}")["callCount"] == 1
    made.add(made.contact_ids[:1])
    assert made.contacts()[0]["callCount"] == 1


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ([], [("", "TOO_FEW_ITEMS")]),
        ([str(uuid4())] * 101, [("", "TOO_MANY_ITEMS")]),
        ([str(uuid4()), "x", 1, None], [("/1", "INVALID_ID"), ("/2", "WRONG_TYPE"), ("/3", "NULL_NOT_ALLOWED")]),
        ([{"contactId": str(uuid4())}], [("/0", "WRONG_TYPE")]),
        ("x", [("", "WRONG_TYPE")]),
    ],
)
def test_bad_input(team: Team, body: object, faults: list[tuple[str, str]]) -> None:
    assert team.client.faults("DELETE", f"{team.sequence()}/contacts", json=body) == faults


def test_no_body(team: Team) -> None:
    headers = {"content-type": "application/json"}
    assert team.client.faults("DELETE", f"{team.sequence()}/contacts", headers=headers) == [("", "MALFORMED_JSON")]
    team.client.request("DELETE", f"{team.sequence()}/contacts", status=415)
