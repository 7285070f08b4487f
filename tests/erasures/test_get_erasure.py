"""GET /v1/erasures/{id}."""

from tests.make import Team


def test_who_asked_for_it_and_when(team: Team) -> None:
    asked = team.client.request("POST", f"{team.contact()}/erase", status=200)
    erasure = team.client.get(asked.headers["location"])
    assert erasure == asked.json()
    assert erasure["requestId"] == asked.headers["x-request-id"]
    assert erasure["workspaceId"] == str(team.workspace_id)
    assert erasure["createdAt"] <= erasure["completedAt"]
    assert erasure["consentsSha256"] is None
