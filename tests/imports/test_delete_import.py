"""DELETE /v1/imports/{id}."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from skipcall import clock, ids
from skipcall.imports.uploading import key_of
from tests.imports.conftest import ZOE, Loader, csv_of


def test_it_is_gone_and_what_it_wrote_stays(loader: Loader) -> None:
    found = loader.done(csv_of(ZOE, ("A", "", "", "")))
    path = f"/v1/imports/{found['id']}"
    loader.client.delete(path)
    loader.client.get(path, 404)
    loader.client.get(f"{path}/errors", 404)
    loader.client.delete(path, 404)
    assert len(loader.contacts()) == 1


def test_one_that_is_worked_on_is_canceled_first(loader: Loader) -> None:
    path = loader.sent(csv_of(ZOE))
    assert loader.client.delete(path, 409).json()["error"]["code"] == "IMPORT_STATUS"
    loader.client.post(f"{path}/cancel", None, 200)
    loader.client.delete(path)


def test_a_file_that_was_left_is_removed_when_it_is_old(anywhere: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    path = anywhere.checked(csv_of(ZOE))["id"]
    orphan, kept = key_of(ids.new_id(), 1), key_of(path, 1)
    storage, run = anywhere.kept.storage, anywhere.kept.team.make.run

    async def content() -> AsyncIterator[bytes]:
        yield b"First Name"

    async def keys() -> set[str]:
        return {one.key async for batch in storage.list("imports") for one in batch}

    run(storage.put(orphan, content(), "text/csv"))
    anywhere.kept.work()
    assert {orphan, kept} <= run(keys())
    later = clock.now() + timedelta(hours=25)
    monkeypatch.setattr(clock, "now", lambda: later)
    anywhere.kept.work()
    assert orphan not in run(keys())
    assert kept in run(keys())
