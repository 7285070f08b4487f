"""`skipcall calls import`: what arrives, and what is said about the rest."""

import csv
import gzip
import itertools
import json
import os
import resource
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.process import COMMAND, Serve, environment, fail, read_json, succeed
from tests.telephony.asterisk_files import cdr_line, cdr_lines

WORKSPACE = "Prospection (test)"
_starts = itertools.count(0, 1_000)


@pytest.fixture(scope="module")
def source(data: Path, served: Serve) -> str:
    """The name of a source whose files the tests import."""
    succeed(data, "sources", "add", "--name", "Exchange", "--provider", "asterisk", "--workspace", WORKSPACE)
    return "Exchange"


@pytest.fixture
def numbers() -> Sequence[int]:
    """Numbers of calls that no other test makes."""
    start = next(_starts)
    return range(start, start + 1_000)


def total(served: Serve) -> int:
    with served.client(served.ready["testKey"]) as client:
        found: int = client.get("/v1/calls?size=1").json()["meta"]["total"]
    return found


def test_calls_arrive_and_faulty_lines_are_reported(
    data: Path, served: Serve, source: str, tmp_path: Path, numbers: Sequence[int]
) -> None:
    file, report = tmp_path / "Master.csv", tmp_path / "faults.csv"
    lines = cdr_lines(numbers[:5])
    file.write_text("".join([lines[0], "what is this\n", "\n", *lines[1:], '"never closed\n']))
    before = total(served)
    said = succeed(data, "calls", "import", file, "--source", source, "--report", report)
    assert "5 calls in 7 lines: 5 created, 0 updated" in said
    with report.open(newline="") as stream:
        assert [(one["line"], one["code"]) for one in csv.DictReader(stream)] == [
            ("2", "COLUMN_COUNT"),
            ("8", "NOT_CSV"),
        ]
    assert "what is this" not in report.read_text()
    assert total(served) == before + 5


def test_the_same_file_again_changes_nothing(
    data: Path, served: Serve, source: str, tmp_path: Path, numbers: Sequence[int]
) -> None:
    file = tmp_path / "Master.csv"
    file.write_text("".join(cdr_lines(numbers[:20])))
    first = read_json(data, "calls", "import", file, "--source", source)
    assert (first["created"], first["updated"], first["faultCount"]) == (20, 0, 0)
    events = _events(data)
    again = read_json(data, "calls", "import", file, "--source", source)
    assert (again["calls"], again["created"], again["updated"]) == (20, 0, 0)
    assert _events(data) == events
    with file.open("a") as stream:
        stream.write(cdr_line(numbers[20]))
    longer = read_json(data, "calls", "import", file, "--source", source)
    assert (longer["calls"], longer["created"], longer["updated"]) == (21, 1, 0)


def _events(data: Path) -> int:
    import asyncio

    from skipcall.postgres.db import Statement, connect

    async def count() -> int:
        session = await connect(succeed(data, "doctor", "--database-url").strip())
        try:
            found: int = await session.fetch_value(Statement("SELECT count(*) FROM events"))
            return found
        finally:
            await session.connection.close()

    return asyncio.run(count())


def test_packed_files_json_lines_and_last_lines_without_an_end(
    data: Path, source: str, tmp_path: Path, numbers: Sequence[int]
) -> None:
    packed = tmp_path / "Master.csv.gz"
    packed.write_bytes(gzip.compress("".join(cdr_lines(numbers[:3])).encode()))
    assert read_json(data, "calls", "import", packed, "--source", source)["created"] == 3
    damaged = tmp_path / "damaged.gz"
    damaged.write_bytes(
        gzip.compress(os.urandom(30).hex().encode() + b"\n" + "".join(cdr_lines(numbers[3:6])).encode())[:-20]
    )
    assert "damaged" in fail(data, "calls", "import", damaged, "--source", source)
    assert read_json(data, "calls", "import", damaged.with_name("Master.csv.gz"), "--source", source)["created"] == 0
    lines = tmp_path / "cdr.json"
    record = {
        "src": "201", "dst": "0639980001", "start": "2026-03-03 11:00:00", "answer": "2026-03-03 11:00:05",
        "end": "2026-03-03 11:01:00", "duration": 60, "billsec": 55, "disposition": "ANSWERED", "uniqueid": f"{1_700_000_000 + numbers[9]}.1",
    }  # fmt: skip
    lines.write_text(json.dumps(record))
    assert read_json(data, "calls", "import", lines, "--source", source)["created"] == 1


def test_what_cannot_be_imported_is_said(data: Path, source: str, tmp_path: Path) -> None:
    file = tmp_path / "Master.csv"
    file.write_text("")
    assert read_json(data, "calls", "import", file, "--source", source)["lines"] == 0
    assert "there is no source 'Nowhere'" in fail(data, "calls", "import", file, "--source", "Nowhere")
    secret = tmp_path / "secret"
    secret.write_text("s" * 32)
    adding = ["sources", "add", "--name", "Carrier", "--provider", "generic", "--workspace", WORKSPACE]
    succeed(data, *adding, "--secret-file", secret)
    assert "only Asterisk" in fail(data, "calls", "import", file, "--source", "Carrier")
    assert "does not exist" in fail(data, "calls", "import", tmp_path / "no.csv", "--source", source)
    same = fail(data, "calls", "import", file, "--source", source, "--report", file)
    assert "--report must be another file" in same
    assert "cannot write the report" in fail(
        data, "calls", "import", file, "--source", source, "--report", tmp_path / "no" / "report.csv"
    )


def test_memory_does_not_grow_with_the_file(data: Path, source: str, tmp_path: Path) -> None:
    """A file of 20 MB that holds nothing but lines to be left out, read within what a small one needs."""
    small, large = tmp_path / "small.csv", tmp_path / "large.csv"
    line = cdr_line(1, src="201", dst="202", context="internal")
    small.write_text(line * 10)
    large.write_text(line * 100_000)
    peaks = []
    for file in (small, large):
        command = [*COMMAND, "calls", "import", str(file), "--source", source, "--data", str(data)]
        with subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        assert isinstance(usage, resource.struct_rusage)
        peaks.append(usage.ru_maxrss)
    assert peaks[1] < peaks[0] + 16_384  # kB
