"""What an import says about a file, a row and a cell."""

import msgspec


class UnusableFile(Exception):
    """A file that cannot be imported at all; the message says why and, where there is one, the way out."""


class RowFault(msgspec.Struct, frozen=True, gc=False):
    """One thing wrong with one row.

    `line` counts the file's lines from 1, as an editor shows them. `column` is the heading, or None where the whole
    row is meant. `row_refused`: the row was not imported; otherwise it was, without the value at fault. The value
    itself is never repeated: reports are passed around, and hold no personal data.
    """

    line: int
    column: str | None
    code: str
    reason: str
    row_refused: bool


class CellFault(Exception):
    """A cell that cannot be used; the row's converter knows the line and the column."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class ContactRow(msgspec.Struct, gc=False):
    """A row that can become a contact: every value keeps the rules of the API.

    `custom_fields` is keyed as the converter was told: by slug once the fields exist.
    """

    line: int
    first_name: str
    last_name: str
    phone_numbers: list[str]
    custom_fields: dict[str, str]
    allow_phone_calls: bool = True
    email: str | None = None
    company: str | None = None
    city: str | None = None
    country: str | None = None
    url: str | None = None
    linkedin_url: str | None = None
    linkedin_sales_url: str | None = None
    role: str | None = None
