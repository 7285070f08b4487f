"""What can be done to a call by a caller, and how each refusal is explained."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import UNSET

from skipcall import ids
from skipcall.api_keys.model import Caller
from skipcall.calls import queries
from skipcall.calls.model import FINAL_STATUSES, CallErased, CreateCall, UpdateCall, result_of, seconds_between
from skipcall.calls.months import ensure_months
from skipcall.calls.queries import Author, Overtaken, Refused, View, Written
from skipcall.contacts.model import ContactMerged
from skipcall.contacts.queries import find_gone
from skipcall.errors import Fault, Invalid, NotFound, Refusal
from skipcall.postgres.db import Session

_COLUMNS = ("notes", "external_id", "contact_id")  # of a patch, as they are
_UNKNOWN = {
    "contactId": ("UNKNOWN_CONTACT", "The workspace has no contact with this id"),
    "organizationMembershipId": ("UNKNOWN_MEMBER", "The workspace has no member with this id"),
    "managedPhoneNumberId": ("UNKNOWN_PHONE_NUMBER", "The workspace has no managed number with this id"),
    "sequenceId": ("UNKNOWN_SEQUENCE", "The workspace has no sequence with this id"),
}


async def create_call(
    db: Session, caller: Caller, workspace_id: UUID, new: CreateCall, *, request_id: str, view: View
) -> Written:
    """Log a call in a workspace of the caller.

    Raises `NotFound` for another workspace, `Invalid` for what the workspace does not have.
    """
    if workspace_id not in caller.scope.workspace_ids:
        raise NotFound("Workspace")
    values = columns_of(new)
    started_at: datetime = values["started_at"]
    await ensure_months(db, [started_at])
    written = await queries.create_call(
        db,
        workspace_id,
        ids.id_at(started_at),
        values,
        contact_id=new.contact_id,
        tag_ids=sorted(new.tag_ids),
        author=Author("API", caller.api_key_id, request_id),
        view=view,
    )
    if isinstance(written, Written):
        return written
    raise Invalid(await _explain(db, [workspace_id], written, new.contact_id, new.tag_ids))


async def update_call(
    db: Session,
    caller: Caller,
    id: UUID,
    patch: UpdateCall,
    *,
    versions: list[int] | None,
    request_id: str,
    view: View,
) -> Written:
    """Change what a patch names; the answer may be stale, if `versions` left this one out.

    Raises `NotFound`, `CallErased`, and `Invalid` for a contact or a tag that the call's workspace does not have.
    """
    values: dict[str, Any] = {name: value or None for name in _COLUMNS if (value := getattr(patch, name)) is not UNSET}
    if patch.synced_with_crm_date is not UNSET:
        values["synced_with_crm_at"] = _to_milliseconds(patch.synced_with_crm_date)
    tag_ids = None if patch.tag_ids is UNSET else patch.tag_ids or []

    async def write(session: Session) -> Written | Refused | Overtaken | None:
        return await queries.update_call(
            session,
            caller.scope.workspace_ids,
            id,
            values,
            tag_ids=tag_ids,
            versions=versions,
            author=Author("API", caller.api_key_id, request_id),
            view=view,
        )

    written = await write(db)
    if isinstance(written, Overtaken):
        async with db.begin() as tx:
            # The first time takes the lock, if another writer came between; nobody can before the second.
            written = await write(tx)
            if isinstance(written, Overtaken):
                written = await write(tx)
    if written is None:
        raise await missing(db, caller.scope.workspace_ids, id)
    if isinstance(written, Refused):
        raise Invalid(await _explain(db, caller.scope.workspace_ids, written, values.get("contact_id"), tag_ids or []))
    assert isinstance(written, Written)
    return written


async def missing(db: Session, workspace_ids: Sequence[UUID], id: UUID) -> Refusal:
    """Return what explains why a call is not written: `CallErased`, or `NotFound`."""
    is_erased = await db.fetch_value(queries.IS_ERASED, workspace_ids=workspace_ids, id=id)
    return CallErased() if is_erased else NotFound("Call")


def columns_of(new: CreateCall) -> dict[str, Any]:
    """Return a new call by column, with what follows from what was given."""
    started_at, ringing_at, answered_at, ended_at, synced_at = map(
        _to_milliseconds,
        (new.started_at, new.ringing_at, new.answered_at, new.ended_at, new.synced_with_crm_date),
    )
    is_final = new.status in FINAL_STATUSES
    talk_seconds = seconds_between(answered_at, ended_at) if new.status == "completed" else 0 if is_final else None
    given = {name: getattr(new, name) for name in queries.CREATED if name in CreateCall.__struct_fields__}
    return given | {
        "result": result_of(new.status, new.answered_by, talk_seconds),
        "started_at": started_at,
        "ringing_at": ringing_at,
        "answered_at": answered_at,
        "ended_at": ended_at,
        "synced_with_crm_at": synced_at,
        "ring_seconds": seconds_between(ringing_at or started_at, answered_at or ended_at),
        "talk_seconds": talk_seconds,
        "duration_seconds": seconds_between(started_at, ended_at),
        "notes": new.notes or None,
        "external_id": new.external_id or None,
    }


def _to_milliseconds(moment: datetime | None) -> datetime | None:
    """Return a moment as it is kept: the database would round it, and an id is of the millisecond that has begun."""
    return None if moment is None else moment.replace(microsecond=moment.microsecond // 1000 * 1000)


async def _explain(
    db: Session, workspace_ids: Sequence[UUID], refused: Refused, contact_id: UUID | None, tag_ids: Sequence[UUID]
) -> list[Fault]:
    """Return why a call was not written. Of a contact that was merged the one that stands in its place is told."""
    faults = [Fault(f"/{name}", *_UNKNOWN[name]) for name in refused.unknown]
    if contact_id and "contactId" in refused.unknown:
        gone = (await find_gone(db, workspace_ids, [contact_id])).get(contact_id)
        if isinstance(gone, ContactMerged):
            text = "This contact was merged into the one in `suggestion`"
            merged = Fault("/contactId", "UNKNOWN_CONTACT", text, str(gone.target_id))
            faults = [merged if one.pointer == "/contactId" else one for one in faults]
    faults += [
        Fault(f"/tagIds/{place}", "UNKNOWN_TAG", "The workspace has no tag with this id")
        for place, tag_id in enumerate(tag_ids)
        if tag_id in refused.unknown_tags
    ]
    if refused.is_run_of_other_sequence:
        faults.append(Fault("/sequenceRunId", "SEQUENCE_RUN_MISMATCH", "This is a session of another sequence"))
    return faults
