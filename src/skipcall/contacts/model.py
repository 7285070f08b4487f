"""A contact on the wire, and the rules for what is written to one."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

import email_validator
import msgspec
from msgspec import UNSET, Meta, UnsetType

from skipcall.consents.model import Consent
from skipcall.custom_fields.model import CONTROL_CHARACTERS, FIELDS_OF_WORKSPACE_MAX, PRINTABLE, VALUE_LENGTH_MAX
from skipcall.errors import FAULTS_MAX, Conflict, Fault, Gone, Invalid
from skipcall.page import PageQuery
from skipcall.phone_numbers.model import E164, phone_number_fault
from skipcall.workspaces.model import ID_EXAMPLE, Id, Timestamp

NAME_LENGTH_MAX = 100
TEXT_LENGTH_MAX = 200
URL_LENGTH_MAX = 2_048
EMAIL_LENGTH_MAX = 254
PHONE_NUMBERS_MAX = 20
EXTERNAL_ID_LENGTH_MAX = 255
# What `include` adds to a contact: columns by their name there, and an entry of another table.
_INCLUDED_COLUMNS = {"externalId": "external_id"}
CONSENT = "consent"
INCLUDES = (*_INCLUDED_COLUMNS, CONSENT)
RESTORE_DAYS = 30

_NOT_IN_URL = re.compile(r'[\s\\"<>^`{|}]')

Source = Literal["SKIPCALL", "API"]

# What the documents say of a URL: about what `url_fault` decides, in a form that every client generator can print.
_URL_FORM = r"^(https?://[^\s/?#@]+([/?#]\S*)?)?$"


# Pattern and format are for the documents alone; `contact_faults` holds the rule.
def _text(description: str, example: str, **limits: Any) -> Any:
    return Meta(description=description, extra_json_schema={"example": example, "pattern": PRINTABLE}, **limits)


def _url(description: str, example: str) -> Any:
    extra = {"example": example, "pattern": _URL_FORM, "format": "http-url"}
    return Meta(description=description, extra_json_schema=extra, max_length=URL_LENGTH_MAX)


def _example(description: str, example: Any) -> Any:
    return Meta(description=description, extra_json_schema={"example": example})


FirstName = Annotated[str, _text("First name", "Camille", min_length=1, max_length=NAME_LENGTH_MAX)]
LastName = Annotated[str, _text("Last name", "Moreau", min_length=1, max_length=NAME_LENGTH_MAX)]
Email = Annotated[
    str,
    Meta(
        description="E-mail address",
        max_length=EMAIL_LENGTH_MAX,
        extra_json_schema={"example": "camille.moreau@example.com", "format": "email"},
    ),
]
Company = Annotated[str, _text("Company", "Atelier Nord", max_length=TEXT_LENGTH_MAX)]
City = Annotated[str, _text("City", "Lille", max_length=TEXT_LENGTH_MAX)]
Country = Annotated[str, _text("Country, as free text", "France", max_length=TEXT_LENGTH_MAX)]
Role = Annotated[str, _text("Role or job title", "Head of Sales", max_length=TEXT_LENGTH_MAX)]
Url = Annotated[str, _url("Website, absolute http or https", "https://atelier-nord.example")]
LinkedinUrl = Annotated[str, _url("LinkedIn profile", "https://www.linkedin.com/in/camille-moreau-example")]
LinkedinSalesUrl = Annotated[
    str, _url("LinkedIn Sales Navigator profile", "https://www.linkedin.com/sales/lead/camille-moreau-example")
]
AllowPhoneCalls = Annotated[bool, _example("Whether this person may be called", example=True)]
PhoneNumber = Annotated[str, Meta(extra_json_schema={"pattern": f"^{E164.pattern}$", "format": "e164"})]
PhoneNumbers = Annotated[
    list[PhoneNumber],
    Meta(
        min_length=1,
        max_length=PHONE_NUMBERS_MAX,
        description=(
            "Phone numbers in E.164 form, each once, in order of preference. Given, they replace all that were there."
        ),
        extra_json_schema={"example": ["+33639980142", "+33639980177"]},
    ),
]
ExternalId = Annotated[
    str,
    _text(
        "What another system knows the contact by; unique in the workspace",
        "hubspot-51",
        max_length=EXTERNAL_ID_LENGTH_MAX,
    ),
]
CustomValue = Annotated[str, Meta(max_length=VALUE_LENGTH_MAX, extra_json_schema={"pattern": PRINTABLE})]
CustomFields = Annotated[
    dict[str, CustomValue | None],
    Meta(
        max_length=FIELDS_OF_WORKSPACE_MAX,
        description=(
            "Values of custom fields by **slug**. Only the given ones change; null or an empty string clears one. "
            "The exact name of a field is accepted as well; that is deprecated."
        ),
        extra_json_schema={"example": {"industry": "Retail", "team_size": "11-50"}},
    ),
]


class Contact(msgspec.Struct, frozen=True, rename="camel"):
    """A contact."""

    # Exactly the contract's properties, in its order; some generated clients refuse any other. What follows is there only
    # when `include` asks for it.

    id: Id
    first_name: FirstName
    last_name: LastName
    email: Email | None
    company: Company | None
    city: City | None
    country: Country | None
    url: Url | None
    linkedin_url: LinkedinUrl | None
    linkedin_sales_url: LinkedinSalesUrl | None
    role: Role | None
    allow_phone_calls: AllowPhoneCalls
    call_count: Annotated[float, _example("Calls with this contact", 3)]  # "number" for the contract; always an int
    last_call_at: Timestamp | None
    team_id: Annotated[str, _example("Id of the workspace that the contact is in", ID_EXAMPLE)]
    phone_numbers: Annotated[list[str], _example("In order of preference", ["+33639980142"])]
    custom_fields: Annotated[
        msgspec.Raw,
        Meta(
            description="Values of custom fields, by name or, with `customFieldKeys=slug`, by slug",
            extra_json_schema={
                "type": "object",
                "additionalProperties": {"type": "string"},
                "example": {"Industry": "Retail", "Team Size": "11-50"},
            },
        ),
    ]
    created_at: Timestamp
    updated_at: Timestamp
    last_modification_source: Source

    external_id: ExternalId | None | UnsetType = UNSET
    consent: Annotated[
        Consent | None | UnsetType,
        Meta(
            description="What the person said last about being called, also as a contact that was merged into this one"
        ),
    ] = UNSET
    deleted_at: Annotated[
        Timestamp | None | UnsetType, Meta(description="When it was deleted, in lists with `includeDeleted`")
    ] = UNSET


class UpdateContact(msgspec.Struct, frozen=True, rename="camel"):
    """What to change of a contact. Absent properties stay; null or an empty string clears one that may be empty."""

    first_name: FirstName | UnsetType = UNSET
    last_name: LastName | UnsetType = UNSET
    email: Email | None | UnsetType = UNSET
    company: Company | None | UnsetType = UNSET
    city: City | None | UnsetType = UNSET
    country: Country | None | UnsetType = UNSET
    url: Url | None | UnsetType = UNSET
    linkedin_url: LinkedinUrl | None | UnsetType = UNSET
    linkedin_sales_url: LinkedinSalesUrl | None | UnsetType = UNSET
    role: Role | None | UnsetType = UNSET
    allow_phone_calls: AllowPhoneCalls | UnsetType = UNSET
    phone_numbers: PhoneNumbers | UnsetType = UNSET
    custom_fields: CustomFields | UnsetType = UNSET

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return the faults that types cannot say; see `contact_faults`."""
        return contact_faults(fields)


