"""Undoing an import: batch by batch, from its last event to its first, each in one transaction with the note of where it stands.

Contacts that it made are deleted unless somebody has changed or used them since. Those that it changed get back each old value whose new
one they still have; but nobody is called again who was not to be, and nobody becomes who was erased since.
"""

from collections import ChainMap
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from skipcall.contacts import upserts
from skipcall.contacts.erased import find_erased
from skipcall.contacts.ledger import NAMES, OF_PERSON, Record, Step, known_anew
from skipcall.imports import jobs, queries
from skipcall.imports.jobs import Claimed
from skipcall.imports.queries import Recorded
from skipcall.postgres.db import Database, Session, UniqueViolation

EVENTS_AT_ONCE = 1_000

_COLUMN_OF = {name: column for column, name in NAMES.items()}

_UNIQUE = ("external_id", "custom_fields")  # what another contact may have by now


class Restored(NamedTuple):
    """A contact with its old values, and its values of before it got them, by column."""

    record: Record
    before: dict[str, Any]

    def has_changed(self, column: str) -> bool:
        return bool(self.record.values[column] != self.before[column])

    def leave(self, columns: Iterable[str]) -> None:
        """Take old values away again."""
        self.record.values.update({column: self.before[column] for column in columns})


class Undo:
    """Undoes one import, from where it stands to its end."""

    def __init__(self, db: Database, claimed: Claimed, secret: bytes, lease_seconds: float) -> None:
        self._db, self._claimed, self._secret, self._lease_seconds = db, claimed, secret, lease_seconds
        self._undone = claimed.undone
        self._marker = f"import-{claimed.id}"
        self._author: dict[str, Any] = {
            "source": "API",
            "api_key_id": claimed.api_key_id,
            "request_id": f"undo-{claimed.id}",
        }

    async def run(self) -> bool:
        """Undo all that is left; False if somebody else does."""
        until = self._claimed.last_event_id
        while until > self._claimed.first_event_id:
            async with self._db.begin() as tx:
                if await jobs.lock_import(tx, self._claimed) is None:
                    return False
                until = await self._do(tx, until)
                await jobs.advance_undo(
                    tx,
                    self._claimed,
                    last_event_id=until,
                    undone=self._undone,
                    lease_seconds=self._lease_seconds,
                )
        await jobs.finish_import(self._db, self._claimed, "UNDONE")
        return True

    async def _do(self, tx: Session, until: int) -> int:
        """Undo what is recorded in some events up to one; return up to which one is left."""
        claimed = self._claimed
        first = claimed.first_event_id
        batch = await queries.list_recorded(
            tx, claimed.workspace_id, self._marker, first=first, until=until, limit=EVENTS_AT_ONCE
        )
        by_contact: dict[UUID, list[Recorded]] = {}
        contact_ids = list({one.object_id for one in batch})
        # Nobody changes or uses them from here on, so what is read next is all that has happened to them.
        records, *_ = await upserts.find_holders(tx, claimed.workspace_id, [], self._secret, (), contact_ids)
        used = await queries.list_used(tx, claimed.workspace_id, contact_ids)
        for event in await queries.list_recorded_of(tx, claimed.workspace_id, contact_ids, first=first):
            by_contact.setdefault(event.object_id, []).append(event)
        # With a later event of the import a contact is done already, with all of its events.
        due = {
            id: events
            for id, events in by_contact.items()
            if not any(one.request_id == self._marker and one.id > until for one in events)
        }
        records = [one for one in records if one.id in due]
        self._undone.gone += len(due) - len(records)
        deleted: list[UUID] = []
        restored: list[Restored] = []
        left: set[UUID] = set()  # contacts of which not everything is given back
        for record in records:
            events = due[record.id]
            if not any(one.type == "contact.created" and one.request_id == self._marker for one in events):
                restored.append(Restored(record, dict(record.values)))
                if self._take_back(record, events):
                    left.add(record.id)
            elif record.id not in used and all(one.request_id == self._marker for one in events):
                deleted.append(record.id)
            else:
                self._undone.changed += 1
        await queries.delete_contacts(tx, claimed.workspace_id, deleted, **self._author)
        self._undone.deleted += len(deleted)
        left |= await self._leave_erased(tx, restored)
        self._undone.changed += len(left)
        changed = [one for one in restored if any(map(one.has_changed, one.before))]
        for one in changed:
            one.record.version += 1
        await self._write(tx, changed)
        return batch[-1].id - 1 if len(batch) == EVENTS_AT_ONCE else first

    def _take_back(self, record: Record, events: Sequence[Recorded]) -> bool:
        """Give a contact back the old values whose new ones it still has, newest first; return whether something is left."""
        was_allowed, values = record.values["allow_phone_calls"], record.values
        values["custom_fields"] = dict(values["custom_fields"])
        is_left = False
        for event in events:
            if event.request_id != self._marker:
                continue
            for name, (old, new) in event.changes.items():
                place, pairs = values, {_COLUMN_OF[name]: (old, new)}
                if name == "customFields":
                    place = values["custom_fields"]
                    pairs = {slug: (old.get(slug), new.get(slug)) for slug in old.keys() | new.keys()}
                for key, (old_value, new_value) in pairs.items():
                    if old_value == new_value:
                        continue
                    if place.get(key) == new_value:
                        place[key] = old_value
                    else:
                        is_left = True
        values["custom_fields"] = {slug: one for slug, one in values["custom_fields"].items() if one is not None}
        # Somebody may have refused since: that shows in no value, as it was false already.
        if values["allow_phone_calls"] and not was_allowed:
            values["allow_phone_calls"], is_left = False, True
        return is_left

    async def _leave_erased(self, tx: Session, restored: Sequence[Restored]) -> set[UUID]:
        """Take away again what would make somebody into a person who was erased; return whose it was."""
        people = [dict(ChainMap(*known_anew(one.before, one.record.values))) for one in restored]
        erased = await find_erased(tx, self._claimed.workspace_id, people, self._secret)
        left = [one for one, is_erased in zip(restored, erased, strict=True) if is_erased]
        for one in left:
            one.leave(OF_PERSON)
        return {one.record.id for one in left}

    async def _write(self, tx: Session, restored: Sequence[Restored]) -> None:
        """Write contacts, all at once or, if another one now has a value that must be unique, by halves; then without such values."""
        if not restored:
            return
        try:
            async with tx.transaction():
                await upserts.write_contacts(
                    tx,
                    self._claimed.workspace_id,
                    [one.record for one in restored],
                    [_step(one) for one in restored],
                    **self._author,
                )
                self._undone.restored += len(restored)
        except UniqueViolation:
            if len(restored) == 1:
                self._undone.taken += 1
                restored[0].leave(_UNIQUE)
                if any(map(restored[0].has_changed, restored[0].before)):
                    await self._write(tx, restored)
                return
            half = len(restored) // 2
            await self._write(tx, restored[:half])
            await self._write(tx, restored[half:])


def _step(restored: Restored) -> Step:
    record, before = restored
    changes = {
        NAMES[column]: [old, record.values[column]] for column, old in before.items() if restored.has_changed(column)
    }
    return Step("contact.updated", record.id, record.version, changes)
