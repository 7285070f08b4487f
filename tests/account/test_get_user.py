"""`GET /v1/users/{id}`."""

from tests.make import Make, Team


def test_get_user(make: Make, team: Team) -> None:
    make.member(team.organization_id, [team.workspace_id])
    [listed] = team.client.get("/v1/users")["data"]
    assert team.client.get(f"/v1/users/{listed['id']}") == listed


def test_a_colleague_without_a_workspace_in_scope(make: Make, team: Team) -> None:
    other = team.workspace()
    make.member(team.organization_id, [other])
    [listed] = team.client_for(other).get("/v1/users")["data"]
    team.client.get(f"/v1/users/{listed['id']}", status=404)


def test_one_person_in_two_organizations(make: Make, team: Team) -> None:
    stranger = make.team()
    email = f"both-{team.workspace_id}@example.com"
    make.member(team.organization_id, [team.workspace_id], email=email, role="OWNER")
    make.member(stranger.organization_id, [stranger.workspace_id], email=email.upper(), role="MEMBER")
    [here] = team.client.get("/v1/users")["data"]
    [there] = stranger.client.get("/v1/users")["data"]
    assert here["id"] == there["id"]
    assert (here["role"], there["role"]) == ("OWNER", "MEMBER")
    assert here["organizationMembershipId"] != there["organizationMembershipId"]
    assert here["workspaceIds"] == [str(team.workspace_id)]
