"""One phone number of a contact: added or removed, whatever the others are."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from skipcall.api_keys.model import Caller
from skipcall.contacts.model import (
    PHONE_NUMBERS_MAX,
    ContactView,
    PhoneNumber,
    TooManyPhoneNumbers,
)
from skipcall.contacts.queries import Written, find_contact, show_written, update_statement
from skipcall.errors import Conflict, Fault, NotFound
from skipcall.phone_numbers.forms import all_forms
from skipcall.phone_numbers.model import E164, phone_number_fault
from skipcall.postgres.db import Session, Statement

ADD_PHONE_NUMBER = update_statement(
    {
        "phone_numbers": f"""CASE WHEN :forms::text[] && b.phone_numbers THEN b.phone_numbers
            ELSE (b.phone_numbers[1 : :position] || :phone_number::text) || b.phone_numbers[:position + 1 : {PHONE_NUMBERS_MAX}] END"""
    },
    accepted=f"cardinality(b.phone_numbers) < {PHONE_NUMBERS_MAX}",
)
REMOVE_PHONE_NUMBER = update_statement(
    {"phone_numbers": "array_remove(b.phone_numbers, :phone_number)"},
    only=" AND :phone_number = ANY(phone_numbers)",
    accepted="cardinality(b.phone_numbers) > 1",
)


class AddPhoneNumber(msgspec.Struct, frozen=True, rename="camel"):
    """A phone number to add."""

    phone_number: Annotated[
        PhoneNumber, Meta(description="In E.164 form", extra_json_schema={"example": "+33639980177"})
    ]
    position: Annotated[
        int, Meta(ge=0, le=PHONE_NUMBERS_MAX - 1, description="How many of the others stand before it; all if so few")
    ] = PHONE_NUMBERS_MAX - 1

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return what the types do not say: whether the number is one."""
        fault = phone_number_fault(fields["phoneNumber"]) if "phoneNumber" in fields else None
        return [Fault("/phoneNumber", *fault)] if fault else []


class LastPhoneNumber(Conflict):
    """The contact has no other number, and must have one."""

    code = "LAST_PHONE_NUMBER"

    def __init__(self) -> None:
        super().__init__("A contact keeps at least one phone number")


async def add_phone_number(
    db: Session,
    caller: Caller,
    id: UUID,
    new: AddPhoneNumber,
    *,
    versions: list[int] | None,
    request_id: str,
    view: ContactView,
) -> Written | None:
    """Add a number to a contact, unless it has it in some form; the answer may be `stale`. None if there is no contact.

    Raises `TooManyPhoneNumbers`.
    """
    forms = all_forms(new.phone_number)
    written = await _write(
        db,
        ADD_PHONE_NUMBER,
        caller,
        id,
        versions,
        request_id,
        view,
        phone_number=new.phone_number,
        forms=forms,
        position=new.position,
    )
    if written is not None and not written.stale and set(forms).isdisjoint(written.contact.phone_numbers):
        raise TooManyPhoneNumbers
    return written


async def remove_phone_number(
    db: Session,
    caller: Caller,
    id: UUID,
    phone_number: str,
    *,
    versions: list[int] | None,
    request_id: str,
    view: ContactView,
) -> Written | None:
    """Remove a number from a contact; the answer may be `stale`. None if there is no contact.

    Raises `NotFound` for the number and `LastPhoneNumber`.
    """
    written = None
    if E164.fullmatch(phone_number):
        written = await _write(
            db, REMOVE_PHONE_NUMBER, caller, id, versions, request_id, view, phone_number=phone_number
        )
    if written is None:
        if await find_contact(db, caller.scope.workspace_ids, id, view) is None:
            return None
        raise NotFound("Phone number")
    if not written.stale and phone_number in written.contact.phone_numbers:
        raise LastPhoneNumber
    return written


async def _write(
    db: Session,
    statement: Statement,
    caller: Caller,
    id: UUID,
    versions: list[int] | None,
    request_id: str,
    view: ContactView,
    **values: Any,
) -> Written | None:
    row = await db.fetch_row(
        statement,
        **values,
        workspace_ids=caller.scope.workspace_ids,
        id=id,
        versions=versions,
        source="API",
        api_key_id=caller.api_key_id,
        request_id=request_id,
        by_slug=view.by_slug,
    )
    if row is None:
        return None
    written = await show_written(db, row, UUID(row["workspace_id"]), view)
    assert isinstance(written, Written)  # no custom field is named
    return written
