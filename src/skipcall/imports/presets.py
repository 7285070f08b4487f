"""Which column of which export becomes which field: data, and the one function that reads it.

The headings are facts of each product's export. A field's headings stand in order of preference: for a field with one
value the first cell that is not empty counts; phone numbers and e-mails are taken from all columns, in this order.
`{n}` stands for a number. The command line leaves out an `externalId`. To add a layout: one more `Preset` below, and a
sample in tests/imports/test_presets.py.
"""

import re
import unicodedata
from collections.abc import Mapping as Table
from collections.abc import Sequence
from types import MappingProxyType

import msgspec

from skipcall.imports.model import UnusableFile

# The API's fields, and two that the importer turns into them.
FULL_NAME = "fullName"  # split where first or last name is missing
DO_NOT_CALL = "doNotCall"  # true here is allowPhoneCalls false
FIELDS = frozenset(
    {"firstName", "lastName", "email", "company", "city", "country", "url", "linkedinUrl", "linkedinSalesUrl", "role"}
    | {"allowPhoneCalls", "phoneNumbers", FULL_NAME, DO_NOT_CALL}
)
# Those that tell which contact is meant; files of the command line only make new ones.
EXTERNAL_ID = "externalId"
KEYED_FIELDS = FIELDS | {EXTERNAL_ID, "id"}
IGNORED = ""
CUSTOM_PREFIX = "customFields."
_CHOSEN = -1  # the place of a column that was chosen: before those that its heading speaks for


class Preset(msgspec.Struct, frozen=True):
    """One export layout. `marks` are headings that only it has; `ignored` are worth nothing outside that product."""

    name: str
    title: str
    columns: Table[str, tuple[str, ...]]
    marks: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


class Mapping(msgspec.Struct, frozen=True):
    """What becomes of each column of one file: positions by field, in order of preference.

    `unmapped` columns can become custom fields; `custom` ones name the slug they belong to (`customFields.<slug>`).
    """

    preset: str
    header: tuple[str, ...]
    columns: Table[str, tuple[int, ...]]
    unmapped: tuple[int, ...]
    custom: tuple[tuple[int, str], ...]


PLAIN = Preset(
    name="plain",
    title="the API's own field names, or plain headings",
    columns={
        "firstName": ("firstName", "first name", "given name", "prénom"),
        "lastName": ("lastName", "last name", "surname", "family name", "nom de famille", "nom"),
        FULL_NAME: ("fullName", "full name", "name", "nom complet", "nom et prénom", "contact"),
        "email": ("email", "e-mail", "email address", "mail", "courriel", "adresse e-mail", "adresse email"),
        "company": ("company", "company name", "organization", "société", "entreprise", "organisation"),
        "city": ("city", "ville"),
        "country": ("country", "pays"),
        "url": ("url", "website", "web site", "site web", "site internet"),
        "linkedinUrl": ("linkedinUrl", "linkedin url", "linkedin", "linkedin profile", "profil linkedin"),
        "linkedinSalesUrl": ("linkedinSalesUrl", "linkedin sales url", "sales navigator url", "sales navigator"),
        "role": ("role", "job title", "title", "position", "fonction", "poste", "intitulé du poste"),
        "allowPhoneCalls": ("allowPhoneCalls", "allow phone calls"),
        DO_NOT_CALL: ("doNotCall", "do not call", "dnc", "ne pas appeler", "opposition"),
        "phoneNumbers": (
            *("phoneNumbers", "phone numbers", "mobile", "mobile phone", "mobile phone number", "cell phone"),
            *("portable", "téléphone portable", "téléphone mobile", "phone", "phone number", "telephone", "tel"),
            *("phone {n}", "phone number {n}", "téléphone {n}", "numéro de téléphone", "work phone", "téléphone fixe"),
            *("fixe", "home phone", "other phone"),
        ),
    },
    marks=("firstName", "lastName", "phoneNumbers", "linkedinUrl", "linkedinSalesUrl", "allowPhoneCalls"),
    ignored=(
        "id",
        "externalId",
        "callCount",
        "lastCallAt",
        "teamId",
        "createdAt",
        "updatedAt",
        "lastModificationSource",
    ),
)

