"""What can be done to a custom field that takes more than one statement."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import UNSET

from skipcall.custom_fields import queries
from skipcall.custom_fields.model import (
    OPTIONS_KEPT_MAX,
    OPTIONS_NOT_ALLOWED,
    CustomField,
    TooManyOptions,
    UpdateCustomField,
    merge_options,
)
from skipcall.errors import Fault, Invalid, NotFound
from skipcall.postgres.db import Session


async def update_custom_field(
    db: Session, workspace_ids: Sequence[UUID], id: UUID, patch: UpdateCustomField, *, details: bool
) -> CustomField:
    """Change what a patch names of a field, and return the field.

    Raises `NotFound`, `NameTaken`, `TooManyOptions`, `ValuesNotUnique`, and `Invalid` for another type or for options of a
    field that has none.
    """
    async with db.begin() as tx:
        field = await queries.lock_custom_field(tx, workspace_ids, id)
        if field is None:
            raise NotFound("Custom field")
        _check(field, patch)
        assert field.options is not UNSET
        assert field.is_required is not UNSET
        assert field.is_unique is not UNSET
        options = field.options if patch.options is UNSET else merge_options(field.options, patch.options)
        if len(options) > OPTIONS_KEPT_MAX:
            raise TooManyOptions
        is_unique = field.is_unique if patch.is_unique is UNSET else patch.is_unique
        if is_unique != field.is_unique:
            await (queries.hold_values if is_unique else queries.release_values)(tx, field)
        return await queries.write_custom_field(
            tx,
            field,
            name=field.name if patch.name is UNSET else patch.name,
            options=options,
            is_required=field.is_required if patch.is_required is UNSET else patch.is_required,
            is_unique=is_unique,
            details=details,
        )


def _check(field: CustomField, patch: UpdateCustomField) -> None:
    faults = []
    if patch.type not in (UNSET, field.type):
        message = "The type of a field never changes: create another field, and archive this one"
        faults.append(Fault("/type", "IMMUTABLE", message))
    if patch.options is not UNSET and field.type != "select":
        faults.append(Fault("/options", *OPTIONS_NOT_ALLOWED))
    if faults:
        raise Invalid(faults)
