"""A row of a file becomes a contact, or a reason why it does not.

What happens to a value that breaks a rule of the API:
- First or last name missing, too long or unreadable: the row is refused. A missing one is taken from a full name, if
  there is a column for it and it can be split.
- No usable phone number: the row is refused. With at least one, the others are reported and left out. Repeated numbers
  are one number; beyond 20 the rest is reported.
- E-mail, address of a page, text or custom value: the row is kept, the value is left out and reported. The first valid
  e-mail counts. Nothing is ever cut off to fit. Without a value of a required custom field the row is refused.
- A cell that should say yes or no and says something else: no calls, and a report. Calling someone who objected is the
  worse mistake.
- Letters lost to a wrong encoding before the file came here (U+FFFD): kept as they are and reported.
"""

import contextlib
from collections.abc import Iterable, Iterator, Sequence

from skipcall.contacts.model import (
    EXTERNAL_ID_LENGTH_MAX,
    NAME_LENGTH_MAX,
    PHONE_NUMBERS_MAX,
    TEXT_LENGTH_MAX,
    URL_LENGTH_MAX,
)
from skipcall.custom_fields.model import VALUE_LENGTH_MAX, Definition, read_value, value_fault
from skipcall.http.routing import canonical_uuid
from skipcall.imports.cells import is_damaged, read_email, read_text, read_url, read_yes_no, split_name
from skipcall.imports.model import CellFault, ContactRow, Converted, RowFault
from skipcall.imports.numbers import read_numbers
from skipcall.imports.presets import DO_NOT_CALL, FULL_NAME, Mapping
from skipcall.imports.reader import ReadRow

_TEXTS = {name: (name, TEXT_LENGTH_MAX) for name in ("company", "city", "country", "role")} | {
    "externalId": ("external_id", EXTERNAL_ID_LENGTH_MAX)
}
_GOOGLE_VALUE = " - Value"  # how headings of Google Contacts end
_URLS = {"url": "url", "linkedinUrl": "linkedin_url", "linkedinSalesUrl": "linkedin_sales_url"}
# A full name may hold both names and a space.
_FULL_NAME_CHARS_MAX = 2 * NAME_LENGTH_MAX + 1


