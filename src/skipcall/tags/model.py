"""A tag: an outcome of calls, a success or not."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from skipcall.custom_fields.model import CONTROL_CHARACTERS, PRINTABLE
from skipcall.errors import Conflict, Fault
from skipcall.page import PageQuery
from skipcall.workspaces.model import Id, Timestamp

LABEL_LENGTH_MAX = 100
TAGS_OF_WORKSPACE_MAX = 200

# What a new workspace has, the success first. Workspaces from before there were tags got them by migration 0005.
FIRST_TAGS = (("Rendez-vous pris", True), ("Pas intéressé", False), ("À rappeler", False), ("Mauvais numéro", False))

Label = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=LABEL_LENGTH_MAX,
        description="What people see; unique in the workspace",
        extra_json_schema={"example": "Meeting booked", "pattern": PRINTABLE},
    ),
]
IsSuccessTag = Annotated[
    bool, Meta(description="Whether a call with this tag had a successful outcome", extra_json_schema={"example": True})
]


class LabelTaken(Conflict):
    """Another tag of the workspace has this label."""

    code = "TAG_LABEL_TAKEN"

    def __init__(self) -> None:
        super().__init__("Another tag of this workspace has this label")


class TooManyTags(Conflict):
    """The workspace has as many tags as it may have."""

    code = "TOO_MANY_TAGS"

    def __init__(self) -> None:
        super().__init__(f"A workspace has at most {TAGS_OF_WORKSPACE_MAX} tags")


class LastSuccessTag(Conflict):
    """The workspace would be left without a success tag."""

    code = "LAST_SUCCESS_TAG"

    def __init__(self) -> None:
        super().__init__("This is the last success tag of its workspace, which always keeps one")


class Tag(msgspec.Struct, frozen=True, rename="camel"):
    """A tag."""

    # Exactly the documented properties.

    id: Id
    label: Label
    is_success_tag: IsSuccessTag
    created_at: Timestamp
    updated_at: Timestamp


class CreateTag(msgspec.Struct, frozen=True, rename="camel"):
    """What a new tag is made of."""

    label: Label
    is_success_tag: IsSuccessTag = False

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return what the types do not say: that a label has no control characters."""
        return _label_faults(fields)


class UpdateTag(msgspec.Struct, frozen=True, rename="camel"):
    """What may be changed of a tag."""

    label: Label | UnsetType = UNSET
    is_success_tag: IsSuccessTag | UnsetType = UNSET

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return what the types do not say: that a label has no control characters."""
        return _label_faults(fields)


class CreateTagQuery(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Query parameters of a creation."""

    workspace_id: Annotated[
        str | None, Meta(description="The workspace to create in; the key's default workspace if absent")
    ] = None


class ListTags(PageQuery, frozen=True, rename="camel", kw_only=True):
    """Query parameters of the list."""


def _label_faults(fields: Mapping[str, Any]) -> list[Fault]:
    if CONTROL_CHARACTERS.search(fields.get("label", "")):
        return [Fault("/label", "FORBIDDEN_CHARACTER", "Control characters are not allowed")]
    return []
