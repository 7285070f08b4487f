"""`PATCH /v1/sequences/{id}`."""

import json
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tests.make import Make, Team
from tests.sequences.people import staffed


def test_a_change(team: Team, make: Make) -> None:
    path = team.sequence()
    before = team.client.get(path)
    member = str(team.member()[0])
    after = team.client.patch(path, {"name": "Clients", "status": "PAUSED", "assignedToIds": [member]})
    changed = {"name": "Clients", "status": "PAUSED", "assignedToIds": [member], "updatedAt": after["updatedAt"]}
    assert after == before | changed
    assert team.client.get(path) == after
    event = make.events(path)[1]
    assert (event["type"], event["object_version"]) == ("sequence.updated", 2)
    assert json.loads(event["changes"]) == {
        "name": ["Prospects", "Clients"],
        "status": ["ACTIVE", "PAUSED"],
        "assignedToIds": [[], [member]],
    }
    assert team.client.patch(path, {"assignedToIds": []})["assignedToIds"] == []


@pytest.mark.parametrize("body", [{}, {"name": "Prospects"}, {"status": "ACTIVE", "assignedToIds": []}, {"id": "x"}])
def test_nothing_to_change(team: Team, make: Make, body: dict[str, object]) -> None:
    path = team.sequence()
    before = team.client.request("GET", path)
    after = team.client.request("PATCH", path, json=body, status=200)
    assert (after.json(), after.headers["etag"]) == (before.json(), before.headers["etag"])
    assert len(make.events(path)) == 1


def test_contacts_keep_their_assignee(team: Team) -> None:
    made = staffed(team, assignees=2)
    made.add(made.contact_ids[:4])
    before = made.assigned()
    team.client.patch(made.path, {"assignedToIds": [str(made.organization_membership_ids[1])]})
    assert made.assigned() == before
    made.add(made.contact_ids[4:6])
    assert made.loads() == [2, 4]


def test_unknown_members(team: Team) -> None:
    path = team.sequence()
    body = {"name": "B", "assignedToIds": [str(team.member()[0]), str(uuid4())]}
    assert team.client.faults("PATCH", path, json=body) == [("/assignedToIds/1", "UNKNOWN_MEMBER")]
    assert team.client.get(path)["name"] == "Prospects"


def test_another_version_is_412(team: Team) -> None:
    path = team.sequence()
    first = team.client.request("GET", path).headers["etag"]
    second = team.client.request("PATCH", path, json={"name": "B"}, headers={"if-match": first}, status=200)
    refused = team.client.request("PATCH", path, json={"name": "C"}, headers={"if-match": first}, status=412)
    assert refused.headers["etag"] == second.headers["etag"]
    team.client.request("DELETE", path, headers={"if-match": first}, status=412)


def test_contacts_are_no_other_writer(team: Team) -> None:
    made = staffed(team)
    tag = team.client.request("GET", made.path).headers["etag"]
    made.add(made.contact_ids)
    team.client.patch(made.path, {"name": "B"}, headers={"if-match": tag})


def test_assignees_are_replaced_as_a_whole(team: Team) -> None:
    path = team.sequence()
    sets = [[str(team.member()[0]) for _ in range(2)] for _ in range(5)]
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda number: team.client.patch(path, {"assignedToIds": sets[number % 5]}), range(40)))
    assert team.client.get(path)["assignedToIds"] in sets


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"name": None}, ("/name", "NULL_NOT_ALLOWED")),
        ({"name": ""}, ("/name", "TOO_SHORT")),
        ({"status": "RUNNING"}, ("/status", "UNKNOWN_VALUE")),
        ({"assignedToIds": None}, ("/assignedToIds", "NULL_NOT_ALLOWED")),
        ({"assignedToIds": ["x"]}, ("/assignedToIds/0", "INVALID_ID")),
    ],
)
def test_bad_input(team: Team, body: object, fault: tuple[str, str]) -> None:
    assert team.client.faults("PATCH", team.sequence(), json=body) == [fault]
