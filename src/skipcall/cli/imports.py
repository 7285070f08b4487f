"""What commands that import files share: the report of what was refused, and the bar that shows how far they are."""

import contextlib
import csv
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from skipcall.cli.output import CommandFailed
from skipcall.private_file import replacing

READABLE = 0o666  # by whomever the umask lets


@contextlib.contextmanager
def csv_report(
    file: Path, report: Path | None, headings: Sequence[str]
) -> Iterator[Callable[[Sequence[object]], object]]:
    """Lend what writes a row to the report of a file's import; one that breaks off leaves an earlier report as it is.

    Raises `CommandFailed` for a report that cannot be written, or would be in place of the file.
    """
    if report is None:
        yield lambda _: None
        return
    if report.exists() and report.samefile(file):
        raise CommandFailed("--report must be another file than the one that is imported")
    with contextlib.ExitStack() as files:
        try:
            stream = files.enter_context(replacing(report, READABLE))
        except OSError as problem:
            raise CommandFailed(f"cannot write the report: {problem}") from problem
        writer = csv.writer(stream)
        writer.writerow(headings)
        yield writer.writerow


@contextlib.contextmanager
def progress_bar() -> Iterator[Callable[[int, int, str], None]]:
    """Lend what shows, on a terminal, how much of how much is done, and some words."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    shown = (BarColumn(), TaskProgressColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Progress(*shown, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("reading", total=None)

        def show(done: int, of: int, words: str) -> None:
            bars.update(task, total=of, completed=done, description=words)

        yield show
