"""An export on the wire, and how its rows are written."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from skipcall.contacts.model import Contact
from skipcall.custom_fields.model import Definition
from skipcall.errors import Conflict, Gone
from skipcall.imports.places import headings_of
from skipcall.page import PageQuery
from skipcall.spreadsheets import safe_cell
from skipcall.workspaces.model import Id, Timestamp

KEPT_DAYS = 7
UNFINISHED_MAX = 10  # of a workspace at once

Format = Literal["csv", "ndjson"]
Status = Literal["PENDING", "RUNNING", "COMPLETED", "FAILED", "EXPIRED"]
MEDIA_TYPES: dict[Format, str] = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}

_BYTE_ORDER_MARK = "\ufeff"  # without it, spreadsheets take UTF-8 for an old encoding


class TooManyExports(Conflict):
    """The workspace has as many exports under way as it may have."""

    code = "TOO_MANY_EXPORTS"

    def __init__(self) -> None:
        super().__init__(f"A workspace has at most {UNFINISHED_MAX} exports under way; wait, or delete one")


class ExportUnfinished(Conflict):
    """The file is not there yet."""

    code = "EXPORT_UNFINISHED"
    retry_after_seconds = 1

    def __init__(self) -> None:
        super().__init__("The file is still being made; ask for the export until its status is COMPLETED")


class ExportGone(Gone):
    """The file is not there any more, or never was."""

    code = "EXPORT_GONE"

    def __init__(self, status: Status) -> None:
        super().__init__(f"There is no file: the export is {status}. Ask for a new one")


class CreateExport(msgspec.Struct, frozen=True, rename="camel"):
    """What to export."""

    format: Annotated[
        Format,
        Meta(
            description="`csv` for spreadsheets and for imports, `ndjson` for programs: one contact a line. Custom fields are columns of `csv` by their "
            "names, or as `customFields.<slug>` where an import would take the name for something else"
        ),
    ] = "csv"


class CreateExportQuery(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Query parameters of a creation."""

    workspace_id: Annotated[
        str | None, Meta(description="The workspace to export; the key's default workspace if absent")
    ] = None


class ListExports(PageQuery, frozen=True, rename="camel", kw_only=True):
    """Query parameters of the list."""


class Export(msgspec.Struct, frozen=True, rename="camel"):
    """A file of all contacts of a workspace, as they were at one moment."""

    id: Id
    workspace_id: Id
    format: Format
    status: Status
    row_count: Annotated[int, Meta(description="Contacts written so far")]
    size_bytes: Annotated[int | None, Meta(description="Of the file; null until it is there")]
    sha256: Annotated[
        str | None, Meta(description="Of the file, in hexadecimal", extra_json_schema={"example": "9f86d081884c7d65…"})
    ]
    snapshot_at: Annotated[Timestamp | None, Meta(description="The contacts are those of this moment")]
    created_at: Timestamp
    ended_at: Timestamp | None
    expires_at: Annotated[Timestamp | None, Meta(description="From then on the file is gone")]


_encode = msgspec.json.Encoder().encode
_read_fields = msgspec.json.Decoder(dict[str, str]).decode
_PROPERTIES = [field.encode_name for field in msgspec.structs.fields(Contact)]
_COLUMNS = [name for name in _PROPERTIES if name not in ("customFields", "consent", "deletedAt")]


class Lines:
    """Writes contacts as lines of a format. `fields` are custom fields, which are columns of a CSV file."""

    def __init__(self, format: Format, fields: Sequence[Definition]) -> None:
        self._is_csv = format == "csv"
        self._fields = [one.name for one in fields]
        self._headings = headings_of(fields)

    def head(self) -> bytes:
        """Return what stands before the contacts."""
        if not self._is_csv:
            return b""
        return (_BYTE_ORDER_MARK + _csv([[*_COLUMNS, *map(safe_cell, self._headings)]])).encode()

    def rows(self, contacts: Iterable[Contact]) -> bytes:
        """Return the lines of contacts."""
        if not self._is_csv:
            return b"".join(_encode(one) + b"\n" for one in contacts)
        return _csv(self._cells(one) for one in contacts).encode()

    def _cells(self, contact: Contact) -> list[str]:
        values = msgspec.structs.astuple(contact)
        by_name = dict(zip(_PROPERTIES, values, strict=True))
        fields = _read_fields(contact.custom_fields)
        cells = [_text(by_name[name]) for name in _COLUMNS]
        return [safe_cell(cell) for cell in (*cells, *(fields.get(name, "") for name in self._fields))]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ";".join(value)
    return str(value)


def _csv(rows: Iterable[Sequence[str]]) -> str:
    """Return rows in the form of RFC 4180."""
    file = io.StringIO(newline="")
    csv.writer(file).writerows(rows)
    return file.getvalue()
