"""`GET /v1/tags`."""

from tests.make import FIRST_TAGS, Make, Team


def test_in_order_of_creation_with_total(team: Team) -> None:
    for label in ("Zebra", "Alpha"):
        team.tag(label)
    page = team.client.get("/v1/tags")
    assert [one["label"] for one in page["data"]] == [*FIRST_TAGS, "Zebra", "Alpha"]
    assert page["meta"]["total"] == 6
    assert [one["label"] for one in team.client.walk("/v1/tags", size=4)] == [*FIRST_TAGS, "Zebra", "Alpha"]


def test_scope_and_narrowing(make: Make, team: Team) -> None:
    other = team.workspace()
    there = make.tag(other, "There")
    both = team.client_for(team.workspace_id, other)
    assert both.get("/v1/tags")["meta"]["total"] == 9
    assert there not in {one["id"] for one in team.client.get("/v1/tags")["data"]}
    narrowed = both.get("/v1/tags", params={"workspaceIds": str(other)})
    assert narrowed["data"][4]["id"] == there
    assert narrowed["meta"]["total"] == 5


def test_deleted_ones_are_gone(team: Team) -> None:
    team.client.delete(f"/v1/tags/{team.tag('Gone')}")
    assert [one["label"] for one in team.client.get("/v1/tags")["data"]] == list(FIRST_TAGS)
