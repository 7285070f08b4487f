"""What can be done to a contact by a caller, and how each refusal is explained."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from skipcall import ids
from skipcall.api_keys.model import Caller
from skipcall.contacts import queries
from skipcall.contacts.erased import person_hashes
from skipcall.contacts.model import (
    Contact,
    ContactErased,
    ContactMerged,
    ContactView,
    CreateContact,
    CustomValueTaken,
    ExternalIdTaken,
    PersonErased,
    RestoreByUnmerge,
    RestoreExpired,
    UnknownCustomField,
    UpdateContact,
)
from skipcall.contacts.queries import KeysRefused, NotRestored, Written
from skipcall.custom_fields import queries as custom_fields
from skipcall.custom_fields.model import Definition, slug_of, value_fault
from skipcall.errors import Fault, Invalid, NotFound
from skipcall.postgres.db import Session

# Looking for the name that was meant takes time that grows with both, and everybody else waits meanwhile.
COMPARISONS_MAX = 1_000
COMPARED_LENGTH_MAX = 60

GIVEN_TWICE = Fault("/customFields", "DUPLICATE_CUSTOM_FIELD", "One field is given by its slug and by its name")
REQUIRED = ("REQUIRED_CUSTOM_FIELD", "A contact must have a value of this field")
_COLUMNS = [field.name for field in msgspec.structs.fields(UpdateContact) if field.name != "custom_fields"]


async def update_contact(
    db: Session,
    caller: Caller,
    id: UUID,
    patch: UpdateContact,
    *,
    versions: list[int] | None,
    request_id: str,
    view: ContactView,
) -> Written:
    """Change what a patch names; the answer may be `stale`, if `versions` left this one out.

    Raises `NotFound`, `ContactMerged`, `UnknownCustomField`, `CustomValueTaken`, and `Invalid` for a field given by slug and by name, or given
    what is no value of it.
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
        view=view,
    )
    if written is None:
        await refuse_missing(db, caller, id)
    return written if isinstance(written, Written) else await _refuse_keys(db, written)


async def create_contact(
    db: Session,
    caller: Caller,
    workspace_id: UUID,
    new: CreateContact,
    *,
    secret: bytes,
    allow_erased: bool,
    request_id: str,
    view: ContactView,
) -> Written:
    """Create a contact in a workspace of the caller.

    Raises `NotFound` for another workspace, else what `update_contact` raises; `Invalid` too if a required field is missing, and
    `PersonErased`.
    """
    if workspace_id not in caller.scope.workspace_ids:
        raise NotFound("Workspace")
    values = _values(new)
    written = await queries.create_contact(
        db,
        workspace_id,
        ids.new_id(),
        values,
        person_hashes=person_hashes(workspace_id, values, secret),
        allow_erased=allow_erased,
        custom_fields=msgspec.json.encode(new.custom_fields).decode(),
        source="API",
        api_key_id=caller.api_key_id,
        request_id=request_id,
        view=view,
    )
    return written if isinstance(written, Written) else await _refuse_keys(db, written)


async def restore_contact(
    db: Session, caller: Caller, id: UUID, *, request_id: str, view: ContactView
) -> tuple[Contact, int]:
    """Undo the deletion of a contact; return it and its version.

    Raises `NotFound`, `ContactErased`, `RestoreExpired`, `RestoreByUnmerge`, `ExternalIdTaken` and `CustomValueTaken`.
    """
    restored = await queries.restore_contact(
        db,
        caller.scope.workspace_ids,
        id,
        source="API",
        api_key_id=caller.api_key_id,
        request_id=request_id,
        view=view,
    )
    if restored is None:
        raise NotFound("Contact")
    if not isinstance(restored, NotRestored):
        return restored
    await refuse_erased(db, caller, id)
    if restored.merged_into_id is not None:
        raise RestoreByUnmerge(restored.merged_into_id)
    if restored.taken_by is not None and not restored.is_expired:
        raise ExternalIdTaken(restored.taken_by)
    if restored.holders and not restored.is_expired:
        raise values_taken(restored.holders)
    raise RestoreExpired


async def refuse_missing(db: Session, caller: Caller, id: UUID) -> NoReturn:
    """Raise what explains why there is no such contact: `ContactErased`, `ContactMerged`, or `NotFound`."""
    merged_into_id = await refuse_erased(db, caller, id)
    if merged_into_id is not None:
        raise ContactMerged(merged_into_id)
    raise NotFound("Contact")


