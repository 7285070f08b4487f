"""A search on the wire: its body, and the cursor that goes on with it. No I/O, no SQL."""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, Meta, UnsetType

from skipcall import clock
from skipcall.contacts.filter_fields import (
    CALENDAR,
    CALENDAR_AHEAD,
    CUSTOM_FIELD,
    CUSTOM_KINDS,
    DAYS,
    DAYS_AHEAD,
    EMPTINESS,
    FIELDS,
    OPERATORS,
)
from skipcall.contacts.filters import (
    ALL_VALUES_MAX,
    CLAUSES_MAX,
    DEPTH_MAX,
    VALUE_LENGTH_MAX,
    VALUES_MAX,
    Setting,
    is_only_accents,
    read_filter,
)
from skipcall.contacts.model import ContactView
from skipcall.contacts.numbers import region_fault
from skipcall.custom_fields.model import CONTROL_CHARACTERS, PRINTABLE
from skipcall.errors import Fault, Invalid
from skipcall.page import COUNT_MAX, SIZE_DEFAULT, SIZE_MAX, WorkspaceIds, workspace_ids_faults

TEXT_LENGTH_MAX = 200
WORDS_MAX = 10
SORTS_MAX = 3
COUNTED_AMONG_MAX = 100_000  # contacts; what is found among more is counted only where it is asked for
CURSOR_LENGTH_MAX = 18_000
KEY_LENGTH_MAX = 2_000
DIGEST_BYTES = 12
# Deeper than any filter may be, so that the pointer of one that is too deep leads to the place.
JSON_DEPTH_MAX = 40

MICROSECONDS_MAX = 253_370_764_800_000_000  # the year 9999
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def words_of(text: str) -> list[str]:
    """Return the words of a free text, but for those that are nothing but accents, which do not matter."""
    return [one for one in text.split() if not is_only_accents(one)]


def describe_table() -> str:
    """Return the table of fields and operators as text for the documents."""
    rows = []
    for kind, operators in OPERATORS.items():
        fields = [f"`{name}`" for name, one in FIELDS.items() if one == kind]
        if types := [type_ for type_, one in CUSTOM_KINDS.items() if one == kind]:
            fields.append(f"`{CUSTOM_FIELD}<slug>` of type {' or '.join(types)}")
        if fields:
            rows.append(f"{kind} ({', '.join(fields)}): {_listed(operators)}")
    return "; ".join(rows)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"`{one}`" for one in words)


def _about(description: str, example: Any = None, *, form: str | None = None, **limits: Any) -> Any:
    extra = {name: one for name, one in (("example", example), ("pattern", form)) if one is not None}
    return Meta(description=description, extra_json_schema=extra or None, **limits)


_FIELDS = f"A property of contacts. In all at most {CLAUSES_MAX} fields, {DEPTH_MAX} deep, {ALL_VALUES_MAX} values"


class ContactFilter(msgspec.Struct, frozen=True):
    """A condition: `and`, `or` or `not` of others, or a `field` with its `operator` and `value`."""

    and_: Annotated[list["ContactFilter"], _about("All of these", min_length=1)] | UnsetType = msgspec.field(
        name="and", default=UNSET
    )
    or_: Annotated[list["ContactFilter"], _about("At least one of these", min_length=1)] | UnsetType = msgspec.field(
        name="or", default=UNSET
    )
    not_: "ContactFilter | UnsetType" = msgspec.field(name="not", default=UNSET)
    field: Annotated[str, _about(_FIELDS, "company")] | UnsetType = UNSET
    operator: (
        Annotated[str, _about(f"What is asked of the field, by its kind. {describe_table()}", "contains")] | UnsetType
    ) = UNSET
    value: Annotated[
        Any,
        _about(
            f"What the field is compared with, at most {VALUE_LENGTH_MAX} characters. An array of at most {VALUES_MAX} for "
            "`in` and `notIn`, of two for `between` (both belong to it). A number of days for "
            f"{_listed((*DAYS, *DAYS_AHEAD))}. A day such as 2026-03-02, or except for `on` a date and time with an offset, for the "
            f"other operators of a date-time. Key or label of an option. None for {_listed((*CALENDAR, *CALENDAR_AHEAD, *EMPTINESS))}",
            "nord",
        ),
    ] = UNSET


Sort = Literal[
    "-createdAt",
    "createdAt",
    "updatedAt",
    "-updatedAt",
    "lastName",
    "-lastName",
    "company",
    "-company",
    "lastCallAt",
    "-lastCallAt",
    "callCount",
    "-callCount",
]


