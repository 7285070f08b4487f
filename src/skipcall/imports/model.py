"""What an import says about a file, a row and a cell; imports on the wire."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from skipcall.contacts.numbers import region_fault
from skipcall.contacts.upsert_model import MATCH_KEYS, Changes, FieldModes, MatchedBy, MatchKey, Mode
from skipcall.custom_fields.model import CONTROL_CHARACTERS
from skipcall.errors import Conflict, Fault, Gone
from skipcall.page import PageQuery
from skipcall.workspaces.model import Id, Timestamp

COLUMNS_MAX = 1_000


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

    `custom_fields` is keyed as the converter was told: by slug once the fields exist. Names and numbers may lack in a row that
    may lead to a contact which has them.
    """

    line: int
    first_name: str
    last_name: str
    phone_numbers: list[str]
    custom_fields: dict[str, str]
    allow_phone_calls: bool | None = None
    email: str | None = None
    company: str | None = None
    city: str | None = None
    country: str | None = None
    url: str | None = None
    linkedin_url: str | None = None
    linkedin_sales_url: str | None = None
    role: str | None = None
    external_id: str | None = None
    id: str | None = None


# A row with its line: what can become a contact, or None, and all that is wrong with it.
Converted = tuple[int, ContactRow | None, list[RowFault]]


# ------------------------------------------------------------------------------------------------ imports on the wire

KEPT_DAYS = 7  # of what waits for a file or a confirmation
UNDO_DAYS = 7
UNFINISHED_MAX = 10  # of a workspace at once
EXAMPLES_MAX = 3  # of each outcome
ERRORS_KEPT_MAX = 100_000  # of an import
HEADING_LENGTH_MAX = 1_000
ERROR_HEADINGS = ("line", "column", "code", "reason", "contacts")

Format = Literal["csv", "vcard"]
PresetName = Literal["plain", "hubspot", "google", "pipedrive", "apollo", "linkedin", "salesforce", "evaboot"]
Status = Literal[
    "AWAITING_FILE",
    "CHECKING",
    "AWAITING_CONFIRMATION",
    "RUNNING",
    "COMPLETED",
    "CANCELED",
    "FAILED",
    "EXPIRED",
    "UNDOING",
    "UNDONE",
]
ACTIVE: tuple[Status, ...] = ("CHECKING", "RUNNING", "UNDOING")
WAITING: tuple[Status, ...] = ("AWAITING_FILE", "AWAITING_CONFIRMATION")
CANCELABLE: tuple[Status, ...] = (*WAITING, "CHECKING", "RUNNING")
UNDOABLE: tuple[Status, ...] = ("COMPLETED", "CANCELED", "FAILED")

_DIGEST = re.compile("[0-9a-f]{64}", re.ASCII)


class TooManyImports(Conflict):
    """The workspace has as many imports under way as it may have."""

    code = "TOO_MANY_IMPORTS"

    def __init__(self) -> None:
        super().__init__(f"A workspace has at most {UNFINISHED_MAX} imports under way; wait, or cancel one")


class ImportStatusMismatch(Conflict):
    """What is asked of an import cannot be done as it now stands."""

    code = "IMPORT_STATUS"

    def __init__(self, status: Status, needed: Sequence[Status]) -> None:
        super().__init__(f"The import is {status}; this can be done while it is {' or '.join(needed)}")


class ImportDigestMismatch(Conflict):
    """What is confirmed is not what the dry run found."""

    code = "IMPORT_DIGEST_MISMATCH"

    def __init__(self) -> None:
        super().__init__("The dry run has another digest; look at what it found, and confirm that")


class UndoExpired(Gone):
    """The import ended too long ago to be undone."""

    code = "UNDO_EXPIRED"

    def __init__(self) -> None:
        super().__init__(f"An import can be undone for {UNDO_DAYS} days")


