"""`skipcall contacts import`: what arrives, and what is said about the rest."""

import csv
import os
from pathlib import Path

import pytest

from tests.cli.process import Serve, fail, read_json, run, succeed

WORKSPACE = "Prospection (test)"
FILE = """\
First Name,Last Name,Email,Phone Number,Badge
Zoé,Roy,zoe@roy.example,06 39 98 00 01,Gold
Inès,,ines@roy.example,06 39 98 00 02,
Léa,Rey,not an address,06 39 98 00 03,Silver
Paul,Noël,paul@noel.example,12,
"""


@pytest.fixture
def file(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / "export.csv"
    path.write_text(FILE.replace("Gold", request.node.name))  # another test, another file
    return path


def test_rows_arrive_and_refused_ones_are_reported(data: Path, served: Serve, file: Path, tmp_path: Path) -> None:
    report = tmp_path / "refused.csv"
    said = succeed(data, "contacts", "import", file, "--workspace", WORKSPACE, "--create-fields", "--report", report)
    assert "2 contacts of 4 rows" in said
    with report.open(newline="") as stream:
        faults = list(csv.DictReader(stream))
    assert {(one["line"], one["row"]) for one in faults} >= {("3", "refused"), ("5", "refused")}
    assert all(one["code"] and one["reason"] for one in faults)
    assert "paul@noel.example" not in report.read_text()
    with served.client(served.ready["testKey"]) as client:
        found = client.get("/v1/contacts?size=100").json()["data"]
    [zoe] = [
        one
        for one in found
        if one["email"] == "zoe@roy.example" and one["customFields"].get("Badge", "").startswith("test_rows")
    ]
    assert zoe["phoneNumbers"] == ["+33639980001"]


def test_the_report_is_written_to_what_a_link_leads_to(data: Path, file: Path, tmp_path: Path) -> None:
    link, report = tmp_path / "link.csv", tmp_path / "elsewhere" / "refused.csv"
    report.parent.mkdir()
    link.symlink_to(report)
    succeed(data, "contacts", "import", file, "--workspace", WORKSPACE, "--report", link)
    assert link.is_symlink()
    assert "refused" in report.read_text()
    assert [*report.parent.iterdir()] == [report]


def test_the_report_is_written_into_what_is_no_file(data: Path, file: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with os.fdopen(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), encoding="utf-8") as reader:
        succeed(data, "contacts", "import", file, "--workspace", WORKSPACE, "--report", pipe)
        assert reader.read().startswith("line,column,code,reason,row")
    assert pipe.is_fifo()


def test_a_report_in_place_of_the_file_is_refused(data: Path, file: Path, tmp_path: Path) -> None:
    before, link = file.read_text(), tmp_path / "link.csv"
    link.symlink_to(file)
    for report in (file, link):
        said = fail(data, "contacts", "import", file, "--workspace", WORKSPACE, "--report", report)
        assert "--report must be another file" in said
    assert file.read_text() == before
    assert read_json(data, "contacts", "import", file, "--workspace", WORKSPACE)["rowsOfEarlierRuns"] == 0


def test_the_same_file_again_does_nothing(data: Path, file: Path, tmp_path: Path) -> None:
    command = ("contacts", "import", file, "--workspace", WORKSPACE)
    first, second = read_json(data, *command), read_json(data, *command)
    assert (first["created"], first["refused"], first["wasComplete"]) == (2, 2, False)
    assert (second["created"], second["wasComplete"]) == (2, True)
    assert first["leftOut"] in ([], ["Badge"])
    assert [one["line"] for one in first["faults"]] == sorted(one["line"] for one in first["faults"])
    assert (second["faultCount"], second["faults"]) == (first["faultCount"], first["faults"])
    said = succeed(data, *command, "--report", tmp_path / "refused.csv")
    assert "Nothing was done" in said
    assert f"All {first['faultCount']} faults are in" in said
    assert len((tmp_path / "refused.csv").read_text().splitlines()) == 1 + first["faultCount"]


def test_only_the_first_faults_are_shown(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_text("firstName,lastName,phoneNumbers\n" + "A,B,0\n" * 30)
    said = succeed(data, "contacts", "import", file, "--workspace", WORKSPACE)
    assert "0 contacts of 30 rows" in said
    assert "10 more faults" in said


def test_a_column_can_be_told(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "odd.csv"
    file.write_text("First Name;B;C\nAna;Lopez;0639980009\n")
    columns = ("--column", "B=lastName", "--column", "C=phoneNumbers")
    done = read_json(data, "contacts", "import", file, "--workspace", WORKSPACE, *columns)
    assert done["created"] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--workspace", "Nowhere"), "there is no workspace 'Nowhere'"),
        (("--workspace", WORKSPACE, "--preset", "hubspott"), "did you mean hubspot?"),
        (("--workspace", WORKSPACE, "--column", "Badge"), "HEADING=FIELD"),
        (("--workspace", WORKSPACE, "--column", "Badge=nonsense"), "there is no field 'nonsense'"),
        (("--workspace", WORKSPACE, "--report", "/no/such/place.csv"), "cannot write the report"),
    ],
)
def test_what_cannot_be_is_refused(data: Path, file: Path, arguments: tuple[str, ...], message: str) -> None:
    assert message in fail(data, "contacts", "import", file, *arguments)


def test_a_file_that_is_none_is_refused(data: Path, tmp_path: Path) -> None:
    assert "does not exist" in fail(data, "contacts", "import", tmp_path / "none.csv", "--workspace", WORKSPACE)
    (tmp_path / "empty.csv").touch()
    done = run(data, "contacts", "import", tmp_path / "empty.csv", "--workspace", WORKSPACE)
    assert (done.returncode, done.stderr.startswith("skipcall: ")) == (1, True)
