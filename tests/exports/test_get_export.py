"""GET /v1/exports/{id}."""

from tests.client import Client
from tests.make import Team

EXPORTS = "/v1/exports"


def test_what_is_known_before_it_is_made(team: Team, client: Client) -> None:
    made = client.post(EXPORTS, {"format": "ndjson"})
    assert client.get(f"{EXPORTS}/{made['id']}") == made
    assert made == {
        "id": made["id"],
        "workspaceId": str(team.workspace_id),
        "format": "ndjson",
        "status": "PENDING",
        "rowCount": 0,
        "sizeBytes": None,
        "sha256": None,
        "snapshotAt": None,
        "createdAt": made["createdAt"],
        "endedAt": None,
        "expiresAt": None,
    }
    client.delete(f"{EXPORTS}/{made['id']}")
