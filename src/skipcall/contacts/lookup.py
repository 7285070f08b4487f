"""Finding contacts by what identifies a person: on the wire, and its SQL. Every key has an index (migrations 0002, 0008, 0009)."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from skipcall.contacts.matching import ALIASES
from skipcall.contacts.model import EMAIL_LENGTH_MAX, URL_LENGTH_MAX, Contact, ContactView
from skipcall.contacts.numbers import read_forms, region_fault
from skipcall.contacts.queries import COLUMNS, show_contacts
from skipcall.custom_fields.model import CONTROL_CHARACTERS, PRINTABLE
from skipcall.errors import Fault, Invalid
from skipcall.page import WorkspaceIds, workspace_ids_faults
from skipcall.phone_numbers.forms import Reason as NumberReason
from skipcall.phone_numbers.model import with_plus
from skipcall.postgres.db import Row, Session, Statement

MATCHES_MAX = 50
PHONE_NUMBER_LENGTH_MAX = 50  # as people write them
EXTERNAL_ID_LENGTH_MAX = 255

Key = Literal["phoneNumber", "email", "linkedinUrl", "externalId"]
Reason = Literal[NumberReason, "LETTER_CASE", "URL_FORM", "MERGED"]

UNREADABLE_NUMBER = ("INVALID_PHONE_NUMBER", "Must be a phone number of this region, or one with its country code")


def _about(description: str, example: str, **more: Any) -> Any:
    return Meta(description=description, extra_json_schema={"example": example, **more})


class LookupContacts(ContactView, frozen=True, rename="camel", kw_only=True):
    """Query parameters of a lookup: at least one of the keys."""

    phone_number: Annotated[
        Annotated[str, Meta(max_length=PHONE_NUMBER_LENGTH_MAX)] | None,
        _about("A phone number, written in any usual way. Every number of a contact counts", "06 39 98 01 42"),
    ] = None
    region: Annotated[
        str | None,
        _about(
            "The country that a `phoneNumber` without its country code is of: ISO 3166-1 alpha-2. If absent that of the only "
            "workspace in `workspaceIds`, or of the key's default workspace",
            "FR",
            pattern="^[A-Za-z]{2}$",
        ),
    ] = None
    email: Annotated[
        Annotated[str, Meta(min_length=1, max_length=EMAIL_LENGTH_MAX)] | None,
        _about("An e-mail address; letter case does not matter", "camille.moreau@example.com", pattern=PRINTABLE),
    ] = None
    linkedin_url: Annotated[
        Annotated[str, Meta(min_length=1, max_length=URL_LENGTH_MAX)] | None,
        _about(
            "A LinkedIn profile. Scheme, `www`, country, trailing slash, query, letter case, percent encoding and language do "
            "not matter",
            "linkedin.com/in/camille-moreau-example",
            pattern=PRINTABLE,
        ),
    ] = None
    external_id: Annotated[
        Annotated[str, Meta(min_length=1, max_length=EXTERNAL_ID_LENGTH_MAX)] | None,
        _about(
            "What another system knows the contact by, or one that was merged into it, exactly",
            "crm-4711",
            pattern=PRINTABLE,
        ),
    ] = None
    workspace_ids: WorkspaceIds = None

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return what the types do not say. A national number without a region is judged when there is one."""
        faults = workspace_ids_faults(fields) + ContactView.faults_in(fields)
        faults += [
            Fault(f"/query/{name}", "FORBIDDEN_CHARACTER", "Control characters are not allowed")
            for name in ("email", "linkedinUrl", "externalId")
            if CONTROL_CHARACTERS.search(fields.get(name, ""))
        ]
        region = fields.get("region")
        if region is not None and (fault := region_fault(region)):
            faults.append(Fault("/query/region", *fault))
        elif (
            region is not None
            and "phoneNumber" in fields
            and read_forms(with_plus(fields["phoneNumber"]), region) is None
        ):
            faults.append(Fault("/query/phoneNumber", *UNREADABLE_NUMBER))
        return faults


class Match(msgspec.Struct, frozen=True):
    """Why a contact was found."""

    key: Annotated[Key, Meta(description="The key that matched")]
    value: Annotated[str, _about("What the contact has, or one that was merged into it had", "+5511987654321")]
    exact: Annotated[bool, Meta(description="Whether that is what was asked for, not only the same thing")]
    reason: Annotated[
        Reason | None,
        Meta(
            description="Why it is the same thing, if it is not exact: a national way of writing mobile numbers, letter case, "
            "the form of the address, or that the contact which had it was merged into this one"
        ),
    ] = None


class ContactMatch(msgspec.Struct, frozen=True, rename="camel"):
    """A contact, and by what it was found."""

    contact: Contact
    matched_by: list[Match]


class ContactMatches(msgspec.Struct, frozen=True, rename="camel"):
    """The contacts found: last called first, then newest."""

    data: list[ContactMatch]
    has_more: Annotated[bool, Meta(description=f"Whether more than {MATCHES_MAX} contacts match")]


class Asked(msgspec.Struct, frozen=True):
    """What to look for. `numbers` are all forms of the phone number, each but the first with its reason."""

    numbers: Mapping[str, NumberReason | None] | None = None
    email: str | None = None
    linkedin_url: str | None = None
    external_id: str | None = None

    def by_key(self) -> dict[str, str | list[str]]:
        """Return what is asked for, by key."""
        numbers = list(self.numbers) if self.numbers else None
        values = zip(KEYS, (numbers, self.email, self.linkedin_url, self.external_id), strict=True)
        return {key: value for key, value in values if value is not None}


