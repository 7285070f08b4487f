"""What commands print: tables for people, tab-separated lines for pipes, JSON for programs; and why they failed."""

import csv
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

Item = Mapping[str, Any]  # a record as `--json` prints it: camelCase names, ids as text


class CommandFailed(Exception):
    """A command that could not do what it was asked; the message says why, and what to do."""


def print_json(value: object) -> None:
    """Print a value as JSON on standard output."""
    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_list(items: Sequence[Item], columns: Mapping[str, str], *, as_json: bool) -> None:
    """Print records: all of them with `as_json`, else `columns` (heading -> property) as a table.

    Where standard output is no terminal, the table is tab-separated lines with a heading.
    """
    if as_json:
        print_json(items)
        return
    rows = [[_text(item[name]) for name in columns.values()] for item in items]
    if not sys.stdout.isatty():
        writer = csv.writer(sys.stdout, delimiter="\t", lineterminator="\n")
        writer.writerows([list(columns), *rows])
        return
    print_table(list(columns), rows)


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table on a terminal. The first column keeps to one line, others are folded, never cut: for copying."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, heading in enumerate(headings):
        table.add_column(heading, overflow="fold", no_wrap=place == 0)
    for row in rows:
        table.add_row(*map(escape, row))
    Console().print(table)


def print_item(item: Item, *, as_json: bool, text: str) -> None:
    """Print what a command made or changed: the record with `as_json`, else a sentence."""
    if as_json:
        print_json(item)
    else:
        print(text)


def warn(text: str) -> None:
    """Print a line for the operator on standard error."""
    print(f"skipcall: {text}", file=sys.stderr, flush=True)


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)
