"""Teams whose exports are kept in a folder and in a bucket, and a worker that is told when to work."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from skipcall.exports.actions import Exporter
from skipcall.postgres.db import Database
from skipcall.postgres.embedded import EmbeddedPostgres
from skipcall.settings import load
from skipcall.storage.choice import open_storage
from skipcall.storage.model import Storage
from tests.make import Make, Team
from tests.s3 import S3Server
from tests.serving import ServerProcess


class Kept(NamedTuple):
    """A team, where its server keeps files, and a function that makes what is asked for, with another storage if given."""

    team: Team
    storage: Storage
    work: Callable[..., None]


@pytest.fixture(params=["folder", "bucket"])
def kept(request: pytest.FixtureRequest, postgres: EmbeddedPostgres, tmp_path: Path) -> Iterator[Kept]:
    with contextlib.ExitStack() as ending:
        settings: dict[str, str] = {"SKIPCALL_DATA": str(tmp_path / "data")}
        if request.param == "bucket":
            s3: S3Server = request.getfixturevalue("s3")
            settings |= s3.settings
        server = ending.enter_context(ServerProcess(postgres.url, tmp_path / "server.log", **settings))
        make = Make(postgres.url, server.url)
        ending.callback(make.close)
        storage = open_storage(load(settings))

        def work(other: Storage | None = None) -> None:
            make.run(make_exports(postgres.url, other or storage))

        yield Kept(make.team(), storage, work)
        assert not server.failures, server.failures


async def make_exports(url: str, storage: Storage) -> None:
    """Do what the worker does about exports."""
    database = Database(url, 2)
    await database.open()
    try:
        exporter = Exporter(database, storage)
        while not await exporter.step():
            pass
        await exporter.remove_expired()
    finally:
        await database.close()