class CreateImport(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What is to be imported, and how."""

    format: Annotated[Format | None, Meta(description="Of the file; told by its beginning if absent")] = None
    preset: Annotated[
        PresetName | None,
        Meta(description="Which product's export it is; what the headings speak for if absent. Only for CSV."),
    ] = None
    mapping: Annotated[
        dict[str, Annotated[str, Meta(max_length=HEADING_LENGTH_MAX)] | None],
        Meta(
            max_length=COLUMNS_MAX,
            description="What single columns hold, by heading (of a vCard, by property: `NOTE`, `BDAY`, `CATEGORIES`, any `X-…`): a property of a contact, "
            "`fullName`, `doNotCall`, or slug or name of a custom field; null leaves the column out. Others are told by their heading. "
            "Two columns that would fill a property with one value are refused with the file.",
            extra_json_schema={"example": {"Record ID": "externalId", "Segment": "industry", "Owner": None}},
        ),
    ] = msgspec.field(default_factory=dict)
    match_by: Annotated[
        list[MatchKey],
        Meta(
            max_length=len(MATCH_KEYS),
            description="The properties that may lead to a contact that is there: if absent, `externalId`, `phoneNumbers` and `email`. Name `id` for a "
            "file that was exported here. Rows without any create a contact, as all do with an empty list. A row whose `externalId` a contact or a row "
            "before it has is `ambiguous` unless this names `externalId`.",
        ),
    ] = msgspec.field(default_factory=lambda: [key for key in MATCH_KEYS if key != "id"])
    mode: Annotated[
        Mode,
        Meta(
            description="How properties of a contact that is there are written. An empty cell never changes one, and no row sets `allowPhoneCalls` to "
            "true again (`counts.refusalsKept`)."
        ),
    ] = "overwrite"
    modes: Annotated[FieldModes, Meta(description="`mode` for single properties")] = FieldModes()
    create_fields: Annotated[bool, Meta(description="Make custom fields for columns that have none")] = False
    dry_run: Annotated[
        bool, Meta(description="First find out what would be done, do nothing, and wait for a confirmation")
    ] = True
    default_country: Annotated[
        str | None,
        Meta(
            description="The country of phone numbers without a country code: ISO 3166-1 alpha-2. That of the workspace if absent",
            extra_json_schema={"example": "FR", "pattern": "^[A-Za-z]{2}$"},
        ),
    ] = None

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return what the types do not say."""
        faults = []
        country, mapping = fields.get("defaultCountry"), fields.get("mapping")
        if country is not None and (fault := region_fault(country)):
            faults.append(Fault("/defaultCountry", *fault))
        if fields.get("format") == "vcard" and fields.get("preset") is not None:
            faults.append(Fault("/preset", "CONFLICTING_PARAMETERS", "Presets are of CSV files"))
        for heading, meant in mapping.items() if isinstance(mapping, dict) else ():
            if len(heading) > HEADING_LENGTH_MAX:
                text = f"A heading has at most {HEADING_LENGTH_MAX} characters"
                faults.append(Fault(mapping_pointer(heading), "TOO_LONG", text))
            elif CONTROL_CHARACTERS.search(f"{heading}{meant or ''}"):
                text = "Control characters are not allowed"
                faults.append(Fault(mapping_pointer(heading), "FORBIDDEN_CHARACTER", text))
        return faults


class CreateImportQuery(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Query parameters of a creation."""

    workspace_id: Annotated[
        str | None, Meta(description="The workspace to import into; the key's default workspace if absent")
    ] = None


class ListImports(PageQuery, frozen=True, rename="camel", kw_only=True):
    """Query parameters of the list."""


class ConfirmImport(msgspec.Struct, frozen=True):
    """What is confirmed."""

    digest: Annotated[
        str,
        Meta(
            description="`dryRun.digest` of the import",
            extra_json_schema={
                "example": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                "pattern": f"^{_DIGEST.pattern}$",
            },
        ),
    ]

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return what the type does not say."""
        digest = fields.get("digest")
        if isinstance(digest, str) and not _DIGEST.fullmatch(digest):
            return [Fault("/digest", "INVALID_FORMAT", "Must be 64 hexadecimal digits, as the import has it")]
        return []


class Counts(msgspec.Struct, rename="camel"):
    """How many rows came to what."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    ambiguous: int = 0
    refused: int = 0
    errors: Annotated[int, Meta(description="Entries of the file of errors; a row may have several")] = 0
    refusals_kept: Annotated[
        int,
        Meta(
            description="Rows that say true of a contact whose `allowPhoneCalls` is false: it stays false, the rest is applied"
        ),
    ] = 0


class Example(msgspec.Struct, frozen=True, rename="camel"):
    """What would become of one row. `changes` of a new contact are all that it gets."""

    line: Annotated[int, Meta(description="Line of the file, from 1")]
    status: Literal["created", "updated", "unchanged", "ambiguous", "refused"]
    id: Annotated[Id | None, Meta(description="The contact, unless there is none yet")]
    matched_by: MatchedBy
    changes: Changes | None


class DryRun(msgspec.Struct, frozen=True, rename="camel"):
    """What a dry run found."""

    digest: Annotated[
        str,
        Meta(
            description="Stands for the file, how it is read, and what would become of each row",
            extra_json_schema={"example": "9f86d081884c7d65…"},
        ),
    ]
    rows_read: int
    counts: Counts
    examples: Annotated[list[Example], Meta(description=f"The first {EXAMPLES_MAX} rows of each outcome")]


class Undone(msgspec.Struct):
    """What became of the contacts of an import that was undone."""

    deleted: Annotated[int, Meta(description="Created by the import")] = 0
    restored: Annotated[int, Meta(description="Updated by it; have at least one old value back")] = 0
    changed: Annotated[
        int,
        Meta(
            description="Left, wholly or in part: somebody has changed or used them since; or `allowPhoneCalls` would become true, which no undo does"
        ),
    ] = 0
    gone: Annotated[int, Meta(description="Left: deleted or merged since")] = 0
    taken: Annotated[
        int,
        Meta(
            description="Another contact now has an old value that must be unique: it was left, and custom values with it"
        ),
    ] = 0


class Import(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Contacts from a file: how it is read, how far it is, and what came of it."""

    id: Id
    workspace_id: Id
    status: Status
    settings: Annotated[
        msgspec.Raw,
        Meta(
            description="How it was asked for: the body of the creation, with its defaults",
            extra_json_schema={"type": "object", "additionalProperties": True, "example": {"matchBy": ["email"]}},
        ),
    ]
    format: Format | None
    columns: Annotated[
        dict[str, str | None] | None,
        Meta(
            description="What each column fills, by heading; null: nothing. Of several that fill a property with one value, the first cell that is not "
            "empty counts.",
            extra_json_schema={
                "example": {"First Name": "firstName", "Segment": "customFields.industry", "Owner": None}
            },
        ),
    ]
    size_bytes: int | None
    sha256: Annotated[str | None, Meta(description="Of the file", extra_json_schema={"example": "9f86d081884c7d65…"})]
    rows_read: Annotated[int, Meta(description="By the dry run, then by the import")]
    line: Annotated[int, Meta(description="How far it has read, of `lineCount`")]
    line_count: Annotated[int | None, Meta(description="About how many lines the file has")]
    counts: Counts
    dry_run: Annotated[DryRun | None, Meta(description="What the dry run found, once it has ended")]
    failure: Annotated[str | None, Meta(description="Why it failed")]
    undone: Annotated[Undone | None, Meta(description="What was undone so far")]
    created_at: Timestamp
    ended_at: Timestamp | None
    undo_until: Annotated[Timestamp | None, Meta(description="Until then what was written can be undone")]


def mapping_pointer(heading: str) -> str:
    """Return the pointer to a heading in `mapping`."""
    return f"/mapping/{heading.replace('~', '~0').replace('/', '~1')}"
