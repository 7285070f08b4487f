"""Reads a vCard file (2.1, 3.0, 4.0; RFC 2426, 6350) card by card in constant memory, as rows of a table.

A library of our own, since those there are take no line numbers and stop at the first bad line. A card that cannot be read becomes a
fault and the next one is read.
"""

import base64
import binascii
import quopri
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

import msgspec

from skipcall.imports.model import RowFault
from skipcall.imports.reader import ReadRow

LINE_CHARS_MAX = 65_536  # of a property; what is behind is a picture, or longer than any value may be
VALUES_MAX = 100  # of one property in one card

# What is read of a card, by heading, and the property of a contact that it fills.
CARD_COLUMNS = {
    "N given": "firstName",
    "N family": "lastName",
    "FN": "fullName",
    "EMAIL": "email",
    "TEL": "phoneNumbers",
    "ORG": "company",
    "TITLE": "role",
    "ADR locality": "city",
    "ADR country": "country",
    "URL": "url",
    "LinkedIn": "linkedinUrl",
}
CARD_HEADER = (*CARD_COLUMNS, "NOTE", "UID")
# What is read besides where it is asked for: texts, and whatever a product has added.
CARD_TEXTS = tuple(
    """ANNIVERSARY BDAY BIRTHPLACE CATEGORIES EXPERTISE GENDER GEO HOBBY IMPP INTEREST LABEL LANG NICKNAME PRODID RELATED REV ROLE
    SORT-STRING SOURCE TZ""".split()
)

_PROPERTY = re.compile(
    r'\s*(?:[A-Za-z0-9-]+\.)?(?P<name>[A-Za-z0-9-]+)(?P<parameters>(?:;(?:[^":;]|"[^"]*")*)*):(?P<value>.*)', re.DOTALL
)
_QUOTED_PRINTABLE = re.compile(r"[^:]*;(?:ENCODING=)?QUOTED-PRINTABLE\b[^:]*:", re.IGNORECASE)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_BETWEEN_PARTS = re.compile(r"(?<!\\)((?:\\\\)*);")
_LINKEDIN = re.compile(r"^(?:https?://)?(?:[a-z]{1,3}\.)?linkedin\.com/", re.IGNORECASE)
_READ = frozenset(
    {"N", "FN", "EMAIL", "TEL", "ORG", "TITLE", "ROLE", "ADR", "URL", "X-SOCIALPROFILE", "SOCIALPROFILE", "NOTE", "UID"}
    | {"VERSION", "KIND", "X-ADDRESSBOOKSERVER-KIND"}
)
_ENCODINGS = frozenset({"QUOTED-PRINTABLE", "BASE64"})  # that vCard 2.1 names without a key
_LAST = 101  # behind every PREF, which goes up to 100


class _Value(msgspec.Struct, frozen=True):
    text: str
    types: frozenset[str]
    place: int  # in the order of preference


def is_card_text(name: str) -> bool:
    """Return whether a property, in capitals, can be read that is not in CARD_HEADER."""
    return name in CARD_TEXTS or name.startswith("X-")


def read_cards(path: Path, encoding: str, more: Sequence[str] = ()) -> Iterator[ReadRow]:
    """Yield the line at which it begins and the cells of each card, or a fault in their place.

    The cells are those of CARD_HEADER, then of `more` properties: all values of each, one below the other.
    """
    read = _READ.union(more)
    with path.open(encoding=encoding, errors="replace") as file:
        card: _Card | None = None
        start = 0
        in_card = True  # so that what stands between cards is told once
        agents = 0  # cards inside the card, of who acts for the person (vCard 2.1), which are left out
        is_agent_next = False
        for number, line in _lines(file):
            found = _PROPERTY.match(line)
            name = found["name"].upper() if found else ""
            is_begin = found is not None and name == "BEGIN" and found["value"].strip().upper() == "VCARD"
            if agents or (is_begin and is_agent_next):
                agents += is_begin - (name == "END")
                is_agent_next = False
                continue
            is_agent_next = card is not None and (name == "AGENT" or (is_agent_next and not line.strip()))
            if is_begin:
                if card is not None:
                    yield start, _unreadable(start, "another card begins before the end of this one")
                card, start, in_card = _Card(), number, True
            elif card is None:
                if in_card and line.strip("\ufeff \t\x1a"):
                    in_card = False
                    yield number, _unreadable(number, "this is outside of any card")
            elif name == "END":
                yield start, card.row(start, more)
                card = None
            elif found and name in read:
                card.add(name, found["parameters"], found["value"])
        if card is not None:
            yield start, _unreadable(start, "the file ends before the end of this card")


def _unreadable(line: int, reason: str) -> RowFault:
    return RowFault(line, None, "ROW_UNREADABLE", reason, row_refused=True)


