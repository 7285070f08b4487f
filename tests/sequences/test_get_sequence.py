"""`GET /v1/sequences/{id}`."""

from tests.make import Team
from tests.sequences.people import staffed


def test_get_sequence(team: Team) -> None:
    made = staffed(team)
    made.add(made.contact_ids[:4])
    found = team.client.get(made.path)
    assert [found] == team.client.get("/v1/sequences")["data"]
    assert found["contactCount"] == 4
    assert found["assignedToIds"] == [str(id) for id in made.organization_membership_ids]


def test_a_known_version_is_304(team: Team) -> None:
    path = team.sequence()
    tag = team.client.request("GET", path).headers["etag"]
    team.client.request("GET", path, status=304, headers={"if-none-match": tag})
    team.client.patch(path, {"status": "PAUSED"})
    team.client.request("GET", path, status=200, headers={"if-none-match": tag})


def test_a_deleted_contact_is_not_counted(team: Team) -> None:
    made = staffed(team)
    made.add(made.contact_ids)
    team.client.delete(f"/v1/contacts/{made.contact_ids[0]}")
    assert team.client.get(made.path)["contactCount"] == 9
