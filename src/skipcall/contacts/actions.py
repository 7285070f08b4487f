"""What can be done to a contact by a caller, and how each refusal is explained."""

import difflib
from typing import Any, NoReturn
from uuid import UUID

import msgspec
from msgspec import UNSET

from skipcall import ids
from skipcall.api_keys.model import Caller
from skipcall.contacts import queries
from skipcall.contacts.model import (
    Contact,
    ContactMerged,
    CreateContact,
    ExternalIdTaken,
    RestoreByUnmerge,
    RestoreExpired,
    UnknownCustomField,
    UpdateContact,
)
from skipcall.contacts.queries import KeysRefused, NotRestored, Written
from skipcall.custom_fields import queries as custom_fields
from skipcall.errors import Fault, Invalid, NotFound
from skipcall.postgres.db import Session

# Looking for the name that was meant takes time that grows with both, and everybody else waits meanwhile.
COMPARISONS_MAX = 1_000
COMPARED_LENGTH_MAX = 60

_COLUMNS = [field.name for field in msgspec.structs.fields(UpdateContact) if field.name != "custom_fields"]


async def update_contact(
    db: Session,
    caller: Caller,
    id: UUID,
    patch: UpdateContact,
    *,
    versions: list[int] | None,
    request_id: str,
    by_slug: bool,
) -> Written:
    """Change what a patch names; the answer may be `stale`, if `versions` left this one out.

    Raises `NotFound`, `ContactMerged`, `UnknownCustomField`, and `Invalid` for a field given by slug and by name.
    """
    scope = caller.scope
    written = await queries.update_contact(
        db,
        scope.workspace_ids,
        id,
        _values(patch),
        custom_fields=None if patch.custom_fields is UNSET else msgspec.json.encode(patch.custom_fields).decode(),
        versions=versions,
        source="API",
        api_key_id=caller.api_key_id,
        request_id=request_id,
        by_slug=by_slug,
    )
    if written is None:
        await refuse_missing(db, caller, id)
    return written if isinstance(written, Written) else await _refuse_keys(db, written)


async def create_contact(
    db: Session, caller: Caller, workspace_id: UUID, new: CreateContact, *, request_id: str, by_slug: bool
) -> Written:
    """Create a contact in a workspace of the caller.

    Raises `NotFound` for another workspace, `UnknownCustomField`, and `Invalid` for a field given by slug and by name.
    """
    if workspace_id not in caller.scope.workspace_ids:
        raise NotFound("Workspace")
    written = await queries.create_contact(
        db,
        workspace_id,
        ids.new_id(),
        _values(new),
        custom_fields=msgspec.json.encode(new.custom_fields).decode(),
        source="API",
        api_key_id=caller.api_key_id,
        request_id=request_id,
        by_slug=by_slug,
    )
    return written if isinstance(written, Written) else await _refuse_keys(db, written)


async def restore_contact(
    db: Session, caller: Caller, id: UUID, *, request_id: str, by_slug: bool
) -> tuple[Contact, int]:
    """Undo the deletion of a contact; return it and its version.

    Raises `NotFound`, `RestoreExpired`, `RestoreByUnmerge` and `ExternalIdTaken`.
    """
    restored = await queries.restore_contact(
        db,
        caller.scope.workspace_ids,
        id,
        source="API",
        api_key_id=caller.api_key_id,
        request_id=request_id,
        by_slug=by_slug,
    )
    if restored is None:
        raise NotFound("Contact")
    if not isinstance(restored, NotRestored):
        return restored
    if restored.merged_into_id is not None:
        raise RestoreByUnmerge(restored.merged_into_id)
    if restored.taken_by is not None:
        raise ExternalIdTaken(restored.taken_by)
    raise RestoreExpired


async def refuse_missing(db: Session, caller: Caller, id: UUID) -> NoReturn:
    """Raise what explains why there is no such contact: `ContactMerged`, or `NotFound`."""
    merged_into_id = await queries.find_merged(db, caller.scope.workspace_ids, id)
    if merged_into_id is not None:
        raise ContactMerged(merged_into_id)
    raise NotFound("Contact")


def _values(given: UpdateContact | CreateContact) -> dict[str, Any]:
    """Return what was given, by column: null becomes "", which is how the statement is told to clear a value."""
    values = {}
    for column in _COLUMNS:
        value = getattr(given, column)
        if value is not UNSET:
            values[column] = "" if value is None else value
    return values


async def _refuse_keys(db: Session, refused: KeysRefused) -> NoReturn:
    """Raise what explains why the keys of `customFields` were not taken."""
    if not refused.unknown_keys:
        raise Invalid(
            [Fault("/customFields", "DUPLICATE_CUSTOM_FIELD", "One field is given by its slug and by its name")]
        )
    known = [key for key in await custom_fields.list_keys(db, refused.workspace_id) if len(key) <= COMPARED_LENGTH_MAX]
    faults = []
    for place, key in enumerate(refused.unknown_keys):
        near = []
        if len(key) <= COMPARED_LENGTH_MAX and place * len(known) < COMPARISONS_MAX:
            near = difflib.get_close_matches(key, known, n=1)
        pointer = f"/customFields/{key[:200].replace('~', '~0').replace('/', '~1')}"
        message = "This workspace has no custom field with this slug or name"
        faults.append(Fault(pointer, "UNKNOWN_CUSTOM_FIELD", message, near[0] if near else UNSET))
    raise UnknownCustomField(faults)
