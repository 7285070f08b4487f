"""Files that grow, are rotated, cut and lost while they are followed: every line becomes its call, none twice."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

import pytest

from skipcall.postgres.db import Database
from skipcall.telephony.actions import record_reports
from skipcall.telephony.asterisk import LINE_BYTES_MAX
from skipcall.telephony.file_places import LEASE_SECONDS
from skipcall.telephony.model import CallReport
from skipcall.telephony.queries import create_source, find_source
from skipcall.telephony.sources import SourceOptions, StoredSource, read_source
from skipcall.telephony.tailing import FolderReader
from tests.make import Make, Team
from tests.telephony.asterisk_files import call_id, cdr_line, cdr_lines


class Exchange:
    """A folder of an exchange, and the reader of it."""

    def __init__(self, make: Make, team: Team, folder: Path) -> None:
        self.make, self.folder = make, folder
        self.db = Database(make.database_url, 2)
        make.run(self.db.open())
        self.source = self._source(team.workspace_id)
        self.lost_batches = 0  # so many batches end with their worker, after they were stored
        self.reader = self.new_reader()

    def _source(self, workspace_id: UUID) -> StoredSource:
        id = self.make.run(
            create_source(
                self.make.db,
                workspace_id,
                name=self.folder.name,
                provider="ASTERISK",
                sealed_secrets=[],
                timezone="Europe/Paris",
                default_country="FR",
                options=SourceOptions(folder=str(self.folder)),
            )
        )
        assert id is not None
        row = self.make.run(find_source(self.make.db, id))
        assert row is not None
        return read_source(row)

    def new_reader(self) -> FolderReader:
        """Return another worker's reader."""
        source = self.source
        return FolderReader(self.db, source.workspace_id, source.id, source.source, self.folder, self._record)

    async def _record(self, reports: Sequence[CallReport]) -> None:
        await record_reports(self.db, self.source, reports)
        if self.lost_batches:
            self.lost_batches -= 1
            raise SystemExit

    def look(self) -> None:
        self.make.run(self.reader.look())

    def leave(self) -> None:
        self.make.run(self.reader.leave())

    def write(self, text: str, name: str = "Master.csv") -> Path:
        path = self.folder / name
        with path.open("a") as file:
            file.write(text)
        return path

    def calls(self) -> list[str]:
        """Return the provider's ids of the calls that were stored, up to the digest."""
        rows = self.make.rows(
            "SELECT provider_call_id FROM calls WHERE workspace_id = :id", id=self.source.workspace_id
        )
        return sorted(row["provider_call_id"].partition(":")[0] + ":" for row in rows)

    def versions(self) -> int:
        count: int = self.make.value(
            "SELECT coalesce(sum(version), 0)::bigint FROM calls WHERE workspace_id = :id", id=self.source.workspace_id
        )
        return count

    def assert_calls(self, numbers: Sequence[int]) -> None:
        assert self.calls() == sorted(map(call_id, numbers))
        assert self.versions() == len(numbers), "a call was written twice"


@pytest.fixture
def exchange(make: Make, team: Team, tmp_path: Path) -> Iterator[Exchange]:
    folder = tmp_path / "cdr-csv"
    folder.mkdir()
    exchange = Exchange(make, team, folder)
    yield exchange
    make.run(exchange.db.close())


def test_lines_are_read_as_they_are_added(exchange: Exchange) -> None:
    exchange.look()
    exchange.assert_calls([])
    exchange.write(cdr_line(1))
    exchange.look()
    exchange.assert_calls([1])
    exchange.write(cdr_line(2) + cdr_line(3))
    exchange.look()
    exchange.look()
    exchange.assert_calls([1, 2, 3])


def test_a_half_written_line_waits_for_its_end(exchange: Exchange) -> None:
    line = cdr_line(2)
    exchange.write(cdr_line(1) + line[:40])
    exchange.look()
    exchange.assert_calls([1])
    exchange.write(line[40:-1])
    exchange.look()
    exchange.assert_calls([1])
    exchange.write(line[-1:])
    exchange.look()
    exchange.assert_calls([1, 2])


def test_a_first_line_that_is_half_written(exchange: Exchange) -> None:
    line = cdr_line(1)
    exchange.write(line[:30])
    exchange.look()
    exchange.write(line[30:])
    exchange.look()
    exchange.assert_calls([1])


def test_more_than_one_batch(exchange: Exchange) -> None:
    exchange.write("".join(cdr_lines(range(2_345))))
    exchange.look()
    exchange.assert_calls(range(2_345))


def test_every_table_of_the_folder_and_nothing_else(exchange: Exchange) -> None:
    exchange.write(cdr_line(1), "Master.csv")
    exchange.write(cdr_line(2), "customer.csv")
    exchange.write(cdr_line(3), "Master.csv.1")
    exchange.write(cdr_line(4), "Master.csv-20261123")
    exchange.write(cdr_line(5), "Master.csv.gz")
    exchange.write(cdr_line(6), "notes.txt")
    exchange.write(cdr_line(7), ".Master.csv.swp")
    (exchange.folder / "sub.csv").mkdir()
    exchange.look()
    exchange.assert_calls([1, 2, 3, 4])


