"""Values of custom fields in files: the rules are those of the API, and each refusal names column, code and reason."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from skipcall.custom_fields.model import CustomFieldOption
from skipcall.imports.actions import BATCH_ROWS, ImportReport, import_contacts
from skipcall.imports.model import RowFault, UnusableFile
from skipcall.postgres.db import Database
from skipcall.workspaces.model import Scope
from skipcall.workspaces.queries import get_workspace
from tests.make import Make, Team


def imported(make: Make, team: Team, path: Path, text: str, **more: Any) -> ImportReport:
    path.write_text(text, encoding="utf-8")

    async def run() -> ImportReport:
        db = Database(make.database_url, 1)
        await db.open()
        try:
            scope = Scope(team.organization_id, (team.workspace_id,))
            return await import_contacts(db, await get_workspace(db, scope, team.workspace_id), path, **more)
        finally:
            await db.close()

    return asyncio.run(run())


def values(team: Team) -> list[dict[str, str]]:
    found = team.client.get("/v1/contacts?sort=createdAt&customFieldKeys=slug")["data"]
    return [one["customFields"] for one in found]


def faults(report: ImportReport) -> list[tuple[int, str | None, str, bool]]:
    return [(one.line, one.column, one.code, one.row_refused) for one in report.faults]


def test_values_of_each_type(make: Make, team: Team, tmp_path: Path) -> None:
    team.field("Amount", type="number")
    team.field("Since", type="date")
    team.field("Industry", type="select", options=[CustomFieldOption("food", "Food & drinks")])
    team.field("Site", type="url")
    team.field("Is client", type="boolean")
    report = imported(
        make,
        team,
        tmp_path / "contacts.csv",
        """\
First Name,Last Name,Phone Number,Amount,Since,Industry,Site,Is client
Zoé,Roy,06 39 98 00 01, 12.50 ,2024-02-29,Food & drinks,a.example/x,Oui
Léa,Rey,06 39 98 00 02,-1,2026-11-23,food,https://b.example,false
Inès,Roux,06 39 98 00 03,"1,5",29/02/2024,Foood,n/a,perhaps
Ana,Lopez,06 39 98 00 04,,,,,
""",
    )
    assert (report.created, report.refused) == (4, 0)
    assert values(team) == [
        {
            "amount": "12.50",
            "since": "2024-02-29",
            "industry": "food",
            "site": "https://a.example/x",
            "is_client": "true",
        },
        {"amount": "-1", "since": "2026-11-23", "industry": "food", "site": "https://b.example", "is_client": "false"},
        {},
        {},
    ]
    assert faults(report) == [
        (4, "Amount", "INVALID_NUMBER", False),
        (4, "Since", "INVALID_DATE", False),
        (4, "Industry", "UNKNOWN_OPTION", False),
        (4, "Site", "INVALID_URL", False),
        (4, "Is client", "INVALID_BOOLEAN", False),
    ]
    assert all(fault.reason for fault in report.faults)


def test_a_row_without_a_required_value_is_refused(make: Make, team: Team, tmp_path: Path) -> None:
    team.field("Amount", type="number", is_required=True)
    report = imported(
        make,
        team,
        tmp_path / "contacts.csv",
        """\
First Name,Last Name,Phone Number,Amount
Zoé,Roy,06 39 98 00 01,1
Léa,Rey,06 39 98 00 02,
Inès,Roux,06 39 98 00 03,one
""",
    )
    assert (report.created, report.refused) == (1, 2)
    assert values(team) == [{"amount": "1"}]
    assert faults(report) == [
        (3, "Amount", "REQUIRED_CUSTOM_FIELD", True),
        (4, "Amount", "INVALID_NUMBER", True),
        (4, "Amount", "REQUIRED_CUSTOM_FIELD", True),
    ]


def test_a_file_without_a_required_column_is_not_imported(make: Make, team: Team, tmp_path: Path) -> None:
    team.field("Segment", is_required=True)
    text = "First Name,Last Name,Phone Number\nZoé,Roy,06 39 98 00 01\n"
    with pytest.raises(UnusableFile, match="'Segment'"):
        imported(make, team, tmp_path / "contacts.csv", text)
    assert values(team) == []


def test_a_file_that_was_imported_before_the_field_was_required_stays_imported(
    make: Make, team: Team, tmp_path: Path
) -> None:
    text = "First Name,Last Name,Phone Number\nZoé,Roy,06 39 98 00 01\n"
    imported(make, team, tmp_path / "contacts.csv", text)
    team.field("Segment", is_required=True)
    assert imported(make, team, tmp_path / "contacts.csv", text).was_complete


@pytest.mark.parametrize("required", [False, True])
def test_a_value_that_others_have(make: Make, team: Team, tmp_path: Path, *, required: bool) -> None:
    team.field("Number", is_unique=True, is_required=required)
    team.contact(custom_fields={"number": "1"})
    report = imported(
        make,
        team,
        tmp_path / "contacts.csv",
        """\
