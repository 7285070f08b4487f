"""How numbers are read, and what a check of many says."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from skipcall.api_keys.model import Caller
from skipcall.do_not_call import queries
from skipcall.do_not_call.model import CheckedNumber, CreateDoNotCallEntry, DoNotCallEntry, Obstacle
from skipcall.errors import Fault, Invalid
from skipcall.phone_numbers.model import read_phone_number
from skipcall.postgres.db import Session
from skipcall.workspaces.queries import get_workspace

# libphonenumber takes 70 µs for a number, and everybody else waits meanwhile.
READ_AT_ONCE = 50


async def create_entry(
    db: Session, caller: Caller, workspace_id: UUID, new: CreateDoNotCallEntry, *, secret: bytes, request_id: str
) -> tuple[DoNotCallEntry, bool]:
    """Put a number on the list; return its entry, and whether it is new. Raises `NotFound` and `Invalid`."""
    number = await read_number(db, caller, workspace_id, new.phone_number, new.region, "/phoneNumber")
    return await queries.create_entry(
        db,
        workspace_id,
        number,
        secret=secret,
        reason=new.reason,
        source=new.source,
        evidence=new.evidence,
        expires_at=new.expires_at,
        api_key_id=caller.api_key_id,
        request_id=request_id,
    )


async def check_numbers(
    db: Session, caller: Caller, workspace_id: UUID, written: Sequence[str], region: str | None, *, secret: bytes
) -> list[CheckedNumber]:
    """Return what the list and the contacts of a workspace say of numbers, in their order. Raises `NotFound`."""
    numbers = await read_numbers(db, caller, workspace_id, written, region)
    known = list(dict.fromkeys(one for one in numbers if one is not None))
    found = dict(zip(known, await queries.check_numbers(db, workspace_id, known, secret=secret), strict=True))
    checked = []
    for text, number in zip(written, numbers, strict=True):
        entry_id, _, is_refused = (None, None, False) if number is None else found[number]
        reasons: list[Obstacle] = [] if number is not None else ["UNREADABLE"]
        if entry_id is not None:
            reasons.append("DO_NOT_CALL")
        if is_refused:
            reasons.append("NOT_ALLOWED")
        checked.append(CheckedNumber(text, number, not reasons, reasons, None if entry_id is None else str(entry_id)))
    return checked


async def read_number(
    db: Session, caller: Caller, workspace_id: UUID, written: str, region: str | None, pointer: str
) -> str:
    """Return a number in E.164. Without a region it is of the workspace's country. Raises `Invalid`."""
    [number] = await read_numbers(db, caller, workspace_id, [written], region)
    if number is None:
        text = "Must be a phone number with its country code, or one of the region"
        raise Invalid([Fault(pointer, "INVALID_PHONE_NUMBER", text)])
    return number


async def read_numbers(
    db: Session, caller: Caller, workspace_id: UUID | None, written: Sequence[str], region: str | None
) -> list[str | None]:
    """Return numbers in E.164, None for what is none. Without a region they are of the workspace's country."""
    if region is None and workspace_id is not None and not all(text.startswith("+") for text in written):
        region = (await get_workspace(db, caller.scope, workspace_id)).default_country
    numbers = []
    for place, text in enumerate(written, 1):
        numbers.append(read_phone_number(text, region or ""))
        if place % READ_AT_ONCE == 0:
            await asyncio.sleep(0)
    return numbers
