"""`skipcall serve` on a database behind PgBouncer in transaction mode."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from skipcall.postgres.embedded import EmbeddedPostgres
from tests.cli.process import Serve, run
from tests.programs import pooled


@pytest.fixture
def pooled_url(place: Path) -> Iterator[str]:
    with EmbeddedPostgres.start(place / "pooled", fast=True) as postgres, pooled(postgres, place) as url:
        yield url


def test_it_serves_and_says_what_it_cannot_see(pooled_url: str, place: Path) -> None:
    with Serve(place / "behind", "--demo", DATABASE_URL=pooled_url) as serve:
        assert "behind a pooler" in serve.log
        with serve.client() as client:
            patched = client.patch(f"/v1/contacts/{serve.ready['contactId']}", json={"role": "CTO"})
        assert patched.json()["role"] == "CTO"
        found = run(serve.data, "doctor", DATABASE_URL=pooled_url).stdout
        assert "warning\tPooler" in found
