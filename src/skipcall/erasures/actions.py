"""Erasing a person: the database in one transaction, the files after it, by whichever worker comes first.

Killed before the commit an erasure has not begun; after it, no answer shows anything of the person, and the files are written
down, to be removed by the worker. Removing twice does no harm, so a worker that is killed leaves the rest to the next one.
"""

import contextlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from skipcall import ids
from skipcall.api_keys.model import Caller
from skipcall.calls.queries import Author
from skipcall.contacts.actions import refuse_missing
from skipcall.contacts.erased import hashes_to_keep
from skipcall.contacts.upserts import hold_upserts
from skipcall.erasures import people, queries
from skipcall.erasures.model import Erasure, Person, Receipt
from skipcall.errors import NotFound, Unavailable
from skipcall.exports.actions import key_of
from skipcall.imports.uploading import key_of as key_of_upload
from skipcall.postgres import leases
from skipcall.postgres.db import Database, Session, Statement
from skipcall.postgres.leases import LeaseLost
from skipcall.sealing import number_hash
from skipcall.storage.model import Storage

# Each further attempt is for somebody who wrote in the milliseconds between two locks.
ATTEMPTS_MAX = 20
IDLE_SECONDS = 1.0


class _Overtaken(Exception):
    """The contacts or their calls are no longer those that were read: begin again."""


async def erase_contact(db: Session, caller: Caller, id: UUID, *, secret: bytes, request_id: str) -> Erasure:
    """Erase a contact, deleted or not, with all that were merged into it; done again, it returns the same erasure.

    Raises `NotFound`, and `ContactMerged` for one that was merged itself.
    """
    workspace_ids = caller.scope.workspace_ids
    found = await _find(db, caller, id)
    async with db.begin() as tx:
        await hold_upserts(tx, workspace_ids, id)
        found = await _find(tx, caller, id)  # another erasure held the lock
        if found["erasure_id"] is not None:
            erasure = await queries.find_erasure(tx, workspace_ids, found["erasure_id"])
            assert erasure is not None  # it is kept for good
            return erasure
        person = await _lock(tx, found["workspace_id"], id)
        return await _erase(
            tx, found["workspace_id"], person, Author("API", caller.api_key_id, request_id), secret=secret
        )


async def find_person(db: Session, caller: Caller, id: UUID) -> list[dict[str, Any]]:
    """Return a contact, deleted or not, and after it all that were merged into it, by column.

    Raises `NotFound`, `ContactErased`, and `ContactMerged` for one that was merged itself.
    """
    contacts = await people.find_contacts(db, caller.scope.workspace_ids, id)
    found = next((one for one in contacts if one["id"] == id), None)
    if found is None or found["erasure_id"] is not None or found["merged_into_id"] is not None:
        await refuse_missing(db, caller, id)
    return sorted(contacts, key=lambda one: one["id"] != id)


async def _find(db: Session, caller: Caller, id: UUID) -> dict[str, Any]:
    contacts = await people.find_contacts(db, caller.scope.workspace_ids, id)
    found = next((one for one in contacts if one["id"] == id), None)
    if found is None:
        raise NotFound("Contact")
    if found["erasure_id"] is None and found["merged_into_id"] is not None:
        await refuse_missing(db, caller, id)
    return found


async def _lock(tx: Session, workspace_id: UUID, id: UUID) -> Person:
    """Lock the calls of a person, then the contacts, and return what was locked."""
    for _ in range(ATTEMPTS_MAX):
        try:
            async with tx.begin():  # a savepoint: undone, it gives the locks back
                read = await _read(tx, workspace_id, id, people.LOCK_CALLS)
                await tx.execute(people.LOCK_CONTACTS, workspace_id=workspace_id, contact_ids=list(read.contacts))
                # No call that came meanwhile is locked now: its writer may be waiting for the contact.
                person = await _read(tx, workspace_id, id, people.LIST_CALLS)
                if person != read:
                    raise _Overtaken
                return person
        except _Overtaken:
            continue
    raise Unavailable("This contact is written all the time; try again")


async def _read(tx: Session, workspace_id: UUID, id: UUID, calls: Statement) -> Person:
    contacts = {one["id"]: one for one in await people.find_contacts(tx, [workspace_id], id)}
    values = await people.find_own_values(tx, workspace_id, list(contacts))
    present = list({number: None for one in contacts.values() for number in one["phone_numbers"]})
    names = await people.find_names_at_numbers(tx, workspace_id, present, list(contacts))
    every = list(dict.fromkeys([*values.get("phoneNumbers", ()), *present]))
    numbers = await people.list_own_numbers(tx, workspace_id, every, list(contacts))
    takers = await people.list_takers(tx, workspace_id, list(contacts))
    call_ids = await people.find_calls(tx, calls, workspace_id, list(contacts), numbers, takers)
    return Person(contacts, values, names, numbers, takers, call_ids)


