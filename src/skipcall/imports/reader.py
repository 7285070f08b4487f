"""Reads a CSV file row by row in constant memory, whatever spreadsheet or CRM wrote it.

A row that cannot be read becomes a fault and the next one is read; only a file that is no table raises.
"""

import contextlib
import csv
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

import msgspec

from skipcall.imports.encodings import detect_encoding
from skipcall.imports.model import COLUMNS_MAX, RowFault, UnusableFile
from skipcall.spreadsheets import without_guard

# Below the csv module's own limit for one field (131,072), which is a setting of the whole process.
RECORD_CHARS_MAX = 120_000
PREAMBLE_LINES_MAX = 40
HEADER_LINES_MAX = 10  # a heading may hold a line break
FOOTER_LINES_MAX = 20
FOOTER_WIDTH_MIN = 3  # in a narrower table a row with one cell is likelier a row
# How often the lines behind an unclosed quote are read a second time. Without a bound, a hostile file could make
# every line cost RECORD_CHARS_MAX.
RESYNCS_MAX = 100
DELIMITERS = (",", ";", "\t")

_SEPARATOR_HINT = re.compile('\ufeff?"?sep=([,;\t])"?[\r\n]*')
_PERSON = re.compile(
    r"[^@\s]+@[^@\s]+|\+?[0-9][0-9 ().-]{7,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE
)
# What report generators write under the last row.
_FOOTER = re.compile(
    r"(?:grand )?totals?\b|count:|copyright|©|confidential|generated |exported |source:|report |"  # English
    r"nombre |généré |exporté |confidentiel|rapport ",  # French
    re.IGNORECASE,
)

ReadRow = tuple[int, list[str] | RowFault]


class Layout(msgspec.Struct, frozen=True):
    """How a file is written, found by `inspect_file`; `header_line` counts from 1."""

    encoding: str
    delimiter: str
    header: tuple[str, ...]
    header_line: int


class _TooLong(Exception):
    """A line, or a row of several lines, that goes on for more than RECORD_CHARS_MAX."""


class _Lines:
    """The physical lines of a file, with their numbers and a way back to those of the present record."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._again: deque[str] = deque()
        self._record: list[str] = []
        self._chars = 0
        self.number = 0  # of the line given last
        self.start = 1  # number of the present record's first line
        self.ended = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        is_new = not self._again
        line = self._file.readline(RECORD_CHARS_MAX) if is_new else self._again.popleft()
        if not line:
            self.ended = True
            raise StopIteration
        self.number += 1
        self._record.append(line)
        self._chars += len(line)
        if len(line) == RECORD_CHARS_MAX and line[-1] not in "\r\n":
            if is_new:
                self._skip_rest_of_line()
            raise _TooLong
        if self._chars > RECORD_CHARS_MAX:
            raise _TooLong
        return line

    def begin(self) -> None:
        """The next line starts a record."""
        self._record.clear()
        self._chars = 0
        self.start = self.number + 1

    @property
    def in_record(self) -> bool:
        return bool(self._record)

    def is_run_together(self, delimiter: str) -> bool:
        """Whether the lines of the present record are several records: a quote was never closed, and one of a later line ended it."""
        if len(self._record) == 1:
            return False
        try:
            next(csv.reader(self._record, delimiter=delimiter, strict=True))
        except csv.Error:
            return True
        return False

    def go_back(self) -> None:
        """Give the lines behind the present record's first one again."""
        self._again.extendleft(reversed(self._record[1:]))
        self.number -= len(self._record[1:])
        self.ended = False

    def _skip_rest_of_line(self) -> None:
        while (piece := self._file.readline(RECORD_CHARS_MAX)) and piece[-1] not in "\r\n":
            pass


def inspect_file(path: Path, count_known: Callable[[Sequence[str]], int]) -> Layout:
    """Find encoding, delimiter and header of a file.

    The header is the line among the first PREAMBLE_LINES_MAX with the most headings that `count_known` recognises, read
    with the delimiter that shows the most; LinkedIn's notes and the titles of reports above it are passed over.
    Excel's `sep=;` line is obeyed. Raises `UnusableFile` if there is no header, or no text at all.
    """
    encoding = detect_encoding(path)
    with _open(path, encoding) as file:
        lines = _first_lines(file)
    delimiters: Sequence[str] = DELIMITERS
    best: tuple[int, int, Layout] | None = None
    for index, line in enumerate(lines):
        if hint := _SEPARATOR_HINT.fullmatch(line):
            delimiters = (hint[1],)
            continue
        for delimiter in delimiters:
            cells = _first_record(lines[index : index + HEADER_LINES_MAX], delimiter)
            known = count_known(cells)
            if known and len(cells) <= COLUMNS_MAX and (best is None or (known, len(cells)) > best[:2]):
                layout = Layout(
                    encoding,
                    delimiter,
                    tuple(cell.strip("\ufeff \t\r\n") for cell in _without_guards(cells)),
                    index + 1,
                )
                best = (known, len(cells), layout)
    if best is None:
        raise UnusableFile(
            f"{path.name} has no header that is known: none of its first lines holds headings such as "
            "First Name, Last Name, Phone Number, or the API's own firstName, lastName, phoneNumbers"
        )
    return best[2]