class CreateContact(msgspec.Struct, frozen=True, rename="camel"):
    """What a new contact is made of."""

    first_name: FirstName
    last_name: LastName
    phone_numbers: PhoneNumbers
    email: Email | None = None
    company: Company | None = None
    city: City | None = None
    country: Country | None = None
    url: Url | None = None
    linkedin_url: LinkedinUrl | None = None
    linkedin_sales_url: LinkedinSalesUrl | None = None
    role: Role | None = None
    allow_phone_calls: AllowPhoneCalls = True
    custom_fields: CustomFields = msgspec.field(default_factory=dict)

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return the faults that types cannot say; see `contact_faults`."""
        return contact_faults(fields)


CustomFieldKeys = Annotated[Literal["name", "slug"], Meta(description="What `customFields` in the answer is keyed by")]
Include = Annotated[
    str | None,
    Meta(
        description=f"What to answer beside the documented properties: {', '.join(f'`{name}`' for name in INCLUDES)}",
        extra_json_schema={"pattern": f"^({'|'.join(INCLUDES)})( *, *({'|'.join(INCLUDES)}))*$"},
    ),
]


class ContactView(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """How contacts are answered."""

    custom_field_keys: CustomFieldKeys = "name"
    include: Include = None

    @property
    def by_slug(self) -> bool:
        """Whether `customFields` is keyed by slug."""
        return self.custom_field_keys == "slug"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that `include` asks for, each once."""
        asked = dict.fromkeys(one.strip() for one in self.include.split(",")) if self.include else {}
        return tuple(_INCLUDED_COLUMNS[name] for name in asked if name in _INCLUDED_COLUMNS)

    @property
    def with_consent(self) -> bool:
        """Whether `include` asks for what the person said last about being called."""
        return self.include is not None and CONSENT in self.include

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return what the types do not say: which names there are."""
        return include_faults(fields)


class CreateContactQuery(ContactView, frozen=True, rename="camel", kw_only=True):
    """Query parameters of a creation."""

    workspace_id: Annotated[
        str | None, Meta(description="The workspace to create in; the key's default workspace if absent")
    ] = None
    allow_erased: Annotated[
        bool,
        Meta(description="Create also somebody who was erased, and who came back by their own will; the history tells"),
    ] = False


class ListContacts(PageQuery, frozen=True, rename="camel", kw_only=True):
    """Query parameters of the list."""

    sort: Annotated[Literal["-createdAt", "createdAt"], Meta(description="Newest first, or oldest first")] = (
        "-createdAt"
    )
    updated_since: Annotated[
        Annotated[datetime, Meta(tz=True)] | None,
        Meta(description="Only contacts changed at or after this moment, in the order of their last change"),
    ] = None
    include_deleted: Annotated[
        bool, Meta(description="List deleted contacts too; each contact then says when it was deleted, in `deletedAt`")
    ] = False
    custom_field_keys: CustomFieldKeys = "name"
    include: Include = None

    @property
    def view(self) -> ContactView:
        """How its contacts are answered."""
        return ContactView(custom_field_keys=self.custom_field_keys, include=self.include)

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return what the types do not say; `updatedSince` has an order of its own."""
        faults = PageQuery.faults_in(fields) + include_faults(fields)
        if "updatedSince" in fields and "sort" in fields:
            faults.append(Fault("/query/sort", "CONFLICTING_PARAMETERS", "A list with updatedSince has its own order"))
        if "updatedSince" in fields and not _is_moment(fields["updatedSince"]):
            faults.append(Fault("/query/updatedSince", "OUT_OF_RANGE", "Must be ISO 8601, from year 1 to 9999 in UTC"))
        return faults


