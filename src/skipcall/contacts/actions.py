"""What can be done to a contact by a caller, and how each refusal is explained."""

import difflib
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from skipcall import ids
from skipcall.api_keys.model import Caller
from skipcall.contacts import queries
from skipcall.contacts.model import CreateContact, UnknownCustomField, UpdateContact
from skipcall.contacts.queries import KeysRefused, Written
from skipcall.custom_fields import queries as custom_fields
from skipcall.errors import Fault, Invalid, NotFound
from skipcall.postgres.db import Session

# Looking for the name that was meant takes time that grows with both, and everybody else waits meanwhile.
COMPARISONS_MAX = 1_000
COMPARED_LENGTH_MAX = 60

GIVEN_TWICE = Fault("/customFields", "DUPLICATE_CUSTOM_FIELD", "One field is given by its slug and by its name")
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
    included: Sequence[str] = (),
) -> Written:
    """Change what a patch names; the answer may be `stale`, if `versions` left this one out.

    Raises `NotFound`, `UnknownCustomField`, and `Invalid` for a field given by slug and by name.
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
        included=included,
    )
    if written is None:
        raise NotFound("Contact")
    return written if isinstance(written, Written) else await _refuse_keys(db, written)


async def create_contact(
    db: Session,
    caller: Caller,
    workspace_id: UUID,
    new: CreateContact,
    *,
    request_id: str,
    by_slug: bool,
    included: Sequence[str] = (),
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
        included=included,
    )
    return written if isinstance(written, Written) else await _refuse_keys(db, written)


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
        raise Invalid([GIVEN_TWICE])
    raise UnknownCustomField(
        Suggestions(await custom_fields.list_keys(db, refused.workspace_id)).faults(refused.unknown_keys)
    )


class Suggestions:
    """Finds the known key that an unknown one looks like, as long as that takes few comparisons."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = [key for key in known if len(key) <= COMPARED_LENGTH_MAX]
        self._left = COMPARISONS_MAX
        self._found: dict[str, str | UnsetType] = {}

    def faults(self, unknown_keys: Iterable[str]) -> list[Fault]:
        """Return a fault for each key that means no field."""
        message = "This workspace has no custom field with this slug or name"
        return [
            Fault(
                f"/customFields/{key[:200].replace('~', '~0').replace('/', '~1')}",
                "UNKNOWN_CUSTOM_FIELD",
                message,
                self._nearest(key),
            )
            for key in unknown_keys
        ]

    def _nearest(self, key: str) -> str | UnsetType:
        if key not in self._found and len(key) <= COMPARED_LENGTH_MAX and self._left > 0:
            self._left -= len(self._known)
            near = difflib.get_close_matches(key, self._known, n=1)
            self._found[key] = near[0] if near else UNSET
        return self._found.get(key, UNSET)