class RowConverter:
    """Turns the rows of one file into contacts.

    `country` is that of national phone numbers; `custom_fields` pairs the position of a column with the key of the
    custom field it fills; `definitions` are those of the workspace, whose key is the slug. `partial` rows may lack what a new
    contact needs. Not for several threads at once.
    """

    def __init__(
        self,
        mapping: Mapping,
        country: str,
        custom_fields: Sequence[tuple[int, str]] = (),
        *,
        definitions: Iterable[Definition] = (),
        phone_required: bool = True,
        partial: bool = False,
    ) -> None:
        self._header = mapping.header
        self._columns = mapping.columns
        self._country = country
        self._custom_fields = tuple(custom_fields)
        places = {slug: index for index, slug in custom_fields}
        self._typed = {one.slug: one for one in definitions if one.type != "text"}
        self._required = [(one.slug, places.get(one.slug)) for one in definitions if one.is_required and not partial]
        self._phone_required = phone_required and not partial
        self._partial = partial
        self._texts = [
            (name, mapping.columns[field], chars_max)
            for field, (name, chars_max) in _TEXTS.items()
            if field in mapping.columns
        ]
        self._urls = [(name, mapping.columns[field]) for field, name in _URLS.items() if field in mapping.columns]
        self._phones = mapping.columns.get("phoneNumbers", ())
        # Beside a number may stand what it is: fax numbers are nobody's to call.
        places_of = {heading: index for index, heading in enumerate(mapping.header)}
        self._labels = {
            index: places_of[label]
            for index in self._phones
            if mapping.header[index].endswith(_GOOGLE_VALUE)
            for label in (mapping.header[index].replace(_GOOGLE_VALUE, word) for word in (" - Label", " - Type"))
            if label in places_of
        }
        self._emails = mapping.columns.get("email", ())
        self._ids = mapping.columns.get("id", ())
        self._objections = [
            (index, field == DO_NOT_CALL)
            for field in ("allowPhoneCalls", DO_NOT_CALL)
            for index in mapping.columns.get(field, ())
        ]
        self._faults: list[tuple[int | None, CellFault]] = []
        self._refused = False

    def headings(self) -> dict[str, str]:
        """Return the heading of the first column that fills a property, by its name on the wire; `customFields/` and a slug likewise."""
        named = {field: self._header[indexes[0]] for field, indexes in self._columns.items() if indexes}
        return named | {f"customFields/{slug}": self._header[index] for index, slug in self._custom_fields}

    def convert_all(self, rows: Iterable[ReadRow]) -> Iterator[Converted]:
        """Yield what `convert` returns for each row that could be read, and the fault of each that could not."""
        for line, cells in rows:
            if isinstance(cells, RowFault):
                yield line, None, [cells]
            else:
                yield line, *self.convert(line, cells)

    def convert(self, line: int, cells: Sequence[str]) -> tuple[ContactRow | None, list[RowFault]]:
        """Return the contact of a row as wide as the header, or None, and everything that was wrong with the row.

        When the row is refused, every fault says so: all of them are listed, to be mended in one go.
        """
        self._faults = []
        self._refused = False
        first_name, last_name = self._names(cells)
        row = ContactRow(line, first_name, last_name, self._numbers(cells), self._custom_values(cells))
        if self._emails:
            row.email = self._email(cells)
        for name, indexes, chars_max in self._texts:
            setattr(row, name, self._text(cells, indexes, chars_max) or None)
        for name, indexes in self._urls:
            setattr(row, name, self._url(cells, indexes))
        if self._ids:
            row.id = self._id(cells)
        if self._objections:
            row.allow_phone_calls = self._allows_calls(cells)
        if not self._faults:
            return row, []
        faults = [
            RowFault(line, None if index is None else self._header[index], fault.code, fault.reason, self._refused)
            for index, fault in self._faults
        ]
        return None if self._refused else row, faults

    def _report(self, index: int | None, fault: CellFault, *, refuse: bool = False) -> None:
        self._faults.append((index, fault))
        self._refused = self._refused or refuse

    def _text(self, cells: Sequence[str], indexes: tuple[int, ...], chars_max: int, *, refuse: bool = False) -> str:
        """Return the first cell that is not empty, as text, or ""; a fault in it is reported."""
        for index in indexes:
            cell = cells[index]
            if not cell or cell.isspace():
                continue
            try:
                text = read_text(cell, chars_max)
            except CellFault as fault:
                self._report(index, fault, refuse=refuse)
                return ""
            if is_damaged(text):
                self._report(index, CellFault("DAMAGED_TEXT", "a letter of the value was lost to a wrong encoding"))
            return text
        return ""

    def _names(self, cells: Sequence[str]) -> tuple[str, str]:
        before = len(self._faults)
        first = self._text(cells, self._columns.get("firstName", ()), NAME_LENGTH_MAX, refuse=True)
        last = self._text(cells, self._columns.get("lastName", ()), NAME_LENGTH_MAX, refuse=True)
        if (first and last) or (self._refused and len(self._faults) > before):
            return first, last
        full_name_columns = self._columns.get(FULL_NAME, ())
        full_name = self._text(cells, full_name_columns, _FULL_NAME_CHARS_MAX, refuse=True)
        first, last = _complete(first, last, full_name)
        for name, field, words in ((first, "firstName", "first name"), (last, "lastName", "last name")):
            indexes = self._columns.get(field, ()) or full_name_columns
            index = indexes[0] if indexes else None
            if not name and self._partial:
                continue
            if not name:
                reason = f"there is no {words}" + (": a full name has at least two words" if full_name else "")
                self._report(index, CellFault("REQUIRED", reason), refuse=True)
            elif len(name) > NAME_LENGTH_MAX:
                reason = f"the {words} has {len(name)} characters; {NAME_LENGTH_MAX} are allowed"
                self._report(index, CellFault("TOO_LONG", reason), refuse=True)
        return first, last

    def _numbers(self, cells: Sequence[str]) -> list[str]:
        numbers: dict[str, None] = {}
        some_fault = False
        for index in self._phones:
            if not cells[index] or (index in self._labels and "fax" in cells[self._labels[index]].casefold()):
                continue
            found, faults = read_numbers(cells[index], self._country)
            for fault in faults:
                self._report(index, fault)
                some_fault = True
            for number in found:
                if len(numbers) < PHONE_NUMBERS_MAX or number in numbers:
                    numbers[number] = None
                else:
                    reason = f"a contact has at most {PHONE_NUMBERS_MAX} phone numbers; this one is left out"
                    self._report(index, CellFault("TOO_MANY_PHONE_NUMBERS", reason))
        if not numbers and self._phone_required:
            self._refused = True
            if not some_fault:
                first = self._phones[0] if self._phones else None
                self._report(first, CellFault("REQUIRED", "there is no phone number"), refuse=True)
        return list(numbers)

    def _email(self, cells: Sequence[str]) -> str | None:
        for index in self._emails:
            if not cells[index]:
                continue
            email, faults = read_email(cells[index])
            for fault in faults:
                self._report(index, fault)
            if email:
                return email
        return None

    def _url(self, cells: Sequence[str], indexes: tuple[int, ...]) -> str | None:
        text = self._text(cells, indexes, URL_LENGTH_MAX)
        if not text:
            return None
        try:
            return read_url(text)
        except CellFault as fault:
            index = next(index for index in indexes if cells[index].strip())
            self._report(index, fault)
            return None

    def _id(self, cells: Sequence[str]) -> str | None:
        text = cells[self._ids[0]].strip()
        if text and canonical_uuid(text) is None:
            self._report(self._ids[0], CellFault("INVALID_ID", "this is no id of a contact"), refuse=True)
        return text or None

    def _allows_calls(self, cells: Sequence[str]) -> bool | None:
        """Return what the row says of calls, None if nothing."""
        allowed: bool | None = None
        for index, is_objection in self._objections:
            cell = cells[index]
            if not cell or cell.isspace():
                continue
            says_yes = read_yes_no(cell)
            if says_yes is None:
                reason = "this says neither yes nor no; the contact is imported as not to be called"
                self._report(index, CellFault("INVALID_BOOLEAN", reason))
            allowed = allowed is not False and says_yes is not None and says_yes != is_objection
        return allowed

    def _custom_values(self, cells: Sequence[str]) -> dict[str, str]:
        values = {}
        for index, key in self._custom_fields:
            if cells[index] and (text := self._text(cells, (index,), VALUE_LENGTH_MAX)):
                value = self._typed_value(index, self._typed[key], text) if key in self._typed else text
                if value is not None:
                    values[key] = value
        for slug, place in self._required:
            if slug not in values:
                reason = "there is no value of a field that every contact must have"
                self._report(place, CellFault("REQUIRED_CUSTOM_FIELD", reason), refuse=True)
        return values

    def _typed_value(self, index: int, field: Definition, text: str) -> str | None:
        """Return the form in which a value is stored, or None; a fault in it is reported.

        Yes and no may be said as files say it, and an address may lack its `https://`.
        """
        if field.type == "boolean" and (says_yes := read_yes_no(text)) is not None:
            text = "true" if says_yes else "false"
        elif field.type == "url":
            with contextlib.suppress(CellFault):
                text = read_url(text)
        value = read_value(field, text)
        if value is None and (fault := value_fault(field, text)):
            self._report(index, CellFault(*fault))
        return value


def _complete(first: str, last: str, full_name: str) -> tuple[str, str]:
    """Return both names, the missing ones from the full name, as far as it gives them."""
    if not full_name or (first and last):
        return first, last
    if first and full_name[: len(first) + 1].casefold() == first.casefold() + " ":
        return first, full_name[len(first) :].strip()
    if last and full_name[-len(last) - 1 :].casefold() == " " + last.casefold():
        return full_name[: -len(last)].strip(), last
    parts = split_name(full_name)
    if parts is None:
        return first, last
    return first or parts[0], last or parts[1]
