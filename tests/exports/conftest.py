"""Teams whose exports are kept in a folder and in a bucket, and a worker that is told when to work."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from skipcall.exports.actions import Exporter
from skipcall.postgres.db import Database
from skipcall.postgres.embedded import EmbeddedPostgres
from skipcall.storage.model import Storage
from tests.keeping import Kept, keeping


@pytest.fixture(params=["folder", "bucket"])
def kept(request: pytest.FixtureRequest, postgres: EmbeddedPostgres, tmp_path: Path) -> Iterator[Kept]:
    with keeping(request, postgres.url, tmp_path, request.param, _work) as kept:
        yield kept


async def make_exports(url: str, storage: Storage) -> None:
    """Do what the worker does about exports."""
    database = Database(url, 2)
    await database.open()
    try:
        await _work(database, storage)
    finally:
        await database.close()


async def _work(database: Database, storage: Storage) -> None:
    exporter = Exporter(database, storage)
    while not await exporter.step():
        pass
    await exporter.remove_expired()