class SearchContacts(msgspec.Struct, frozen=True, rename="camel"):
    """What contacts to find. Without a filter and a text: all."""

    filter: ContactFilter | UnsetType = UNSET
    text: (
        Annotated[
            str,
            _about(
                f"Words, at most {WORDS_MAX}, each of which must stand somewhere in name, e-mail or company, in any order",
                "moreau nord",
                form=PRINTABLE,
                max_length=TEXT_LENGTH_MAX,
            ),
        ]
        | UnsetType
    ) = UNSET
    sort: (
        Annotated[
            list[Sort],
            _about(
                "The order, `-createdAt` if absent; `-` turns it round. The second property orders what is equal in the first, and so on; "
                "in the end the id does. What is empty counts as least",
                min_length=1,
                max_length=SORTS_MAX,
            ),
        ]
        | UnsetType
    ) = UNSET
    size: Annotated[int, _about("Contacts on a page", ge=1, le=SIZE_MAX)] = SIZE_DEFAULT
    cursor: (
        Annotated[
            str, _about("`meta.nextCursor` of the page before, of this very search", max_length=CURSOR_LENGTH_MAX)
        ]
        | UnsetType
    ) = UNSET
    count_total: (
        Annotated[
            bool,
            _about(
                f"Whether `meta.total` is counted, up to {COUNT_MAX:,}. If not, and many are found, the first page comes sooner, and `meta.total` is one more "
                "than the pages so far hold, with `totalIsLowerBound`, until the last page tells all; few are counted all the same, and all contacts, "
                f"without filter and text. If absent: true where there are at most {COUNTED_AMONG_MAX:,} contacts. Said of the first page; its cursor goes on likewise"
            ),
        ]
        | UnsetType
    ) = UNSET
    timezone: (
        Annotated[
            str,
            _about(
                "IANA name of the time zone of days; if absent that of the only workspace in `workspaceIds`, or of the key's default workspace",
                "Europe/Paris",
            ),
        ]
        | UnsetType
    ) = UNSET
    region: (
        Annotated[
            str,
            _about(
                "The country that phone numbers without a country code are of; if absent as for `timezone`",
                "FR",
                form="^[A-Za-z]{2}$",
            ),
        ]
        | UnsetType
    ) = UNSET

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return what the types do not say."""
        faults = []
        zone, region = fields.get("timezone", "UTC"), fields.get("region")
        if zone not in clock.time_zones():
            faults.append(Fault("/timezone", "UNKNOWN_VALUE", "Must be an IANA name, for example Europe/Paris"))
            zone = "UTC"
        if region is not None and (fault := region_fault(region)):
            faults.append(Fault("/region", *fault))
            region = None
        text = fields.get("text", "")
        if CONTROL_CHARACTERS.search(text):
            faults.append(Fault("/text", "FORBIDDEN_CHARACTER", "Control characters are not allowed"))
        if len(words_of(text)) > WORDS_MAX:
            faults.append(Fault("/text", "TOO_MANY_ITEMS", f"At most {WORDS_MAX} words allowed"))
        if "filter" in fields:
            faults += read_filter(fields["filter"], Setting(region, ZoneInfo(zone), clock.now()))[1]
        return faults


class SearchView(ContactView, frozen=True, rename="camel", kw_only=True):
    """Query parameters of a search."""

    workspace_ids: WorkspaceIds = None

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return what the types do not say: that workspace ids are UUIDs, and what can be included."""
        return workspace_ids_faults(fields) + ContactView.faults_in(fields)


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Where a page ended: what the contact is sorted by, in order, and its id. `digest` is that of the search, `now` its moment.
    `total` was counted by the first page, or is None; `seen` are the contacts of the pages up to here.

    A moment is kept as microseconds since 1970, as msgspec has no union of texts and moments.
    """

    digest: bytes
    now: datetime
    total: Annotated[int, Meta(ge=0, le=2**31)] | None
    keys: list[Annotated[str, Meta(max_length=KEY_LENGTH_MAX)] | Annotated[int, Meta(ge=0, le=MICROSECONDS_MAX)]]
    id: UUID
    seen: Annotated[int, Meta(ge=0, le=2**62)] = 0

    @staticmethod
    def kept(keys: Iterable[Any]) -> list[str | int]:
        """Return what a contact is sorted by as a cursor keeps it."""
        return [(key - _EPOCH) // timedelta(microseconds=1) if isinstance(key, datetime) else key for key in keys]

    def place(self, key_types: Sequence[type]) -> tuple[list[Any], UUID]:
        """Return what the contact is sorted by, and its id."""
        moments = (
            _EPOCH + timedelta(microseconds=int(key)) if one is datetime else key
            for key, one in zip(self.keys, key_types, strict=True)
        )
        return list(moments), self.id


def digest_of(body: SearchContacts, workspace_ids: str | None) -> bytes:
    """Return what tells one search from another, whatever page is asked for."""
    said = [body.filter, body.text, body.sort, body.timezone, body.region, workspace_ids]
    known = [None if one is UNSET else one for one in said]
    return hashlib.sha256(msgspec.json.encode(known, order="deterministic")).digest()[:DIGEST_BYTES]


def encode_cursor(cursor: Cursor) -> str:
    """Return a cursor as text."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(cursor)).decode().rstrip("=")


def decode_cursor(text: str, digest: bytes, key_types: Sequence[type]) -> Cursor:
    """Return what a cursor says. Raises `Invalid` for one of another search.

    It holds nothing secret and opens nothing: the query that it goes into names the caller's workspaces itself.
    """
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        cursor = msgspec.msgpack.decode(raw, type=Cursor)
        if (
            cursor.digest == digest
            and [isinstance(key, str) for key in cursor.keys] == [one is str for one in key_types]
            and not any(CONTROL_CHARACTERS.search(str(key)) for key in cursor.keys)
        ):
            return cursor
    except (binascii.Error, msgspec.MsgspecError, ValueError):
        pass
    raise Invalid([Fault("/cursor", "INVALID_CURSOR", "This cursor is not one that this search gave")])
