"""The worker as a process: it follows folders, makes partitions, and goes on whatever happens."""

import json
import os
import random
import signal
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from skipcall.postgres.embedded import EmbeddedPostgres
from skipcall.telephony.queries import create_source, set_disabled
from skipcall.telephony.sources import SourceOptions
from tests.make import Make
from tests.telephony.asterisk_files import cdr_line, cdr_lines
from tests.worker.process import WorkerProcess, eventually


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "cdr-csv"
    folder.mkdir()
    return folder


@pytest.fixture
def workspace_id(make: Make, folder: Path) -> UUID:
    """A workspace with a source that follows the folder."""
    id = make.workspace(make.organization())
    make.run(
        create_source(
            make.db,
            id,
            name="Exchange",
            provider="ASTERISK",
            sealed_secrets=[],
            timezone="Europe/Paris",
            default_country="FR",
            options=SourceOptions(folder=str(folder)),
        )
    )
    return id


def count(make: Make, workspace_id: UUID) -> int:
    found: int = make.value("SELECT count(*) FROM calls WHERE workspace_id = :id", id=workspace_id)
    return found


def lines_of(log: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in log.splitlines() if line.startswith("{")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_follows_a_folder_until_a_signal(
    database: EmbeddedPostgres, make: Make, workspace_id: UUID, folder: Path, tmp_path: Path, number: signal.Signals
) -> None:
    (folder / "Master.csv").write_text("".join(cdr_lines(range(3))))
    with WorkerProcess(database.url, tmp_path) as worker:
        eventually(lambda: count(make, workspace_id), 3)
        with (folder / "Master.csv").open("a") as file:
            file.write(cdr_line(3))
        eventually(lambda: count(make, workspace_id), 4)
        worker.stop(number)
        assert worker.log == ""
    readers = make.value("SELECT count(*) FROM telephony_file_readers WHERE workspace_id = :id", id=workspace_id)
    assert readers == 0, "the next worker would have to wait"


def test_sources_come_and_go(
    database: EmbeddedPostgres, make: Make, workspace_id: UUID, folder: Path, tmp_path: Path
) -> None:
    source_id = make.value("SELECT id FROM telephony_sources WHERE workspace_id = :id", id=workspace_id)
    make.run(set_disabled(make.db, workspace_id, source_id, disabled=True))
    (folder / "Master.csv").write_text(cdr_line(0))
    with WorkerProcess(database.url, tmp_path):
        time.sleep(2)
        assert count(make, workspace_id) == 0
        make.run(set_disabled(make.db, workspace_id, source_id, disabled=False))
        eventually(lambda: count(make, workspace_id), 1)


def test_kill_9_at_any_moment_loses_nothing_and_repeats_nothing(
    database: EmbeddedPostgres, make: Make, workspace_id: UUID, folder: Path, tmp_path: Path
) -> None:
    """The exchange writes all the while, in pieces that end anywhere, and rotates; workers are killed and replaced."""
    total = 4_000
    ended = threading.Event()

    def write() -> None:
        text, rng, place = "".join(cdr_lines(range(total))), random.Random(3), 0
        rotations = iter((total // 3, 2 * total // 3))
        rotate_at = next(rotations, None)
        master = folder / "Master.csv"
        while place < len(text):
            step = rng.randrange(1, 4_000)
            with master.open("a") as file:
                file.write(text[place : place + step])
            place += step
            if rotate_at is not None and place > rotate_at * 200 and text[place - 1 : place] == "\n":
                master.rename(folder / f"Master.csv.{rotate_at}")
                rotate_at = next(rotations, None)
            time.sleep(0.01)
        ended.set()

    writer = threading.Thread(target=write)
    writer.start()
    pause = random.Random(9)
    for _ in range(5):
        worker = WorkerProcess(database.url, tmp_path)
        before = count(make, workspace_id)
        eventually(lambda before=before: count(make, workspace_id) > before or ended.is_set())  # type: ignore[misc]
        time.sleep(pause.random() / 5)
        worker.kill()
        _end_leases(make, workspace_id)
    writer.join()
    with WorkerProcess(database.url, tmp_path) as worker:
        eventually(lambda: count(make, workspace_id), total)
        assert "{" not in worker.log
    numbers = make.rows(
        "SELECT count(DISTINCT provider_call_id), sum(version)::bigint FROM calls WHERE workspace_id = :id",
        id=workspace_id,
    )
    assert list(numbers[0].values()) == [total, total]


def _end_leases(make: Make, workspace_id: UUID) -> None:
    make.rows(
        "UPDATE telephony_file_readers SET leased_until = now() - interval '1 second' WHERE workspace_id = :id",
        id=workspace_id,
    )


def test_several_workers_at_once(
    database: EmbeddedPostgres, make: Make, workspace_id: UUID, folder: Path, tmp_path: Path
) -> None:
    with WorkerProcess(database.url, tmp_path), WorkerProcess(database.url, tmp_path):
        for start in range(0, 1_000, 100):
            with (folder / "Master.csv").open("a") as file:
                file.write("".join(cdr_lines(range(start, start + 100))))
            time.sleep(0.1)
        eventually(lambda: count(make, workspace_id), 1_000)
    versions = make.value("SELECT sum(version)::bigint FROM calls WHERE workspace_id = :id", id=workspace_id)
    assert versions == 1_000


def test_a_folder_that_is_missing_is_told_once_and_followed_when_it_is_there(
    database: EmbeddedPostgres, make: Make, workspace_id: UUID, folder: Path, tmp_path: Path
) -> None:
    folder.rmdir()
    with WorkerProcess(database.url, tmp_path) as worker:
        eventually(lambda: "No such file" in worker.log)
        folder.mkdir()
        (folder / "Master.csv").write_text(cdr_line(0))
        eventually(lambda: "goes on" in worker.log)
        assert count(make, workspace_id) == 1
        told = [(line["message"], line["task"]) for line in lines_of(worker.log)]
    assert told == [("the worker is held up", "folder of Exchange"), ("the worker goes on", "folder of Exchange")]


def test_a_database_that_is_away_or_not_ready_is_waited_for(place: Path, tmp_path: Path) -> None:
    """Without migrations at the start, and killed while the worker works."""
    from tests.conftest import migrated

    folder = tmp_path / "cdr"
    folder.mkdir()
    with EmbeddedPostgres.start(place / "away", fast=True) as server, WorkerProcess(server.url, tmp_path) as worker:
        eventually(lambda: "lacks migrations" in worker.log)
        migrated(server.url)
        make = Make(server.url, "http://localhost")
        workspace_id = make.workspace(make.organization())
        make.run(
            create_source(
                make.db, workspace_id, name="Exchange", provider="ASTERISK", sealed_secrets=[],
                timezone="Europe/Paris", default_country="FR", options=SourceOptions(folder=str(folder)),
            )
        )  # fmt: skip
        (folder / "Master.csv").write_text(cdr_line(0))
        eventually(lambda: count(make, workspace_id), 1)
        months = {f"calls_{moment:%Y_%m}" for moment in (datetime.now(UTC), datetime.now(UTC) + timedelta(days=7))}
        eventually(lambda: months <= {row["relname"] for row in make.rows("SELECT relname FROM pg_class")})
        eventually(lambda: len(make.rows("SELECT FROM telephony_file_places")), 1)
        make.rows("CHECKPOINT")  # this server does not sync its commits
        os.kill(server.process_id, signal.SIGKILL)
        make.reconnect()
        with (folder / "Master.csv").open("a") as file:
            file.write(cdr_line(1))

        def found() -> int:
            try:
                return count(make, workspace_id)
            except Exception:  # noqa: BLE001 - it restarts
                make.reconnect()
                return -1

        eventually(found, 2)
        make.close()


def test_it_moves_what_was_written_into_the_indexes_of_the_search(
    database: EmbeddedPostgres, make: Make, workspace_id: UUID, tmp_path: Path
) -> None:
    """So a search has little to read line by line. What is left over is told by the function that moves it."""

    def left_over() -> int:
        make.contact(workspace_id)
        time.sleep(2)
        pages: int = make.value("SELECT gin_clean_pending_list('contacts_by_text')")
        return pages

    assert left_over() > 0, "nobody but a worker does this after a second"
    with WorkerProcess(database.url, tmp_path):
        eventually(left_over, 0)


def test_it_lets_the_planner_know_of_many_new_contacts(
    database: EmbeddedPostgres, make: Make, workspace_id: UUID, tmp_path: Path
) -> None:
    """By itself the database looks once a minute; until then a request would read an index of all contacts."""
    make.rows("DELETE FROM pg_statistic WHERE starelid = 'contacts'::regclass RETURNING 1")
    make.contacts(workspace_id, 300)
    known = "SELECT count(*) > 0 FROM pg_statistic WHERE starelid = 'contacts'::regclass"
    assert not make.value(known)
    with WorkerProcess(database.url, tmp_path):
        eventually(lambda: bool(make.value(known)), True)
