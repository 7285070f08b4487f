"""Every way in which a CSV file is written, and every way in which it is broken."""

import csv
import io
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skipcall.imports.model import RowFault, UnusableFile
from skipcall.imports.presets import count_known_headings, map_header
from skipcall.imports.reader import (
    DELIMITERS,
    RECORD_CHARS_MAX,
    RESYNCS_MAX,
    Layout,
    inspect_file,
    read_rows,
)
from skipcall.imports.rows import RowConverter
from skipcall.spreadsheets import without_guard

HEADER = "First Name,Last Name,Phone,City\r\n"
PEOPLE = "Zoé,Müller,+33639980001,Orléans\r\nInès,Noël,+33639980002,Nîmes\r\n"

# tmp_path is one folder for all examples of a property; each example overwrites its file.
one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def read(path: Path) -> tuple[Layout, list[tuple[int, list[str] | RowFault]]]:
    layout = inspect_file(path, count_known_headings)
    return layout, list(read_rows(path, layout))


def read_text(
    tmp_path: Path, text: str, encoding: str = "utf-8"
) -> tuple[Layout, list[tuple[int, list[str] | RowFault]]]:
    path = tmp_path / "contacts.csv"
    path.write_bytes(text.encode(encoding))
    return read(path)


def cells_of(rows: list[tuple[int, list[str] | RowFault]]) -> list[list[str]]:
    return [cells for _, cells in rows if isinstance(cells, list)]


@pytest.mark.parametrize(
    ("written_as", "read_as"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
        ("cp1252", "cp1252"),
    ],
)
@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_encodings_and_delimiters(tmp_path: Path, written_as: str, read_as: str, delimiter: str) -> None:
    layout, rows = read_text(tmp_path, (HEADER + PEOPLE).replace(",", delimiter), written_as)

    assert (layout.encoding, layout.delimiter) == (read_as, delimiter)
    assert layout.header == ("First Name", "Last Name", "Phone", "City")
    assert rows == [
        (2, ["Zoé", "Müller", "+33639980001", "Orléans"]),
        (3, ["Inès", "Noël", "+33639980002", "Nîmes"]),
    ]