def read_rows(path: Path, layout: Layout) -> Iterator[ReadRow]:
    """Yield the number of its first line and the cells of each row behind the header, or a fault in their place.

    Every row has as many cells as the header. Blank rows and a report's footer are left out: trailing rows with
    nothing but a first cell that follow a blank one or read like a footer ("Total", "Copyright …").
    """
    with _open(path, layout.encoding) as file:
        yield from _without_footer(_records(file, layout), layout)


def _without_guards(cells: list[str]) -> list[str]:
    return [without_guard(cell) if "'" in cell else cell for cell in cells]


def _records(file: TextIO, layout: Layout) -> Iterator[ReadRow]:
    lines = _Lines(file)
    # Passed over line by line, since a stray quote in the notes above must not swallow the header.
    for _ in range(layout.header_line - 1):
        lines.begin()
        with contextlib.suppress(_TooLong):
            next(lines)
    reader = csv.reader(lines, delimiter=layout.delimiter)
    resyncs = 0
    is_header = True
    while True:
        lines.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _TooLong):
            cells = None
        # The reader asks for another line only within quotes: at the end of the file, or before text behind a quote, one was left open.
        if cells is None or (lines.ended and lines.in_record) or lines.is_run_together(layout.delimiter):
            yield lines.start, _unreadable(lines, read_again=resyncs < RESYNCS_MAX)
            resyncs += 1
            is_header = False
        elif is_header:
            is_header = False
        else:
            yield lines.start, _without_guards(cells)


def _unreadable(lines: _Lines, *, read_again: bool) -> RowFault:
    last = lines.number
    if last <= lines.start:
        reason = f"the line is longer than {RECORD_CHARS_MAX} characters, or a quote in it is never closed"
    elif read_again:
        lines.go_back()
        reason = "a quote opens a cell here and is never closed; the lines that follow are read on their own"
    else:
        reason = f"a quote opens a cell here and is never closed; lines up to {last} are lost with it"
    return RowFault(lines.start, None, "ROW_UNREADABLE", reason, row_refused=True)


def _without_footer(records: Iterator[ReadRow], layout: Layout) -> Iterator[ReadRow]:
    width = len(layout.header)
    held: list[ReadRow] = []  # rows that are a footer if nothing else follows
    after_blank = False
    for line, cells in records:
        if isinstance(cells, RowFault):
            yield from held
            held.clear()
            yield line, cells
            continue
        if not any(map(str.strip, cells)):
            after_blank = True
            continue
        row = (line, _fit(line, cells, width))
        if (
            width >= FOOTER_WIDTH_MIN
            and _is_footer_like(cells, in_footer=after_blank or bool(held))
            and len(held) < FOOTER_LINES_MAX
        ):
            held.append(row)
            continue
        yield from held
        held.clear()
        after_blank = False
        yield row


def _is_footer_like(cells: list[str], *, in_footer: bool) -> bool:
    first = cells[0].strip()
    is_person = bool(_PERSON.fullmatch(first))  # what a contact is found by, with nothing more to say
    return not any(map(str.strip, cells[1:])) and not is_person and (in_footer or _FOOTER.match(first) is not None)


def _fit(line: int, cells: list[str], width: int) -> list[str] | RowFault:
    if len(cells) == width:
        return cells
    if len(cells) < width:  # spreadsheets leave out empty cells at the end
        return cells + [""] * (width - len(cells))
    if any(map(str.strip, cells[width:])):
        reason = f"the row has {len(cells)} cells and the header {width}; is a cell with a delimiter in it not quoted?"
        return RowFault(line, None, "TOO_MANY_CELLS", reason, row_refused=True)
    return cells[:width]


def _first_lines(file: TextIO) -> list[str]:
    lines = _Lines(file)
    found: list[str] = []
    while len(found) < PREAMBLE_LINES_MAX:
        lines.begin()
        try:
            found.append(next(lines))
        except _TooLong:
            found.append("")
        except StopIteration:
            break
    return found


def _first_record(lines: list[str], delimiter: str) -> list[str]:
    try:
        return next(csv.reader(lines, delimiter=delimiter), [])
    except csv.Error:
        return []


def _open(path: Path, encoding: str) -> TextIO:
    # Bytes that the encoding does not know become U+FFFD, which the rows' converter reports per cell.
    return path.open(encoding=encoding, errors="replace", newline="")
