"""`GET /v1/workspaces/{id}/members`."""

import pytest

from tests.make import Make, Team


def test_members_of_every_status(make: Make, team: Team) -> None:
    for status, role in (("ACTIVE", "OWNER"), ("INVITED", "ADMIN"), ("SUSPENDED", "MEMBER")):
        make.member(team.organization_id, [team.workspace_id], status=status, role=role)
    make.member(team.organization_id, [team.workspace()])
    page = team.client.get(f"/v1/workspaces/{team.workspace_id}/members")
    assert [(one["status"], one["role"]) for one in page["data"]] == [
        ("ACTIVE", "OWNER"),
        ("INVITED", "ADMIN"),
        ("SUSPENDED", "MEMBER"),
    ]
    assert page["meta"]["total"] == 3


def test_id_is_that_of_the_workspace_membership(make: Make, team: Team) -> None:
    other = team.workspace()
    membership_id = make.member(team.organization_id, [team.workspace_id, other], first_name="Ana", last_name="Lopez")
    client = team.client_for(team.workspace_id, other)
    [here] = client.get(f"/v1/workspaces/{team.workspace_id}/members")["data"]
    [there] = client.get(f"/v1/workspaces/{other}/members")["data"]
    assert here["id"] != there["id"]
    assert here["organizationMembershipId"] == there["organizationMembershipId"] == str(membership_id)
    assert here["userId"] == there["userId"]
    assert set(here) == {
        "id",
        "organizationMembershipId",
        "userId",
        "email",
        "firstName",
        "lastName",
        "role",
        "status",
    }


@pytest.mark.parametrize("size", [1, 2, 500])
def test_cursor(make: Make, team: Team, size: int) -> None:
    for number in range(5):
        make.member(team.organization_id, [team.workspace_id], last_name=str(number))
    found = team.client.walk(f"/v1/workspaces/{team.workspace_id}/members", size=size)
    assert [one["lastName"] for one in found] == ["0", "1", "2", "3", "4"]
