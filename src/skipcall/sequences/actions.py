"""What can be done to a sequence by a caller, and how each refusal is explained."""

from collections.abc import Sequence as ListOf
from typing import NoReturn
from uuid import UUID

from msgspec import UNSET

from skipcall.api_keys.model import Caller
from skipcall.errors import Fault, Invalid, NotFound
from skipcall.postgres.db import Session
from skipcall.sequences import contacts, queries
from skipcall.sequences.model import (
    AddedContacts,
    AddSequenceContact,
    CreateSequence,
    UpdateSequence,
    choose_assignees,
)
from skipcall.sequences.queries import MembersRefused, Written


async def create_sequence(
    db: Session, caller: Caller, workspace_id: UUID, new: CreateSequence, *, request_id: str
) -> Written:
    """Create a sequence in a workspace of the caller.

    Raises `NotFound` for another workspace, and `Invalid` for who is no member of it.
    """
    if workspace_id not in caller.scope.workspace_ids:
        raise NotFound("Workspace")
    written = await queries.create_sequence(
        db,
        workspace_id,
        new.name,
        creator_id=new.creator_id,
        assigned_to_ids=_once(new.assigned_to_ids),
        source="API",
        api_key_id=caller.api_key_id,
        request_id=request_id,
    )
    if isinstance(written, MembersRefused):
        _refuse_members(written, new.creator_id, new.assigned_to_ids)
    return written


async def update_sequence(
    db: Session, caller: Caller, id: UUID, patch: UpdateSequence, *, versions: list[int] | None, request_id: str
) -> Written:
    """Change what a patch names; the answer may be `stale`, if `versions` left this one out.

    Raises `NotFound`, and `Invalid` for who is no member of the workspace.
    """
    assigned_to_ids = None if patch.assigned_to_ids is UNSET else patch.assigned_to_ids
    written = await queries.update_sequence(
        db,
        caller.scope.workspace_ids,
        id,
        name=None if patch.name is UNSET else patch.name,
        status=None if patch.status is UNSET else patch.status,
        assigned_to_ids=None if assigned_to_ids is None else _once(assigned_to_ids),
        versions=versions,
        source="API",
        api_key_id=caller.api_key_id,
        request_id=request_id,
    )
    if written is None:
        raise NotFound("Sequence")
    if isinstance(written, MembersRefused):
        _refuse_members(written, None, assigned_to_ids or ())
    return written


async def add_sequence_contacts(
    db: Session, caller: Caller, id: UUID, items: ListOf[AddSequenceContact]
) -> AddedContacts:
    """Put contacts into a sequence and share them out; see `choose_assignees`.

    Raises `NotFound`, and `Invalid` for an assignee who is none of the sequence's.
    """
    workspace_ids = caller.scope.workspace_ids
    async with db.begin() as tx:
        present = await contacts.lock_contacts(tx, workspace_ids, id, [item.contact_id for item in items])
        locked = await contacts.lock_sequence(tx, workspace_ids, id)
        if locked is None:
            raise NotFound("Sequence")
        workspace_id, assignees = locked
        if faults := [
            Fault(
                f"/{number}/assignedToWorkspaceMembershipId",
                "UNKNOWN_MEMBER",
                "This is no workspace membership of an assignee of the sequence",
            )
            for number, item in enumerate(items)
            if item.assigned_to_workspace_membership_id not in (None, *assignees)
        ]:
            raise Invalid(faults)
        stored = await contacts.find_stored(tx, workspace_id, id, list(present))
        chosen = choose_assignees(
            [item for item in items if item.contact_id in present],
            stored,
            await contacts.count_loads(tx, workspace_id, id, assignees),
        )
        if chosen:
            await contacts.add_contacts(tx, workspace_id, id, chosen)
    revived = len(chosen.keys() & stored.keys())
    return AddedContacts(len(chosen) - revived, revived, len(items) - len(chosen))


def _once(ids: ListOf[UUID]) -> list[UUID]:
    """Return ids without repetitions, in their order."""
    return list(dict.fromkeys(ids))


def _refuse_members(refused: MembersRefused, creator_id: UUID | None, assigned_to_ids: ListOf[UUID]) -> NoReturn:
    places = [("/creatorId", creator_id), *((f"/assignedToIds/{n}", id) for n, id in enumerate(assigned_to_ids))]
    message = "This is no organization membership of a member of the workspace"
    raise Invalid([Fault(place, "UNKNOWN_MEMBER", message) for place, id in places if id in refused.unknown])
