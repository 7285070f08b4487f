"""A database for the workers of these tests alone: they work for every workspace that they find."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from skipcall.postgres.embedded import EmbeddedPostgres
from tests.conftest import migrated
from tests.make import Make


@pytest.fixture(scope="module")
def database(place: Path, request: pytest.FixtureRequest) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres.start(place / request.node.name.rpartition("/")[2], fast=True) as server:
        migrated(server.url)
        yield server


@pytest.fixture
def make(database: EmbeddedPostgres) -> Iterator[Make]:
    make = Make(database.url, "http://localhost")
    yield make
    make.close()
