"""Teams whose files are kept in a folder and in a bucket, and a worker that is told when to work."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from skipcall import ids
from skipcall.erasures.actions import Eraser
from skipcall.exports.actions import Exporter
from skipcall.postgres.db import Database
from skipcall.postgres.embedded import EmbeddedPostgres
from skipcall.settings import load
from skipcall.storage.choice import open_storage
from skipcall.storage.model import Storage
from tests.make import Make, Team
from tests.s3 import S3Server
from tests.serving import ServerProcess
from tests.telephony.requests import PUBLIC_URL
from tests.telephony.senders import Senders


@pytest.fixture
def senders(make: Make, postgres: EmbeddedPostgres, tmp_path: Path) -> Iterator[Senders]:
    """A new team, and providers that report to it."""
    with (
        ServerProcess(postgres.url, tmp_path / "public-server.log", SKIPCALL_PUBLIC_URL=PUBLIC_URL) as server,
        Senders(make, make.team(), server.url) as senders,
    ):
        yield senders
        assert not server.failures, server.failures


class Kept(NamedTuple):
    """A team, where its server keeps files, and a function that does what waits for a worker."""

    team: Team
    storage: Storage
    work: Callable[[], None]

    def objects(self) -> dict[str, bytes]:
        """Return every object by its key."""

        async def read() -> dict[str, bytes]:
            found = {}
            for prefix in ("pending", "recordings", "exports", "imports"):
                async for batch in self.storage.list(prefix):
                    for one in batch:
                        found[one.key] = b"".join([piece async for piece in self.storage.read(one.key, 0, one.size)])
            return found

        return self.team.make.run(read())


@pytest.fixture(params=["folder", "bucket"])
def kept(request: pytest.FixtureRequest, postgres: EmbeddedPostgres, tmp_path: Path) -> Iterator[Kept]:
    with contextlib.ExitStack() as ending:
        settings: dict[str, str] = {"SKIPCALL_DATA": str(tmp_path / "data")}
        if request.param == "bucket":
            s3: S3Server = request.getfixturevalue("s3")
            settings |= s3.settings
            settings["SKIPCALL_STORAGE"] += f"/{ids.new_id()}"  # of no other test
        server = ending.enter_context(ServerProcess(postgres.url, tmp_path / "server.log", **settings))
        make = Make(postgres.url, server.url)
        ending.callback(make.close)
        storage = open_storage(load(settings))
        # What other tests have left to be done.
        make.rows("UPDATE exports SET next_attempt_at = NULL WHERE next_attempt_at IS NOT NULL RETURNING id")
        yield Kept(make.team(), storage, lambda: make.run(_work(postgres.url, storage)))
        assert not server.failures, server.failures


async def _work(url: str, storage: Storage) -> None:
    database = Database(url, 2)
    await database.open()
    try:
        exporter, eraser = Exporter(database, storage), Eraser(database, storage)
        while not await exporter.step():
            pass
        while not await eraser.step():
            pass
    finally:
        await database.close()
