"""`GET /v1/users`."""

from tests.make import Make, Team


def test_users_with_a_workspace_in_scope(make: Make, team: Team) -> None:
    other = team.workspace()
    both = make.member(team.organization_id, [team.workspace_id, other])
    here = make.member(team.organization_id, [team.workspace_id])
    there = make.member(team.organization_id, [other])
    make.member(team.organization_id, [])
    stranger = make.team()
    make.member(stranger.organization_id, [stranger.workspace_id])

    def listed(*workspace_ids: object, **parameters: str) -> dict[str, list[str]]:
        client = team.client_for(*workspace_ids)  # type: ignore[arg-type]
        users = client.get("/v1/users", params=parameters)["data"]
        return {one["organizationMembershipId"]: one["workspaceIds"] for one in users}

    one, two = str(team.workspace_id), str(other)
    assert listed(team.workspace_id) == {str(both): [one], str(here): [one]}
    assert listed(other) == {str(both): [two], str(there): [two]}
    assert listed(team.workspace_id, other) == {str(both): [one, two], str(here): [one], str(there): [two]}
    assert listed(team.workspace_id, other, workspaceIds=two) == {str(both): [two], str(there): [two]}


def test_shape_total_and_cursor(make: Make, team: Team) -> None:
    for _ in range(5):
        make.member(team.organization_id, [team.workspace_id], role="ADMIN")
    page = team.client.get("/v1/users", params={"size": 2})
    assert page["meta"]["total"] == 5
    assert set(page["data"][0]) == {
        "id",
        "organizationMembershipId",
        "email",
        "firstName",
        "lastName",
        "role",
        "status",
        "workspaceIds",
        "createdAt",
    }
    found = [one["id"] for one in team.client.walk("/v1/users", size=2)]
    assert len(found) == len(set(found)) == 5
