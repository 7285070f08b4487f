"""Changes on the wire."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from skipcall.contacts.model import Contact, ContactView, CustomFieldKeys, Include, Source, include_faults
from skipcall.errors import Fault
from skipcall.page import SIZE_MAX, PageQuery, WorkspacesQuery
from skipcall.workspaces.model import Id, Timestamp

SIZE_DEFAULT = 100

Object = Literal["contact", "call"]


class ListChanges(WorkspacesQuery, frozen=True, rename="camel", kw_only=True):
    """Query parameters of the feed."""

    cursor: Annotated[
        str | None,
        Meta(
            description="`meta.nextCursor` of the answer before. Without one the feed starts with the oldest change that is kept",
        ),
    ] = None
    start: Annotated[
        Literal["oldest", "now"],
        Meta(description="Without a cursor: `now` answers no changes and a cursor for what comes next"),
    ] = "oldest"
    size: Annotated[int, Meta(ge=1, le=SIZE_MAX, description="Changes in one answer")] = SIZE_DEFAULT
    object: Annotated[Object | None, Meta(description="Only changes of contacts, or only of calls")] = None
    skip_own: Annotated[
        bool, Meta(description="Leave out what this very API key has written, so that a sync does not see its own echo")
    ] = False
    custom_field_keys: CustomFieldKeys = "name"
    include: Include = None

    @property
    def view(self) -> ContactView:
        """How its contacts are answered."""
        return ContactView(custom_field_keys=self.custom_field_keys, include=self.include)

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return what the types do not say: that workspace ids are UUIDs, what can be included, and that a cursor is a start of its own."""
        faults = WorkspacesQuery.faults_in(fields) + include_faults(fields)
        if "cursor" in fields and "start" in fields:
            faults.append(Fault("/query/start", "CONFLICTING_PARAMETERS", "A cursor says where to start"))
        return faults


class ListContactHistory(PageQuery, frozen=True, rename="camel", kw_only=True):
    """Query parameters of the history."""


class Values(msgspec.Struct, frozen=True):
    """A property before and after a change. `customFields` are keyed by slug, with every value of the contact."""

    old: Annotated[msgspec.Raw, Meta(extra_json_schema={"nullable": True, "example": "Sales"})]
    new: Annotated[msgspec.Raw, Meta(extra_json_schema={"nullable": True, "example": "CTO"})]


class HistoryEntry(msgspec.Struct, frozen=True, rename="camel"):
    """Something that was done, once. `changes` is empty where something came or went as a whole."""

    id: Annotated[
        str, Meta(description="Grows with the time at which it was written", extra_json_schema={"example": "4711"})
    ]
    type: Annotated[str, Meta(description="What was done to what", extra_json_schema={"example": "contact.updated"})]
    object_id: Id
    workspace_id: Id
    version: Annotated[int, Meta(description="Of the object; each change makes the next one")]
    occurred_at: Timestamp
    changes: Annotated[
        dict[str, Values], Meta(description="Each property that changed, with its old and its new value")
    ]
    source: Source
    api_key_id: Annotated[Id | None, Meta(description="The API key that wrote it; null for all that needs none")]
    request_id: Annotated[
        str | None,
        Meta(description="The `X-Request-Id` of the request that wrote it", extra_json_schema={"example": None}),
    ]


class Change(HistoryEntry, frozen=True, rename="camel"):
    """Something that was done, in the feed."""

    contact: Annotated[
        Contact | None,
        Meta(description="The contact, or that of the call, as it is now; null if it is no longer there"),
    ]


class ChangesMeta(msgspec.Struct, frozen=True, rename="camel"):
    """Where the feed goes on."""

    has_more: Annotated[bool, Meta(description="Ask again at once: there is more")]
    next_cursor: Annotated[str, Meta(description="Where to go on; keep it with what you have stored")]


class Changes(msgspec.Struct, frozen=True):
    """A piece of the feed."""

    data: list[Change]
    meta: ChangesMeta
