"""Whoever is killed at whichever moment of an erasure: nothing was done, or the next one finishes it."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from skipcall.erasures.actions import Eraser
from skipcall.erasures.queries import claim_erasure
from skipcall.postgres import leases
from skipcall.postgres.db import Database
from skipcall.storage.folder import Folder
from tests.erasures.conftest import Kept
from tests.make import Make, Team
from tests.recordings.sounds import wav

KILLED = Path(__file__).with_name("killed.py")
ROOT = Path(__file__).parents[2]


def run(make: Make, folder: Path, step: str, *ids: Any) -> int:
    """Run the process and return its status, which is below 0 if it was killed."""
    command = [sys.executable, str(KILLED), make.database_url, str(folder), step, *map(str, ids)]
    return subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}, check=False).returncode


@pytest.mark.parametrize("kept", ["folder"], indirect=True)
@pytest.mark.parametrize("step", ["one deleted", "deleted"])
def test_files_that_a_killed_worker_left_are_removed_by_the_next(kept: Kept, tmp_path: Path, step: str) -> None:
    team, make = kept.team, kept.team.make
    contact = team.contact()
    for _ in range(2):
        call = team.call(contact_id=UUID(contact.rpartition("/")[2]))
        headers = {"content-type": "audio/wav"}
        team.client.request("PUT", f"{call}/recording/audio", content=wav(), headers=headers, status=201)
    erasure = team.client.post(f"{contact}/erase", None, status=202)
    assert isinstance(kept.storage, Folder)
    folder = tmp_path / "data" / "recordings"
    before = len(kept.objects())
    assert run(make, folder, step) < 0
    assert len(kept.objects()) < before == 2
    place = f"/v1/erasures/{erasure['id']}"
    assert team.client.get(place)["status"] == "RUNNING"
    kept.work()
    assert team.client.get(place)["status"] == "RUNNING", "the killed one still has its lease"
    make.rows("UPDATE erasures SET next_attempt_at = now() WHERE id = :id RETURNING id", id=UUID(erasure["id"]))
    kept.work()
    assert team.client.get(place)["status"] == "COMPLETED"
    assert kept.objects() == {}


@pytest.mark.parametrize("kept", ["folder"], indirect=True)
def test_a_removal_longer_than_a_lease_is_nobody_elses(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = 1.5
    monkeypatch.setattr(leases, "LEASE_SECONDS", lease)
    team, make = kept.team, kept.team.make
    contact = team.contact()
    call = team.call(contact_id=UUID(contact.rpartition("/")[2]))
    headers = {"content-type": "audio/wav"}
    team.client.request("PUT", f"{call}/recording/audio", content=wav(), headers=headers, status=201)
    erasure = team.client.post(f"{contact}/erase", None, status=202)

    class Slow(Folder):
        async def delete(self, keys: Sequence[str]) -> None:
            await asyncio.sleep(2 * lease)
            await super().delete(keys)

    async def work() -> None:
        database = Database(make.database_url, 3)
        await database.open()
        working = asyncio.create_task(Eraser(database, Slow(tmp_path / "data" / "recordings")).step())
        await asyncio.sleep(lease / 2)
        while not working.done():
            assert await claim_erasure(database, lease) is None
            await asyncio.sleep(lease / 20)
        await database.close()

    make.run(work())
    assert team.client.get(f"/v1/erasures/{erasure['id']}")["status"] == "COMPLETED"


@pytest.mark.parametrize("statements", [2, 7, 12, 17, 22])
def test_killed_before_the_end_nothing_was_done(team: Team, make: Make, tmp_path: Path, statements: int) -> None:
    person = {"firstName": "Zoé", "lastName": "Müller", "phoneNumbers": ["+33639980501"], "email": "zoe@example.com"}
    contact = team.client.post("/v1/contacts", person)["id"]
    path = f"/v1/contacts/{contact}"
    call = team.call(contact_id=UUID(contact), notes="Zoé")
    before = team.client.get(f"{path}/personal-data")
    assert run(make, tmp_path, str(statements), team.organization_id, team.workspace_id, contact) < 0
    assert team.client.get(f"{path}/personal-data") == before
    assert team.client.walk("/v1/erasures") == []
    assert team.client.post("/v1/contacts", person)["email"], "nor is anybody refused"
    assert run(make, tmp_path, "1000", team.organization_id, team.workspace_id, contact) == 0
    assert team.client.get(path, status=410)["error"]["code"] == "CONTACT_ERASED"
    assert team.client.get(call)["notes"] is None
