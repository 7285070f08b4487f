"""`GET /v1/sequences/{id}/contacts`."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.make import Make, Team, phone_number
from tests.sequences.people import Staffed, staffed

START = datetime(2026, 2, 27, 9, 0, tzinfo=UTC)


def test_a_contact_with_its_tags_and_calls(team: Team) -> None:
    made = staffed(team, assignees=1, contacts=0)
    contact = team.contact(email="a@example.com", company="Atelier", role="CTO").rpartition("/")[2]
    made.add([contact])
    late, won = team.tag("Later"), team.tag("Won", is_success_tag=True)
    run, user = uuid4(), made.organization_membership_ids[0]
    first = made.call(
        contact, started_at=START, tag_ids=[UUID(late)], sequence_run_id=run, organization_membership_id=user
    )
    second = made.call(contact, started_at=START + timedelta(days=4), tag_ids=[UUID(won), UUID(late)])
    team.call(contact_id=UUID(contact), tag_ids=[UUID(team.tag("Elsewhere"))])  # in no sequence
    [found] = made.contacts()
    assert found == {
        "contactId": contact,
        "contact": {
            "id": contact,
            "firstName": "Camille",
            "lastName": "Moreau",
            "email": "a@example.com",
            "company": "Atelier",
            "role": "CTO",
            "allowPhoneCalls": True,
            "phoneNumbers": [phone_number()],
        },
        "assignedToWorkspaceMembershipId": made.membership_ids[0],
        "status": "DONE",
        "tags": [
            {"id": late, "label": "Later", "isSuccessTag": False},
            {"id": won, "label": "Won", "isSuccessTag": True},
        ],
        "calls": [
            {
                "id": second,
                "status": "completed",
                "result": "CONNECTED",
                "type": "outbound",
                "organizationMembershipId": None,
                "sequenceRunId": None,
                "startedAt": "2026-03-03T09:00:00.000Z",
                "endedAt": "2026-03-03T09:01:00.000Z",
            },
            {
                "id": first,
                "status": "completed",
                "result": "CONNECTED",
                "type": "outbound",
                "organizationMembershipId": str(user),
                "sequenceRunId": str(run),
                "startedAt": "2026-02-27T09:00:00.000Z",
                "endedAt": "2026-02-27T09:01:00.000Z",
            },
        ],
        "callCount": 2,
        "addedAt": found["addedAt"],
    }


def of_each_status(team: Team) -> tuple[Staffed, dict[str, str]]:
    """Return a sequence and its contacts by what their calls come to."""
    made = staffed(team, assignees=2, contacts=6)
    names = ("untouched", "ringing", "missed", "talked", "won", "ringing after success")
    contacts = dict(zip(names, made.contact_ids, strict=True))
    made.add(made.contact_ids)
    late, won = UUID(team.tag("Later")), UUID(team.tag("Won", is_success_tag=True))
    made.call(contacts["ringing"], status="ringing")
    made.call(contacts["missed"], status="no-answer")
    made.call(contacts["talked"], tag_ids=[late])
    made.call(contacts["won"], started_at=START, tag_ids=[won])
    made.call(contacts["won"], started_at=START + timedelta(days=1), tag_ids=[late])
    made.call(contacts["ringing after success"], started_at=START, tag_ids=[won])
    made.call(contacts["ringing after success"], started_at=START + timedelta(days=1), status="in-progress")
    return made, contacts


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"status": "TO_CALL"}, ["untouched"]),
        ({"status": "IN_PROGRESS"}, ["ringing", "ringing after success"]),
        ({"status": "CALLED"}, ["missed", "talked"]),
        ({"status": "DONE"}, ["won"]),
        ({"tagLabel": "Later"}, ["talked", "won"]),
        ({"tagLabel": "Won"}, ["won", "ringing after success"]),
        ({"tagLabel": "Won", "status": "DONE"}, ["won"]),
        ({"tagLabel": "won"}, []),
        ({"tagLabel": "Nothing"}, []),
        ({"of": 0}, ["untouched", "missed", "won"]),
        ({"of": 1, "tagLabel": "Later"}, ["talked"]),
        ({"of": 0, "status": "CALLED"}, ["missed"]),
        ({}, ["untouched", "ringing", "missed", "talked", "won", "ringing after success"]),
    ],
)
def test_filters(team: Team, query: dict[str, Any], names: list[str]) -> None:
    made, contacts = of_each_status(team)
    parameters = dict(query)
    if "of" in parameters:
        parameters["assignedToWorkspaceMembershipId"] = made.membership_ids[parameters.pop("of")]
    page = team.client.get(f"{made.path}/contacts", params=parameters)
    assert [one["contactId"] for one in page["data"]] == [contacts[name] for name in names]
    assert page["meta"]["total"] == len(names)
    assert [one["contactId"] for one in made.contacts(**parameters)] == [contacts[name] for name in names]


def test_a_success_remains_when_its_tag_is_deleted(team: Team) -> None:
    made, contacts = of_each_status(team)
    [won] = [one for one in team.client.get("/v1/tags")["data"] if one["label"] == "Won"]
    team.client.delete(f"/v1/tags/{won['id']}")
    [found] = made.contacts(status="DONE")
    assert found["contactId"] == contacts["won"]
    assert "Won" in {one["label"] for one in found["tags"]}


def test_deleted_calls_do_not_count(team: Team) -> None:
    made, contacts = of_each_status(team)
    team.make.rows(
        "UPDATE calls SET deleted_at = now() WHERE workspace_id = :workspace_id AND contact_id = :id",
        workspace_id=team.workspace_id,
        id=UUID(contacts["won"]),
    )
    found = next(one for one in made.contacts() if one["contactId"] == contacts["won"])
    assert (found["status"], found["calls"], found["tags"], found["callCount"]) == ("TO_CALL", [], [], 0)
    assert made.contacts(status="DONE") == []


def test_the_newest_twenty_calls(team: Team) -> None:
    made = staffed(team, contacts=1)
    made.add(made.contact_ids)
    calls = [made.call(made.contact_ids[0], started_at=START + timedelta(days=number)) for number in range(22)]
    [found] = made.contacts()
    assert [one["id"] for one in found["calls"]] == calls[:1:-1]
    assert found["callCount"] == 22


@pytest.mark.parametrize("query", [{}, {"status": "TO_CALL"}])
def test_pages_and_cursors(team: Team, query: dict[str, str]) -> None:
    made = staffed(team, contacts=25)
    made.add(reversed(made.contact_ids))
    found = team.client.walk(f"{made.path}/contacts", size=4, **query)
    assert [one["contactId"] for one in found] == made.contact_ids
    page = team.client.get(f"{made.path}/contacts", params=query | {"size": 10, "page": 2})
    assert [one["contactId"] for one in page["data"]] == made.contact_ids[20:]
    assert (page["meta"]["total"], page["meta"]["totalPages"]) == (25, 3)
    first = team.client.get(f"{made.path}/contacts", params=query | {"size": 4})
    second = team.client.get(f"{made.path}/contacts", params=query | {"size": 4, "cursor": first["meta"]["nextCursor"]})
    assert second["meta"]["total"] == 25


def test_deleted_and_removed_contacts_are_gone(team: Team) -> None:
    made = staffed(team, contacts=4)
    made.add(made.contact_ids)
    team.client.delete(f"/v1/contacts/{made.contact_ids[0]}")
    made.remove(made.contact_ids[1:2])
    assert [one["contactId"] for one in made.contacts()] == made.contact_ids[2:]
    assert made.add(made.contact_ids[:1]) == {"added": 0, "revived": 0, "ignored": 1}


def test_without_assignees(team: Team) -> None:
    made = staffed(team, assignees=0, contacts=1)
    made.add(made.contact_ids)
    assert made.assigned() == {made.contact_ids[0]: None}


@pytest.mark.parametrize(
    ("query", "faults"),
    [
        ({"status": "LOST"}, [("/query/status", "UNKNOWN_VALUE")]),
        (
            {"assignedToWorkspaceMembershipId": "x", "tagLabel": ""},
            [("/query/tagLabel", "TOO_SHORT"), ("/query/assignedToWorkspaceMembershipId", "INVALID_ID")],
        ),
        ({"tagLabel": "a\0"}, [("/query/tagLabel", "FORBIDDEN_CHARACTER")]),
        ({"cursor": "x"}, [("/query/cursor", "INVALID_CURSOR")]),
    ],
)
def test_bad_input(team: Team, query: dict[str, str], faults: list[tuple[str, str]]) -> None:
    assert team.client.faults("GET", f"{team.sequence()}/contacts", params=query) == faults


def test_workspace_ids_that_leave_the_sequence_out(team: Team, make: Make) -> None:
    path = team.sequence()
    team.client.get(f"{path}/contacts", params={"workspaceIds": str(make.team().workspace_id)}, status=404)
