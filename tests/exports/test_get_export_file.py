"""GET /v1/exports/{id}/file."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest

from skipcall import clock, ids
from skipcall.exports.actions import key_of
from tests.keeping import Kept

EXPORTS = "/v1/exports"


def test_a_download_goes_on_where_it_ended(kept: Kept) -> None:
    client = kept.team.client
    kept.team.contact()
    path = f"{EXPORTS}/{client.post(EXPORTS, {})['id']}/file"
    assert client.get(path, 409)["error"]["code"] == "EXPORT_UNFINISHED"
    kept.work()
    whole = client.request("GET", path, status=200)
    assert whole.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in whole.headers["content-disposition"]
    tag = whole.headers["etag"]
    rest = client.request("GET", path, headers={"range": "bytes=100-", "if-range": tag}, status=206)
    assert rest.content == whole.content[100:]
    assert rest.headers["content-range"] == f"bytes 100-{len(whole.content) - 1}/{len(whole.content)}"
    assert client.request("GET", path, headers={"range": "bytes=100-", "if-range": '"other"'}).content == whole.content
    client.request("GET", path, headers={"range": f"bytes={len(whole.content)}-"}, status=416)
    client.request("GET", path, headers={"if-none-match": tag}, status=304)
    head = client.request("HEAD", path, status=200)
    assert (head.content, head.headers["content-length"]) == (b"", str(len(whole.content)))


def test_a_file_that_is_not_there_any_more(kept: Kept) -> None:
    client = kept.team.client
    id = client.post(EXPORTS, {})["id"]
    kept.work()
    kept.team.make.rows(
        "UPDATE exports SET expires_at = now() - interval '1 second' WHERE id = :id RETURNING id", id=UUID(id)
    )
    kept.work()
    assert client.get(f"{EXPORTS}/{id}")["status"] == "EXPIRED"
    assert client.get(f"{EXPORTS}/{id}/file", 410)["error"]["code"] == "EXPORT_GONE"

    async def left() -> list[str]:
        return [one.key async for batch in kept.storage.list("exports") for one in batch if id in one.key]

    assert kept.team.make.run(left()) == []


def test_what_a_killed_worker_left_is_removed_when_it_is_old(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    id = kept.team.client.post(EXPORTS, {})["id"]
    kept.work()
    orphan = key_of(ids.new_id(), 1)

    async def content() -> AsyncIterator[bytes]:
        yield b"id,firstName"

    async def keys() -> set[str]:
        return {one.key async for batch in kept.storage.list("exports") for one in batch}

    kept.team.make.run(kept.storage.put(orphan, content(), "text/csv"))
    kept.work()
    assert {orphan, key_of(id, 1)} <= kept.team.make.run(keys())
    later = clock.now() + timedelta(hours=25)
    monkeypatch.setattr(clock, "now", lambda: later)
    kept.work()
    left = kept.team.make.run(keys())
    assert orphan not in left
    assert key_of(id, 1) in left
