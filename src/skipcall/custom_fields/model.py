"""A custom field: a name that may change, a slug and a type that never do."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from skipcall.api_keys.model import FIELDS_NAMED_MAX
from skipcall.errors import Conflict, Fault
from skipcall.page import PageQuery
from skipcall.workspaces.model import Id, Timestamp

NAME_LENGTH_MAX = 200
SLUG_LENGTH_MAX = 100
VALUE_LENGTH_MAX = 5_000
FIELDS_OF_WORKSPACE_MAX = 500
OPTIONS_MAX = 500  # that can be chosen
OPTIONS_KEPT_MAX = 1_000  # with archived ones
OPTION_LABEL_LENGTH_MAX = 200
OPTION_KEY_LENGTH_MAX = 100
URL_VALUE_LENGTH_MAX = 2_048
PORT_MAX = 65_535
EXAMPLES_MAX = 10  # contacts that are named where values are not unique

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


Type = Annotated[
    Literal["text", "number", "date", "select", "url", "boolean"],
    Meta(description="What values of the field are; it never changes", extra_json_schema={"example": "select"}),
]
IsRequired = Annotated[
    bool,
    Meta(
        description="Whether a new contact must have a value, and no change may clear it",
        extra_json_schema={"example": False},
    ),
]
IsUnique = Annotated[
    bool, Meta(description="Whether no two contacts may have the same value", extra_json_schema={"example": False})
]
OptionKey = Annotated[
    str,
    Meta(
        description="What is stored on contacts; it never changes",
        extra_json_schema={"example": "retail", "pattern": f"^[a-z0-9_]{{1,{OPTION_KEY_LENGTH_MAX}}}$"},
    ),
]
OptionLabel = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=OPTION_LABEL_LENGTH_MAX,
        description="What people see; it may change",
        extra_json_schema={"example": "Retail", "pattern": PRINTABLE},
    ),
]
Include = Annotated[
    Literal["details"] | None,
    Meta(description="Answer `type`, `options`, `isRequired`, `isUnique` and `archivedAt` too"),
]
IsArchived = Annotated[
    bool,
    Meta(
        description="Taken from what can be chosen: contacts keep it, and none gets it any more",
        extra_json_schema={"example": False},
    ),
]
_OPTION_KEY = re.compile(rf"[a-z0-9_]{{1,{OPTION_KEY_LENGTH_MAX}}}", re.ASCII)


class NameTaken(Conflict):
    """Another field of the workspace has this name, or has it as its slug."""

    code = "CUSTOM_FIELD_NAME_TAKEN"

    def __init__(self) -> None:
        super().__init__("Another custom field of this workspace has this name, or has it as its slug")


class TooManyFields(Conflict):
    """The workspace has as many fields as it may have."""

    code = "TOO_MANY_CUSTOM_FIELDS"

    def __init__(self) -> None:
        super().__init__(f"A workspace has at most {FIELDS_OF_WORKSPACE_MAX} custom fields")


class TooManyOptions(Conflict):
    """The field would keep more options than it may, with those that cannot be chosen any more."""

    code = "TOO_MANY_OPTIONS"

    def __init__(self) -> None:
        super().__init__(f"A field keeps at most {OPTIONS_KEPT_MAX} options, archived ones included")


class ValuesNotUnique(Conflict):
    """A field cannot be made unique, since some contacts have the same value."""

    code = "CUSTOM_VALUES_NOT_UNIQUE"

    def __init__(self, values: int, contact_ids: Sequence[UUID]) -> None:
        words = "1 value is" if values == 1 else f"{values} values are each"
        super().__init__(f"{words} on more than one contact")
        ids = ", ".join(map(str, contact_ids))
        self.faults = [Fault("/isUnique", "CUSTOM_VALUES_NOT_UNIQUE", "These contacts have the same value", ids)]


class CustomFieldOption(msgspec.Struct, frozen=True, rename="camel"):
    """One of the values that a field of type `select` may have."""

    key: OptionKey
    label: OptionLabel
    is_archived: IsArchived = False


class SetCustomFieldOption(msgspec.Struct, frozen=True, rename="camel"):
    """An option to have. Without `key` it is the one with this label, or a new one whose key is made from the label."""

    label: OptionLabel
    key: OptionKey | UnsetType = UNSET
    is_archived: IsArchived = False


Options = Annotated[
    list[SetCustomFieldOption],
    Meta(
        min_length=1,
        max_length=OPTIONS_KEPT_MAX,
        description=(
            f"Of a `select`: what may be chosen, in order, at most {OPTIONS_MAX}. Given in a change, they replace the list, and "
            "what is left out is archived."
        ),
    ),
]


class CustomField(msgspec.Struct, frozen=True, rename="camel"):
    """The definition of a custom field."""

    # What follows `updated_at` is there only when `include` asks for it.

    id: Id
    name: Name
    slug: Slug
    workspace_id: Id
    created_at: Timestamp
    updated_at: Timestamp
    type: Type | UnsetType = UNSET
    options: Annotated[list[CustomFieldOption], Meta(description="Of a `select`, in order")] | UnsetType = UNSET
    is_required: IsRequired | UnsetType = UNSET
    is_unique: IsUnique | UnsetType = UNSET
    archived_at: Timestamp | None | UnsetType = UNSET


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """What a field asks of its values. `choices` leads from keys and labels of options that can be chosen to their keys."""

    slug: str
    name: str
    type: Type
    choices: Mapping[str, str]
    is_required: bool
    is_unique: bool


class SearchedField(NamedTuple):
    """A custom field that a search names, with its options in each workspace that has it. Where these have different types it is a text."""

    type: Type
    options: Mapping[UUID, Sequence[CustomFieldOption]]

    @property
    def workspace_ids(self) -> Sequence[UUID]:
        return list(self.options)


class CreateCustomField(msgspec.Struct, frozen=True, rename="camel"):
    """What a new custom field is made of."""

    name: Name
    type: Type = "text"
    options: Options | UnsetType = UNSET
    is_required: IsRequired = False
    is_unique: IsUnique = False

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return what the types do not say: of names and options, and that options go with a select."""
        faults = _field_faults(fields)
        type_ = fields.get("type", "text")
        if type_ == "select" and "options" not in fields:
            faults.append(Fault("/options", "REQUIRED", "A select needs options"))
        elif type_ != "select" and "options" in fields:
            faults.append(Fault("/type", *OPTIONS_NOT_ALLOWED))
        return faults


