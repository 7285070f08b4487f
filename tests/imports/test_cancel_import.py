"""POST /v1/imports/{id}/cancel."""

import threading
from typing import Any

import pytest

from skipcall.imports import running
from skipcall.imports.deciding import decide_batch
from skipcall.imports.rows import RowConverter
from tests.imports.conftest import LEA, ZOE, Loader, counts, csv_of


def test_one_that_waits(loader: Loader) -> None:
    for path in (loader.asked(), loader.sent(csv_of(ZOE)), f"/v1/imports/{loader.checked(csv_of(ZOE))['id']}"):
        assert loader.client.post(f"{path}/cancel", None, 200)["status"] == "CANCELED"
        loader.kept.work()
        canceled = loader.get(path)
        assert (canceled["status"], canceled["endedAt"] is None, canceled["counts"]) == ("CANCELED", False, counts())
        assert loader.client.post(f"{path}/cancel", None, 409)["error"]["code"] == "IMPORT_STATUS"
    assert loader.contacts() == []


def test_what_was_written_stays_and_can_be_undone(loader: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "BATCH_ROWS", 1)
    path = loader.sent(csv_of(ZOE, LEA), dryRun=False)
    batches = 0
    canceling = threading.Thread(target=loader.client.post, args=(f"{path}/cancel", None, 200))

    async def decide(*arguments: Any) -> Any:
        nonlocal batches
        batches += 1
        if batches == 1:  # waits for the batch that is under way
            canceling.start()
        return await decide_batch(*arguments)

    def read(*arguments: Any) -> Any:
        if batches == 1:  # the second batch is read when the import is canceled
            canceling.join()
        return convert(*arguments)

    convert = RowConverter.convert
    monkeypatch.setattr(running, "decide_batch", decide)
    monkeypatch.setattr(RowConverter, "convert", read)
    loader.kept.work()
    canceled = loader.get(path)
    assert (canceled["status"], canceled["counts"], batches) == ("CANCELED", counts(created=1), 1)
    assert [one["firstName"] for one in loader.contacts()] == ["Zoé"]
    loader.client.post(f"{path}/undo", None, 200)
    loader.kept.work()
    assert loader.get(path)["undone"]["deleted"] == 1
    assert loader.contacts() == []
