"""One PostgreSQL and one real server for each test process. Tests are kept apart by tenancy: nothing is ever reset."""

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from skipcall.postgres.db import connect
from skipcall.postgres.embedded import EmbeddedPostgres
from skipcall.postgres.migrate import migrate
from tests.client import Client
from tests.make import Make, Team
from tests.s3 import S3Server
from tests.serving import ServerProcess

settings.register_profile(
    "skipcall",
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
    database=None,
)
settings.load_profile("skipcall")


def migrated(url: str) -> None:
    """Bring a database up to date."""

    async def run() -> None:
        session = await connect(url)
        try:
            await migrate(session)
        finally:
            await session.connection.close()

    asyncio.run(run())


@pytest.fixture(scope="session")
def place() -> Iterator[Path]:
    """A directory that every account can reach, which `tmp_path` of root is not."""
    directory = Path(tempfile.mkdtemp(prefix="skipcall-test-"))
    directory.chmod(0o711)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def postgres(place: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres.start(place / "shared", fast=True) as server:
        migrated(server.url)
        yield server


@pytest.fixture(scope="session")
def s3(place: Path) -> Iterator[S3Server]:
    """A real S3 server for the tests that need one."""
    with S3Server(place / "s3") as server:
        yield server


@pytest.fixture(scope="session")
def server(postgres: EmbeddedPostgres, place: Path) -> Iterator[ServerProcess]:
    """The server of most tests. None of them may make it fail."""
    with ServerProcess(postgres.url, place / "server.log") as server:
        yield server
    assert not server.failures, json.dumps(server.failures, indent=1)


@pytest.fixture
def own_server(postgres: EmbeddedPostgres, tmp_path: Path) -> Iterator[ServerProcess]:
    """A server for one test alone, which may stop it."""
    with ServerProcess(postgres.url, tmp_path / "server.log") as server:
        yield server
    assert not server.failures, json.dumps(server.failures, indent=1)


@pytest.fixture(scope="session")
def make(server: ServerProcess, postgres: EmbeddedPostgres) -> Iterator[Make]:
    make = Make(postgres.url, server.url)
    yield make
    make.close()
    told = [key for key in make.keys if key.rpartition("_")[2] in server.log]
    assert told == [], "the log of the server holds API keys"


@pytest.fixture
def team(make: Make) -> Team:
    """A new organization with one live workspace and a key that opens it."""
    return make.team()


@pytest.fixture
def client(team: Team) -> Client:
    return team.client
