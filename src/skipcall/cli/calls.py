"""`calls`: calls from files."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skipcall.cli.database import run_on_database
from skipcall.cli.imports import csv_report, progress_bar
from skipcall.cli.names import pick
from skipcall.cli.options import AsJson, Data
from skipcall.cli.output import CommandFailed, print_json, print_list
from skipcall.postgres.db import Database

if TYPE_CHECKING:
    from skipcall.telephony.importing import CallImport, Progress
    from skipcall.telephony.model import CallReport, LineFault
    from skipcall.telephony.sources import StoredSource

calls = typer.Typer(no_args_is_help=True, help="Calls from files.")

FAULTS_SHOWN_MAX = 20
REPORT_HEADINGS = ("line", "code", "reason")
FAULT_COLUMNS = {"Line": "line", "Code": "code", "Reason": "reason"}


@calls.callback()
def _calls() -> None:
    """Keep `import` a command of its own: a group of one command would otherwise be that command."""


@calls.command("import")
def import_calls(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A file of call detail records.")
    ],
    source: Annotated[str, typer.Option(help="Id or name of the source, of provider ASTERISK, whose calls they are.")],
    report: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write every line that is no call to this CSV file.")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Import the calls of a file that Asterisk wrote.

    Reads Master.csv with 16 to 18 columns, cdr_custom and JSON lines, as they are or packed by gzip. Times without an
    offset are those of the source's time zone. The same file again changes nothing. Lines that are no calls are reported and the
    others imported.
    """
    from skipcall.telephony.actions import record_reports
    from skipcall.telephony.importing import import_calls as run_import

    with csv_report(file, report, REPORT_HEADINGS) as write, progress_bar() as show:

        def on_fault(fault: "LineFault") -> None:
            write([fault.line, fault.code, fault.message])

        def on_progress(progress: "Progress") -> None:
            show(progress.byte, progress.bytes, f"{progress.calls:,} calls, {progress.faulty:,} other lines")

        async def work(db: Database) -> "CallImport":
            stored = await _find_source(db, source)

            async def store(reports: "Sequence[CallReport]") -> tuple[int, int]:
                counts = await record_reports(db, stored, reports)
                return counts.created, counts.updated

            return await run_import(file, stored.source, store, on_progress=on_progress, on_fault=on_fault)

        done = run_on_database(data, work)
    if as_json:
        print_json(_report(done))
    else:
        _print_report(done, report)


async def _find_source(db: Database, text: str) -> "StoredSource":
    from skipcall.telephony.queries import list_sources
    from skipcall.telephony.sources import read_source

    sources = [read_source(row) for row in await list_sources(db, None)]
    found = pick(text, [(str(one.id), one.name, one) for one in sources], "source")
    if found.provider != "ASTERISK":
        raise CommandFailed(f"{found.name!r} is a source of {found.provider}; only Asterisk's calls come from files")
    return found


def _report(done: "CallImport") -> dict[str, Any]:
    return {
        "lines": done.lines,
        "calls": done.calls,
        "created": done.created,
        "updated": done.updated,
        "faultCount": done.faulty,
        "faults": [_fault(fault) for fault in done.faults],
    }


def _fault(fault: "LineFault") -> dict[str, Any]:
    return {"line": fault.line, "code": fault.code, "reason": fault.message}


def _print_report(done: "CallImport", report: Path | None) -> None:
    print(f"{done.calls} calls in {done.lines} lines: {done.created} created, {done.updated} updated.")
    if not done.faulty:
        return
    print_list([_fault(fault) for fault in done.faults[:FAULTS_SHOWN_MAX]], FAULT_COLUMNS, as_json=False)
    if report is not None:
        print(f"All {done.faulty} lines that are no calls are in {report}.")
    elif done.faulty > FAULTS_SHOWN_MAX:
        print(f"{done.faulty - FAULTS_SHOWN_MAX} more lines are no calls; --report FILE.csv gets all of them.")