def _lines(file: TextIO) -> Iterator[tuple[int, str]]:
    """Yield the lines with the number of each, those that were folded in one. The rest of one that is too long is left out."""
    number, start, line = 0, 1, ""
    is_begun = is_open = False  # the line before goes on in the next one, as quoted-printable does
    is_old = False  # vCard 2.1: what a line is folded at belongs to the text
    while piece := file.readline(LINE_CHARS_MAX):
        number += 1
        while piece[-1] != "\n" and (rest := file.readline(LINE_CHARS_MAX)):
            if rest[-1] == "\n":
                break
        text = piece.rstrip("\n")
        if is_begun and (is_open or text[:1] in {" ", "\t"}):
            more = text if is_open or is_old else text[1:]
            line = f"{line}{more}"[:LINE_CHARS_MAX]
        else:
            if is_begun:
                yield start, line
            start, line, is_begun = number, text, True
            if text[:8].upper() in {"VERSION:", "BEGIN:VC"}:
                is_old = text[8:].strip() == "2.1"
        is_open = line.endswith("=") and _QUOTED_PRINTABLE.match(line) is not None
        if is_open:
            line = line[:-1]
    if is_begun:
        yield start, line


class _Card:
    """What was read of one card."""

    def __init__(self) -> None:
        self._values: dict[str, list[_Value]] = {}

    def add(self, name: str, parameters: str, value: str) -> None:
        found = self._values.setdefault(name, [])
        if len(found) >= VALUES_MAX:
            return
        types, encoding, charset, place = set(), "", "utf-8", _LAST
        for parameter in parameters[1:].split(";"):
            key, equals, text = parameter.partition("=")
            key, text = (key.upper(), text.strip('"')) if equals else ("TYPE", key)
            if key == "ENCODING" or text.upper() in _ENCODINGS:
                encoding = text.upper()
            elif key == "CHARSET":
                charset = text
            elif key == "PREF" and text.isdecimal():
                place = min(int(text[:4]), _LAST)
            elif key == "TYPE":
                types |= set(text.upper().split(","))
        if encoding == "QUOTED-PRINTABLE":
            value = _decode(quopri.decodestring(value.encode("utf-8", "replace")), charset)
        elif encoding in {"B", "BASE64"}:
            value = _decode_base64(value, charset)
        place = min(place, 1) if "PREF" in types else place
        found.append(_Value(value, frozenset(types), place))

    def row(self, line: int, more: Sequence[str]) -> list[str] | RowFault:
        """Return the cells, or why there are none."""
        if any(self._first(name).upper() == "GROUP" for name in ("KIND", "X-ADDRESSBOOKSERVER-KIND")):
            return RowFault(line, None, "NOT_A_PERSON", "the card is one of a group", row_refused=True)
        names = self._parts("N")
        organization, address = self._parts("ORG"), self._parts("ADR")
        full_name = self._first("FN")
        if not any(names) and full_name == (organization or [""])[0]:
            full_name = ""  # the card of a company
        urls = self._all("URL")
        profiles = [
            one for one in urls + self._all("X-SOCIALPROFILE") + self._all("SOCIALPROFILE") if _LINKEDIN.match(one)
        ]
        numbers = [one for one in self._ordered("TEL") if "FAX" not in one.types or "VOICE" in one.types]
        cells = [
            *(_part(names, 1), _part(names, 0), full_name, "\n".join(self._all("EMAIL"))),
            "\n".join(self._plain(one.text) for one in numbers),
            *(
                _part(organization, 0),
                self._first("TITLE") or self._first("ROLE"),
                _part(address, 3),
                _part(address, 6),
            ),
            next((one for one in urls if one not in profiles), ""),
            *(next(iter(profiles), ""), "\n".join(self._all("NOTE")), self._first("UID")),
            *("\n".join(self._all(name)) for name in more),
        ]
        return [cell.strip() for cell in cells]

    def _ordered(self, name: str) -> list[_Value]:
        return sorted(self._values.get(name, ()), key=lambda one: one.place)

    def _all(self, name: str) -> list[str]:
        return [text for one in self._ordered(name) if (text := self._plain(one.text).strip())]

    def _first(self, name: str) -> str:
        return next(iter(self._all(name)), "")

    def _parts(self, name: str) -> list[str]:
        """Return the parts of the first value that has any."""
        for one in self._ordered(name):
            parts = _BETWEEN_PARTS.sub("\\1\n\n", one.text).split("\n\n")
            plain = [self._plain(part).strip() for part in parts]
            if any(plain):
                return plain
        return []

    def _plain(self, text: str) -> str:
        if "\\" not in text:
            return text
        version = self._values.get("VERSION")
        if version and version[0].text.strip() == "2.1":  # knows one escape
            return text.replace("\\;", ";").replace("\\,", ",")
        return _ESCAPE.sub(lambda found: "\n" if found[1] in "nN" else found[1], text)


def _part(parts: list[str], place: int) -> str:
    return parts[place] if place < len(parts) else ""


def _decode_base64(value: str, charset: str) -> str:
    """Return the text that a value is, or an empty one: it may be a picture, or broken."""
    try:
        return base64.b64decode("".join(value.split())).decode(charset)
    except (LookupError, ValueError, binascii.Error):
        return ""


def _decode(content: bytes, charset: str) -> str:
    try:
        return content.decode(charset)
    except (LookupError, UnicodeDecodeError):
        return content.decode("utf-8" if _is_utf8(content) else "cp1252", "replace")


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
