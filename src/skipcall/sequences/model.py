"""A sequence on the wire, and who of its assignees gets which contact."""

import heapq
from collections import abc
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from skipcall.custom_fields.model import CONTROL_CHARACTERS, PRINTABLE
from skipcall.errors import Fault
from skipcall.page import PageQuery
from skipcall.tags.model import Label
from skipcall.workspaces.model import ID_EXAMPLE, Id, Timestamp

NAME_LENGTH_MAX = 200
ASSIGNEES_MAX = 100
ITEMS_MAX = 100  # of one request that adds or removes contacts
CALLS_SHOWN_MAX = 20  # of a contact, in the list of contacts

Status = Literal["DRAFT", "ACTIVE", "PAUSED", "ARCHIVED"]
ContactStatus = Literal["TO_CALL", "IN_PROGRESS", "CALLED", "DONE"]

Name = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=NAME_LENGTH_MAX,
        description="What people see",
        extra_json_schema={"example": "Prospects Q2", "pattern": PRINTABLE},
    ),
]
Assignees = Annotated[
    list[UUID],
    Meta(
        max_length=ASSIGNEES_MAX,
        description=(
            "Who calls the contacts: `organizationMembershipId`s of `/v1/users`, members of the workspace, in the order in "
            "which contacts are given to them"
        ),
        extra_json_schema={"example": [ID_EXAMPLE]},
    ),
]
MembershipId = Annotated[
    str | None,
    Meta(
        description="Workspace membership of the assignee; null if the sequence had none",
        extra_json_schema={"example": ID_EXAMPLE},
    ),
]


class Sequence(msgspec.Struct, frozen=True, rename="camel"):
    """A sequence."""

    id: Id
    name: Name
    workspace_id: Id
    creator_id: Annotated[str, Meta(description="Organization membership", extra_json_schema={"example": ID_EXAMPLE})]
    assigned_to_ids: Annotated[
        list[str], Meta(description="Organization memberships", extra_json_schema={"example": [ID_EXAMPLE]})
    ]
    status: Status
    contact_count: Annotated[int, Meta(description="Contacts that are in it now", extra_json_schema={"example": 250})]
    created_at: Timestamp
    updated_at: Timestamp


class CreateSequence(msgspec.Struct, frozen=True, rename="camel"):
    """What a new sequence is made of."""

    name: Name
    creator_id: Annotated[
        UUID,
        Meta(
            description="Whose sequence it is: `organizationMembershipId` of `/v1/users`, a member of the workspace",
            extra_json_schema={"example": ID_EXAMPLE},
        ),
    ]
    assigned_to_ids: Assignees = msgspec.field(default_factory=list)

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return what the types do not say: that a name has no control characters."""
        return _name_faults(fields)


class UpdateSequence(msgspec.Struct, frozen=True, rename="camel"):
    """What may be changed of a sequence. `assignedToIds` replaces all that were there."""

    name: Name | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    assigned_to_ids: Assignees | UnsetType = UNSET

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return what the types do not say: that a name has no control characters."""
        return _name_faults(fields)


