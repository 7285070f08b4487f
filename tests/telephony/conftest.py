"""A server that knows its public address, which Twilio signs."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from skipcall.postgres.embedded import EmbeddedPostgres
from tests.make import Make
from tests.serving import ServerProcess
from tests.telephony.requests import PUBLIC_URL
from tests.telephony.senders import Senders


@pytest.fixture(scope="session")
def public_server(postgres: EmbeddedPostgres, place: Path) -> Iterator[ServerProcess]:
    with ServerProcess(postgres.url, place / "public-server.log", SKIPCALL_PUBLIC_URL=PUBLIC_URL) as server:
        yield server
    assert not server.failures, json.dumps(server.failures, indent=1)


@pytest.fixture
def senders(make: Make, public_server: ServerProcess) -> Iterator[Senders]:
    """A new team, and providers that report to it."""
    with Senders(make, make.team(), public_server.url) as senders:
        yield senders
