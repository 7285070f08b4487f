"""DELETE /v1/exports/{id}."""

from tests.client import Client
from tests.keeping import Kept

EXPORTS = "/v1/exports"


def test_it_is_gone(client: Client) -> None:
    path = f"{EXPORTS}/{client.post(EXPORTS, {})['id']}"
    client.delete(path)
    client.get(path, 404)
    client.get(f"{path}/file", 404)
    client.delete(path, 404)


def test_nobody_makes_it_afterwards_and_its_file_is_gone(kept: Kept) -> None:
    client = kept.team.client
    ids = [client.post(EXPORTS, {})["id"] for _ in range(2)]
    client.delete(f"{EXPORTS}/{ids[0]}")
    kept.work()
    client.delete(f"{EXPORTS}/{ids[1]}")

    async def left() -> list[str]:
        return [one.key async for batch in kept.storage.list("exports") for one in batch if one.key[-38:-2] in ids]

    assert kept.team.make.run(left()) == []
