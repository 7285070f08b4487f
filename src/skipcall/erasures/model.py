"""An erasure on the wire: what was erased where, without a word of what it was."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from skipcall.page import PageQuery
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
    objects: Annotated[int, _count("Files of recordings and exports to be removed")] = 0
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


class ListErasures(PageQuery, frozen=True, rename="camel", kw_only=True):
    """Query parameters of the list."""


class Person(msgspec.Struct, frozen=True):
    """Whom an erasure is about: contacts that are one person, and the calls with them.

    `numbers` are the phone numbers that no other contact has; a call with one of them and without a contact is the person's.
    """

    contacts: dict[UUID, dict[str, Any]]
    numbers: list[str]
    call_ids: list[UUID]