First Name,Last Name,Phone Number,Number
Zoé,Roy,06 39 98 00 01,1
Léa,Rey,06 39 98 00 02,2
Inès,Roux,06 39 98 00 03,2
Ana,Lopez,06 39 98 00 04,3
""",
    )
    kept = [{"number": "2"}, {"number": "3"}] if required else [{}, {"number": "2"}, {}, {"number": "3"}]
    assert values(team) == [{"number": "1"}, *kept]
    assert (report.created, report.refused) == ((2, 2) if required else (4, 0))
    assert faults(report) == [
        (2, "Number", "CUSTOM_VALUE_TAKEN", required),
        (4, "Number", "CUSTOM_VALUE_TAKEN", required),
    ]
    error = team.client.patch(team.contact(custom_fields={"number": "9"}), {"customFields": {"number": "3"}}, 409)
    assert error["error"]["code"] == "CUSTOM_VALUE_TAKEN"


def test_what_earlier_runs_found_is_told_by_later_ones(make: Make, team: Team, tmp_path: Path) -> None:
    """Also what only the database knew: by now each value is that of some contact."""
    team.field("Number", is_unique=True)
    team.contact(custom_fields={"number": "1"})
    row = "Zoé,Roy,06 39 98 00 01,1\n"
    file = (
        make,
        team,
        tmp_path / "contacts.csv",
        "First Name,Last Name,Phone Number,Number\n" + row * (BATCH_ROWS + 1),
    )

    def fail(_: object) -> None:
        raise RuntimeError("the power went off")

    with pytest.raises(RuntimeError, match="power"):
        imported(*file, on_progress=fail)
    told: list[RowFault] = []
    resumed = imported(*file, on_fault=told.append)
    assert (resumed.rows_of_earlier_runs, resumed.created) == (BATCH_ROWS, BATCH_ROWS + 1)
    assert [(one.line, one.code) for one in told] == [(2 + n, "CUSTOM_VALUE_TAKEN") for n in range(BATCH_ROWS + 1)]
    again = imported(*file)
    assert (again.was_complete, again.fault_count, again.faults) == (True, len(told), resumed.faults)


def test_values_that_others_write_at_the_same_time(
    make: Make, team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch is tried again, and then sees what the other has written."""
    from skipcall.imports import queries

    team.field("Number", is_unique=True)
    insert, rounds = queries.insert_contacts, []

    async def insert_later(*arguments: object) -> None:
        rounds.append(arguments)
        if len(rounds) == 1:
            await asyncio.to_thread(
                team.client.post,
                "/v1/contacts",
                {
                    "firstName": "Zoé",
                    "lastName": "Roy",
                    "phoneNumbers": ["+33639980001"],
                    "customFields": {"number": "7"},
                },
            )
        await insert(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(queries, "insert_contacts", insert_later)
    text = "First Name,Last Name,Phone Number,Number\nLéa,Rey,06 39 98 00 02,7\nAna,Lopez,06 39 98 00 04,8\n"
    report = imported(make, team, tmp_path / "contacts.csv", text)
    assert faults(report) == [(2, "Number", "CUSTOM_VALUE_TAKEN", False)]
    assert (len(rounds), report.created) == (2, 2)
    assert values(team) == [{"number": "7"}, {}, {"number": "8"}]
