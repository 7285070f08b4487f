"""`POST /v1/sequences`."""

from uuid import uuid4

import pytest

from tests.make import Make, Team


def test_a_sequence(team: Team, make: Make) -> None:
    members = [str(team.member()[0]) for _ in range(3)]
    body = {"name": "Relance", "creatorId": members[0], "assignedToIds": members[:0:-1]}
    response = team.client.request("POST", "/v1/sequences", json=body, status=201)
    made = response.json()
    assert made == {
        "id": made["id"],
        "name": "Relance",
        "workspaceId": str(team.workspace_id),
        "creatorId": members[0],
        "assignedToIds": members[:0:-1],
        "status": "ACTIVE",
        "contactCount": 0,
        "createdAt": made["createdAt"],
        "updatedAt": made["createdAt"],
    }
    assert response.headers["location"] == f"/v1/sequences/{made['id']}"
    found = team.client.request("GET", response.headers["location"], status=200)
    assert (found.json(), found.headers["etag"]) == (made, response.headers["etag"])
    [event] = make.events(response.headers["location"])
    assert (event["type"], event["object_version"], event["source"]) == ("sequence.created", 1, "API")


def test_ids_are_those_of_users(team: Team) -> None:
    team.member()
    [user] = team.client.get("/v1/users")["data"]
    made = team.client.post("/v1/sequences", {"name": "A", "creatorId": user["organizationMembershipId"]})
    assert made["assignedToIds"] == []


def test_an_assignee_given_twice_is_one(team: Team) -> None:
    one, other = (str(team.member()[0]) for _ in range(2))
    body = {"name": "A", "creatorId": one, "assignedToIds": [other, one, other]}
    assert team.client.post("/v1/sequences", body)["assignedToIds"] == [other, one]


def test_who_is_no_member_of_the_workspace_is_told_all_at_once(team: Team, make: Make) -> None:
    member, membership = team.member()
    elsewhere = make.member(team.organization_id, [team.workspace()])
    stranger = make.team().member()[0]
    ids = [str(one) for one in (member, elsewhere, membership, stranger, uuid4())]
    body = {"name": "A", "creatorId": str(stranger), "assignedToIds": ids}
    assert team.client.faults("POST", "/v1/sequences", json=body) == [
        ("/creatorId", "UNKNOWN_MEMBER"),
        *((f"/assignedToIds/{number}", "UNKNOWN_MEMBER") for number in range(1, 5)),
    ]
    assert team.client.get("/v1/sequences")["data"] == []


def test_a_workspace_outside_the_scope(make: Make, team: Team) -> None:
    other = team.workspace()
    creator = str(make.member(team.organization_id, [team.workspace_id, other]))
    client = team.client_for(team.workspace_id, other)
    assert client.post(f"/v1/sequences?workspaceId={other}", {"name": "A", "creatorId": creator})["workspaceId"] == str(
        other
    )
    for id in (other, make.team().workspace_id, "nonsense"):
        team.client.post(f"/v1/sequences?workspaceId={id}", {"name": "A", "creatorId": creator}, status=404)


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({}, [("/name", "REQUIRED"), ("/creatorId", "REQUIRED")]),
        (
            {"name": "", "creatorId": "x", "assignedToIds": ["y", 1, None]},
            [
                ("/name", "TOO_SHORT"),
                ("/creatorId", "INVALID_ID"),
                ("/assignedToIds/0", "INVALID_ID"),
                ("/assignedToIds/1", "WRONG_TYPE"),
                ("/assignedToIds/2", "NULL_NOT_ALLOWED"),
            ],
        ),
        (
            {"name": "a\x00", "creatorId": None, "assignedToIds": [str(uuid4())] * 101},
            [
                ("/creatorId", "NULL_NOT_ALLOWED"),
                ("/assignedToIds", "TOO_MANY_ITEMS"),
                ("/name", "FORBIDDEN_CHARACTER"),
            ],
        ),
        ({"name": "a" * 201, "creatorId": str(uuid4())}, [("/name", "TOO_LONG")]),
    ],
)
def test_bad_input(team: Team, body: object, faults: list[tuple[str, str]]) -> None:
    assert team.client.faults("POST", "/v1/sequences", json=body) == faults
