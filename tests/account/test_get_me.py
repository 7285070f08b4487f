"""`GET /v1/me`."""

from datetime import UTC, datetime, timedelta

from skipcall.api_keys.model import SCOPES
from tests.make import Make, Team


def test_me(team: Team) -> None:
    me = team.client.get("/v1/me")
    assert me["apiKey"] == {
        "id": str(team.key.id),
        "name": "Test",
        "prefix": team.key.text[:16],
        "environment": "LIVE",
        "createdAt": me["apiKey"]["createdAt"],
        "expiresAt": None,
    }
    assert me["organization"]["id"] == str(team.organization_id)
    assert me["subscription"] == {"plan": "EXPERT", "status": "ACTIVE", "endsAt": None}
    assert me["scopes"] == sorted(SCOPES)
    assert [(one["id"], one["isDefault"]) for one in me["workspaces"]] == [(str(team.workspace_id), True)]
    assert team.key.text not in str(me)


def test_the_default_workspace_is_the_one_named_first(make: Make) -> None:
    organization_id = make.organization()
    first, second = make.workspace(organization_id, name="First"), make.workspace(organization_id, name="Second")
    client = make.client(make.api_key(organization_id, [second, first]))
    workspaces = client.get("/v1/me")["workspaces"]
    assert {one["name"]: one["isDefault"] for one in workspaces} == {"First": False, "Second": True}


def test_a_key_with_few_scopes_and_an_end(make: Make, team: Team) -> None:
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    client = team.client_for(scopes=["contacts:read"], expires_at=end)
    me = client.get("/v1/me")
    assert me["scopes"] == ["contacts:read"]
    assert me["apiKey"]["expiresAt"] == end.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_a_trial_with_an_end(make: Make) -> None:
    end = datetime(2030, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
    me = make.team(plan="STARTER", status="TRIALING", ends_at=end, requests_per_minute=None).client.get("/v1/me")
    assert me["subscription"] == {"plan": "STARTER", "status": "TRIALING", "endsAt": "2030-01-02T03:04:05.678Z"}
    assert me["limits"] == {"requestsPerMinute": 100, "bodyBytesMax": 262_144, "pageSizeMax": 500}
