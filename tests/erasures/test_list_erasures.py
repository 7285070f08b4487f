"""GET /v1/erasures."""

from tests.make import Make, Team


def test_newest_first_by_cursor(team: Team) -> None:
    ids = [team.client.post(f"{team.contact()}/erase", None, status=200)["id"] for _ in range(5)]
    assert [one["id"] for one in team.client.walk("/v1/erasures", size=2)] == ids[::-1]
    assert team.client.get("/v1/erasures", params={"page": 1, "size": 2})["meta"]["total"] == 5


def test_only_of_the_workspaces_of_the_key(make: Make, team: Team) -> None:
    stranger = make.team()
    stranger.client.post(f"{stranger.contact()}/erase", None, status=200)
    other = team.workspace()
    client = team.client_for(team.workspace_id, other)
    own = client.post(f"{team.contact()}/erase", None, status=200)["id"]
    assert [one["id"] for one in client.walk("/v1/erasures")] == [own]
    assert client.walk("/v1/erasures", workspaceIds=str(other)) == []
