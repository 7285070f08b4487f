"""Rows and objects are held together, whenever a process is killed."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from skipcall.postgres.db import Database
from skipcall.postgres.embedded import EmbeddedPostgres
from skipcall.postgres.migrate import migrate
from skipcall.recordings import actions
from skipcall.recordings.actions import Archive, Author, Swept, store_recording, sweep
from skipcall.settings import load
from skipcall.storage.choice import open_storage
from skipcall.storage.folder import Folder
from skipcall.storage.model import Storage
from tests.make import Make
from tests.recordings.sounds import wav
from tests.s3 import S3Server

ROOT = Path(__file__).parents[2]
NOW = datetime.now(UTC)
TOMORROW = NOW + timedelta(hours=25)


@pytest.fixture(scope="module")
def make_alone(postgres: EmbeddedPostgres, place: Path) -> Iterator[Make]:
    """Makes things in a database of its own: a sweep looks at the rows of all workspaces."""
    name = f"sweep_{os.getpid()}"
    makers = [Make(postgres.url, "http://127.0.0.1:9")]
    makers[0].run(makers[0].db.connection.execute(f"CREATE DATABASE {name}"))
    makers.append(Make(postgres.url.replace("/skipcall?", f"/{name}?"), "http://127.0.0.1:9"))
    makers[1].run(migrate(makers[1].db))
    yield makers[1]
    makers[1].close()
    makers[0].run(makers[0].db.connection.execute(f"DROP DATABASE {name} WITH (FORCE)"))
    makers[0].close()


@pytest.fixture
def make(make_alone: Make) -> Make:
    make_alone.rows("DELETE FROM call_recordings WHERE workspace_id IS NOT NULL RETURNING id")
    return make_alone


@pytest.fixture(params=["folder", "bucket"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        return Folder(tmp_path / "kept")
    s3: S3Server = request.getfixturevalue("s3")
    return open_storage(load(s3.settings | {"SKIPCALL_STORAGE": f"s3://recordings/{tmp_path.name}/{os.getpid()}"}))


def swept(make: Make, storage: Storage, now: datetime) -> Swept:
    async def run() -> Swept:
        database = Database(make.database_url, 2)
        await database.open()
        try:
            return await sweep(database, storage, now)
        finally:
            await database.close()

    return make.run(run())


async def chunks(content: bytes) -> AsyncIterator[bytes]:
    yield content


def store(make: Make, storage: Storage, content: bytes) -> tuple[UUID, UUID]:
    """Store a recording of a new call; return the ids of workspace and call."""
    workspace_id = make.workspace(make.organization())
    call_id = make.call(workspace_id)
    archive = Archive(storage, 1_000_000, b"", None)
    stored = make.run(
        store_recording(make.db, archive, [workspace_id], call_id, None, chunks(content), author=Author())
    )
    assert stored is not None
    return workspace_id, call_id


def kept(make: Make, storage: Storage) -> list[str]:
    async def run() -> list[str]:
        return [
            one.key for prefix in ("pending", "recordings") async for batch in storage.list(prefix) for one in batch
        ]

    return make.run(run())


def test_what_belongs_together_stays(make: Make, storage: Storage) -> None:
    store(make, storage, wav())
    before = kept(make, storage)
    assert swept(make, storage, TOMORROW) == Swept(0, 0)
    assert kept(make, storage) == before


def test_objects_without_a_row_go_after_a_day(make: Make, storage: Storage) -> None:
    store(make, storage, wav())
    (right,) = kept(make, storage)
    for key in ("pending/aa", "recordings/00/00aa", "recordings/ff/ffaa", f"{right}x"):
        make.run(storage.put(key, chunks(b"orphan"), "audio/wav"))
    assert swept(make, storage, NOW) == Swept(0, 0)
    assert swept(make, storage, TOMORROW) == Swept(4, 0)
    assert kept(make, storage) == [right]


def test_replaced_and_erased_ones_go(make: Make, storage: Storage) -> None:
    workspace_id, call_id = store(make, storage, wav())
    archive = Archive(storage, 1_000_000, b"", None)
    make.run(store_recording(make.db, archive, [workspace_id], call_id, None, chunks(wav(2)), author=Author()))
    assert len(kept(make, storage)) == 2
    assert swept(make, storage, TOMORROW) == Swept(1, 0)
    make.run(actions.erase_recordings(make.db, archive, [workspace_id], call_id, author=Author()))
    assert kept(make, storage) == []
    assert swept(make, storage, TOMORROW) == Swept(0, 0)


def test_a_row_whose_object_is_gone_says_so(make: Make, storage: Storage) -> None:
    lost, right = store(make, storage, wav()), store(make, storage, wav(2))
    key = make.value("SELECT object_key FROM call_recordings WHERE call_id = :id", id=lost[1])
    make.run(storage.delete([key]))
    assert swept(make, storage, NOW) == Swept(0, 1)
    rows = make.rows("SELECT call_id, status, reason FROM call_recordings WHERE workspace_id IS NOT NULL")
    assert {(row["call_id"], row["status"]) for row in rows} == {(lost[1], "FAILED"), (right[1], "AVAILABLE")}
    flags = make.rows("SELECT id, has_recording FROM calls WHERE id = ANY(:ids)", ids=[lost[1], right[1]])
    assert {row["id"]: row["has_recording"] for row in flags} == {lost[1]: False, right[1]: True}
    assert swept(make, storage, NOW) == Swept(0, 0)


def test_another_storage_is_no_loss(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(actions, "LOST_MAX", 2)
    for _ in range(3):
        store(make, Folder(tmp_path / "right"), wav())
    assert swept(make, Folder(tmp_path / "wrong"), TOMORROW) == Swept(0, 0)
    assert "is this the right storage?" in caplog.text
    assert make.value("SELECT count(*) FROM call_recordings WHERE status = 'AVAILABLE'") == 3


@pytest.mark.parametrize("step", ["writing", "pending", "moved", "committed", "none"])
def test_a_kill_after_each_step(make: Make, tmp_path: Path, step: str) -> None:
    workspace_id = make.workspace(make.organization())
    call_id = make.call(workspace_id)
    storage = Folder(tmp_path / "kept")
    done = subprocess.run(
        [
            sys.executable,
            *("-m", "tests.recordings.killed", make.database_url, str(tmp_path / "kept")),
            *(str(workspace_id), str(call_id), step),
        ],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == ((0, "stored\n") if step == "none" else (-9, "")), done.stderr
    is_kept = step in {"committed", "none"}
    rows = make.rows("SELECT * FROM call_recordings WHERE call_id = :id", id=call_id)
    assert len(rows) == is_kept
    before = kept(make, storage)
    assert len(before) == 1
    assert swept(make, storage, NOW) == Swept(0, 0)
    assert kept(make, storage) == before, "nothing young is removed"
    assert swept(make, storage, TOMORROW) == Swept(0 if is_kept else 1, 0)
    assert kept(make, storage) == [row["object_key"] for row in rows]
    assert make.value("SELECT has_recording FROM calls WHERE id = :id", id=call_id) is is_kept
    for row in rows:
        assert storage.path(row["object_key"]).read_bytes() == wav(2)
