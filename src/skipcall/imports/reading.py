"""How a file that a client sent is read: its format, its header, what each column fills."""

import codecs
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from skipcall.contacts.filters import near
from skipcall.custom_fields.model import Definition
from skipcall.errors import FAULTS_MAX, Fault, Invalid
from skipcall.imports.cards import CARD_COLUMNS, CARD_HEADER, CARD_TEXTS, is_card_text, read_cards
from skipcall.imports.encodings import CARD_START, detect_encoding
from skipcall.imports.model import CreateImport, Format, UnusableFile, mapping_pointer
from skipcall.imports.places import Placed, place_columns
from skipcall.imports.presets import (
    CUSTOM_PREFIX,
    DO_NOT_CALL,
    IGNORED,
    KEYED_FIELDS,
    PLAIN,
    PRESETS,
    Mapping,
    count_known_headings,
    heading_key,
    map_header,
)
from skipcall.imports.reader import Layout, ReadRow, inspect_file, read_rows

# A mark at the beginning, and the zeros of UTF-16.
_NOT_LETTERS = codecs.BOM_UTF8 + codecs.BOM_UTF16 + codecs.BOM_UTF16_BE + b"\0 \t\r\n"
# Several columns of these count together; of any other property, one value.
_SEVERAL = ("phoneNumbers", "allowPhoneCalls", DO_NOT_CALL)
_SHOWN_MAX = 100  # characters of a heading in a message
# Without a word of the client, these headings mean what the API calls so; `id` only where it is asked for.
_OWN = {heading_key(field): field for field in ("externalId", "id")}


class Reading(msgspec.Struct, frozen=True):
    """How a file is read; `layout` is that of CSV."""

    format: Format
    encoding: str
    layout: Layout | None
    mapping: Mapping
    placed: Placed

    def rows(self, path: Path) -> Iterator[ReadRow]:
        """Yield the rows of a file, as `read_rows` does."""
        if self.layout:
            return read_rows(path, self.layout)
        return read_cards(path, self.encoding, self.mapping.header[len(CARD_HEADER) :])

    def filled(self) -> dict[int, str]:
        """Return what columns fill, by their positions."""
        filled = {index: field for field, indexes in self.mapping.columns.items() for index in indexes}
        return filled | {one.index: CUSTOM_PREFIX + (one.slug or one.name) for one in self.placed.places}

    def columns(self) -> dict[str, str | None]:
        """Return what each column fills, by heading."""
        filled = self.filled()
        found: dict[str, str | None] = {}
        for index, heading in enumerate(self.mapping.header):
            if heading:
                found[heading] = found.get(heading) or filled.get(index)
        return found


def inspect(path: Path, settings: CreateImport, definitions: Sequence[Definition]) -> Reading:
    """Return how a file, or its beginning, is to be read.

    Raises `UnusableFile` if it cannot be, and `Invalid` with every heading of `mapping` that is not there or means nothing, or with
    every column that would fill what another one fills already.
    """
    wanted = {heading_key(heading) for heading in settings.mapping}

    def count_known(cells: Sequence[str]) -> int:
        return count_known_headings(cells) + sum(heading_key(cell) in wanted for cell in cells)

    format = settings.format or _find_format(path)
    if format == "csv":
        layout = inspect_file(path, count_known)
        encoding, header = layout.encoding, layout.header
    else:
        names = dict.fromkeys(heading_key(heading).upper() for heading in settings.mapping)
        layout, encoding = None, detect_encoding(path, cards=True)
        header = (*CARD_HEADER, *filter(is_card_text, names))
    mapping = map_header(
        header,
        PRESETS[settings.preset] if settings.preset else None if layout else PLAIN,
        _choices(header, settings, is_cards=layout is None),
        fields=KEYED_FIELDS,
        partial=bool(settings.match_by),
    )
    # What `mapping` says of a property with one value comes before what the API, or a card, calls so.
    columns = {
        field: indexes
        if field in _SEVERAL
        else tuple(sorted(indexes, key=lambda i: heading_key(header[i]) not in wanted))
        for field, indexes in mapping.columns.items()
    }
    mapping = msgspec.structs.replace(mapping, columns=columns)
    if settings.match_by and not mapping.columns.keys() & set(settings.match_by):
        raise UnusableFile("no column of the file holds one of the properties that matchBy names")
    placed = place_columns(definitions, mapping, create=settings.create_fields)
    if placed.missing:
        raise Invalid(_missing_fields(placed.missing[:FAULTS_MAX], definitions, settings))
    reading = Reading(format, encoding, layout, mapping, placed)
    if twins := _twins(reading, {heading_key(heading): heading for heading in settings.mapping}):
        raise Invalid(twins)
    return reading


