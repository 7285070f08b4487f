"""Merges on the wire, and the rules of what becomes of two contacts that are one."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from skipcall.contacts.model import (
    PHONE_NUMBERS_MAX,
    Contact,
    ContactView,
    CustomFieldKeys,
    Include,
    TooManyPhoneNumbers,
    include_faults,
)
from skipcall.errors import Conflict, Fault
from skipcall.page import WorkspacesQuery
from skipcall.phone_numbers.forms import compared_form
from skipcall.workspaces.model import ID_EXAMPLE

CALLS_MOVED_MAX = 2_000
EXAMINED_AT_ONCE = 500  # contacts that one page of duplicates looks at
GROUPS_MAX = 50  # of a page; more only if one contact begins several
CONTACTS_SHOWN_MAX = 10  # of a group
CONTACTS_OF_GROUP_MAX = 1_000  # a value that more have tells no more who is the same person

Side = Literal["target", "source"]
DuplicateKey = Literal["phoneNumber", "email", "linkedinUrl"]

# Columns of a contact that a merge can change, each with the property that they are. Of the first kind one side is chosen.
CHOSEN = {
    "first_name": "firstName",
    "last_name": "lastName",
    "email": "email",
    "company": "company",
    "city": "city",
    "country": "country",
    "url": "url",
    "linkedin_url": "linkedinUrl",
    "linkedin_sales_url": "linkedinSalesUrl",
    "role": "role",
}
MERGED = CHOSEN | {
    "external_id": "externalId",
    "allow_phone_calls": "allowPhoneCalls",
    "phone_numbers": "phoneNumbers",
    "custom_fields": "customFields",
}


class MergeFields(msgspec.Struct, frozen=True, rename="camel"):
    """Whose value is taken if both contacts have one."""

    first_name: Side = "target"
    last_name: Side = "target"
    email: Side = "target"
    company: Side = "target"
    city: Side = "target"
    country: Side = "target"
    url: Side = "target"
    linkedin_url: Side = "target"
    linkedin_sales_url: Side = "target"
    role: Side = "target"


class MergeContact(msgspec.Struct, frozen=True, rename="camel"):
    """Which contact to take in, and how."""

    contact_id: Annotated[
        UUID,
        Meta(description="The contact that goes; the other is in the path", extra_json_schema={"example": ID_EXAMPLE}),
    ]
    fields: MergeFields = MergeFields()
    dry_run: Annotated[bool, Meta(description="Only answer what would come of it; nothing is changed")] = False


class MergedContact(msgspec.Struct, frozen=True, rename="camel"):
    """The contact that two have become."""

    contact: Contact
    moved_calls: Annotated[int, Meta(description="Calls that came from the other contact")]
    moved_sequences: Annotated[int, Meta(description="Sequences that only the other contact was in")]


class UnmergedContact(msgspec.Struct, frozen=True, rename="camel"):
    """The contact that is there again."""

    contact: Contact
    moved_calls: Annotated[int, Meta(description="Calls that it got back")]
    moved_sequences: Annotated[int, Meta(description="Sequences that it is in again")]
    kept: Annotated[
        list[str],
        Meta(
            description="Properties of the other contact that the merge had changed and that stay, since they were changed again",
            extra_json_schema={"example": ["company", "customFields.industry"]},
        ),
    ]


class ListDuplicates(WorkspacesQuery, frozen=True, rename="camel", kw_only=True):
    """Query parameters of the list of duplicates."""

    by: Annotated[DuplicateKey, Meta(description="What the contacts of a group have in common")] = "phoneNumber"
    cursor: Annotated[str | None, Meta(description="`meta.nextCursor` of the page before")] = None
    custom_field_keys: CustomFieldKeys = "name"
    include: Include = None

    @property
    def view(self) -> ContactView:
        """How its contacts are answered."""
        return ContactView(custom_field_keys=self.custom_field_keys, include=self.include)

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return what the types do not say: that workspace ids are UUIDs, and what can be included."""
        return WorkspacesQuery.faults_in(fields) + include_faults(fields)


class Duplicates(msgspec.Struct, frozen=True, rename="camel"):
    """Contacts of a workspace that have something in common."""

    value: Annotated[
        str,
        Meta(
            description="The phone number, the e-mail address in lower case, or the LinkedIn address without what does not matter",
            extra_json_schema={"example": "+33639980142"},
        ),
    ]
    contact_count: Annotated[int, Meta(description="How many contacts have it")]
    contacts: Annotated[list[Contact], Meta(description=f"The oldest of them first, at most {CONTACTS_SHOWN_MAX}")]


