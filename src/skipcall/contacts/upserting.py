"""Upserts: what is read, decided and written in one transaction."""

import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from uuid import UUID

import msgspec
from msgspec import UNSET

from skipcall.api_keys.model import Caller
from skipcall.contacts import queries, upserts
from skipcall.contacts.actions import GIVEN_TWICE, Suggestions, fields_by_key, wrong_values
from skipcall.contacts.erased import ErasedKeys
from skipcall.contacts.ledger import COLUMNS, Given, Ledger, Outcome, Record, has_key, refused
from skipcall.contacts.model import (
    Contact,
    CreateContactQuery,
    CustomValueTaken,
    UnknownCustomField,
)
from skipcall.contacts.upsert_model import Upsert, UpsertContact, UpsertOptions, placed
from skipcall.custom_fields import queries as custom_fields
from skipcall.custom_fields.model import Definition, read_value
from skipcall.errors import Fault, Invalid, NotFound, Refusal, Unavailable
from skipcall.postgres.db import Session, UniqueViolation


class Upserted(msgspec.Struct, frozen=True):
    """What became of each item. `names_used` are names of custom fields that were given, by slug."""

    outcomes: list[Outcome]
    names_used: dict[str, str]


class _By(msgspec.Struct, frozen=True):
    """Who writes where, and by what people who were erased are recognised."""

    caller: Caller
    workspace_id: UUID
    secret: bytes
    request_id: str
    allow_erased: bool = False


async def upsert_contact(
    db: Session,
    caller: Caller,
    workspace_id: UUID,
    body: Upsert,
    *,
    secret: bytes,
    request_id: str,
    view: CreateContactQuery,
) -> tuple[Outcome, dict[str, str], Contact, int]:
    """Create or change the contact that the keys lead to.

    Returns the outcome, names of custom fields that were given, the contact and its version. Raises `NotFound` for another
    workspace, `AmbiguousMatch`, `PersonErased`, `CustomValueTaken`, `UnknownCustomField` and `Invalid`.
    """
    by = _By(caller, workspace_id, secret, request_id, view.allow_erased)
    async with _transaction(db, dry_run=body.dry_run) as tx:
        done = await _upsert(tx, by, body, [body.contact])
        (outcome,) = done.outcomes
        if outcome.refusal is not None:
            raise _placed(outcome.refusal, "/contact")
        assert outcome.record is not None  # nothing else is left
        found = await queries.find_contact(tx, [workspace_id], outcome.record.id, view)
        assert found is not None  # its row is locked
    return outcome, done.names_used, *found


async def upsert_contacts(
    db: Session,
    caller: Caller,
    workspace_id: UUID,
    options: UpsertOptions,
    items: Sequence[UpsertContact | Invalid],
    *,
    secret: bytes,
    request_id: str,
) -> Upserted:
    """Do the same for many, one after the other; an item that was found invalid comes as such and stays so.

    Raises `NotFound` for another workspace.
    """
    async with _transaction(db, dry_run=options.dry_run) as tx:
        return await _upsert_apart(tx, _By(caller, workspace_id, secret, request_id), options, items)


async def _upsert_apart(
    tx: Session, by: _By, options: UpsertOptions, items: Sequence[UpsertContact | Invalid]
) -> Upserted:
    """Upsert all items at once or, if the value of a unique field is in the way, by halves: so one item alone is refused."""
    try:
        async with tx.transaction():
            return await _upsert(tx, by, options, items)
    except CustomValueTaken as taken:
        if len(items) == 1:
            return Upserted([refused(taken)], {})
    half = len(items) // 2
    first = await _upsert_apart(tx, by, options, items[:half])
    second = await _upsert_apart(tx, by, options, items[half:])
    return Upserted([*first.outcomes, *second.outcomes], first.names_used | second.names_used)


class _TakenBack(Exception):
    pass


@contextlib.asynccontextmanager
async def _transaction(db: Session, *, dry_run: bool) -> AsyncGenerator[Session]:
    """Lend a transaction. That of a dry run does everything and is taken back, so that its answer is the real one."""
    try:
        async with db.begin() as tx:
            yield tx
            if dry_run:
                raise _TakenBack
    except _TakenBack:
        pass
    except UniqueViolation as violation:
        queries.raise_if_taken(violation)
        # Somebody who writes an externalId in another way, for example brings a deleted contact back.
        raise Unavailable("Somebody else has just written an externalId of this request; try again") from violation


