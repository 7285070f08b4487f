"""The contacts that the server is tried with."""

import csv
import io
import itertools
import re
from importlib.resources import files
from pathlib import Path

import phonenumbers

from skipcall.demo.people import DEMO_CONTACTS, HEADER, people, write
from skipcall.imports.presets import count_known_headings, map_header
from skipcall.imports.reader import inspect_file, read_rows
from skipcall.imports.rows import RowConverter

FICTION = re.compile(r"\+33(?:19900|26191|35301|46571|53649|63998)[0-9]{4}")
REFRESH = f"python -m skipcall.demo.people {DEMO_CONTACTS} > src/skipcall/demo/contacts.csv"


def test_the_committed_file_is_what_the_generator_makes() -> None:
    made = io.StringIO(newline="")
    write(DEMO_CONTACTS, made)
    committed = files("skipcall.demo").joinpath("contacts.csv").read_bytes().decode()

    assert committed == made.getvalue(), f"refresh it with: {REFRESH}"


def test_every_contact_can_be_imported(tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    path.write_bytes(files("skipcall.demo").joinpath("contacts.csv").read_bytes())
    layout = inspect_file(path, count_known_headings)
    mapping = map_header(layout.header)
    unmapped = [layout.header[index] for index in mapping.unmapped]
    converter = RowConverter(mapping, "FR", list(zip(mapping.unmapped, unmapped, strict=True)))
    mobiles = []
    for line, cells in read_rows(path, layout):
        assert isinstance(cells, list)
        contact, faults = converter.convert(line, cells)
        assert contact is not None
        assert faults == []
        assert all(FICTION.fullmatch(number) for number in contact.phone_numbers)
        assert contact.email is None or contact.email.endswith(".example")
        mobiles += [number for number in contact.phone_numbers if number.startswith("+336")]

    assert mapping.preset == "hubspot"
    assert unmapped == ["Contact owner", "Lead Status", "Industry", "Team Size"]
    assert len(mobiles) == len(set(mobiles)) > 0.8 * DEMO_CONTACTS


def test_the_file_has_the_quirks_of_real_ones() -> None:
    rows = [dict(zip(HEADER, row, strict=True)) for row in people(DEMO_CONTACTS)]

    assert any(" / " in row["Mobile Phone Number"] for row in rows)
    assert any(row["Mobile Phone Number"].startswith("06 ") for row in rows)
    assert any("(0)" in row["Phone Number"] for row in rows)
    assert any(not row["Email"] for row in rows)
    assert any(row["Country/Region"] != "France" for row in rows)
    assert any("," in row["Associated Company"] for row in rows)
    assert all(phonenumbers.parse("0" + number, "FR") for number in ("199001234", "639981234"))


def test_more_contacts_start_with_the_same_ones() -> None:
    assert list(itertools.islice(people(100_000), 50)) == list(people(50))
    assert list(people(50, seed=1)) != list(people(50))
    assert next(csv.reader([",".join(HEADER)])) == list(HEADER)