class DuplicatesMeta(msgspec.Struct, frozen=True, rename="camel"):
    """Where the list goes on."""

    has_more: Annotated[bool, Meta(description="There are contacts that were not looked at yet")]
    next_cursor: Annotated[str | None, Meta(description="Where to go on")]
    shared_by_many: Annotated[
        list[str],
        Meta(
            description=f"Values of the contacts that were looked at which more than {CONTACTS_OF_GROUP_MAX:,} contacts have, such as "
            "the number of a switchboard. They make no group",
            extra_json_schema={"example": ["+33639980100"]},
        ),
    ]


class DuplicatesPage(msgspec.Struct, frozen=True, rename="camel"):
    """Groups of contacts, and where to go on."""

    data: list[Duplicates]
    meta: DuplicatesMeta


class TooManyCalls(Conflict):
    """The contact that goes has more calls than can be moved at once."""

    code = "TOO_MANY_CALLS"

    def __init__(self) -> None:
        super().__init__(f"The contact that goes has more than {CALLS_MOVED_MAX} calls; merge the other way round")


class NotMerged(Conflict):
    """The contact was not merged, so there is nothing to undo."""

    code = "CONTACT_NOT_MERGED"

    def __init__(self) -> None:
        super().__init__("This contact was not merged into another one")


class MergeTargetGone(Conflict):
    """The contact into which this one was merged is itself deleted or merged."""

    code = "MERGE_TARGET_GONE"

    def __init__(self, target_id: UUID) -> None:
        super().__init__(f"Contact {target_id}, which took this one in, is gone itself: bring it back first")
        self.properties = {"conflictingId": str(target_id)}


class MergedLater(Conflict):
    """Another contact was merged into the same one since, with what this one had left there."""

    code = "MERGED_LATER"

    def __init__(self, source_id: UUID) -> None:
        super().__init__(f"Contact {source_id} was merged into the same contact after this one: undo that first")
        self.properties = {"conflictingId": str(source_id)}


def merge(target: Mapping[str, Any], source: Mapping[str, Any], fields: MergeFields) -> dict[str, Any]:
    """Return what becomes of the target, by column. Raises `TooManyPhoneNumbers`.

    Nothing that only one of them has is lost, and who must not be called by one of them is not called.
    """
    merged = {}
    for column in CHOSEN:
        first, other = (source, target) if getattr(fields, column) == "source" else (target, source)
        merged[column] = first[column] or other[column]
    known = {compared_form(one) for one in target["phone_numbers"]}
    brought = [one for one in dict.fromkeys(source["phone_numbers"]) if compared_form(one) not in known]
    numbers = list(dict.fromkeys(target["phone_numbers"])) + brought
    if len(numbers) > PHONE_NUMBERS_MAX:
        raise TooManyPhoneNumbers
    return merged | {
        "external_id": target["external_id"] or source["external_id"],
        "allow_phone_calls": target["allow_phone_calls"] and source["allow_phone_calls"],
        "phone_numbers": numbers,
        "custom_fields": source["custom_fields"] | target["custom_fields"],
    }


def changes_of(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return old and new value of each column that differs."""
    return {column: [before[column], after[column]] for column in MERGED if before[column] != after[column]}


def unmerge(target: Mapping[str, Any], changes: Mapping[str, list[Any]]) -> tuple[dict[str, Any], list[str]]:
    """Return the target without what a merge changed, by column, and the properties that stay.

    These are those that were changed again, and `allowPhoneCalls`: a refusal that came after the merge would not show, so none is taken back.
    """
    restored = {column: target[column] for column in MERGED}
    kept = []
    for column, (old, new) in changes.items():
        if column == "custom_fields":
            values = dict(target[column])
            for slug in sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key)):
                if values.get(slug) != new.get(slug):
                    kept.append(f"customFields.{slug}")
                elif slug in old:
                    values[slug] = old[slug]
                else:
                    del values[slug]
            restored[column] = values
        elif column == "phone_numbers":
            # Without what it brought, unless it has nothing else by now.
            own = [one for one in target[column] if one in old or one not in new]
            restored[column] = own or target[column]
            kept += [] if own else [MERGED[column]]
        elif target[column] == new and column != "allow_phone_calls":
            restored[column] = old
        else:
            kept.append(MERGED[column])
    return restored, kept