class UpdateCustomField(msgspec.Struct, frozen=True, rename="camel"):
    """What may be changed of a custom field. `type` may be sent back as it is."""

    name: Name | UnsetType = UNSET
    type: Type | UnsetType = UNSET
    options: Options | UnsetType = UNSET
    is_required: IsRequired | UnsetType = UNSET
    is_unique: IsUnique | UnsetType = UNSET

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return what the types do not say, of names and options."""
        return _field_faults(fields)


class CustomFieldView(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """How custom fields are answered."""

    include: Include = None


class CreateCustomFieldQuery(CustomFieldView, frozen=True, rename="camel", kw_only=True):
    """Query parameters of a creation."""

    workspace_id: Annotated[
        str | None, Meta(description="The workspace to create in; the key's default workspace if absent")
    ] = None


class ListCustomFields(PageQuery, frozen=True, rename="camel", kw_only=True):
    """Query parameters of the list."""

    status: Annotated[
        Literal["active", "archived", "all"], Meta(description="Which fields: `archived` ones were deleted")
    ] = "active"
    include: Include = None


class FieldNamed(msgspec.Struct, frozen=True, rename="camel"):
    """A custom field whose name was sent."""

    workspace_id: Id
    slug: Annotated[Slug, Meta(description="What to send instead")]
    name: Annotated[str, Meta(description="As it was sent the last time", extra_json_schema={"example": "Industry"})]
    count: Annotated[int, Meta(description="Requests with this name", extra_json_schema={"example": 40})]
    last_used_at: Timestamp


class NameUse(msgspec.Struct, frozen=True, rename="camel"):
    """How often an API key has sent names of custom fields instead of slugs."""

    api_key_id: Id
    name: Annotated[str, Meta(description="Name of the key", extra_json_schema={"example": "CRM sync"})]
    count: Annotated[int, Meta(description="Requests with a name", extra_json_schema={"example": 42})]
    last_used_at: Annotated[
        Timestamp | None, Meta(description="The last of them; null if it was before this was noted")
    ]
    fields: Annotated[
        list[FieldNamed],
        Meta(description=f"The fields that were named, the last named first, at most {FIELDS_NAMED_MAX}"),
    ]


class ListNameUses(PageQuery, frozen=True, rename="camel", kw_only=True):
    """Query parameters of the report."""


def slug_of(name: str) -> str:
    """Return the slug that a name suggests: lower-case ASCII letters, digits and `_`; `field` if nothing is left."""
    folded = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", folded).strip("_")[:SLUG_LENGTH_MAX] or "field"


def merge_options(
    stored: Sequence[CustomFieldOption], given: Sequence[SetCustomFieldOption]
) -> list[CustomFieldOption]:
    """Return the options of a field after `given` replaced those that could be chosen.

    An option without a key is the stored one with its label, or a new one. What is no more in the list comes last, archived.
    """
    named = {one.key for one in given if one.key is not UNSET}
    by_label = {
        one.label: one.key for one in sorted(stored, key=lambda one: not one.is_archived) if one.key not in named
    }
    taken = named | {one.key for one in stored}
    chosen: dict[str, CustomFieldOption] = {}
    for one in given:
        key = by_label.get(one.label) if one.key is UNSET else one.key
        if key is None:
            key = _free_key(one.label, taken)
            taken.add(key)
        chosen[key] = CustomFieldOption(key, one.label, one.is_archived)
    left = [msgspec.structs.replace(one, is_archived=True) for one in stored if one.key not in chosen]
    return [*chosen.values(), *left]


def choices_of(options: Sequence[CustomFieldOption]) -> dict[str, str]:
    """Return what leads to the options that can be chosen: their labels and, before these, their keys."""
    chosen = [one for one in options if not one.is_archived]
    return {one.label: one.key for one in chosen} | {one.key: one.key for one in chosen}


def keys_meant(options: Sequence[CustomFieldOption], text: str) -> list[str]:
    """Return the keys of the options that a text may mean, archived ones too.

    What is written so counts before other letter case, as in a value that is stored, and a key before a label.
    """
    text = unicodedata.normalize("NFC", text)
    words = [(one.key, unicodedata.normalize("NFC", one.label)) for one in options]
    in_any_case = [(key, label.casefold()) for key, label in words]
    for known, meant in ((words, text), (in_any_case, text.casefold())):
        for place in (0, 1):
            if found := [one[0] for one in known if one[place] == meant]:
                return found
    return []


def read_value(field: Definition, text: str) -> str | None:
    """Return the form in which a value is stored, or None if it is none of this field.

    `read_custom_value` in migration 0011 is the same for the statements that write contacts; a test compares the two.
    """
    if field.type == "select":
        return field.choices.get(text)
    return text if FORMS[field.type](text) else None


def value_fault(field: Definition, text: str) -> tuple[str, str] | None:
    """Return code and message of what is wrong with a value of a field, or None."""
    return WRONG[field.type] if read_value(field, text) is None else None


def _free_key(label: str, taken: set[str]) -> str:
    key = first = slug_of(label)
    number = 1
    while key in taken:
        number += 1
        key = f"{first[: OPTION_KEY_LENGTH_MAX - 6]}_{number}"
    return key


def _field_faults(fields: Mapping[str, Any]) -> list[Fault]:
    faults = []
    if CONTROL_CHARACTERS.search(fields.get("name", "")):
        faults.append(Fault("/name", *_FORBIDDEN))
    seen: set[tuple[str, str]] = set()
    options = [one if isinstance(one, dict) else {} for one in fields.get("options", ())]
    if sum(one.get("isArchived") is not True for one in options) > OPTIONS_MAX:
        faults.append(Fault("/options", "TOO_MANY_ITEMS", f"At most {OPTIONS_MAX} that can be chosen are allowed"))
    for place, option in enumerate(options):
        for name in ("key", "label"):
            one = option.get(name)
            if not isinstance(one, str):
                continue
            pointer = f"/options/{place}/{name}"
            if name == "key" or option.get("isArchived") is not True:  # others may have taken over the label
                if (name, one) in seen:
                    faults.append(Fault(pointer, "DUPLICATE_OPTION", f"Another option of the list has this {name}"))
                seen.add((name, one))
            if name == "label" and CONTROL_CHARACTERS.search(one):
                faults.append(Fault(pointer, *_FORBIDDEN))
            elif name == "key" and not _OPTION_KEY.fullmatch(one):
                message = f"Must be 1 to {OPTION_KEY_LENGTH_MAX} lower-case letters, digits and _"
                faults.append(Fault(pointer, "INVALID_FORMAT", message))
    return faults


# The class of characters is what no address may hold: controls, white space, and those that RFC 3986 leaves out.
_NOT_IN_URL = r"\u0001-\u0020\"<>\\^`{|}\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_URL = re.compile(
    rf"[Hh][Tt][Tt][Pp][Ss]?://([^/?#@:%\[\]{_NOT_IN_URL}]+)(?::([0-9]{{1,5}}))?(?:[/?#][^{_NOT_IN_URL}]*)?"
)


def _is_date(text: str) -> bool:
    try:
        return _DATE.fullmatch(text) is not None and date.fromisoformat(text) is not None
    except ValueError:
        return False


def _is_url(text: str) -> bool:
    # As `url` of a contact, without hosts in brackets: what is left is what SQL can say too.
    parts = _URL.fullmatch(text)
    if parts is None or len(text) > URL_VALUE_LENGTH_MAX or not 1 <= int(parts[2] or 1) <= PORT_MAX:
        return False
    # Characters that browsers turn into others show one host and open another.
    return unicodedata.normalize("NFKC", parts[1]) == unicodedata.normalize("NFC", parts[1])


_FORBIDDEN = ("FORBIDDEN_CHARACTER", "Control characters are not allowed")
OPTIONS_NOT_ALLOWED = ("OPTIONS_NOT_ALLOWED", "Only a field of type select has options")
FORMS: dict[str, Callable[[str], bool]] = {
    "text": lambda _: True,
    "number": lambda text: _NUMBER.fullmatch(text) is not None,
    "date": _is_date,
    "url": _is_url,
    "boolean": lambda text: text in {"true", "false"},
}
WRONG = {
    "number": (
        "INVALID_NUMBER",
        "Must be a decimal number, at most 15 digits and 9 after the point, for example -12.50",
    ),
    "date": ("INVALID_DATE", "Must be a day that exists, in the form 2026-11-23"),
    "select": ("UNKNOWN_OPTION", "Must be the key or the label of one of the field's options"),
    "url": ("INVALID_URL", "Must be an absolute http or https address, for example https://example.com"),
    "boolean": ("INVALID_BOOLEAN", "Must be true or false"),
}
