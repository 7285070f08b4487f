"""Operations that write contacts wherever they are: one, or many at once."""

import asyncio
from typing import Any
from uuid import UUID

from msgspec import UNSET

from skipcall.api_keys.model import Caller
from skipcall.contacts import upserting
from skipcall.contacts.ledger import Outcome
from skipcall.contacts.model import CreateContactQuery
from skipcall.contacts.routes import encode, note_deprecation
from skipcall.contacts.upsert_model import (
    BATCH_BYTES_MAX,
    AmbiguousMatch,
    BatchQuery,
    BatchResult,
    BatchResults,
    BatchSummary,
    ContactBatch,
    ItemError,
    Upsert,
    UpsertContact,
    UpsertResult,
    placed,
)
from skipcall.errors import Invalid, NotFound
from skipcall.http.conditional import etag
from skipcall.http.decoding import Shape, header_list, unknown_names
from skipcall.http.request import Answer, Request
from skipcall.http.routing import canonical_uuid, operation

ITEMS_READ_AT_ONCE = 10  # then other requests have their turn

BATCHES_AT_ONCE_MAX = 2  # in a process; those of one workspace wait for each other anyway

_ITEM = Shape(UpsertContact)


@operation(
    "POST",
    "/v1/contacts/upsert",
    tag="Contacts",
    scope="contacts:write",
    answers=UpsertResult,
    noun="Workspace",
    statuses=(404, 410),
    headers=("ETag", "Location", "Deprecation", "Link"),
    other_successes={201: "It was created"},
)
async def upsert_contact(request: Request, body: Upsert, query: CreateContactQuery) -> Answer:
    """Create or update a contact.

    Writes the contact that has the `id`, the `externalId`, one of the `phoneNumbers` or the `email` (in any case) given, and
    creates one if there is none. If the keys lead to several contacts, or a number or address leads to a contact with
    another `externalId`, nothing is written: 409 `AMBIGUOUS_MATCH`, with `candidates` inside `error`. Who is named by `id` may share
    numbers and addresses with others. Deleted contacts
    are not found; the `id` of one that was merged is refused with 410 `CONTACT_MERGED`, its `externalId` leads to the contact that
    took it in, which keeps its own. What is equal already changes nothing.
    Nobody becomes somebody who was erased: 409 `PERSON_ERASED`, unless `allowErased` says that they came back by their own will.
    """
    caller: Caller = request.caller
    outcome, names_used, contact, version = await upserting.upsert_contact(
        request.database,
        caller,
        _workspace_id(request, query),
        body,
        secret=request.archive.secret,
        request_id=request.id,
        view=query,
    )
    note_deprecation(request, caller, contact.team_id, names_used)
    assert outcome.status != "ambiguous"
    assert outcome.status != "error"
    is_created = outcome.status == "created"
    shown = None if body.dry_run and is_created else contact
    content = encode(UpsertResult(outcome.status, outcome.matched_by, outcome.changes, shown))
    if body.dry_run:
        return Answer(content)
    headers = (("etag", etag(contact.id, version, encode(contact))),)
    if is_created:
        return Answer(content, 201, (("location", f"/v1/contacts/{contact.id}"), *headers))
    return Answer(content, 200, headers)


@operation(
    "POST",
    "/v1/contacts/batch",
    tag="Contacts",
    scope="contacts:write",
    answers=BatchResults,
    noun="Workspace",
    statuses=(404,),
    headers=("Deprecation", "Link"),
    body_bytes_max=BATCH_BYTES_MAX,
    at_once_max=BATCHES_AT_ONCE_MAX,
)
async def batch_contacts(request: Request, body: ContactBatch, query: BatchQuery) -> Answer:
    """Create or update many contacts.

    Each item is what `contact` is in `POST /v1/contacts/upsert`, and stands for itself: one that is refused or ambiguous leaves
    the others alone. Items act one after the other, so that a later one sees what an earlier one made. All that is
    written is written together. Pointers of faults begin with `/items/` and the place of the item.
    """
    caller: Caller = request.caller
    items = await _read_items(request, body.items)
    workspace_id = _workspace_id(request, query)
    done = await upserting.upsert_contacts(
        request.database,
        caller,
        workspace_id,
        body,
        items,
        secret=request.archive.secret,
        request_id=request.id,
    )
    note_deprecation(request, caller, str(workspace_id), done.names_used)
    summary = BatchSummary()
    for one in done.outcomes:
        setattr(summary, one.status, getattr(summary, one.status) + 1)
    results = [_result(place, one, dry_run=body.dry_run) for place, one in enumerate(done.outcomes)]
    return Answer(encode(BatchResults(results, summary)))


def _workspace_id(request: Request, query: CreateContactQuery | BatchQuery) -> UUID:
    caller: Caller = request.caller
    workspace_id = canonical_uuid(query.workspace_id) if query.workspace_id else caller.default_workspace_id
    if workspace_id is None:
        raise NotFound("Workspace")
    return workspace_id


async def _read_items(request: Request, values: list[Any]) -> list[UpsertContact | Invalid]:
    """Return each item, or what is wrong with it."""
    items: list[UpsertContact | Invalid] = []
    ignored: dict[str, None] = {}
    for place, value in enumerate(values):
        if place % ITEMS_READ_AT_ONCE == 0:
            await asyncio.sleep(0)
        item, faults = _ITEM.convert(value, strict=True)
        unknown = [name for _, name, _ in _ITEM.unknown_in(value)]
        if request.strict:
            faults += unknown_names(unknown, _ITEM)
        else:
            ignored |= dict.fromkeys(unknown)
        items.append(Invalid(faults) if faults else item)
    if ignored:
        request.notes.append(("x-ignored-fields", header_list(list(ignored))))
    return items


def _result(index: int, outcome: Outcome, *, dry_run: bool) -> BatchResult:
    refusal = outcome.refusal
    if isinstance(refusal, AmbiguousMatch):
        return BatchResult(index, "ambiguous", candidates=refusal.candidates)
    if refusal is not None:
        details = [placed(fault, f"/items/{index}") for fault in refusal.faults]
        return BatchResult(index, "error", error=ItemError(refusal.code, refusal.message, details))
    assert outcome.record is not None  # nothing else is left
    is_there = not (dry_run and outcome.record.is_new)
    return BatchResult(
        index,
        outcome.status,
        str(outcome.record.id) if is_there else UNSET,
        outcome.matched_by,
        outcome.changes if outcome.changes is not None else UNSET,
    )
