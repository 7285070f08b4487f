"""The lease under which a worker has an import: it is renewed while the work goes on, and who has lost it stops."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from skipcall.imports import running
from skipcall.imports.deciding import decide_batch
from skipcall.imports.rows import RowConverter
from skipcall.imports.running import Importer
from skipcall.postgres import leases
from skipcall.postgres.db import Database, Statement
from tests.imports.conftest import LEA, ZOE, Loader, counts, csv_of
from tests.imports.test_killed import KILLED, ROOT
from tests.serving import SECRET
from tests.worker.process import eventually

LEASE = 1.5
LONGER = 2.2 * LEASE  # and no multiple of the time between two renewals


def test_what_a_killed_worker_had_is_taken_up_when_its_lease_is_over(loader: Loader) -> None:
    assert leases.LEASE_SECONDS <= 30
    path = loader.sent(csv_of(ZOE), matchBy=["email"], dryRun=False)
    command = [sys.executable, str(KILLED), loader.kept.team.make.database_url, "4", "5"]
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"} | loader.kept.settings
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    loader.kept.work()
    assert loader.get(path)["status"] == "RUNNING", "the killed one still has its lease"

    def status() -> Any:
        loader.kept.work()
        return loader.get(path)["status"]

    eventually(status, "COMPLETED")
    assert loader.get(path)["counts"] == counts(created=1)


def slow_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def convert(*arguments: Any) -> Any:
        time.sleep(LONGER)  # in a thread
        return original(*arguments)

    original = RowConverter.convert
    monkeypatch.setattr(RowConverter, "convert", convert)


def slow_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    async def decide(*arguments: Any) -> Any:
        await asyncio.sleep(LONGER)  # in a transaction that has locked the import
        return await decide_batch(*arguments)

    monkeypatch.setattr(running, "decide_batch", decide)


def slow_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    slow_reading(monkeypatch)
    slow_batches(monkeypatch)


@pytest.mark.parametrize(("slow", "dry"), [(slow_reading, True), (slow_batches, True), (slow_everything, False)])
def test_one_that_takes_longer_than_a_lease_is_nobody_elses(
    loader: Loader, monkeypatch: pytest.MonkeyPatch, slow: Callable[[pytest.MonkeyPatch], None], dry: bool
) -> None:
    monkeypatch.setattr(leases, "LEASE_SECONDS", LEASE)
    monkeypatch.setattr(running, "BATCH_ROWS", 1)
    slow(monkeypatch)
    path = loader.sent(csv_of(ZOE, LEA), matchBy=["email"], dryRun=dry)

    async def work() -> None:
        """Two workers look for work again and again, until all is done."""
        database = Database(loader.kept.team.make.database_url, 6)
        await database.open()
        one, other = (Importer(database, loader.kept.storage, SECRET.encode()) for _ in range(2))
        working = asyncio.create_task(one.step())
        await asyncio.sleep(LEASE / 2)
        while not working.done():
            await other.step()
            await asyncio.sleep(LEASE / 20)
        await database.close()

    loader.kept.team.make.run(work())
    found = loader.get(path)
    assert found["status"] == ("AWAITING_CONFIRMATION" if dry else "COMPLETED")
    assert (found["dryRun"] if dry else found)["counts"] == counts(created=2)
    assert claims(loader, path) == 1


def test_who_has_lost_it_stops(loader: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both while it works and when it goes on after a while in which it did not run at all."""
    monkeypatch.setattr(leases, "LEASE_SECONDS", LEASE)
    path = loader.sent(csv_of(ZOE), matchBy=["email"], dryRun=False)
    id = UUID(path.rpartition("/")[2])
    taken = Statement("UPDATE imports SET claim = claim + 1, next_attempt_at = now() + interval '1 day' WHERE id = :id")

    async def fill(database: Database, *_: Any) -> Any:
        await database.execute(taken, id=id)  # by another worker
        await asyncio.sleep(60)
        pytest.fail("it goes on")

    monkeypatch.setattr(running, "fill_fields", fill)
    loader.kept.work()
    assert (loader.get(path)["status"], claims(loader, path), loader.contacts()) == ("RUNNING", 2, [])

    async def fill_at_once(database: Database, *_: Any) -> Any:
        await database.execute(taken, id=id)
        return []

    monkeypatch.setattr(running, "fill_fields", fill_at_once)
    due(loader, path)
    loader.kept.work()
    assert (loader.get(path)["status"], claims(loader, path), loader.contacts()) == ("RUNNING", 4, [])
    monkeypatch.undo()
    due(loader, path)
    loader.kept.work()
    assert (loader.get(path)["status"], len(loader.contacts())) == ("COMPLETED", 1)


def due(loader: Loader, path: str) -> None:
    id = UUID(path.rpartition("/")[2])
    loader.kept.team.make.rows("UPDATE imports SET next_attempt_at = now() WHERE id = :id RETURNING id", id=id)


def claims(loader: Loader, path: str) -> int:
    found: int = loader.kept.team.make.value(
        "SELECT claim FROM imports WHERE id = :id", id=UUID(path.rpartition("/")[2])
    )
    return found