def _missing_fields(names: Sequence[str], definitions: Sequence[Definition], settings: CreateImport) -> list[Fault]:
    """Return a fault for each custom field that `mapping`, or else the heading of a column, asks for and the workspace has not."""
    text = "This is neither a property of a contact nor a custom field of the workspace"
    slugs = [one.slug for one in definitions]
    known = [*sorted(KEYED_FIELDS), *slugs, *(CUSTOM_PREFIX + slug for slug in slugs)]
    missing = {heading_key(name): CUSTOM_PREFIX + name for name in names}
    faults, told = [], set()
    for heading, meant in settings.mapping.items():
        if meant and (key := heading_key(meant.removeprefix(CUSTOM_PREFIX))) in missing:
            faults.append(Fault(mapping_pointer(heading), "UNKNOWN_CUSTOM_FIELD", text, near(meant, known)))
            told.add(key)
    for column in (name[:_SHOWN_MAX] for key, name in missing.items() if key not in told):
        message = f"The column {column!r} is no custom field of the workspace"
        faults.append(Fault("", "UNKNOWN_CUSTOM_FIELD", message, near(column, known)))
    return faults


def _twins(reading: Reading, asked: dict[str, str]) -> list[Fault]:
    """Return a fault for each column of which the values would be lost to another one with the same heading or, as `mapping` has it, meaning.

    Other headings of one property are of a preset, which knows in which order they count. `asked` are the headings of `mapping` by their keys.
    """
    header, filled = reading.mapping.header, reading.filled()
    keys = [heading_key(heading) for heading in header]
    other_of: dict[int, int] = {one.index: one.first for one in reading.placed.twins if keys[one.index] in asked}
    first: dict[tuple[str, str], int] = {}
    for index, key in enumerate(keys):
        same = [("heading", key), *([("target", filled[index])] if key in asked and index in filled else [])]
        for one in same:
            other = first.setdefault(one, index)
            if other != index and other in filled and filled[other] not in _SEVERAL:
                other_of[index] = other
    return [
        Fault(
            mapping_pointer(asked[keys[index]]) if keys[index] in asked else "",
            "DUPLICATE_COLUMN",
            f"Column {other + 1}, {header[other][:_SHOWN_MAX]!r}, and column {index + 1}, {header[index][:_SHOWN_MAX]!r}, would both fill "
            f"{filled[other]}, which has one value: rename one of them, or let `mapping` say null or something else of it",
        )
        for index, other in sorted(other_of.items())
    ]


def _find_format(path: Path) -> Format:
    with path.open("rb") as file:
        beginning = file.read(64).translate(None, _NOT_LETTERS)
    return "vcard" if beginning.upper().startswith(CARD_START) else "csv"


def _choices(header: Sequence[str], settings: CreateImport, *, is_cards: bool) -> dict[str, str]:
    """Return what the client, or the API's own names, say of columns. Raises `Invalid` for headings that are not there."""
    keys = {heading_key(heading): heading for heading in header}
    known = [*keys.values(), *(CARD_TEXTS if is_cards else ())]
    text = "The file has no column with this heading"
    if is_cards:
        text = f"This is not read of a card. What is: {', '.join(known)}, and what begins with X-"
    if absent := [heading for heading in settings.mapping if heading_key(heading) not in keys]:
        raise Invalid(
            [Fault(mapping_pointer(one), "UNKNOWN_HEADING", text, near(one, known)) for one in absent[:FAULTS_MAX]]
        )
    asked = {
        heading: IGNORED if meant is None else meant if meant in KEYED_FIELDS else _custom(meant)
        for heading, meant in settings.mapping.items()
    }
    taken = {heading_key(heading) for heading in asked}
    # In address books a UID tells which entry it is: no other system's name for the person, unless `mapping` says so.
    own = CARD_COLUMNS | {"UID": IGNORED}
    if not is_cards:
        own = {heading: _OWN[key] for heading in header if (key := heading_key(heading)) in _OWN}
        if "id" not in settings.match_by:
            own = {heading: field for heading, field in own.items() if field != "id"}
    return {heading: field for heading, field in own.items() if heading_key(heading) not in taken} | asked


def _custom(meant: str) -> str:
    return meant if meant.startswith(CUSTOM_PREFIX) or not meant else CUSTOM_PREFIX + meant