# How each key finds ids of contacts, some of which may be gone: `w` is a workspace. IS TRUE keeps a planner without statistics
# from reading the whole workspace, the hashes find the rows, the rest is for other values with the same one. NOT EXISTS might
# become a join, (SELECT …) IS NULL cannot.
_BY_VALUE = """
    SELECT c.workspace_id, c.id, '{key}' AS key FROM unnest(:workspace_ids::uuid[]) AS w (id) CROSS JOIN contacts c
    WHERE c.search_keys @> ARRAY[text_key(w.id, fold({key_of}))]
        AND (c.workspace_id = w.id AND {exactly}) IS TRUE AND c.deleted_at IS NULL"""
_FINDING: dict[str, str] = {
    "phoneNumber": """
    SELECT c.workspace_id, c.id, 'phoneNumber' AS key FROM unnest(:workspace_ids::uuid[]) AS w (id)
    CROSS JOIN unnest(:numbers::text[]) AS n (number) CROSS JOIN contacts c
    WHERE phone_keys(c.workspace_id, c.phone_numbers)
            @> ARRAY[hashtextextended(n.number, uuid_hash_extended(w.id, 0))]
        AND (c.workspace_id = w.id AND c.phone_numbers @> ARRAY[n.number]) IS TRUE AND c.deleted_at IS NULL""",
    "email": _BY_VALUE.format(key="email", key_of=":email", exactly="lower(c.email) = lower(:email)"),
    "linkedinUrl": _BY_VALUE.format(
        key="linkedinUrl",
        key_of="linkedin_key(:linkedin_url)",
        exactly="linkedin_key(c.linkedin_url) = linkedin_key(:linkedin_url)",
    ),
    "externalId": f"""
    SELECT c.workspace_id, c.id, 'externalId' AS key FROM contacts c
    WHERE c.workspace_id = ANY(:workspace_ids) AND c.external_id = :external_id AND c.deleted_at IS NULL
    UNION ALL
    SELECT a.workspace_id, a.id, 'externalId' FROM (
        WITH RECURSIVE {
        ALIASES.format(given="SELECT one, :external_id::text FROM unnest(:workspace_ids::uuid[]) AS w (one)")
    } SELECT * FROM aliases
    ) a WHERE (
        SELECT id FROM contacts WHERE workspace_id = a.workspace_id AND external_id = :external_id AND deleted_at IS NULL
    ) IS NULL""",
}
KEYS = tuple(_FINDING)


async def lookup_contacts(
    db: Session, workspace_ids: Sequence[UUID], asked: Asked, view: ContactView
) -> ContactMatches:
    """Return the contacts that any of the keys finds. Raises `Invalid` without one."""
    values = asked.by_key()
    if not values:
        raise Invalid([Fault("/query", "REQUIRED", f"At least one of {', '.join(KEYS)} needed")])
    rows = await db.fetch_rows(
        _compose(tuple(values)),
        workspace_ids=workspace_ids,
        numbers=values.get("phoneNumber"),
        email=asked.email,
        linkedin_url=asked.linkedin_url,
        external_id=asked.external_id,
        limit=MATCHES_MAX + 1,
        by_slug=view.by_slug,
    )
    shown = rows[:MATCHES_MAX]
    contacts = await show_contacts(db, shown, view)
    matches = [
        ContactMatch(one, [match for key in KEYS if key in row["keys"] for match in _reasons(key, row, asked)])
        for one, row in zip(contacts, shown, strict=True)
    ]
    return ContactMatches(matches, len(rows) > MATCHES_MAX)


@cache
def _compose(keys: tuple[str, ...]) -> Statement:
    """Return the statement for some of the keys; there are few combinations."""
    return Statement(
        f"""
    WITH found AS (
        SELECT workspace_id, id, array_agg(DISTINCT key) AS keys
        FROM ({" UNION ALL ".join(_FINDING[key] for key in keys)}
        ) one GROUP BY workspace_id, id
    ), c AS (
        SELECT c.*, f.keys FROM found f JOIN contacts c ON c.workspace_id = f.workspace_id AND c.id = f.id
        WHERE c.deleted_at IS NULL
        ORDER BY c.last_call_at DESC NULLS LAST, c.id DESC LIMIT :limit
    )
    SELECT {COLUMNS}, c.keys FROM c ORDER BY c.last_call_at DESC NULLS LAST, c.id DESC
    """
    )


def _reasons(key: str, contact: Row, asked: Asked) -> Iterator[Match]:
    if key == "phoneNumber":
        forms = asked.numbers or {}
        for number in contact["phone_numbers"]:
            if number in forms:
                yield Match("phoneNumber", number, forms[number] is None, forms[number])
    elif key == "email":
        exact = contact["email"] == asked.email
        yield Match("email", contact["email"], exact, None if exact else "LETTER_CASE")
    elif key == "linkedinUrl":
        exact = contact["linkedin_url"] == asked.linkedin_url
        yield Match("linkedinUrl", contact["linkedin_url"], exact, None if exact else "URL_FORM")
    else:
        exact = contact["external_id"] == asked.external_id
        yield Match("externalId", asked.external_id or "", exact, None if exact else "MERGED")
