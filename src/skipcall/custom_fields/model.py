"""A custom field: a name that may change, a slug that never does."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from skipcall.errors import Conflict, Fault
from skipcall.page import PageQuery
from skipcall.workspaces.model import Id, Timestamp

NAME_LENGTH_MAX = 200
SLUG_LENGTH_MAX = 100
VALUE_LENGTH_MAX = 5_000
FIELDS_OF_WORKSPACE_MAX = 500

CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f]*$"  # the same, as the documents say it

Name = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=NAME_LENGTH_MAX,
        description="What people see; it may change",
        extra_json_schema={"example": "Industry", "pattern": PRINTABLE},
    ),
]
Slug = Annotated[
    str,
    Meta(
        description="Stable identifier, made from the first name; the key of `customFields` in requests",
        extra_json_schema={"example": "industry"},
    ),
]


class NameTaken(Conflict):
    """Another field of the workspace has this name."""

    code = "CUSTOM_FIELD_NAME_TAKEN"

    def __init__(self) -> None:
        super().__init__("Another custom field of this workspace has this name")


class TooManyFields(Conflict):
    """The workspace has as many fields as it may have."""

    code = "TOO_MANY_CUSTOM_FIELDS"

    def __init__(self) -> None:
        super().__init__(f"A workspace has at most {FIELDS_OF_WORKSPACE_MAX} custom fields")


class CustomField(msgspec.Struct, frozen=True, rename="camel"):
    """The definition of a custom field."""

    id: Id
    name: Name
    slug: Slug
    workspace_id: Id
    created_at: Timestamp
    updated_at: Timestamp


class CreateCustomField(msgspec.Struct, frozen=True, rename="camel"):
    """What a new custom field is made of."""

    name: Name

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return what the types do not say: that a name has no control characters."""
        return _name_faults(fields)


class UpdateCustomField(msgspec.Struct, frozen=True, rename="camel"):
    """What may be changed of a custom field."""

    name: Name | UnsetType = UNSET

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return what the types do not say: that a name has no control characters."""
        return _name_faults(fields)


class ListCustomFields(PageQuery, frozen=True, rename="camel", kw_only=True):
    """Query parameters of the list."""


def slug_of(name: str) -> str:
    """Return the slug that a name suggests: lower-case ASCII letters, digits and `_`; `field` if nothing is left."""
    folded = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", folded).strip("_")[:SLUG_LENGTH_MAX] or "field"


def _name_faults(fields: Mapping[str, Any]) -> list[Fault]:
    if CONTROL_CHARACTERS.search(fields.get("name", "")):
        return [Fault("/name", "FORBIDDEN_CHARACTER", "Control characters are not allowed")]
    return []
