"""`GET /v1/sequences`."""

from tests.make import Make, Team

NAMES = [f"Sequence {number}" for number in range(7)]


def test_newest_first_with_total(team: Team) -> None:
    for name in NAMES:
        team.sequence(name=name)
    page = team.client.get("/v1/sequences", params={"size": 3, "page": 1})
    assert [one["name"] for one in page["data"]] == NAMES[3:0:-1]
    assert page["meta"]["total"] == 7
    assert [one["name"] for one in team.client.walk("/v1/sequences", size=3)] == NAMES[::-1]


def test_scope_and_narrowing(make: Make, team: Team) -> None:
    other = team.workspace()
    there = make.sequence(other, make.member(team.organization_id, [other]), (), "There")
    here = team.sequence().rpartition("/")[2]
    make.team().sequence()
    both = team.client_for(team.workspace_id, other)
    assert [one["id"] for one in both.get("/v1/sequences")["data"]] == [here, there]
    assert [one["id"] for one in team.client.get("/v1/sequences")["data"]] == [here]
    narrowed = both.get("/v1/sequences", params={"workspaceIds": str(other)})
    assert [one["id"] for one in narrowed["data"]] == [there]


def test_deleted_ones_are_gone(team: Team) -> None:
    kept, gone = team.sequence(), team.sequence()
    team.client.delete(gone)
    page = team.client.get("/v1/sequences")
    assert [f"/v1/sequences/{one['id']}" for one in page["data"]] == [kept]
    assert page["meta"]["total"] == 1