def test_utf8_with_one_damaged_byte_stays_utf8(tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    path.write_bytes((HEADER + PEOPLE).encode() + b"Ren\xe9,Roy,+33639980003,Pau\r\n")

    layout, rows = read(path)

    assert layout.encoding == "utf-8"
    assert [cells[0] for cells in cells_of(rows)] == ["Zoé", "Inès", "Ren\ufffd"]


def test_a_delimiter_within_quotes_does_not_count(tmp_path: Path) -> None:
    header = '"Name (first, last, or both, as known)";First Name;Last Name;Phone\n'

    layout, rows = read_text(tmp_path, header + '"Roy, Zoé";Zoé;Roy;+33639980001\n')

    assert layout.delimiter == ";"
    assert cells_of(rows) == [["Roy, Zoé", "Zoé", "Roy", "+33639980001"]]


def test_excels_separator_line(tmp_path: Path) -> None:
    layout, rows = read_text(tmp_path, "sep=;\r\n" + (HEADER + PEOPLE).replace(",", ";"), "utf-8-sig")

    assert (layout.delimiter, layout.header_line) == (";", 2)
    assert [line for line, _ in rows] == [3, 4]


def test_notes_above_the_header(tmp_path: Path) -> None:
    notes = 'Notes:\r\n"Some ""notes"", about names,\r\nand e-mail addresses of 5" connections"\r\n\r\n'

    layout, rows = read_text(tmp_path, notes + HEADER + PEOPLE)

    assert layout.header_line == 5
    assert [line for line, _ in rows] == [6, 7]


def test_blank_lines_and_line_breaks_within_quotes(tmp_path: Path) -> None:
    _, rows = read_text(tmp_path, HEADER + '\r\n"Zoé\r\nAnne",Roy,1,\r\n,,,\r\nInès,Noël,2,Pau\r\n')

    assert rows == [(3, ["Zoé\r\nAnne", "Roy", "1", ""]), (6, ["Inès", "Noël", "2", "Pau"])]


@pytest.mark.parametrize("footer", ["\nAcme Sales Report\nCopyright 2025\n", "Grand Totals,,,\n\n", "Total : 2\n"])
def test_a_footer_is_left_out(tmp_path: Path, footer: str) -> None:
    _, rows = read_text(tmp_path, HEADER + PEOPLE + footer)

    assert [line for line, _ in rows] == [2, 3]


@pytest.mark.parametrize(
    "key", ["zoe@roy.example", "06 39 98 00 42", "+33639980042", "01a21f4d-ab8a-747a-9f3a-f2c4702b6573"]
)
def test_a_key_alone_is_no_footer(tmp_path: Path, key: str) -> None:
    _, rows = read_text(tmp_path, HEADER + PEOPLE + f"\n{key},,,\n")
    assert cells_of(rows)[-1][0] == key


def test_what_looks_like_a_footer_is_a_row_if_rows_follow(tmp_path: Path) -> None:
    _, rows = read_text(tmp_path, HEADER + "\nTotal\n" + PEOPLE)

    assert [cells[0] for cells in cells_of(rows)] == ["Total", "Zoé", "Inès"]


def test_a_cut_off_last_row_is_no_footer(tmp_path: Path) -> None:
    _, rows = read_text(tmp_path, HEADER + PEOPLE + "Lé")

    assert rows[-1] == (4, ["Lé", "", "", ""])


def test_short_rows_are_filled_and_long_ones_refused(tmp_path: Path) -> None:
    _, rows = read_text(tmp_path, HEADER + "Zoé,Roy,1\nInès,Noël,2,Pau,,\nLéa,Rey,3,Pau,France\n")

    assert rows[:2] == [(2, ["Zoé", "Roy", "1", ""]), (3, ["Inès", "Noël", "2", "Pau"])]
    fault = rows[2][1]
    assert isinstance(fault, RowFault)
    assert (fault.line, fault.code, fault.row_refused) == (4, "TOO_MANY_CELLS", True)


@pytest.mark.parametrize("rest", ["", "x" * RECORD_CHARS_MAX])
def test_an_unclosed_quote_costs_one_row(tmp_path: Path, rest: str) -> None:
    _, rows = read_text(tmp_path, HEADER + 'Zoé,"Roy,1,Pau\n' + PEOPLE + f"Léa,Rey,3,{rest}\n")

    assert [line for line, _ in rows] == [2, 3, 4, 5]
    assert next(line for line, cells in rows if isinstance(cells, RowFault)) == 2
    assert cells_of(rows)[:2] == [
        ["Zoé", "Müller", "+33639980001", "Orléans"],
        ["Inès", "Noël", "+33639980002", "Nîmes"],
    ]


def test_an_unclosed_quote_on_the_last_line(tmp_path: Path) -> None:
    _, rows = read_text(tmp_path, HEADER + PEOPLE + 'Léa,"Rey,3')

    assert [isinstance(cells, RowFault) for _, cells in rows] == [False, False, True]


def test_a_line_without_end_is_one_fault(tmp_path: Path) -> None:
    _, rows = read_text(tmp_path, HEADER + "x" * (3 * RECORD_CHARS_MAX) + "\r\n" + PEOPLE)

    assert [line for line, _ in rows] == [2, 3, 4]
    assert isinstance(rows[0][1], RowFault)


def test_quotes_that_never_close_take_bounded_time(tmp_path: Path) -> None:
    """Every line ends within quotes, so each would be read as the start of a row of RECORD_CHARS_MAX."""
    _, rows = read_text(tmp_path, HEADER + '"a","\n' * 200_000)

    assert all(isinstance(cells, RowFault) for _, cells in rows)
    assert RESYNCS_MAX < len(rows) < 2 * RESYNCS_MAX


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def peak_bytes(rows: int) -> int:
        path = tmp_path / "large.csv"
        path.write_text(HEADER + PEOPLE * rows, encoding="utf-8")
        layout = inspect_file(path, count_known_headings)
        tracemalloc.start()
        for _ in read_rows(path, layout):
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    # The file grows by more than a megabyte, the memory by less than what a buffer may differ.
    assert peak_bytes(20_000) < peak_bytes(1_000) + 32_768


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "no header"),
        (b" \r\n\r\n", "is empty"),
        (b"PK\x03\x04\x14\x00", "Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel workbook"),
        (b"%PDF-1.7\n", "PDF"),
        (bytes(range(256)) + b"\x00" * 30, "not a text file"),
        (b"red,green,blue\n1,2,3\n", "no header"),
        (b"\n" * 50 + HEADER.encode(), "no header"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "contacts.csv"
    path.write_bytes(content)
    with pytest.raises(UnusableFile, match=message):
        inspect_file(path, count_known_headings)


def test_a_missing_file_or_a_folder_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.csv", tmp_path):
        with pytest.raises(UnusableFile, match="cannot be read"):
            inspect_file(path, count_known_headings)


@given(st.binary(max_size=400), st.sampled_from([b"", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", HEADER.encode()]))
@settings(one_folder, max_examples=400)
def test_no_bytes_raise_anything_else(tmp_path: Path, content: bytes, start: bytes) -> None:
    path = tmp_path / "contacts.csv"
    path.write_bytes(start + content)
    try:
        layout = inspect_file(path, count_known_headings)
        converter = RowConverter(map_header(layout.header), "FR")
    except UnusableFile:
        return
    for line, cells in read_rows(path, layout):
        if isinstance(cells, list):
            assert len(cells) == len(layout.header)
            converter.convert(line, cells)


# No NUL: a file with many of them is taken for no text.
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
# No two letters of these form a UTF-8 sequence in Windows-1252, so the file can be told from UTF-8.
WESTERN_TEXT = st.text(st.sampled_from("abcXYZ 019éèàçùôîüß\"',;\t\r\n"), max_size=30)


def rows_of(cell: st.SearchStrategy[str]) -> st.SearchStrategy[list[list[str]]]:
    # The second cell keeps a row from being blank or a footer.
    return st.lists(st.tuples(cell, st.just("x"), cell, cell).map(list), max_size=5)


def test_rows_that_a_stray_quote_runs_together_are_read_apart(tmp_path: Path) -> None:
    """A quote that is never closed, and one of a later row that ends it: neither row may vanish into the other."""
    text = 'First Name,Last Name,City\nF,L,"Lille\nF2,L2,Lyon\nF3,L3,"Nice\nF4,L4,"Two\nlines"\n'
    _, found = read_text(tmp_path, text)
    faults = [line for line, cells in found if isinstance(cells, RowFault)]
    assert faults == [2, 4]
    assert cells_of([one for one in found if not isinstance(one[1], RowFault)]) == [
        ["F2", "L2", "Lyon"],
        ["F4", "L4", "Two\nlines"],
    ]


@given(
    st.sampled_from(DELIMITERS),
    st.sampled_from(["\r\n", "\n"]),
    st.one_of(
        st.tuples(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]), rows_of(ANY_TEXT)),
        st.tuples(st.sampled_from(["cp1252", "utf-16-le", "utf-16-be"]), rows_of(WESTERN_TEXT)),
    ),
)
@settings(one_folder, max_examples=300)
def test_what_a_writer_writes_is_read(
    tmp_path: Path, delimiter: str, line_end: str, written: tuple[str, list[list[str]]]
) -> None:
    encoding, rows = written
    text = io.StringIO(newline="")
    # Everything quoted: the writer leaves a lone \r bare when lines end in \n.
    writer = csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    writer.writerow(["First Name", "Last Name", "Phone Number", "City"])
    writer.writerows(rows)

    _, found = read_text(tmp_path, text.getvalue(), encoding)

    assert cells_of(found) == [[without_guard(cell) for cell in row] for row in rows]
