"""`GET /v1/workspaces/{id}`."""

from tests.make import Team


def test_get_workspace(team: Team) -> None:
    [listed] = team.client.get("/v1/workspaces")["data"]
    assert team.client.get(f"/v1/workspaces/{team.workspace_id}") == listed
    assert team.client.get(f"/v1/workspaces/{str(team.workspace_id).upper()}") == listed


def test_a_workspace_outside_the_scope(team: Team) -> None:
    team.client.get(f"/v1/workspaces/{team.workspace()}", status=404)