HUBSPOT = Preset(
    name="hubspot",
    title="HubSpot",
    columns={
        "firstName": ("First Name", "firstname", "Prénom"),
        "lastName": ("Last Name", "lastname", "Nom"),
        "email": ("Email", "E-mail", "Work email"),
        "company": ("Company Name", "company", "Associated Company", "Nom de l'entreprise", "Entreprise associée"),
        "city": ("City", "Ville"),
        "country": ("Country/Region", "country", "Pays/Région"),
        "url": ("Website URL", "website", "URL du site web"),
        "linkedinUrl": ("LinkedIn URL", "URL LinkedIn"),
        "role": ("Job Title", "jobtitle", "Intitulé du poste"),
        "phoneNumbers": (
            *("Mobile Phone Number", "mobilephone", "Numéro de téléphone mobile"),
            *("Phone Number", "phone", "Numéro de téléphone"),
        ),
        "externalId": ("Record ID", "hs_object_id", "ID de fiche d'informations"),
    },
    marks=("Record ID", "hs_object_id", "Associated Company", "Mobile Phone Number", "mobilephone", "Lead Status"),
    ignored=(
        *("Create Date", "Last Activity Date", "Associated Company IDs"),
        *("Date de création", "Date de la dernière activité"),
    ),
)

GOOGLE = Preset(
    name="google",
    title="Google Contacts",
    columns={
        "firstName": ("First Name", "Given Name"),
        "lastName": ("Last Name", "Family Name"),
        FULL_NAME: ("Name", "File As"),
        "email": ("E-mail {n} - Value",),
        "company": ("Organization Name", "Organization 1 - Name"),
        "city": ("Address {n} - City",),
        "country": ("Address {n} - Country",),
        "url": ("Website {n} - Value",),
        "role": ("Organization Title", "Organization 1 - Title"),
        "phoneNumbers": ("Phone {n} - Value",),
    },
    marks=("Phone 1 - Value", "E-mail 1 - Value", "Phonetic First Name", "Organization Name"),
    ignored=(
        *("Middle Name", "Additional Name", "Phonetic First Name", "Phonetic Middle Name", "Phonetic Last Name"),
        *("Name Prefix", "Name Suffix", "Nickname", "Photo", "E-mail {n} - Label", "E-mail {n} - Type"),
        *("Phone {n} - Label", "Phone {n} - Type", "Address {n} - Label", "Address {n} - Type"),
        *("Address {n} - Formatted", "Website {n} - Label", "Website {n} - Type", "Custom Field {n} - Label"),
        "Organization 1 - Type",
    ),
)

PIPEDRIVE = Preset(
    name="pipedrive",
    title="Pipedrive",
    columns={
        "firstName": ("Person - First name", "Personne - Prénom"),
        "lastName": ("Person - Last name", "Personne - Nom de famille"),
        FULL_NAME: ("Person - Name", "Personne - Nom"),
        "email": (
            *("Person - Email - Work", "Person - Email", "Person - Email - Other", "Person - Email - Home"),
            *("Personne - E-mail - Travail", "Personne - E-mail", "Personne - E-mail - Autre"),
            "Personne - E-mail - Domicile",
        ),
        "company": ("Person - Organization", "Organization - Name", "Personne - Organisation", "Organisation - Nom"),
        "role": ("Person - Job title", "Personne - Titre du poste", "Personne - Poste"),
        "phoneNumbers": (
            *("Person - Phone - Mobile", "Person - Phone - Work", "Person - Phone", "Person - Phone - Other"),
            *("Person - Phone - Home", "Personne - Téléphone - Mobile", "Personne - Téléphone - Travail"),
            *("Personne - Téléphone", "Personne - Téléphone - Autre", "Personne - Téléphone - Domicile"),
        ),
    },
    marks=("Person - Name", "Personne - Nom", "Person - Phone - Work", "Person - Email - Work"),
    ignored=("Person - ID", "Personne - ID", "Organization - ID", "Organisation - ID", "Deal - ID", "Affaire - ID"),
)

APOLLO = Preset(
    name="apollo",
    title="Apollo",
    columns={
        "firstName": ("First Name",),
        "lastName": ("Last Name",),
        "email": ("Email",),
        "company": ("Company", "Company Name", "Company Name for Emails"),
        "city": ("City", "Company City"),
        "country": ("Country", "Company Country"),
        "url": ("Website",),
        "linkedinUrl": ("Person Linkedin Url",),
        "role": ("Title",),
        "phoneNumbers": (
            *("Mobile Phone", "Work Direct Phone", "First Phone", "Home Phone", "Other Phone", "Corporate Phone"),
            "Company Phone",
        ),
    },
    marks=("Person Linkedin Url", "Work Direct Phone", "Corporate Phone", "Company Name for Emails", "# Employees"),
    ignored=(
        *("Apollo Contact Id", "Apollo Account Id", "Email Status", "Primary Email Source", "Email Confidence"),
        *("Primary Email Catch-all Status", "Primary Email Last Verified At", "Company Linkedin Url", "Facebook Url"),
        "Twitter Url",
    ),
)