async def _erase(tx: Session, workspace_id: UUID, person: Person, author: Author, *, secret: bytes) -> Erasure:
    erasure_id, contact_ids = ids.new_id(), list(person.contacts)

    async def count(statement: Any, **values: Any) -> int:
        number: int = await tx.fetch_value(statement, workspace_id=workspace_id, **values)
        return number

    hashes = [one for identity in person.identities() for one in hashes_to_keep(workspace_id, identity, secret)]
    await tx.execute(queries.REFUSE, workspace_id=workspace_id, hashes=hashes)
    marks = await _marks(tx, workspace_id, person)
    done = Receipt(
        refused_by=len(set(hashes)),
        kept_answers=await count(queries.FORGET_ANSWERS, marks=marks),
        reports=await count(queries.FORGET_REPORTS, call_ids=person.call_ids, numbers=person.numbers),
    )
    receipt, object_keys = await queries.erase_calls(tx, workspace_id, person.call_ids, author)
    done.add(receipt)
    others = {"contact_ids": contact_ids, "taker_ids": person.takers}
    done.changes += await count(queries.ERASE_LATER_CHANGES_OF_OTHERS, **others)
    done.merges = await count(queries.ERASE_MERGES_OF_OTHERS, **others)
    done.changes += await count(queries.ERASE_CHANGES_OF_OTHERS, contact_ids=contact_ids)
    done.changes += await count(queries.ERASE_CHANGES, ids=contact_ids)
    done.contacts = await count(queries.ERASE_CONTACTS, ids=contact_ids, erasure_id=erasure_id, **author._asdict())
    done.sequences = await count(queries.FORGET_SEQUENCES, ids=contact_ids)
    done.consents = await count(queries.ERASE_CONSENTS, ids=contact_ids)
    number_hashes = [number_hash(one, secret) for one in person.numbers]
    done.do_not_call = await count(queries.ERASE_DO_NOT_CALL, hashes=number_hashes)
    done.merges += await count(queries.FORGET_MERGES, ids=contact_ids)
    exports = await tx.fetch_rows(queries.END_EXPORTS, workspace_id=workspace_id)
    done.exports = len(exports)
    object_keys += [key_of(one["id"], attempt) for one in exports for attempt in range(1, one["attempts"] + 1)]
    imports = await tx.fetch_rows(queries.END_IMPORTS, workspace_id=workspace_id)
    done.imports = len(imports)
    object_keys += [key_of_upload(one["id"], upload) for one in imports for upload in range(1, one["uploads"] + 1)]
    done.objects = len(object_keys)
    return await queries.keep_erasure(tx, workspace_id, erasure_id, contact_ids, done, object_keys, author)


async def _marks(tx: Session, workspace_id: UUID, person: Person) -> list[str]:
    """Return the texts by which an answer shows that it is about a person."""
    consents = await tx.fetch_rows(
        queries.LIST_CONSENT_IDS, workspace_id=workspace_id, contact_ids=list(person.contacts)
    )
    emails = [*person.values.get("email", ()), *(one["email"] for one in person.contacts.values() if one["email"])]
    every: Sequence[Any] = [*person.contacts, *person.call_ids, *(row["id"] for row in consents)]
    return [*map(str, every), *person.numbers, *emails]


class Eraser:
    """Finishes erasures: removes files, and erases calls that were being written meanwhile."""

    def __init__(self, db: Database, storage: Storage) -> None:
        self._db, self._storage = db, storage

    async def step(self) -> float:
        """Finish one erasure, if one waits; return how many seconds to pause before the next step."""
        claimed = await queries.claim_erasure(self._db, leases.LEASE_SECONDS)
        if claimed is None:
            return IDLE_SECONDS
        with contextlib.suppress(LeaseLost):
            async with queries.leased_erasure(self._db, claimed):
                await self._finish(claimed)
        return 0.0

    async def _finish(self, claimed: queries.Claimed) -> None:
        key = {"workspace_id": claimed.workspace_id, "id": claimed.id}
        object_keys = claimed.object_keys
        async with self._db.begin() as tx:
            call_ids = await people.find_calls(tx, people.LOCK_CALLS, claimed.workspace_id, claimed.contact_ids, [], [])
            if call_ids:
                receipt, more = await queries.erase_calls(tx, claimed.workspace_id, call_ids, Author("SKIPCALL"))
                receipt.objects = len(more)
                await tx.execute(
                    queries.ADD_ERASED, **key, receipt=msgspec.json.encode(receipt).decode(), object_keys=more
                )
                object_keys = [*object_keys, *more]
        await self._storage.delete(object_keys)
        await self._db.execute(queries.COMPLETE_ERASURE, **key, removed=object_keys)

    async def reopen(self, workspace_ids: Sequence[UUID]) -> None:
        """Look for calls that were being written while their contact was erased."""
        await self._db.execute(queries.REOPEN_ERASURES, workspace_ids=workspace_ids)