class UnknownCustomField(Invalid):
    """A key of `customFields` that is neither the slug nor the name of a field of the contact's workspace."""

    code = "UNKNOWN_CUSTOM_FIELD"


class CustomValueTaken(Conflict):
    """Another contact of the workspace has the value of a unique field; `faults` name it, unless it came just now."""

    code = "CUSTOM_VALUE_TAKEN"

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        super().__init__("Another contact of this workspace has this value of a unique custom field")
        self.faults = faults[:FAULTS_MAX]


class TooManyPhoneNumbers(Conflict):
    """The contact has as many numbers as it may have."""

    code = "TOO_MANY_PHONE_NUMBERS"

    def __init__(self) -> None:
        super().__init__(f"A contact has at most {PHONE_NUMBERS_MAX} phone numbers")


class ContactMerged(Gone):
    """The contact was merged into another one, which stands in its place."""

    code = "CONTACT_MERGED"

    def __init__(self, target_id: UUID) -> None:
        super().__init__(f"This contact was merged into {target_id}", f"/v1/contacts/{target_id}")
        self.target_id = target_id


class ContactErased(Gone):
    """The contact was erased, and all that was known of the person."""

    code = "CONTACT_ERASED"

    def __init__(self, erasure_id: UUID) -> None:
        super().__init__(f"This contact was erased; see /v1/erasures/{erasure_id}")


class PersonErased(Conflict):
    """Somebody who was erased does not come back by an old list."""

    code = "PERSON_ERASED"

    def __init__(self) -> None:
        super().__init__(
            "The contact would be a person who was erased; sent alone with `allowErased=true` it is written all the same"
        )


class RestoreExpired(Gone):
    """The contact was deleted, or merged, too long ago."""

    code = "RESTORE_EXPIRED"

    def __init__(self) -> None:
        super().__init__(f"This can be undone for {RESTORE_DAYS} days")


class RestoreByUnmerge(Conflict):
    """The contact is gone because it was merged, not because it was deleted."""

    code = "RESTORE_BY_UNMERGE"

    def __init__(self, target_id: UUID) -> None:
        super().__init__(f"This contact was merged into {target_id}: undo the merge instead")
        self.properties = {"conflictingId": str(target_id)}