LINKEDIN = Preset(
    name="linkedin",
    title="LinkedIn connections",
    columns={
        "firstName": ("First Name",),
        "lastName": ("Last Name",),
        "email": ("Email Address",),
        "company": ("Company",),
        "linkedinUrl": ("URL",),
        "role": ("Position",),
        # LinkedIn gives no numbers; these are what people add before an import.
        "phoneNumbers": ("Mobile", "Mobile Phone", "Phone", "Phone Number", "Phone Numbers", "Téléphone"),
    },
    marks=("Connected On", "Position"),
)

SALESFORCE = Preset(
    name="salesforce",
    title="Salesforce report or Data Loader",
    columns={
        "firstName": ("First Name", "FirstName"),
        "lastName": ("Last Name", "LastName"),
        FULL_NAME: ("Full Name", "Name"),
        "email": ("Email",),
        "company": ("Account Name", "Account.Name"),
        "city": ("Mailing City", "MailingCity"),
        "country": ("Mailing Country", "MailingCountry"),
        "role": ("Title",),
        DO_NOT_CALL: ("Do Not Call", "DoNotCall"),
        "phoneNumbers": ("Mobile", "MobilePhone", "Phone", "Business Phone", "Other Phone", "Home Phone"),
    },
    marks=("Account Name", "Account.Name", "Mailing City", "MailingCity", "DoNotCall"),
    ignored=("Id", "AccountId", "Contact ID", "Account ID"),
)

EVABOOT = Preset(
    name="evaboot",
    title="Evaboot (LinkedIn Sales Navigator)",
    columns={
        "firstName": ("First Name",),
        "lastName": ("Last Name",),
        "email": ("Email",),
        "company": ("Company Name",),
        "url": ("Company Website URL", "Company Domain"),
        "linkedinUrl": ("Linkedin URL Public",),
        "linkedinSalesUrl": ("Linkedin URL Unique ID",),
        "role": ("Current Job",),
        "phoneNumbers": ("Mobile", "Mobile Phone", "Phone", "Phone Number", "Téléphone"),
    },
    marks=("Linkedin URL Public", "Linkedin URL Unique ID", "Matches Filters", "Current Job"),
    ignored=("Email Status", "Matches Filters", "No Match Reasons", "Company Linkedin URL Unique ID"),
)

# A file whose headings say as much for two presets gets the earlier one.
PRESETS = MappingProxyType(
    {preset.name: preset for preset in (PLAIN, HUBSPOT, GOOGLE, PIPEDRIVE, APOLLO, LINKEDIN, SALESFORCE, EVABOOT)}
)

_DASHES = str.maketrans({"–": "-", "—": "-", "’": "'", "_": " "})
_NUMBER = re.compile(r"\d+")


def heading_key(heading: str) -> str:
    """Return what two headings have in common that differ in case, accents, spaces, dashes or a trailing `*` or `:`."""
    folded = unicodedata.normalize("NFKD", heading.casefold().translate(_DASHES))
    return " ".join("".join(c for c in folded if not unicodedata.combining(c)).split()).strip("\ufeff '\"*:")


def _with_number(key: str) -> str:
    return _NUMBER.sub("{n}", key)


def _keys(headings: Sequence[str]) -> list[str]:
    return [heading_key(heading) for heading in headings]


class _Compiled(msgspec.Struct, frozen=True):
    places: dict[str, tuple[str, int]]  # heading key -> field, place in the order of preference
    marks: frozenset[str]
    ignored: frozenset[str]

    def place(self, key: str) -> tuple[str, int] | None:
        return self.places.get(key) or self.places.get(_with_number(key))

    def is_ignored(self, key: str) -> bool:
        return key in self.ignored or _with_number(key) in self.ignored

    def score(self, keys: Sequence[str]) -> int:
        known = sum(bool(self.place(key)) or self.is_ignored(key) for key in keys)
        return known + sum(key in self.marks for key in keys)


_COMPILED = {
    preset.name: _Compiled(
        {
            key: (field, place)
            for field, headings in preset.columns.items()
            for place, key in reversed(list(enumerate(_keys(headings))))
        },
        frozenset(_keys(preset.marks)),
        frozenset(_keys(preset.ignored)),
    )
    for preset in PRESETS.values()
}


