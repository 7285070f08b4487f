"""DELETE /v1/exports/{id}."""

from tests.client import Client
from tests.exports.conftest import Kept

EXPORTS = "/v1/exports"


def test_it_is_not_made_any_more(client: Client) -> None:
    path = f"{EXPORTS}/{client.post(EXPORTS, {})['id']}"
    for _ in range(2):
        client.delete(path)
        export = client.get(path)
        assert export["status"] == "CANCELED"
        assert export["endedAt"] is not None
    assert client.get(f"{path}/file", 410)["error"]["code"] == "EXPORT_GONE"


def test_nobody_makes_it_afterwards(kept: Kept) -> None:
    client = kept.team.client
    path = f"{EXPORTS}/{client.post(EXPORTS, {})['id']}"
    client.delete(path)
    kept.work()
    assert client.get(path)["status"] == "CANCELED"
