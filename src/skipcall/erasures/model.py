"""What is known of a person on the wire, and an erasure: what was erased where, without a word of what it was."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from skipcall.calls.model import Call
from skipcall.changes.model import HistoryEntry
from skipcall.consents.model import Consent
from skipcall.contacts.erased import folded_name
from skipcall.contacts.model import Contact
from skipcall.do_not_call.model import DoNotCallEntry
from skipcall.page import PageQuery
from skipcall.transcriptions.model import Segment
from skipcall.workspaces.model import ID_EXAMPLE, Id, Timestamp

Status = Literal["RUNNING", "COMPLETED"]


def _count(description: str) -> Any:
    return Meta(description=description, extra_json_schema={"example": 2})


class Receipt(msgspec.Struct, rename="camel", omit_defaults=False):
    """How much was erased in each store. What is not named here holds nothing of a contact."""

    contacts: Annotated[
        int, _count("The contact, and all that were merged into it: their ids are all that remains")
    ] = 0
    changes: Annotated[int, _count("Changes in the history and the feed: old and new values are gone")] = 0
    consents: Annotated[int, _count("Entries of the ledger: wording, purpose, source and evidence are gone")] = 0
    do_not_call: Annotated[int, _count("Entries of the do-not-call list: in force as before, without the number")] = 0
    merges: Annotated[int, _count("What was kept to undo merges")] = 0
    sequences: Annotated[int, _count("Places in sequences")] = 0
    calls: Annotated[int, _count("Calls: numbers, notes and what the provider said are gone; they still count")] = 0
    recordings: Annotated[int, _count("Recordings of calls")] = 0
    transcriptions: Annotated[int, _count("Transcriptions of calls")] = 0
    reports: Annotated[int, _count("Reports of providers that waited for others")] = 0
    kept_answers: Annotated[int, _count("Answers that were kept for an `Idempotency-Key`")] = 0
    exports: Annotated[int, _count("Exports of the workspace, whose files are gone; running ones begin anew")] = 0
    imports: Annotated[
        int,
        _count(
            "Imports of the workspace: files and what dry runs showed are gone; one that runs refuses the person, and removes its file"
        ),
    ] = 0
    objects: Annotated[int, _count("Files of recordings, exports and imports to be removed")] = 0
    refused_by: Annotated[
        int, _count("Hashes by which the person is recognised from now on: of e-mail addresses, profiles and so on")
    ] = 0

    def add(self, other: "Receipt") -> None:
        """Add what was erased besides."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Erasure(msgspec.Struct, frozen=True, rename="camel"):
    """An erasure, and its receipt."""

    id: Id
    workspace_id: Id
    contact_ids: Annotated[
        list[str],
        Meta(description="The contact, and all that were merged into it", extra_json_schema={"example": [ID_EXAMPLE]}),
    ]
    status: Annotated[
        Status, Meta(description="`RUNNING` until the files are removed as well; no answer shows any of it meanwhile")
    ]
    receipt: Receipt
    consents_sha256: Annotated[
        str | None,
        Meta(
            description="Of what remains of the ledgers, as `skipcall consents verify` compares it",
            extra_json_schema={"example": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
        ),
    ]
    api_key_id: Annotated[Id | None, Meta(description="The API key that asked for it")]
    request_id: Annotated[
        str | None,
        Meta(
            description="The `X-Request-Id` of the request that asked for it",
            extra_json_schema={"example": "req_0198c0ffee0198c0ffee0198"},
        ),
    ]
    created_at: Timestamp
    completed_at: Annotated[Timestamp | None, Meta(description="When the last file was removed")]


class CustomValue(msgspec.Struct, frozen=True):
    """A value of a custom field, also of one that is archived."""

    slug: Annotated[str, Meta(extra_json_schema={"example": "industry"})]
    name: Annotated[str | None, Meta(extra_json_schema={"example": "Industry"})]
    value: Annotated[str, Meta(extra_json_schema={"example": "Retail"})]


class PersonalContact(msgspec.Struct, frozen=True, rename="camel"):
    """A contact with all its values."""

    contact: Contact
    merged_into_id: Annotated[Id | None, Meta(description="The contact that took it in")]
    custom_values: list[CustomValue]


class PersonalRecording(msgspec.Struct, frozen=True, rename="camel"):
    """What is known of a recording."""

    id: Id
    status: Annotated[str, Meta(extra_json_schema={"example": "AVAILABLE"})]
    format: str | None
    duration_seconds: float | None
    size_bytes: int | None
    sha256: str | None
    started_at: Timestamp | None
    audio: Annotated[
        str,
        Meta(
            description="Where it can be heard, if it can",
            extra_json_schema={"example": f"/v1/calls/{ID_EXAMPLE}/recording/audio?recordingId={ID_EXAMPLE}"},
        ),
    ]


class PersonalCall(msgspec.Struct, frozen=True, rename="camel"):
    """A call with the person, also a deleted one."""

    call: Call
    raw_phone_number: Annotated[str | None, Meta(description="The number as the provider wrote it")]
    recordings: list[PersonalRecording]
    transcript: list[Segment] | None
    summary: Annotated[str | None, Meta(description="Of what was said")]


class PersonalSequence(msgspec.Struct, frozen=True, rename="camel"):
    """A sequence that the person is in, or was."""

    sequence_id: Id
    name: Annotated[str, Meta(extra_json_schema={"example": "Prospects"})]
    added_at: Timestamp
    removed_at: Timestamp | None


class PersonalMerge(msgspec.Struct, frozen=True, rename="camel"):
    """What is kept to undo a merge."""

    contact_id: Annotated[Id, Meta(description="The contact that went")]
    into_id: Id
    merged_at: Timestamp
    changes: Annotated[
        dict[str, msgspec.Raw],
        Meta(
            description="Values of the contact that stayed, before and after",
            extra_json_schema={"type": "object", "example": {"company": [None, "Atelier Nord"]}},
        ),
    ]


class PersonalData(msgspec.Struct, frozen=True, rename="camel"):
    """Everything that is known of a person."""

    contacts: Annotated[list[PersonalContact], Meta(description="The contact, then all that were merged into it")]
    consents: Annotated[list[Consent], Meta(description="What the person said about being called, newest first")]
    do_not_call: Annotated[
        list[DoNotCallEntry], Meta(description="Entries about the person's numbers, also lifted ones")
    ]
    calls: Annotated[list[PersonalCall], Meta(description="Newest first")]
    sequences: list[PersonalSequence]
    merges: list[PersonalMerge]
    history: Annotated[
        list[HistoryEntry], Meta(description="What was done to the contacts and calls, with old values, newest first")
    ]
    incomplete: Annotated[
        list[str],
        Meta(
            description="Lists of which only the newest entries are here, since there are too many for one answer",
            extra_json_schema={"example": ["history"]},
        ),
    ]


class ListErasures(PageQuery, frozen=True, rename="camel", kw_only=True):
    """Query parameters of the list."""


class Person(msgspec.Struct, frozen=True):
    """Whom an erasure is about: contacts that are one person, and the calls with them.

    `values` are what they are known by, and were at some time, and no other contact is, by property. `names_at_numbers` are the last names
    of others at the numbers that they have. `numbers` are the phone numbers, also former ones, that no other contact has, in all their
    forms; a call with one of them and without a contact is the person's, or with one of `takers`: who has taken them in at some time.
    """

    contacts: dict[UUID, dict[str, Any]]
    values: dict[str, list[str]]
    names_at_numbers: dict[str, list[str]]
    numbers: list[str]
    takers: list[UUID]
    call_ids: list[UUID]

    def identities(self) -> Iterator[dict[str, Any]]:
        """Yield what the person may be known by, in parts that are given by column, as `contacts.erased` reads them."""
        yield from ({"email": one} for one in self.values.get("email", ()))
        yield from ({"external_id": one} for one in self.values.get("externalId", ()))
        profiles = (*self.values.get("linkedinUrl", ()), *self.values.get("linkedinSalesUrl", ()))
        yield from ({"linkedin_url": one} for one in profiles)
        every = [number for one in self.contacts.values() for number in one["phone_numbers"]]
        for number in dict.fromkeys([*every, *self.values.get("phoneNumbers", ())]):
            others = set(map(folded_name, self.names_at_numbers.get(number, ())))
            for name in self.values.get("lastName", ()):
                if folded_name(name) not in others:
                    yield {"phone_numbers": [number], "last_name": name}