def test_a_file_that_is_renamed_is_read_on_and_the_new_one_from_its_start(exchange: Exchange) -> None:
    exchange.write(cdr_line(1))
    exchange.look()
    master = exchange.write(cdr_line(2))  # not read yet when it is rotated
    master.rename(exchange.folder / "Master.csv.1")
    exchange.write(cdr_line(3))
    exchange.look()
    exchange.assert_calls([1, 2, 3])


def test_a_file_that_is_copied_and_emptied(exchange: Exchange) -> None:
    exchange.write(cdr_line(1))
    exchange.look()
    master = exchange.write(cdr_line(2))
    (exchange.folder / "Master.csv.1").write_bytes(master.read_bytes())
    os.truncate(master, 0)
    exchange.look()
    exchange.assert_calls([1, 2])
    exchange.write(cdr_line(3) + cdr_line(4) + cdr_line(5))  # longer than what was read of it before
    exchange.look()
    exchange.assert_calls([1, 2, 3, 4, 5])


def test_a_file_that_is_cut_and_written_anew_with_the_same_first_line(exchange: Exchange) -> None:
    master = exchange.write(cdr_line(1) + cdr_line(2))
    exchange.look()
    os.truncate(master, 0)
    exchange.write(cdr_line(1))
    exchange.look()
    exchange.write(cdr_line(3))
    exchange.look()
    exchange.assert_calls([1, 2, 3])


def test_files_that_vanish_and_come_back(exchange: Exchange) -> None:
    master = exchange.write(cdr_line(1))
    exchange.look()
    away = master.rename(exchange.folder.with_name("away"))
    exchange.look()
    back = away.rename(master)
    with back.open("a") as file:
        file.write(cdr_line(2))
    exchange.look()
    back.unlink()
    exchange.look()
    exchange.write(cdr_line(3))
    exchange.look()
    exchange.assert_calls([1, 2, 3])


def test_a_folder_that_is_not_there(exchange: Exchange) -> None:
    moved = exchange.folder.rename(exchange.folder.with_name("moved"))
    with pytest.raises(FileNotFoundError):
        exchange.look()
    moved.rename(exchange.folder)
    exchange.write(cdr_line(1))
    exchange.look()
    exchange.assert_calls([1])


def test_faulty_lines_are_logged_by_number_and_passed_over(
    exchange: Exchange, caplog: pytest.LogCaptureFixture
) -> None:
    internal = cdr_line(9, src="201", dst="202")
    exchange.write(cdr_line(1) + "secret,words\n" + internal + "x" * (LINE_BYTES_MAX * 3) + "\n" + cdr_line(2))
    exchange.look()
    exchange.assert_calls([1, 2])
    [record] = caplog.records
    assert record.fields["codes"] == {"COLUMN_COUNT": 1, "LINE_TOO_LONG": 1}  # type: ignore[attr-defined]
    assert record.fields["firstLine"] == 2  # type: ignore[attr-defined]
    assert "secret" not in caplog.text


def test_a_line_without_end_holds_nothing_up(exchange: Exchange) -> None:
    exchange.write(cdr_line(1) + "x" * (LINE_BYTES_MAX * 2))
    exchange.look()
    exchange.write("yyy\n" + cdr_line(2))
    exchange.look()
    exchange.assert_calls([1, 2])


def test_a_file_that_cannot_be_read_is_told_once_and_the_others_are_read(
    exchange: Exchange, caplog: pytest.LogCaptureFixture
) -> None:
    (exchange.folder / "a.csv").symlink_to("/proc/self/mem")  # opens for nobody to read line by line
    exchange.write(cdr_line(1))
    exchange.look()
    exchange.look()
    exchange.assert_calls([1])
    assert len(caplog.records) == 1


def test_a_worker_that_ends_between_the_calls_and_the_place(exchange: Exchange) -> None:
    exchange.write("".join(cdr_lines(range(1_500))))
    exchange.lost_batches = 1
    with pytest.raises(SystemExit):
        exchange.look()
    exchange.reader = exchange.new_reader()
    _end_leases(exchange)
    exchange.look()
    exchange.assert_calls(range(1_500))


def test_a_new_worker_goes_on_where_the_last_one_was(exchange: Exchange) -> None:
    exchange.write(cdr_line(1))
    exchange.look()
    exchange.leave()
    exchange.write(cdr_line(2))
    exchange.reader = exchange.new_reader()
    exchange.look()
    exchange.assert_calls([1, 2])
    places = exchange.make.rows("SELECT line FROM telephony_file_places WHERE source_id = :id", id=exchange.source.id)
    assert places == [{"line": 2}]


def test_one_worker_at_a_time(exchange: Exchange) -> None:
    first, second = exchange.reader, exchange.new_reader()
    exchange.write(cdr_line(1))
    exchange.look()
    exchange.reader = second
    exchange.write(cdr_line(2))
    exchange.look()
    exchange.assert_calls([1])
    _end_leases(exchange)  # of a worker that was killed
    exchange.look()
    exchange.assert_calls([1, 2])
    exchange.reader = first  # which was not, and does not know yet
    exchange.write(cdr_line(3))
    exchange.look()
    exchange.reader = second
    exchange.look()
    exchange.assert_calls([1, 2, 3])


def _end_leases(exchange: Exchange) -> None:
    exchange.make.rows(
        "UPDATE telephony_file_readers SET leased_until = now() - make_interval(secs => :seconds) WHERE source_id = :id",
        seconds=LEASE_SECONDS,
        id=exchange.source.id,
    )
