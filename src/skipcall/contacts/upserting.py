"""Upserts: what is read, decided and written in one transaction."""

import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from uuid import UUID

import msgspec
from msgspec import UNSET

from skipcall.api_keys.model import Caller
from skipcall.contacts import queries, upserts
from skipcall.contacts.actions import GIVEN_TWICE, Suggestions, fields_by_key, wrong_values
from skipcall.contacts.model import Contact, ContactView, CustomValueTaken, UnknownCustomField
from skipcall.contacts.upsert_model import (
    COLUMNS,
    Given,
    Ledger,
    Outcome,
    Upsert,
    UpsertContact,
    UpsertOptions,
    has_key,
    placed,
    refused,
)
from skipcall.custom_fields import queries as custom_fields
from skipcall.custom_fields.model import Definition, read_value
from skipcall.errors import Fault, Invalid, NotFound, Refusal, Unavailable
from skipcall.postgres.db import Session, UniqueViolation


class Upserted(msgspec.Struct, frozen=True):
    """What became of each item. `names_used` are names of custom fields that were given, by slug."""

    outcomes: list[Outcome]
    names_used: dict[str, str]


async def upsert_contact(
    db: Session, caller: Caller, workspace_id: UUID, body: Upsert, *, request_id: str, view: ContactView
) -> tuple[Outcome, dict[str, str], Contact, int]:
    """Create or change the contact that the keys lead to.

    Returns the outcome, names of custom fields that were given, the contact and its version. Raises `NotFound` for another
    workspace, `AmbiguousMatch`, `CustomValueTaken`, `UnknownCustomField` and `Invalid`.
    """
    async with _transaction(db, dry_run=body.dry_run) as tx:
        done = await _upsert(tx, caller, workspace_id, body, [body.contact], request_id)
        (outcome,) = done.outcomes
        if outcome.refusal is not None:
            raise _placed(outcome.refusal, "/contact")
        assert outcome.record is not None  # nothing else is left
        found = await queries.find_contact(
            tx,
            [workspace_id],
            outcome.record.id,
            by_slug=view.custom_field_keys == "slug",
            included=view.included,
        )
        assert found is not None  # its row is locked
    return outcome, done.names_used, *found


async def upsert_contacts(
    db: Session,
    caller: Caller,
    workspace_id: UUID,
    options: UpsertOptions,
    items: Sequence[UpsertContact | Invalid],
    *,
    request_id: str,
) -> Upserted:
    """Do the same for many, one after the other; an item that was found invalid comes as such and stays so.

    Raises `NotFound` for another workspace.
    """
    async with _transaction(db, dry_run=options.dry_run) as tx:
        return await _upsert_apart(tx, caller, workspace_id, options, items, request_id)


async def _upsert_apart(
    tx: Session,
    caller: Caller,
    workspace_id: UUID,
    options: UpsertOptions,
    items: Sequence[UpsertContact | Invalid],
    request_id: str,
) -> Upserted:
    """Upsert all items at once or, if the value of a unique field is in the way, by halves: so one item alone is refused."""
    try:
        async with tx.transaction():
            return await _upsert(tx, caller, workspace_id, options, items, request_id)
    except CustomValueTaken as taken:
        if len(items) == 1:
            return Upserted([refused(taken)], {})
    half = len(items) // 2
    first = await _upsert_apart(tx, caller, workspace_id, options, items[:half], request_id)
    second = await _upsert_apart(tx, caller, workspace_id, options, items[half:], request_id)
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


async def _upsert(
    tx: Session,
    caller: Caller,
    workspace_id: UUID,
    options: UpsertOptions,
    items: Sequence[UpsertContact | Invalid],
    request_id: str,
) -> Upserted:
    if workspace_id not in caller.scope.workspace_ids:
        raise NotFound("Workspace")
    # Of all fields, since a contact that is created may lack a required one.
    definitions = await custom_fields.list_definitions(tx, workspace_id)
    known = fields_by_key(definitions)
    suggestions = Suggestions(known)
    read = [_read(one, options, known, suggestions) for one in items]
    records, folded = await upserts.find_holders(tx, workspace_id, [one for one in read if isinstance(one, Given)])
    ledger = Ledger(records, folded, options, [one.slug for one in definitions if one.is_required])
    outcomes = [ledger.apply(one) if isinstance(one, Given) else refused(one) for one in read]
    if ledger.steps:
        try:
            await upserts.write_contacts(
                tx,
                workspace_id,
                ledger.written.values(),
                ledger.steps,
                source="API",
                api_key_id=caller.api_key_id,
                request_id=request_id,
            )
        except UniqueViolation as violation:
            queries.raise_if_taken(violation)
            raise
    given = (key for one in items if isinstance(one, UpsertContact) for key in one.custom_fields or ())
    names = {known[key].slug: key for key in given if key in known and known[key].slug != key}
    return Upserted(outcomes, names)


def _read(
    item: UpsertContact | Invalid, options: UpsertOptions, known: Mapping[str, Definition], suggestions: Suggestions
) -> Given | Invalid:
    """Return what an item gives, or why it cannot be taken as it is."""
    if isinstance(item, Invalid):
        return item
    given_fields = item.custom_fields or {}
    unknown = [key for key in given_fields if key not in known]
    if unknown:
        return UnknownCustomField(suggestions.faults(unknown))
    custom_values = {known[key].slug: value for key, value in given_fields.items()}
    if len(custom_values) < len(given_fields):
        return Invalid([GIVEN_TWICE])
    read = {key: read_value(known[key], value) for key, value in given_fields.items() if value}
    wrong = {key: value for key, value in given_fields.items() if value and read[key] is None}
    faults = zip((known[key].slug for key in wrong), wrong_values(known, wrong), strict=True)
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
    if isinstance(refusal, Invalid):
        return type(refusal)([placed(fault, place) for fault in refusal.faults])
    return refusal
