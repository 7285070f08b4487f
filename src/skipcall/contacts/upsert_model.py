"""Upserts and batches of them on the wire."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from skipcall.contacts.model import (
    Contact,
    ExternalId,
    UpdateContact,
    contact_faults,
)
from skipcall.errors import Conflict, Fault
from skipcall.workspaces.model import Id

BATCH_ITEMS_MAX = 500
BATCH_BYTES_MAX = 2_097_152
CANDIDATES_MAX = 100  # told of one upsert

MatchKey = Literal["id", "externalId", "phoneNumbers", "email"]
Mode = Literal["overwrite", "fillIfEmpty"]
NumbersMode = Literal["overwrite", "fillIfEmpty", "append"]
Status = Literal["created", "updated", "unchanged", "ambiguous", "error"]
MATCH_KEYS: tuple[MatchKey, ...] = get_args(MatchKey)

Changes = Annotated[
    dict[str, Annotated[list[Any], Meta(extra_json_schema={"items": {"nullable": True}})]],
    Meta(
        description="What has changed: each property with its old and its new value. Custom values are keyed by slug.",
        extra_json_schema={"example": {"company": [None, "Atelier Nord"]}},
    ),
]
MatchedBy = Annotated[list[MatchKey], Meta(description="The keys that led to the contact; none if it is new")]


class UpsertContact(UpdateContact, frozen=True, rename="camel"):
    """What to make of a contact. A new one needs `firstName`, `lastName` and `phoneNumbers`; absent properties stay."""

    id: Annotated[UUID | None | UnsetType, Meta(description="Only to find the contact; never given to a new one")] = (
        UNSET
    )
    external_id: ExternalId | None | UnsetType = UNSET


class FieldModes(msgspec.Struct, frozen=True, rename="camel"):
    """How a property of a contact that is there already is written, where it is not as `mode` says."""

    first_name: Mode | UnsetType = UNSET
    last_name: Mode | UnsetType = UNSET
    email: Mode | UnsetType = UNSET
    company: Mode | UnsetType = UNSET
    city: Mode | UnsetType = UNSET
    country: Mode | UnsetType = UNSET
    url: Mode | UnsetType = UNSET
    linkedin_url: Mode | UnsetType = UNSET
    linkedin_sales_url: Mode | UnsetType = UNSET
    role: Mode | UnsetType = UNSET
    allow_phone_calls: Mode | UnsetType = UNSET
    phone_numbers: Annotated[
        NumbersMode | UnsetType, Meta(description="`append` adds the numbers that are not there, at the end")
    ] = UNSET
    custom_fields: Mode | UnsetType = UNSET
    external_id: Mode | UnsetType = UNSET


class UpsertOptions(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """How a contact is looked for, and how one that is there is written."""

    match: Annotated[
        list[MatchKey],
        Meta(
            min_length=1,
            max_length=len(MATCH_KEYS),
            description="The properties that may lead to the contact, a phone number in all forms of the same telephone. All of them if "
            "absent. An `id` always does.",
        ),
    ] = msgspec.field(default_factory=lambda: list(MATCH_KEYS))
    mode: Annotated[
        Mode,
        Meta(
            description="How properties of a contact that is there are written: `overwrite` does what a PATCH does, "
            "`fillIfEmpty` only fills those that are empty"
        ),
    ] = "overwrite"
    modes: Annotated[FieldModes, Meta(description="`mode` for single properties")] = FieldModes()
    dry_run: Annotated[bool, Meta(description="Answer what would be done, and do nothing")] = False


class Upsert(UpsertOptions, frozen=True, rename="camel", kw_only=True):
    """One contact to write, wherever it is."""

    contact: UpsertContact

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return the faults of the contact that types cannot say."""
        contact = fields.get("contact")
        if not isinstance(contact, dict):
            return []
        types: dict[str, type] = {"phoneNumbers": list, "customFields": dict}
        typed = {name: one for name, one in contact.items() if isinstance(one, types.get(name, str))}
        return [placed(fault, "/contact") for fault in contact_faults(typed)]


class ContactBatch(UpsertOptions, frozen=True, rename="camel", kw_only=True):
    """Contacts to write, each by itself, one after the other."""

    # Each item is read by itself, since a fault in one is no fault of the request.
    items: Annotated[
        list[Any],
        Meta(
            min_length=1,
            max_length=BATCH_ITEMS_MAX,
            extra_json_schema={"items": {"$ref": "#/components/schemas/UpsertContact"}},
        ),
    ]


class BatchQuery(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Query parameters of a batch."""

    workspace_id: Annotated[
        str | None, Meta(description="The workspace to write in; the key's default workspace if absent")
    ] = None


class MatchedKey(msgspec.Struct, frozen=True):
    """A key that led to a contact."""

    key: MatchKey
    value: str


class Candidate(msgspec.Struct, frozen=True, rename="camel"):
    """A contact that may have been meant."""

    id: Id
    external_id: ExternalId | None
    matched_by: list[MatchedKey]


class UpsertResult(msgspec.Struct, frozen=True, rename="camel"):
    """What was done, and the contact after it."""

    status: Literal["created", "updated", "unchanged"]
    matched_by: MatchedBy
    changes: Changes | None
    contact: Annotated[Contact | None, Meta(description="Null if a dry run would create it")]


class ItemError(msgspec.Struct, frozen=True):
    """Why an item was refused, as the error of a request is told."""

    code: str
    message: str
    details: Sequence[Fault] = ()


class BatchResult(msgspec.Struct, frozen=True, rename="camel"):
    """What was done about one item."""

    index: Annotated[int, Meta(description="Place of the item, from 0")]
    status: Status
    id: Annotated[
        Id | UnsetType, Meta(description="The contact, unless there is none or a dry run would create it")
    ] = UNSET
    matched_by: MatchedBy | UnsetType = UNSET
    changes: Changes | UnsetType = UNSET
    candidates: Annotated[list[Candidate] | UnsetType, Meta(description="If ambiguous: which may have been meant")] = (
        UNSET
    )
    error: ItemError | UnsetType = UNSET


class BatchSummary(msgspec.Struct):
    """How many items came to what."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    ambiguous: int = 0
    error: int = 0


class BatchResults(msgspec.Struct, frozen=True):
    """What was done about each item, in the order of the items."""

    results: list[BatchResult]
    summary: BatchSummary


class AmbiguousMatch(Conflict):
    """The keys of one upsert lead to several contacts, or to one that another system's id tells apart."""

    code = "AMBIGUOUS_MATCH"

    def __init__(self, candidates: list[Candidate]) -> None:
        super().__init__("It cannot be told which contact is meant; see candidates")
        self.candidates = candidates
        self.properties = {"candidates": candidates}


def placed(fault: Fault, place: str) -> Fault:
    """Return a fault of a part as one of the whole, where the part stands at `place`."""
    return msgspec.structs.replace(fault, pointer=place + fault.pointer)


# ------------------------------------------------------------------------------------------------------- the rule