class ExternalIdTaken(Conflict):
    """Another contact of the workspace has this external id. Which one is unknown if it came at the same moment."""

    code = "EXTERNAL_ID_TAKEN"

    def __init__(self, contact_id: UUID | None) -> None:
        super().__init__(
            f"Contact {contact_id} has this externalId" if contact_id else "Another contact has this externalId"
        )
        if contact_id is not None:
            self.properties = {"conflictingId": str(contact_id)}


def contact_faults(fields: Mapping[str, Any]) -> list[Fault]:
    """Return the faults in properties of the right type, by their name on the wire."""
    faults = []
    for name, value in fields.items():
        if not value:
            continue
        check = _CHECKS.get(name)
        if check is not None:
            fault = check(value)
            if fault is not None:
                faults.append(Fault(f"/{name}", *fault))
        elif name == "phoneNumbers":
            faults += _phone_number_faults(value)
        elif name == "customFields":
            faults += [
                Fault(f"/customFields/{key.replace('~', '~0').replace('/', '~1')}", *_FORBIDDEN)
                for key, one in value.items()
                if CONTROL_CHARACTERS.search(key) or (isinstance(one, str) and CONTROL_CHARACTERS.search(one))
            ]
    return faults


def email_fault(address: str) -> tuple[str, str] | None:
    """Return code and message of what is wrong with an e-mail address (RFC 5321, 6531), or None. Nothing is looked up.

    Names reserved for tests (`.test`, RFC 6761) pass: sandboxes are full of them.
    """
    if CONTROL_CHARACTERS.search(address):
        return _FORBIDDEN
    try:
        email_validator.validate_email(address, check_deliverability=False, strict=True, test_environment=True)
    except email_validator.EmailNotValidError:
        return "INVALID_EMAIL", "Must be an e-mail address, for example camille.moreau@example.com"
    return None


def url_fault(url: str) -> tuple[str, str] | None:
    """Return code and message of what is wrong with a URL, or None: absolute http(s), no user name, no odd characters."""
    # Before parsing: urlsplit drops tabs, line ends and leading control characters without a word.
    if CONTROL_CHARACTERS.search(url):
        return _FORBIDDEN
    if not _NOT_IN_URL.search(url):
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
            good = parts.scheme in ("http", "https") and host and "@" not in parts.netloc and "%" not in host
            # Characters that browsers turn into others (①②⑦ into 127) show one host and open another.
            same = unicodedata.normalize("NFKC", host) == unicodedata.normalize("NFC", host)
            if good and same and (parts.port is None or parts.port):
                return None
        except ValueError:
            pass
    return "INVALID_URL", "Must be an absolute http or https address, for example https://example.com"


def include_faults(fields: Mapping[str, Any]) -> list[Fault]:
    """Return the fault in the query parameter `include`, if it has one."""
    include = fields.get("include")
    if include is not None and any(one.strip() not in INCLUDES for one in include.split(",")):
        return [Fault("/query/include", "UNKNOWN_VALUE", f"Must be some of {', '.join(INCLUDES)}, separated by commas")]
    return []


def _is_moment(text: str) -> bool:
    # A query is read leniently, so the types also let seconds since 1970 pass.
    try:
        msgspec.convert(text, datetime).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        return False
    return True


def _text_fault(text: str) -> tuple[str, str] | None:
    return _FORBIDDEN if CONTROL_CHARACTERS.search(text) else None


def _phone_number_faults(numbers: list[Any]) -> list[Fault]:
    faults = []
    for place, number in enumerate(numbers):
        if not isinstance(number, str):
            continue
        fault = phone_number_fault(number)
        if fault is None and number in numbers[:place]:
            fault = "DUPLICATE_PHONE_NUMBER", "This number stands twice in the list"
        if fault is not None:
            faults.append(Fault(f"/phoneNumbers/{place}", *fault))
    return faults


_FORBIDDEN = ("FORBIDDEN_CHARACTER", "Control characters are not allowed")
_CHECKS: dict[str, Callable[[str], tuple[str, str] | None]] = {
    "firstName": _text_fault,
    "lastName": _text_fault,
    "email": email_fault,
    "company": _text_fault,
    "city": _text_fault,
    "country": _text_fault,
    "url": url_fault,
    "linkedinUrl": url_fault,
    "linkedinSalesUrl": url_fault,
    "role": _text_fault,
    "externalId": _text_fault,
}
