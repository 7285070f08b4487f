"""Teams whose files are kept in a folder or in a bucket, and a worker that is told when to work."""

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from skipcall.postgres.db import Database
from skipcall.settings import load
from skipcall.storage.choice import open_storage
from skipcall.storage.model import Storage
from tests.make import Make, Team
from tests.s3 import S3Server
from tests.serving import ServerProcess

Work = Callable[[Database, Storage], Awaitable[None]]


class Kept(NamedTuple):
    """A team, where its server keeps files by which settings, and a function that does what is due, with another storage if given."""

    team: Team
    storage: Storage
    settings: dict[str, str]
    work: Callable[..., None]


@contextlib.contextmanager
def keeping(request: pytest.FixtureRequest, url: str, place: Path, kind: str, work: Work) -> Iterator[Kept]:
    """Lend a server that keeps files in a `folder` or a `bucket`, and its worker."""
    with contextlib.ExitStack() as ending:
        settings: dict[str, str] = {"SKIPCALL_DATA": str(place / "data"), "SKIPCALL_IMPORT_BYTES_MAX": "20000000"}
        if kind == "bucket":
            s3: S3Server = request.getfixturevalue("s3")
            settings |= s3.settings
        server = ending.enter_context(ServerProcess(url, place / "server.log", **settings))
        make = Make(url, server.url)
        ending.callback(make.close)
        storage = open_storage(load(settings))

        async def run(used: Storage) -> None:
            database = Database(url, 2)
            await database.open()
            try:
                await work(database, used)
            finally:
                await database.close()

        yield Kept(make.team(), storage, settings, lambda other=None: make.run(run(other or storage)))
        assert not server.failures, server.failures
