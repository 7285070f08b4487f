"""Making one contact of two, and undoing it: each in one transaction, whose statements lock in the order of all writers."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from skipcall.api_keys.model import Caller
from skipcall.calls.queries import Author
from skipcall.contacts.actions import refuse_erased, refuse_missing, values_taken
from skipcall.contacts.erased import find_erased
from skipcall.contacts.ledger import known_anew
from skipcall.contacts.model import Contact, ContactView, ExternalIdTaken, RestoreExpired
from skipcall.contacts.queries import find_contact, find_holders_of_values, raise_if_taken
from skipcall.contacts.upserts import hold_upserts
from skipcall.errors import Fault, Invalid, NotFound, Unavailable
from skipcall.merges import queries
from skipcall.merges.model import (
    CALLS_MOVED_MAX,
    MERGED,
    MergeContact,
    MergedContact,
    MergedLater,
    MergeTargetGone,
    NotMerged,
    TooManyCalls,
    UnmergedContact,
    changes_of,
    merge,
    unmerge,
)
from skipcall.merges.queries import Merge, Moved
from skipcall.postgres.db import Session, UniqueViolation

# Each further attempt is for a call that came in the milliseconds between two locks.
ATTEMPTS_MAX = 20


class _Overtaken(Exception):
    """A call came before the contact was locked: calls are locked first, so begin again."""


class _DryRun(Exception):
    """Undoes the transaction."""


async def merge_contact(
    db: Session,
    caller: Caller,
    id: UUID,
    body: MergeContact,
    *,
    versions: list[int] | None,
    request_id: str,
    view: ContactView,
) -> tuple[MergedContact, int] | None:
    """Take another contact into this one; return what came of it and the version. None: this is not of the versions given.

    Raises `NotFound`, `ContactMerged`, `Invalid`, `TooManyCalls` and `TooManyPhoneNumbers`.
    """
    if body.contact_id == id:
        raise Invalid([Fault("/contactId", "SAME_CONTACT", "A contact cannot be merged into itself")])
    made = None
    try:
        async with db.begin() as tx:
            await hold_upserts(tx, caller.scope.workspace_ids, body.contact_id)
            made = await _merge(tx, caller, id, body, versions, Author("API", caller.api_key_id, request_id), view)
            if body.dry_run:
                raise _DryRun
    except _DryRun:
        pass
    return made


async def _merge(
    tx: Session,
    caller: Caller,
    id: UUID,
    body: MergeContact,
    versions: list[int] | None,
    author: Author,
    view: ContactView,
) -> tuple[MergedContact, int] | None:
    workspace_ids = caller.scope.workspace_ids
    contacts, call_ids = await _lock(tx, workspace_ids, id, body.contact_id)
    for one in (id, body.contact_id):
        if one not in contacts or contacts[one]["deleted_at"] is not None:
            await refuse_missing(tx, caller, one)
    target, source = contacts[id], contacts[body.contact_id]
    workspace_id = target["workspace_id"]
    if source["workspace_id"] != workspace_id:
        raise NotFound("Contact")
    if versions is not None and target["version"] not in versions:
        return None
    if len(call_ids) > CALLS_MOVED_MAX:
        raise TooManyCalls
    values = merge(target, source, body.fields)
    changes = changes_of(target, values)
    # The source first: the target may get its external id.
    moment = await queries.take_away(tx, workspace_id, body.contact_id, id, author)
    sequence_ids = await queries.move_sequences(tx, workspace_id, body.contact_id, id, moment)
    moved_calls = await queries.move_calls(tx, workspace_id, body.contact_id, id, call_ids, author)
    if changes:
        await queries.write_contact(tx, workspace_id, id, values, changes, author)
    await queries.keep_merge(tx, workspace_id, body.contact_id, id, Moved(call_ids, sequence_ids, changes))
    contact, version = await _get(tx, workspace_id, id, view)
    return MergedContact(contact, moved_calls, len(sequence_ids)), version


async def _lock(
    tx: Session, workspace_ids: Sequence[UUID], id: UUID, source_id: UUID
) -> tuple[dict[UUID, dict[str, Any]], list[UUID]]:
    """Lock all calls of the source, then both contacts; return the contacts by id and the ids of the calls."""
    for _ in range(ATTEMPTS_MAX):
        try:
            async with tx.begin():  # a savepoint: undone, it gives the locks back
                call_ids = await queries.lock_calls(tx, workspace_ids, source_id)
                contacts = await queries.lock_contacts(tx, workspace_ids, id, source_id)
                # Those that are locked cannot have left, so more of them means that others came.
                if len(call_ids) <= CALLS_MOVED_MAX and len(call_ids) < await queries.count_calls(
                    tx, workspace_ids, source_id
                ):
                    raise _Overtaken
                return contacts, call_ids
        except _Overtaken:
            continue
    raise Unavailable("This contact is called all the time; try again")


async def unmerge_contact(
    db: Session, caller: Caller, id: UUID, *, secret: bytes, request_id: str, view: ContactView
) -> tuple[UnmergedContact, int]:
    """Undo the merge of a contact that went; return what came of it and its version. By `secret` people who were erased are recognised.

    Raises `NotFound`, `ContactErased`, `NotMerged`, `RestoreExpired`, `MergeTargetGone`, `MergedLater`, `ExternalIdTaken` and
    `CustomValueTaken`.
    """
    author = Author("API", caller.api_key_id, request_id)
    try:
        async with db.begin() as tx:
            await hold_upserts(tx, caller.scope.workspace_ids, id)
            merged = await queries.find_merge(tx, caller.scope.workspace_ids, id)
            if merged is None:
                raise NotFound("Contact")
            if merged.moved is None:
                await refuse_erased(tx, caller, id)
            return await _unmerge(tx, merged, id, secret, author, view)
    except UniqueViolation as violation:
        raise_if_taken(violation)
        raise ExternalIdTaken(None) from violation


async def _unmerge(
    tx: Session, merged: Merge, id: UUID, secret: bytes, author: Author, view: ContactView
) -> tuple[UnmergedContact, int]:
    workspace_id, target_id, moved = merged
    if target_id is None:
        raise NotMerged
    if moved is None:
        raise RestoreExpired
    call_ids = await queries.lock_these_calls(tx, workspace_id, target_id, moved.call_ids)
    contacts = await queries.lock_contacts(tx, [workspace_id], id, target_id)
    source, target = contacts[id], contacts[target_id]
    if source["merged_into_id"] != target_id:  # somebody else has undone it meanwhile
        raise NotMerged
    if await queries.find_merge(tx, [workspace_id], id) != merged:
        raise Unavailable("This contact was merged again, or erased, at this moment; try again")
    if target["deleted_at"] is not None:
        raise MergeTargetGone(target_id)
    # What that one left in place, or took over from this one, would be taken for a change of somebody's.
    if later_id := await queries.find_later_merge(tx, workspace_id, id, target_id):
        raise MergedLater(later_id)
    values, kept = unmerge(target, moved.changes)
    parts = known_anew(target, values)
    for part, is_erased in zip(parts, await find_erased(tx, workspace_id, parts, secret), strict=True):
        if is_erased:  # somebody, while both were one
            kept += [MERGED[column] for column in part if values[column] != target[column]]
            values |= {column: target[column] for column in part}
    # The target first: it may give an external id back.
    if changes := changes_of(target, values):
        await queries.write_contact(tx, workspace_id, target_id, values, changes, author)
    if taken_by := await queries.find_external_id(tx, workspace_id, source["external_id"]):
        raise ExternalIdTaken(taken_by)
    if holders := await find_holders_of_values(tx, workspace_id, id):
        raise values_taken(holders)
    # What was said while both were one was said of both, and when it was said does not show in what stayed false.
    is_refused = source["allow_phone_calls"] and not target["allow_phone_calls"]
    await queries.bring_back(tx, workspace_id, id, target_id, author, is_refused=is_refused)
    sequences = await queries.return_sequences(
        tx, workspace_id, id, target_id, source["deleted_at"], moved.sequence_ids
    )
    calls = await queries.move_calls(tx, workspace_id, target_id, id, call_ids, author)
    await queries.forget_merge(tx, workspace_id, id)
    contact, version = await _get(tx, workspace_id, id, view)
    return UnmergedContact(contact, calls, sequences, kept), version


async def move_strays(db: Session, workspace_ids: Sequence[UUID]) -> None:
    """Let calls follow that were being written while their contact was merged."""
    for workspace_id, source_id, target_id in await queries.find_strays(db, workspace_ids):
        async with db.begin() as tx:
            call_ids = await queries.lock_calls(tx, [workspace_id], source_id)
            contacts = await queries.lock_contacts(tx, [workspace_id], source_id, target_id)
            if contacts[source_id]["merged_into_id"] == target_id:  # not undone meanwhile
                await queries.move_calls(tx, workspace_id, source_id, target_id, call_ids, Author("SKIPCALL"))
                await queries.add_calls(tx, workspace_id, source_id, call_ids)


async def _get(tx: Session, workspace_id: UUID, id: UUID, view: ContactView) -> tuple[Contact, int]:
    found = await find_contact(tx, [workspace_id], id, view)
    assert found is not None  # it is locked
    return found
