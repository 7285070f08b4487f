"""`GET /v1/workspaces`."""

from tests.make import Make, Team


def test_the_scope_of_the_key_and_nothing_else(make: Make, team: Team) -> None:
    second, third = team.workspace(), team.workspace()
    make.team(organization_id=team.organization_id)
    make.team()
    client = team.client_for(team.workspace_id, third)
    page = client.get("/v1/workspaces")
    assert [one["id"] for one in page["data"]] == sorted([str(team.workspace_id), str(third)])
    assert page["meta"]["total"] == 2
    assert str(second) not in str(page)


def test_shape(team: Team) -> None:
    [workspace] = team.client.get("/v1/workspaces")["data"]
    assert workspace == {
        "id": str(team.workspace_id),
        "name": workspace["name"],
        "organizationId": str(team.organization_id),
        "defaultCountry": "FR",
        "timezone": "Europe/Paris",
        "createdAt": workspace["createdAt"],
        "updatedAt": workspace["createdAt"],
    }


def test_pages_and_cursor(team: Team) -> None:
    ids = [team.workspace_id, *(team.workspace() for _ in range(4))]
    client = team.client_for(*ids)
    assert [one["id"] for one in client.walk("/v1/workspaces", size=2)] == [str(one) for one in ids]
    second = client.get("/v1/workspaces", params={"page": 1, "size": 2})
    assert [one["id"] for one in second["data"]] == [str(one) for one in ids[2:4]]
    assert second["meta"] | {"nextCursor": ""} == {
        "page": 1,
        "size": 2,
        "total": 5,
        "totalPages": 3,
        "hasMore": True,
        "nextCursor": "",
    }


def test_narrowed(make: Make, team: Team) -> None:
    other = team.workspace()
    stranger = make.team()
    client = team.client_for(team.workspace_id, other)
    page = client.get("/v1/workspaces", params={"workspaceIds": f"{other},{stranger.workspace_id}"})
    assert [one["id"] for one in page["data"]] == [str(other)]
    assert page["meta"]["total"] == 1
    assert client.get("/v1/workspaces", params={"workspaceIds": str(stranger.workspace_id)})["data"] == []