class CreateSequenceQuery(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Query parameters of a creation."""

    workspace_id: Annotated[
        str | None, Meta(description="The workspace to create in; the key's default workspace if absent")
    ] = None


class ListSequences(PageQuery, frozen=True, rename="camel", kw_only=True):
    """Query parameters of the list."""


class SequenceContactDetails(msgspec.Struct, frozen=True, rename="camel"):
    """Who the contact is. `GET /v1/contacts/{id}` has the rest."""

    id: Id
    first_name: str
    last_name: str
    email: str | None
    company: str | None
    role: str | None
    allow_phone_calls: bool
    phone_numbers: list[str]


class SequenceContactTag(msgspec.Struct, frozen=True, rename="camel"):
    """A tag of one of the contact's calls."""

    id: Id
    label: str
    is_success_tag: bool


class SequenceContactCall(msgspec.Struct, frozen=True, rename="camel"):
    """A call to or from the contact within the sequence. `GET /v1/calls/{id}` has the rest."""

    id: Id
    status: str
    result: str
    type: str
    organization_membership_id: str | None
    sequence_run_id: str | None
    started_at: Timestamp
    ended_at: Timestamp | None


class SequenceContact(msgspec.Struct, frozen=True, rename="camel"):
    """A contact in a sequence."""

    contact_id: Id
    contact: SequenceContactDetails
    assigned_to_workspace_membership_id: MembershipId
    status: Annotated[
        ContactStatus,
        Meta(
            description=(
                "What its calls within the sequence come to: `TO_CALL` without any, `IN_PROGRESS` while one runs, `DONE` once "
                "one has a success tag, else `CALLED`"
            )
        ),
    ]
    tags: Annotated[list[SequenceContactTag], Meta(description="Of its calls within the sequence")]
    calls: Annotated[
        list[SequenceContactCall],
        Meta(description=f"Its calls within the sequence, newest first, at most {CALLS_SHOWN_MAX}"),
    ]
    call_count: Annotated[int, Meta(description="All its calls within the sequence", extra_json_schema={"example": 2})]
    added_at: Timestamp


class ListSequenceContacts(PageQuery, frozen=True, rename="camel", kw_only=True):
    """Query parameters of the list of contacts."""

    tag_label: Annotated[
        Label | None, Meta(description="Only contacts with a call, within the sequence, that has the tag of this label")
    ] = None
    status: Annotated[ContactStatus | None, Meta(description="Only contacts of this status")] = None
    assigned_to_workspace_membership_id: Annotated[UUID | None, Meta(description="Only contacts of this assignee")] = (
        None
    )

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return what the types do not say: that a label has no control characters."""
        faults = PageQuery.faults_in(fields)
        if CONTROL_CHARACTERS.search(fields.get("tagLabel") or ""):
            text = "Control characters are not allowed"
            faults.append(Fault("/query/tagLabel", "FORBIDDEN_CHARACTER", text))
        return faults


class AddSequenceContact(msgspec.Struct, frozen=True, rename="camel"):
    """A contact to add to a sequence."""

    contact_id: Annotated[UUID, Meta(extra_json_schema={"example": ID_EXAMPLE})]
    assigned_to_workspace_membership_id: Annotated[
        UUID | None,
        Meta(
            description="Workspace membership of the assignee who gets it; absent, the one with the fewest contacts does",
            extra_json_schema={"example": ID_EXAMPLE},
        ),
    ] = None


AddSequenceContacts = Annotated[list[AddSequenceContact], Meta(min_length=1, max_length=ITEMS_MAX)]
RemoveSequenceContacts = Annotated[list[UUID], Meta(min_length=1, max_length=ITEMS_MAX, description="Ids of contacts")]


class AddedContacts(msgspec.Struct, frozen=True, rename="camel"):
    """What became of the contacts that were sent."""

    added: Annotated[int, Meta(description="New in the sequence", extra_json_schema={"example": 97})]
    revived: Annotated[
        int,
        Meta(description="Had been removed, and are there again with their assignee", extra_json_schema={"example": 1}),
    ]
    ignored: Annotated[
        int,
        Meta(
            description="Sent twice, in the sequence already, or no contacts in the key's scope",
            extra_json_schema={"example": 2},
        ),
    ]


class SequenceRun(msgspec.Struct, frozen=True, rename="camel"):
    """One session of a user with a sequence."""

    id: Id
    sequence_id: Id
    organization_membership_id: Annotated[
        str | None, Meta(description="The user", extra_json_schema={"example": ID_EXAMPLE})
    ]
    started_at: Timestamp
    ended_at: Annotated[Timestamp | None, Meta(description="End of its last call; null while one runs")]
    calls_placed: Annotated[int, Meta(extra_json_schema={"example": 42})]
    calls_connected: Annotated[int, Meta(description="Those in which people talked", extra_json_schema={"example": 9})]


class ListSequenceRuns(PageQuery, frozen=True, rename="camel", kw_only=True):
    """Query parameters of the list of runs."""


class Stored(msgspec.Struct, frozen=True):
    """A contact that is, or was, in a sequence."""

    assignee: UUID | None
    is_present: bool


def choose_assignees(
    items: abc.Sequence[AddSequenceContact], stored: Mapping[UUID, Stored], loads: Mapping[UUID, int]
) -> dict[UUID, UUID | None]:
    """Return the contacts that come into a sequence, each with its assignee.

    `stored` has what the sequence knows of them, `loads` each assignee's number of contacts, in the order of assignment.
    A contact that was there before gets the same assignee again, if that one still is one; then those come that name
    theirs; the others go, one by one, to whoever has the fewest, the first of several. None: there is no assignee.
    """
    chosen: dict[UUID, UUID | None] = {}
    counts = dict(loads)
    for item in items:
        id = item.contact_id
        known = stored.get(id)
        if id not in chosen and (known is None or not known.is_present):
            before = known.assignee if known is not None and known.assignee in counts else None
            chosen[id] = assignee = before or item.assigned_to_workspace_membership_id
            if assignee is not None:
                counts[assignee] += 1
    waiting = [(count, place, assignee) for place, (assignee, count) in enumerate(counts.items())]
    heapq.heapify(waiting)
    for id, assignee in chosen.items():
        if assignee is None and waiting:
            count, place, least = waiting[0]
            heapq.heapreplace(waiting, (count + 1, place, least))
            chosen[id] = least
    return chosen


def _name_faults(fields: Mapping[str, Any]) -> list[Fault]:
    if CONTROL_CHARACTERS.search(fields.get("name", "")):
        return [Fault("/name", "FORBIDDEN_CHARACTER", "Control characters are not allowed")]
    return []