async def refuse_erased(db: Session, caller: Caller, id: UUID) -> UUID | None:
    """Raise `ContactErased` if a contact was erased, else return the contact into which it was merged, if it was."""
    gone = (await queries.find_gone(db, caller.scope.workspace_ids, [id])).get(id)
    if isinstance(gone, ContactErased):
        raise gone
    return gone.target_id if gone else None


def _values(given: UpdateContact | CreateContact) -> dict[str, Any]:
    """Return what was given, by column: null becomes "", which is how the statement is told to clear a value."""
    values = {}
    for column in _COLUMNS:
        value = getattr(given, column)
        if value is not UNSET:
            values[column] = "" if value is None else value
    return values


async def _refuse_keys(db: Session, refused: KeysRefused) -> NoReturn:
    """Raise what explains why a contact was not written."""
    faults: list[Fault] = []
    if refused.unknown_keys:
        known = await custom_fields.list_keys(db, refused.workspace_id)
        faults = Suggestions(known).faults(refused.unknown_keys)
    if refused.twice:
        faults.append(GIVEN_TWICE)
    if refused.refused_values:
        definitions = await custom_fields.list_definitions(db, refused.workspace_id)
        faults += wrong_values(fields_by_key(definitions), refused.refused_values)
    faults += [Fault(field_pointer(slug), *REQUIRED) for slug in refused.missing]
    if refused.unknown_keys:
        raise UnknownCustomField(faults)
    if faults:
        raise Invalid(faults)
    if refused.is_erased:
        raise PersonErased
    raise values_taken(refused.taken_by)


def values_taken(holders: Mapping[str, str]) -> CustomValueTaken:
    """Return the refusal of values of unique fields, by key, that other contacts have."""
    message = "The contact in `suggestion` has this value"
    return CustomValueTaken(
        [Fault(field_pointer(key), "CUSTOM_VALUE_TAKEN", message, id) for key, id in holders.items()]
    )


def fields_by_key(definitions: Sequence[Definition]) -> dict[str, Definition]:
    """Return the fields by each key that means them: a slug first, else a name."""
    return {one.name: one for one in definitions} | {one.slug: one for one in definitions}


def wrong_values(fields: Mapping[str, Definition], refused: Mapping[str, str]) -> list[Fault]:
    """Return a fault for each value, by key, that its field refuses; an empty one is missing."""
    comparisons = 0
    faults = []
    for key, value in refused.items():
        fault = value_fault(fields[key], value) if value and key in fields else None
        if fault is None:  # empty, or the field has changed since
            faults.append(Fault(field_pointer(key), *REQUIRED))
            continue
        near = []
        choices = [one for one in fields[key].choices if len(one) <= COMPARED_LENGTH_MAX]
        if len(value) <= COMPARED_LENGTH_MAX and comparisons < COMPARISONS_MAX:
            near = difflib.get_close_matches(value, choices, n=1)
            comparisons += len(choices)
        faults.append(Fault(field_pointer(key), *fault, suggestion=fields[key].choices[near[0]] if near else UNSET))
    return faults


def field_pointer(key: str) -> str:
    """Return where a custom field stands in a body."""
    return f"/customFields/{key[:200].replace('~', '~0').replace('/', '~1')}"


class Suggestions:
    """Finds the slug of the field that an unknown key was most likely meant for, as long as that takes few comparisons.

    `slugs` are those that known keys mean: slugs and names.
    """

    def __init__(self, slugs: Mapping[str, str]) -> None:
        self._slugs = slugs
        self._known = [key for key in slugs if len(key) <= COMPARED_LENGTH_MAX]
        self._left = COMPARISONS_MAX
        self._found: dict[str, str | UnsetType] = {}

    def faults(self, unknown_keys: Iterable[str]) -> list[Fault]:
        """Return a fault for each key that means no field."""
        message = "This workspace has no custom field with this slug or name"
        return [Fault(field_pointer(key), "UNKNOWN_CUSTOM_FIELD", message, self._nearest(key)) for key in unknown_keys]

    def _nearest(self, key: str) -> str | UnsetType:
        if key not in self._found and len(key) <= COMPARED_LENGTH_MAX and self._left > 0:
            self._left -= len(self._known)
            # A field that was renamed since is known by what its slug was made of.
            slug = slug_of(key)
            near = [slug] if slug in self._slugs else difflib.get_close_matches(key, self._known, n=1)
            self._found[key] = self._slugs[near[0]] if near else UNSET
        return self._found.get(key, UNSET)
