"""The same journey on the oldest PostgreSQL that is supported, and through PgBouncer in transaction mode."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from skipcall.postgres.embedded import EmbeddedPostgres
from tests.conftest import migrated
from tests.make import Make, Team, phone_number
from tests.programs import pooled, required
from tests.serving import ServerProcess

OLDEST = Path("/usr/lib/postgresql/15/bin")
NEW = {"firstName": "Ana", "lastName": "Lopez", "phoneNumbers": [phone_number(1)]}


@contextlib.contextmanager
def serving(database_url: str, direct_url: str, log: Path) -> Iterator[Team]:
    """Start a server, and make a team in its database."""
    with ServerProcess(database_url, log) as server:
        make = Make(direct_url, server.url)
        try:
            yield make.team()
        finally:
            make.close()
        assert not server.failures, server.failures[:3]


def journey(team: Team) -> None:
    """Use what a database could do differently: merges, counts, events, transactions, cursors, many at once."""
    client = team.client
    field = client.post("/v1/custom-fields", {"name": "Team size"})
    made = [client.post("/v1/contacts", NEW)["id"] for _ in range(5)]
    path = f"/v1/contacts/{made[0]}"
    changed = client.patch(path, {"city": "Lille", "customFields": {"team_size": "9"}})
    assert client.get(path) == changed
    assert client.patch(path, changed) == changed
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: client.patch(path, {"role": str(number), "customFields": {}}), range(100)))
        key = {"idempotency-key": "once"}
        repeated = list(pool.map(lambda _: client.request("POST", "/v1/contacts", json=NEW, headers=key), range(16)))
    assert {one.status_code for one in repeated} <= {201, 409}
    assert len({one.json()["id"] for one in repeated if one.status_code == 201}) == 1
    assert len(client.walk("/v1/contacts", size=2)) == 6
    assert client.get("/v1/contacts")["meta"]["total"] == 6
    assert len(client.walk("/v1/contacts", size=2, updatedSince="2020-01-01T00:00:00Z")) == 6
    nines = {"field": "customFields.team_size", "operator": "equals", "value": "9"}
    search = client.post("/v1/contacts/search", {"text": "LÓPEZ", "filter": nines}, status=200)
    assert [one["id"] for one in search["data"]] == made[:1]
    assert len(client.get("/v1/contacts/lookup", params={"phoneNumber": phone_number(1)})["data"]) == 6
    versions = [event["object_version"] for event in team.make.events(path)]
    assert versions == list(range(1, len(versions) + 1))
    assert len(versions) > 50
    client.delete(path)
    client.get(path, 404)
    client.patch(f"/v1/custom-fields/{field['id']}", {"name": "Size"})
    client.delete(f"/v1/custom-fields/{field['id']}")
    assert client.get("/v1/me")["organization"]["id"] == str(team.organization_id)
    assert client.get("/v1/users")["data"] == []
    client.get("/readyz")


def test_the_oldest_postgresql(place: Path, tmp_path: Path) -> None:
    required("postgres", OLDEST)
    with EmbeddedPostgres.start(place / "oldest", binaries=OLDEST, fast=True) as postgres:
        migrated(postgres.url)
        with serving(postgres.url, postgres.url, tmp_path / "server.log") as team:
            assert str(team.make.value("SHOW server_version")).startswith("15.")
            journey(team)


@pytest.fixture
def pooled_url(postgres: EmbeddedPostgres, place: Path) -> Iterator[str]:
    with pooled(postgres, place) as url:
        yield url


def test_through_a_pooler(pooled_url: str, postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    with serving(pooled_url, postgres.url, tmp_path / "server.log") as team:
        journey(team)


def test_migrations_through_a_pooler(pooled_url: str) -> None:
    migrated(pooled_url)