async def _upsert(tx: Session, by: _By, options: UpsertOptions, items: Sequence[UpsertContact | Invalid]) -> Upserted:
    workspace_id = by.workspace_id
    if workspace_id not in by.caller.scope.workspace_ids:
        raise NotFound("Workspace")
    # Of all fields, since a contact that is created may lack a required one.
    definitions = await custom_fields.list_definitions(tx, workspace_id)
    known = fields_by_key(definitions)
    suggestions = Suggestions({key: one.slug for key, one in known.items()})
    read = [_read(one, options, known, suggestions) for one in items]
    given = [one for one in read if isinstance(one, Given)]
    unique = [one.slug for one in definitions if one.is_unique]
    records, folded, erased = await upserts.find_holders(tx, workspace_id, given, by.secret, unique_slugs=unique)
    required = [one.slug for one in definitions if one.is_required]

    def begin(records: Sequence[Record]) -> Ledger:
        return Ledger(records, folded, options, required, unique, erased.of)

    ledger, applied = await apply_all(tx, begin, records, given, erased, allow_erased=by.allow_erased)
    explained = iter(await explain(tx, workspace_id, given, applied))
    outcomes = [next(explained) if isinstance(one, Given) else refused(one) for one in read]
    if ledger.steps:
        try:
            await upserts.write_contacts(
                tx,
                workspace_id,
                ledger.written.values(),
                ledger.steps,
                source="API",
                api_key_id=by.caller.api_key_id,
                request_id=by.request_id,
            )
        except UniqueViolation as violation:
            queries.raise_if_taken(violation)
            raise
    keys = (key for one in items if isinstance(one, UpsertContact) for key in one.custom_fields or ())
    names = {known[key].slug: key for key in keys if key in known and known[key].slug != key}
    return Upserted(outcomes, names)


async def apply_all(
    tx: Session,
    begin: Callable[[Sequence[Record]], Ledger],
    records: Sequence[Record],
    given: Sequence[Given],
    erased: ErasedKeys,
    *,
    allow_erased: bool = False,
) -> tuple[Ledger, list[Outcome]]:
    """Apply items to contacts, one after the other, in a ledger that is begun with these.

    It is begun anew if an item and a contact together came out as somebody who was erased.
    """
    while True:
        ledger = begin([msgspec.structs.replace(one) for one in records])
        outcomes = [ledger.apply(one, allow_erased=allow_erased) for one in given]
        if not await erased.ask(tx):
            return ledger, outcomes


async def explain(
    tx: Session, workspace_id: UUID, given: Sequence[Given], outcomes: Sequence[Outcome]
) -> list[Outcome]:
    """Return the outcomes of items; those whose id is not found tell what became of the contact, if it was merged or erased."""
    missing = [
        one.id
        for one, outcome in zip(given, outcomes, strict=True)
        if one.id and outcome.refusal and any(fault.code == "UNKNOWN_CONTACT" for fault in outcome.refusal.faults)
    ]
    gone = await queries.find_gone(tx, [workspace_id], missing) if missing else {}
    return [refused(gone[one.id]) if one.id in gone else outcome for one, outcome in zip(given, outcomes, strict=True)]


def _read(
    item: UpsertContact | Invalid, options: UpsertOptions, known: Mapping[str, Definition], suggestions: Suggestions
) -> Given | Invalid:
    """Return what an item gives, or why it cannot be taken as it is."""
    if isinstance(item, Invalid):
        return item
    given_fields = item.custom_fields or {}
    unknown = [key for key in given_fields if key not in known]
    custom_values = {known[key].slug: value for key, value in given_fields.items() if key in known}
    read = {key: read_value(known[key], value) for key, value in given_fields.items() if value and key in known}
    wrong = {key: given_fields[key] or "" for key, one in read.items() if one is None}
    refused_values = wrong_values(known, wrong)
    of_keys = suggestions.faults(unknown)
    if len(custom_values) + len(unknown) < len(given_fields):
        of_keys.append(GIVEN_TWICE)
    if of_keys:
        return (UnknownCustomField if unknown else Invalid)([*of_keys, *refused_values])
    faults = zip((known[key].slug for key in wrong), refused_values, strict=True)
    forms = {known[key].slug: form for key, form in read.items() if form is not None}
    values = {name: value for name in COLUMNS if (value := getattr(item, name)) is not UNSET}
    given = Given(item.id or None, values, custom_values, forms, dict(faults))
    if not has_key(given, options.match):
        return Invalid(
            [Fault("", "REQUIRED", "One of the properties that `match` names is needed, to find the contact")]
        )
    return given


def _placed(refusal: Refusal, place: str) -> Refusal:
    """Return a refusal of an item as one of the request, where the item stands at `place`."""
    if isinstance(refusal, Invalid | CustomValueTaken):
        return type(refusal)([placed(fault, place) for fault in refusal.faults])
    return refusal
