"""Servers that keep recordings in a folder and in a bucket, and a team on each."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from skipcall.postgres.embedded import EmbeddedPostgres
from tests.make import Make, Team
from tests.s3 import S3Server
from tests.serving import ServerProcess


@pytest.fixture
def own_server_of(postgres: EmbeddedPostgres, tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Start a server with settings for one test alone."""
    with contextlib.ExitStack() as ending:
        yield lambda **settings: ending.enter_context(
            ServerProcess(postgres.url, tmp_path / "own-server.log", **settings)
        )


@pytest.fixture(scope="session")
def bucket_server(postgres: EmbeddedPostgres, s3: S3Server, place: Path) -> Iterator[ServerProcess]:
    with ServerProcess(postgres.url, place / "bucket-server.log", **s3.settings) as server:
        yield server
    assert not server.failures, server.failures


@pytest.fixture(params=["folder", "bucket"])
def kept_team(request: pytest.FixtureRequest, make: Make) -> Iterator[Team]:
    """A team on a server whose recordings are in a folder, and on one whose are in a bucket."""
    if request.param == "folder":
        yield make.team()
        return
    server: ServerProcess = request.getfixturevalue("bucket_server")
    elsewhere = Make(make.database_url, server.url)
    yield elsewhere.team()
    elsewhere.close()
