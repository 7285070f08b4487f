"""`contacts`: contacts from a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skipcall.api_keys.actions import is_secret_of_keys
from skipcall.cli import options
from skipcall.cli.database import read_settings, run_on_database
from skipcall.cli.imports import csv_report, progress_bar
from skipcall.cli.names import find_organization_id, find_workspaces
from skipcall.cli.options import AsJson, Data
from skipcall.cli.output import print_json, print_list
from skipcall.cli.secret import find_secret
from skipcall.postgres.db import Database

if TYPE_CHECKING:
    from skipcall.imports.actions import ImportReport, Progress
    from skipcall.imports.model import RowFault

contacts = typer.Typer(no_args_is_help=True, help="Contacts from files.")

FAULTS_SHOWN_MAX = 20
REPORT_HEADINGS = ("line", "column", "code", "reason", "row")
FAULT_COLUMNS = {"Line": "line", "Column": "column", "Code": "code", "Reason": "reason", "Row": "outcome"}


@contacts.callback()
def _contacts() -> None:
    """Keep `import` a command of its own: a group of one command would otherwise be that command."""


@contacts.command("import")
def import_contacts(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A CSV file.")],
    workspace: Annotated[str, typer.Option(help="Id or name of the workspace that gets the contacts.")],
    organization: Annotated[
        str | None, typer.Option(help="Id or name of its organization, where several have a workspace of that name.")
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="Which product's export it is, such as hubspot. Default: what the headings speak for."),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HEADING=FIELD",
            help="Says what a column holds: firstName, phoneNumbers, customFields.industry, or nothing. Once for each.",
        ),
    ] = None,
    create_fields: Annotated[
        bool, typer.Option("--create-fields", help="Make custom fields for columns that have none.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write everything that was refused to this CSV file.")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Import the contacts of a file into a workspace.

    Reads exports of HubSpot, Google Contacts, Pipedrive, Apollo, LinkedIn, Salesforce and Evaboot, and files with the
    API's own names; UTF-8, UTF-16 or Windows-1252; comma, semicolon or tab. National phone numbers are read with the
    country of the workspace.

    The same command again goes on where a broken run stopped, and only reports after a complete one. Mend refused rows
    in a file of their own.
    """
    from skipcall.imports.actions import import_contacts as run_import
    from skipcall.imports.presets import PRESETS

    layout = None if preset is None else PRESETS[options.one_of(preset, PRESETS, "preset")]
    choices = dict(map(_choice, column or []))

    with csv_report(file, report, REPORT_HEADINGS) as write, progress_bar() as show:

        def on_fault(fault: "RowFault") -> None:
            write([fault.line, fault.column or "", fault.code, fault.reason, _outcome(fault)])

        def on_progress(progress: "Progress") -> None:
            words = f"{progress.created:,} contacts, {progress.refused:,} rows refused"
            show(progress.line, progress.lines, words)

        async def work(db: Database) -> "ImportReport":
            organization_id = await find_organization_id(db, organization)
            [(_, space)] = await find_workspaces(db, [workspace], organization_id)
            return await run_import(
                db,
                space,
                file,
                preset=layout,
                choices=choices,
                create_fields=create_fields,
                secret=await _secret_of(db, data),
                on_progress=on_progress,
                on_fault=on_fault,
            )

        done = run_on_database(data, work)
    if as_json:
        print_json(_report(done))
    else:
        _print_report(done, report)


async def _secret_of(db: Database, data: Path | None) -> bytes | None:
    """Return the server's secret, if it is known here: by another one nobody would be recognised."""
    found = find_secret(read_settings(data))
    return found.encode() if found and await is_secret_of_keys(db, found.encode()) is not False else None


def _choice(text: str) -> tuple[str, str]:
    heading, separator, field = text.rpartition("=")
    if not separator or not heading:
        raise typer.BadParameter(f"--column takes HEADING=FIELD, not {text!r}")
    return heading, field


def _outcome(fault: "RowFault") -> str:
    if fault.row_refused:
        return "refused"
    return "imported as it is" if fault.code == "DAMAGED_TEXT" else "imported without it"


def _report(done: "ImportReport") -> dict[str, Any]:
    return {
        "preset": done.preset,
        "encoding": done.encoding,
        "delimiter": done.delimiter,
        "fields": done.fields,
        "leftOut": done.left_out,
        "rowsRead": done.rows_read,
        "created": done.created,
        "refused": done.refused,
        "rowsOfEarlierRuns": done.rows_of_earlier_runs,
        "wasComplete": done.was_complete,
        "faultCount": done.fault_count,
        "faults": [_fault(fault) for fault in done.faults],
    }


def _fault(fault: "RowFault") -> dict[str, Any]:
    return {
        "line": fault.line,
        "column": fault.column,
        "code": fault.code,
        "reason": fault.reason,
        "rowRefused": fault.row_refused,
        "outcome": _outcome(fault),
    }


def _print_report(done: "ImportReport", report: Path | None) -> None:
    if done.was_complete:
        print(f"This file was imported before: {done.created} contacts of {done.rows_read} rows. Nothing was done.")
    else:
        _print_counts(done)
    if not done.fault_count:
        return
    print_list([_fault(fault) for fault in done.faults[:FAULTS_SHOWN_MAX]], FAULT_COLUMNS, as_json=False)
    if report is not None:
        print(f"All {done.fault_count} faults are in {report}.")
    elif done.fault_count > FAULTS_SHOWN_MAX:
        print(f"{done.fault_count - FAULTS_SHOWN_MAX} more faults; --report FILE.csv gets all of them.")


def _print_counts(done: "ImportReport") -> None:
    print(f"{done.created} contacts of {done.rows_read} rows ({done.preset}, {done.encoding}); {done.refused} refused.")
    if done.rows_of_earlier_runs:
        print(f"{done.rows_of_earlier_runs} of the rows were imported by an earlier run.")
    if done.left_out:
        print(
            f"Columns left out: {', '.join(done.left_out)}. --create-fields makes custom fields for them; an externalId is kept by imports of the API."
        )