def count_known_headings(cells: Sequence[str]) -> int:
    """Return how many different cells are a heading of some preset, or name a custom field."""
    return sum(
        key.startswith(CUSTOM_PREFIX.casefold())
        or any(compiled.place(key) or compiled.is_ignored(key) for compiled in _COMPILED.values())
        for key in {heading_key(cell) for cell in cells if cell}
        if key
    )


def is_own_heading(heading: str) -> bool:
    """Whether a heading means something else than a custom field of this name in a file with the API's own headings."""
    key, own = heading_key(heading), _COMPILED[PLAIN.name]
    return not key or key.startswith(CUSTOM_PREFIX.casefold()) or bool(own.place(key)) or own.is_ignored(key)


def detect_preset(header: Sequence[str]) -> Preset:
    """Return the preset that most of the headings speak for, those that only it has counting twice."""
    keys = _keys(header)
    return max(PRESETS.values(), key=lambda preset: _COMPILED[preset.name].score(keys))


def map_header(
    header: Sequence[str],
    preset: Preset | None = None,
    choices: Table[str, str] | None = None,
    *,
    phone_required: bool = True,
    fields: frozenset[str] = FIELDS,
    partial: bool = False,
) -> Mapping:
    """Return what becomes of each column; without a preset, of the one that the headings speak for.

    `choices` overrule the preset: heading -> one of `fields`, `customFields.<slug>`, or `IGNORED`. Of a property with one value a chosen
    column comes first; of phone numbers, in the file's order.
    Raises `UnusableFile` if a choice names a column or a field that is not there, or unless `partial` if no column holds a name or,
    unless `phone_required` is false, a phone number.
    """
    preset = preset or detect_preset(header)
    chosen = _read_choices(header, choices or {}, fields)
    compiled = _COMPILED[preset.name]
    found: dict[str, list[tuple[int, int, int]]] = {}
    unmapped: dict[str, int] = {}
    custom: list[tuple[int, str]] = []
    for index, heading in enumerate(header):
        key = heading_key(heading)
        field, place = _target(heading, key, compiled, chosen)
        if field in fields:
            number = _NUMBER.search(key)
            others = found.setdefault(field, [])
            rank = (place, int(number[0][:9]) if number else 0)
            if place == _CHOSEN and field == "phoneNumbers" and others:
                rank = others[-1][:2]  # several count, in an order: behind the one that stands before it in the file
            others.append((*rank, index))
        elif field is not None and field.startswith(CUSTOM_PREFIX):
            custom.append((index, field.removeprefix(CUSTOM_PREFIX)))
        elif field is None and key:
            unmapped.setdefault(heading.strip(), index)
    columns = {field: tuple(index for _, _, index in sorted(places)) for field, places in found.items()}
    if not partial:
        _require(columns, preset, phone_required=phone_required)
    return Mapping(preset.name, tuple(header), columns, tuple(unmapped.values()), tuple(custom))


def _target(heading: str, key: str, compiled: _Compiled, chosen: Table[str, str]) -> tuple[str | None, int]:
    """Return the field of one column, or None, and its place among the columns of that field."""
    if key in chosen:
        return chosen[key], _CHOSEN
    if key.startswith(CUSTOM_PREFIX.casefold()):
        return CUSTOM_PREFIX + heading.strip()[len(CUSTOM_PREFIX) :], 0
    if place := compiled.place(key):
        return place
    return (IGNORED if compiled.is_ignored(key) else None), 0


def _read_choices(header: Sequence[str], choices: Table[str, str], fields: frozenset[str]) -> dict[str, str]:
    present = set(_keys(header))
    for heading, field in choices.items():
        if heading_key(heading) not in present:
            raise UnusableFile(f"the file has no column {heading!r}; it has {', '.join(filter(None, header))}")
        if field not in fields and field != IGNORED and not field.startswith(CUSTOM_PREFIX):
            raise UnusableFile(
                f"there is no field {field!r}; there are {', '.join(sorted(fields))} and customFields.<slug>"
            )
    return {heading_key(heading): field for heading, field in choices.items()}


def _require(columns: Table[str, object], preset: Preset, *, phone_required: bool) -> None:
    if FULL_NAME not in columns and not {"firstName", "lastName"} <= columns.keys():
        raise UnusableFile(
            f"read as {preset.title}, the file has no columns for first and last name, nor one for the full name; "
            "say which column is which"
        )
    if phone_required and "phoneNumbers" not in columns:
        hint = "; LinkedIn exports hold none: add a column Phone" if preset.name in ("linkedin", "evaboot") else ""
        raise UnusableFile(f"read as {preset.title}, the file has no column with phone numbers{hint}")
