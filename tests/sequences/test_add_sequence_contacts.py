"""`POST /v1/sequences/{id}/contacts`."""

from typing import Any
from uuid import uuid4

import pytest

from tests.make import Make, Team
from tests.sequences.people import staffed


def test_in_turn_to_who_has_the_fewest(team: Team) -> None:
    made = staffed(team)
    assert made.add(made.contact_ids[:7]) == {"added": 7, "revived": 0, "ignored": 0}
    one, two, three = made.membership_ids
    wanted = [one, two, three, one, two, three, one]
    assert made.assigned() == dict(zip(made.contact_ids, wanted, strict=False))
    made.remove(made.contact_ids[:1])
    made.add(made.contact_ids[7:9])
    assert made.loads() == [3, 3, 2]


def test_a_chosen_assignee_counts_before_the_others_are_shared_out(team: Team) -> None:
    made = staffed(team)
    items: list[dict[str, Any]] = [{"contactId": id} for id in made.contact_ids[:6]]
    for item in items[3:]:
        item["assignedToWorkspaceMembershipId"] = made.membership_ids[0]
    items[0]["assignedToWorkspaceMembershipId"] = None
    team.client.post(f"{made.path}/contacts", items, status=200)
    assert made.loads() == [3, 2, 1]


def test_what_is_passed_over(team: Team, make: Make) -> None:
    """Twice in the body, there already, of another workspace, of a stranger, deleted, unknown."""
    made = staffed(team)
    made.add(made.contact_ids[:2])
    before = made.assigned()
    deleted = team.contact()
    team.client.delete(deleted)
    others = [
        make.contact(team.workspace()),
        make.contact(make.team().workspace_id),
        deleted.rpartition("/")[2],
        uuid4(),
    ]
    sent = [*made.contact_ids[:3], made.contact_ids[2], made.contact_ids[2].upper(), *map(str, others)]
    assert made.add(sent) == {"added": 1, "revived": 0, "ignored": 8}
    assert made.assigned() == before | {made.contact_ids[2]: made.membership_ids[2]}
    assert made.add(sent) == {"added": 0, "revived": 0, "ignored": 9}
    assert made.add([made.contact_ids[0]], assignee=made.membership_ids[2])["ignored"] == 1
    assert made.assigned()[made.contact_ids[0]] == before[made.contact_ids[0]]


def test_a_workspace_of_the_same_key_is_another_one(team: Team, make: Make) -> None:
    made = staffed(team)
    other = team.workspace()
    client = team.client_for(team.workspace_id, other)
    answered = client.post(f"{made.path}/contacts", [{"contactId": str(make.contact(other))}], status=200)
    assert answered == {"added": 0, "revived": 0, "ignored": 1}


def test_who_was_removed_comes_back_to_the_same_assignee(team: Team) -> None:
    made = staffed(team)
    made.add(made.contact_ids)
    before = {one["contactId"]: one for one in made.contacts()}
    made.remove(made.contact_ids[:6])
    assert made.add(made.contact_ids[:6]) == {"added": 0, "revived": 6, "ignored": 0}
    assert made.assigned() == {id: one["assignedToWorkspaceMembershipId"] for id, one in before.items()}
    made.remove(made.contact_ids[:1])
    made.add(made.contact_ids[:1], assignee=made.membership_ids[2])
    back = made.contacts()[0]
    assert back["assignedToWorkspaceMembershipId"] == made.membership_ids[0]
    assert back["addedAt"] > before[back["contactId"]]["addedAt"]


def test_who_was_removed_goes_to_another_if_the_assignee_is_none_any_more(team: Team) -> None:
    made = staffed(team)
    made.add(made.contact_ids[:3])
    made.remove(made.contact_ids[:1])
    others = [str(id) for id in made.organization_membership_ids[1:]]
    team.client.patch(made.path, {"assignedToIds": others})
    assert made.add(made.contact_ids[:1])["revived"] == 1
    assert made.assigned()[made.contact_ids[0]] == made.membership_ids[1]


def test_an_assignee_of_somebody_else(team: Team) -> None:
    made = staffed(team)
    _, stranger = team.member()
    items = [{"contactId": id} for id in made.contact_ids]
    items[2]["assignedToWorkspaceMembershipId"] = str(stranger)
    items[5]["assignedToWorkspaceMembershipId"] = str(made.organization_membership_ids[0])
    assert team.client.faults("POST", f"{made.path}/contacts", json=items) == [
        ("/2/assignedToWorkspaceMembershipId", "UNKNOWN_MEMBER"),
        ("/5/assignedToWorkspaceMembershipId", "UNKNOWN_MEMBER"),
    ]
    assert made.contacts() == []


def test_an_idempotency_key(team: Team) -> None:
    made = staffed(team)
    headers = {"idempotency-key": "once"}
    items = [{"contactId": id} for id in made.contact_ids]
    first, again = (
        team.client.request("POST", f"{made.path}/contacts", json=items, headers=headers, status=200) for _ in range(2)
    )
    assert first.json() == again.json() == {"added": 10, "revived": 0, "ignored": 0}
    assert again.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ([], [("", "TOO_FEW_ITEMS")]),
        ({"contactId": str(uuid4())}, [("", "WRONG_TYPE")]),
        ([{"contactId": str(uuid4())}] * 101, [("", "TOO_MANY_ITEMS")]),
        (
            [
                {"contactId": str(uuid4())},
                {},
                "x",
                {"contactId": "x", "assignedToWorkspaceMembershipId": "y"},
                {"contactId": None},
            ],
            [
                ("/1/contactId", "REQUIRED"),
                ("/2", "WRONG_TYPE"),
                ("/3/contactId", "INVALID_ID"),
                ("/3/assignedToWorkspaceMembershipId", "INVALID_ID"),
                ("/4/contactId", "NULL_NOT_ALLOWED"),
            ],
        ),
    ],
)
def test_bad_input(team: Team, body: object, faults: list[tuple[str, str]]) -> None:
    assert team.client.faults("POST", f"{team.sequence()}/contacts", json=body) == faults


def test_names_that_are_not_known(team: Team) -> None:
    made = staffed(team)
    items = [{"contactId": id, "assignedTo": "x", "note": 1} for id in made.contact_ids[:2]]
    response = team.client.request("POST", f"{made.path}/contacts", json=items, status=200)
    assert response.headers["x-ignored-fields"] == "assignedTo, note"
    headers = {"prefer": "handling=strict"}
    error = team.client.request("POST", f"{made.path}/contacts", json=items[:1], headers=headers, status=400).json()[
        "error"
    ]
    assert [(one["pointer"], one["code"], one.get("suggestion")) for one in error["details"]] == [
        ("/0/assignedTo", "UNKNOWN_FIELD", None),
        ("/0/note", "UNKNOWN_FIELD", None),
    ]
