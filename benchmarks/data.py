"""The data that is measured on: one organization without a limit to speak of, one workspace, its contacts."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

import msgspec

from skipcall.api_keys.actions import create_api_key
from skipcall.custom_fields.model import Type
from skipcall.custom_fields.queries import create_custom_field
from skipcall.demo.people import people
from skipcall.plans.queries import set_plan, set_subscription
from skipcall.postgres.db import Session, Statement, connect
from skipcall.postgres.migrate import migrate
from skipcall.workspaces.queries import create_organization, create_workspace

REQUESTS_PER_MINUTE = 100_000_000
SECRET = "only-for-benchmarks-" * 2
# Contact n has the id FIRST_ID + n, so that wrk and pgbench can both name a random one without a list.
ID_PREFIX = "0190c0de-0000-7000-8000-"
BATCH_ROWS = 5_000
_TYPED: dict[str, Type] = {"Customer number": "number", "Score": "number", "Renewal": "date", "Segment": "text"}
_FIRST_RENEWAL = date(2025, 2, 15)
_GAP = timedelta(milliseconds=10)  # between one contact and the next
_CALL_GAP = timedelta(seconds=30)  # likewise of last calls, in another order

_CONTACT_COLUMNS = (
    *("workspace_id", "id", "first_name", "last_name", "email", "company", "role", "city", "country", "url"),
    *("linkedin_url", "allow_phone_calls", "phone_numbers", "custom_fields", "call_count", "last_call_at"),
    *("created_at", "updated_at", "last_modification_source"),
)
_EVENT_COLUMNS = ("workspace_id", "type", "object_id", "object_version", "occurred_at", "source")
_COUNT = Statement("INSERT INTO contact_counts (workspace_id, slot, count) VALUES (:workspace_id, 0, :count)")
_LAST_EVENT = Statement("SELECT coalesce(max(id), 0) FROM events WHERE workspace_id = :workspace_id")
_SETTLE = ("VACUUM (ANALYZE) contacts, contact_call_counts", "VACUUM (ANALYZE) events", "CHECKPOINT")


class Tenant(msgspec.Struct, frozen=True):
    """Who asks in a benchmark, and for what."""

    organization_id: UUID
    workspace_id: UUID
    api_key_id: UUID
    key: str
    contacts: int


def contact_id(number: int) -> UUID:
    """Return the id of a contact, counted from 1. Decimal digits are hexadecimal ones too, so ids are in order."""
    return UUID(f"{ID_PREFIX}{number:012}")


async def create_tenant(url: str, contacts: int, *, typed: bool = False) -> Tenant:
    """Make the database ready: migrations, an organization on EXPERT, a key, and contacts with their events.

    `typed` gives each contact two numbers and a date too, and two in three were called; none has the last of these fields.
    """
    db = await connect(url)
    try:
        await migrate(db)
        organization_id = await create_organization(db, "Benchmark")
        workspace_id = await create_bench_workspace(db, organization_id)
        await set_plan(db, organization_id, "EXPERT", REQUESTS_PER_MINUTE)
        await set_subscription(db, organization_id, "ACTIVE", None)
        async with db.transaction():
            key = await create_api_key(
                db,
                organization_id,
                secret=SECRET.encode(),
                mode="LIVE",
                name="benchmark",
                workspace_ids=[workspace_id],
                created_by="benchmark",
            )
        for name in ("Industry", "Team size"):
            await create_custom_field(db, workspace_id, name)
        if typed:
            for name, type_ in _TYPED.items():
                await create_custom_field(db, workspace_id, name, type=type_)
        rows = _contacts(workspace_id, contacts, typed=typed)
        while batch := list(islice(rows, BATCH_ROWS)):
            await db.copy_rows("contacts", _CONTACT_COLUMNS, batch)
            events = [(row[0], "contact.created", row[1], 1, row[-2], "SKIPCALL") for row in batch]
            await db.copy_rows("events", _EVENT_COLUMNS, events)
        await db.execute(_COUNT, workspace_id=workspace_id, count=contacts)
        return Tenant(organization_id, workspace_id, key.id, key.key, contacts)
    finally:
        await db.connection.close()


async def create_bench_workspace(db: Session, organization_id: UUID) -> UUID:
    """Make one more live workspace."""
    return await create_workspace(
        db, organization_id, name="Benchmark", mode="LIVE", default_country="FR", timezone="Europe/Paris"
    )


async def settle(url: str) -> None:
    """Let every run begin from the same state: dead rows gone, a checkpoint just made."""
    db = await connect(url)
    try:
        for sql in _SETTLE:
            await db.connection.execute(sql)  # however long it takes
    finally:
        await db.connection.close()


async def last_event(url: str, tenant: Tenant) -> int:
    """Return the number of the newest event; it grows by one with each change."""
    db = await connect(url)
    try:
        return int(await db.fetch_value(_LAST_EVENT, workspace_id=tenant.workspace_id))
    finally:
        await db.connection.close()


def _contacts(workspace_id: UUID, count: int, *, typed: bool) -> Iterator[tuple[Any, ...]]:
    now = datetime.now(UTC)
    first = now - count * _GAP
    for number, person in enumerate(people(count), 1):
        _, first_name, last_name, email, _, _, _, _, _, company, role, city, country, url, linkedin_url, *rest = person
        custom = dict(zip(("industry", "team_size"), rest, strict=True))
        calls = 0 if number % 3 == 0 or not typed else 20 if number % 1000 == 1 else 1 + number * 7919 % 9
        if typed:
            custom["customer_number"] = str(4_711_000_000 + number)
            custom["score"] = f"{number * 7919 % 10_000 / 100:.2f}"
            custom["renewal"] = (_FIRST_RENEWAL + timedelta(days=number * 7919 % 1000)).isoformat()
        phone_numbers = [f"+3363998{number % 10_000:04}"]
        if number % 3 == 0:
            phone_numbers.append(f"+3319900{number // 10_000 % 10_000:04}")
        if number % 1000 == 2 and typed:
            phone_numbers.append(f"+447700900{number // 1000 % 1000:03}")
        moment = first + number * _GAP
        yield (
            *(workspace_id, contact_id(number), first_name, last_name, email or None, company, role or None, city),
            *(country, url or None, linkedin_url or None, True, phone_numbers),
            msgspec.json.encode({slug: value for slug, value in custom.items() if value}).decode(),
            *(calls, now - number * 7919 % count * _CALL_GAP if calls else None, moment, moment, "SKIPCALL"),
        )
