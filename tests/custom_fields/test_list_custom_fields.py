"""`GET /v1/custom-fields`."""

from tests.make import Make, Team


def test_in_order_of_creation_with_total(team: Team) -> None:
    for name in ("Zebra", "Alpha", "Mike"):
        team.field(name)
    page = team.client.get("/v1/custom-fields")
    assert [one["name"] for one in page["data"]] == ["Zebra", "Alpha", "Mike"]
    assert page["meta"]["total"] == 3


def test_scope_and_narrowing(make: Make, team: Team) -> None:
    other = team.workspace()
    make.custom_field(other, "There")
    team.field("Here")
    make.team().field("Elsewhere")
    both = team.client_for(team.workspace_id, other)
    assert {one["name"] for one in both.get("/v1/custom-fields")["data"]} == {"Here", "There"}
    assert [one["name"] for one in team.client.get("/v1/custom-fields")["data"]] == ["Here"]
    narrowed = both.get("/v1/custom-fields", params={"workspaceIds": str(other)})
    assert [one["name"] for one in narrowed["data"]] == ["There"]


def test_cursor(team: Team) -> None:
    names = [f"Field {number}" for number in range(7)]
    for name in names:
        team.field(name)
    assert [one["name"] for one in team.client.walk("/v1/custom-fields", size=3)] == names


def test_deleted_ones_are_gone(team: Team) -> None:
    gone, kept = team.field("Gone"), team.field("Kept")
    team.client.delete(f"/v1/custom-fields/{gone.id}")
    page = team.client.get("/v1/custom-fields")
    assert [one["id"] for one in page["data"]] == [kept.id]
    assert page["meta"]["total"] == 1


def test_by_status(team: Team) -> None:
    gone, kept = team.field("Gone"), team.field("Kept")
    team.client.delete(f"/v1/custom-fields/{gone.id}")
    for status, ids in (("active", [kept.id]), ("archived", [gone.id]), ("all", [gone.id, kept.id])):
        page = team.client.get("/v1/custom-fields", params={"status": status, "include": "details"})
        assert [one["id"] for one in page["data"]] == ids
        assert page["meta"]["total"] == len(ids)
        assert [one["archivedAt"] is not None for one in page["data"]] == [one == gone.id for one in ids]
    assert team.client.faults("GET", "/v1/custom-fields?status=deleted") == [("/query/status", "UNKNOWN_VALUE")]


def test_details_are_answered_when_asked_for(team: Team) -> None:
    team.field("Amount", type="number", is_required=True)
    [plain] = team.client.get("/v1/custom-fields")["data"]
    assert set(plain) == {"id", "name", "slug", "workspaceId", "createdAt", "updatedAt"}
    [detailed] = team.client.get("/v1/custom-fields?include=details")["data"]
    assert detailed == plain | {
        "type": "number",
        "options": [],
        "isRequired": True,
        "isUnique": False,
        "archivedAt": None,
    }
