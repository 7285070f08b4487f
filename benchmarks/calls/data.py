"""Years of believable calls: the same distributions in every database, and its own number of calls.

Users call through sessions of a sequence in working hours; contacts are worked off in the order of a list, several attempts
each. A few contacts and values are there for the filters: enough of them for a page of 100 also among the fewest calls.
"""

import asyncio
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from benchmarks.data import Tenant, contact_id, create_tenant
from skipcall import ids
from skipcall.calls.model import result_of
from skipcall.calls.months import ensure_months
from skipcall.clock import now
from skipcall.phone_numbers.queries import create_phone_number
from skipcall.postgres.db import Session, Statement, connect
from skipcall.users.queries import create_member

MONTHS = 36
SEED = 1_968
FULL_MONTH_SHARE = 0.06  # of all calls, in the last whole month: 300,000 of 5 million
USERS = 60
SEQUENCES = 12
SESSION_CALLS = (9, 17)
ATTEMPTS = 7  # calls to a contact before the list moves on
CONTACTS_AT_ONCE = 2_000
REGULARS = 10  # contacts with a share of all calls each
REGULAR_SHARE = 0.02
BATCH_CALLS = 20_000
DRAWN = 8_192  # kinds of calls to choose from
FIRST_HOUR, HOURS = 8, 11  # of a working day, UTC

# Of 10,000 calls; the second half of a name is who or what answered.
_OUTCOMES = {
    "no-answer": 4_180,
    "completed machine": 2_300,
    "completed human": 2_600,
    "busy": 500,
    "failed": 300,
    "canceled": 100,
    "abandoned": 20,
}
_CONVERSATION_TAGS = {0: 1_300, 1: 4_000, 2: 3_200, 3: 600, None: 820, 4: 80}  # of 10,000 conversations
LABELS = ("Rendez-vous", "Sans intérêt", "Rappel", "Faux numéro", "Hors cible")  # the last one is rare
_NOTES = ("Rappeler après le 15.", "Démo calée mardi 10 h avec son associée.", "Déjà équipés jusqu'à fin 2027.", None)

_CALL_COLUMNS = tuple(
    """workspace_id id provider source_id provider_call_id admin_provider_id call_type type status result started_at
    ringing_at answered_at ended_at ring_seconds talk_seconds duration_seconds answered_by abandoned contact_id contact_matches
    phone_number caller_phone_number managed_phone_number_id organization_membership_id sequence_id sequence_run_id
    synced_with_crm_at notes external_id has_recording created_at updated_at deleted_at last_modification_source""".split()
)
_RUN_COLUMNS = ("workspace_id", "id", "sequence_id", "organization_membership_id", "started_at")
_TAG_COLUMNS = ("workspace_id", "call_id", "tag_id", "created_at", "is_call_deleted")
_EVENT_COLUMNS = ("workspace_id", "type", "object_id", "object_version", "occurred_at", "source")
_CREATE_SEQUENCE = Statement(
    """
    INSERT INTO sequences (workspace_id, id, name, creator_id, status)
    VALUES (:workspace_id, :id, :name, :creator_id, 'ACTIVE')
    """
)
_CREATE_TAG = Statement(
    "INSERT INTO tags (workspace_id, id, label, is_success_tag) VALUES (:workspace_id, :id, :label, :is_success_tag)"
)
_CREATE_SOURCE = Statement(
    """
    INSERT INTO telephony_sources (id, workspace_id, name, provider, timezone, default_country)
    VALUES (:id, :workspace_id, 'Past', 'TWILIO', 'Europe/Paris', 'FR')
    """
)
# Most of the time of a bulk load would go into keeping twenty indexes, and checks that what was just made is there. What counts
# and sums calls acts in each COPY as ever; what sums tags acts once, below. A crash in the middle is the end of the run anyway.
_INDEXES = Statement(
    "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'calls' AND indexname <> 'calls_pkey' ORDER BY 1"
)
_COUNTING = ("count_inserted_calls", "sum_inserted_calls")
_BEGIN_LOAD = (
    "SET synchronous_commit = off",
    "SET session_replication_role = replica",
    "SET maintenance_work_mem = '512MB'",
    *(f"ALTER TABLE calls ENABLE ALWAYS TRIGGER {name}" for name in _COUNTING),
)
_END_LOAD = tuple(f"ALTER TABLE calls ENABLE TRIGGER {name}" for name in _COUNTING)
_SUM_TAGS = Statement(
    """
    SELECT move_tag_statistics(array_agg(ROW(
        1, c.workspace_id, c.id, c.started_at, c.contact_id, c.sequence_id, c.organization_membership_id, c.call_type,
        c.type, c.status, c.result, c.talk_seconds, t.tag_id
    )::call_step))
    FROM calls c JOIN call_tags t ON t.workspace_id = c.workspace_id AND t.call_id = c.id
    WHERE c.id >= :first AND c.id < :end AND c.deleted_at IS NULL
    """
)
_SETTLE = ("VACUUM (ANALYZE)", "CHECKPOINT")


class People(msgspec.Struct, frozen=True):
    """Who calls, with which number, for what, and what may come of it; `months` are those of the calls, oldest first."""

    source_id: UUID
    members: list[UUID]
    numbers: list[tuple[UUID, str]]
    sequences: list[UUID]
    tags: list[UUID]
    months: list[datetime]


class Made(msgspec.Struct, frozen=True):
    """A workspace with its calls, and values that filters find something by."""

    url: str
    tenant: Tenant
    people: People
    calls: int
    runs: list[UUID]  # some, of all times


class _Batch(msgspec.Struct, frozen=True):
    runs: list[tuple[Any, ...]] = []
    calls: list[tuple[Any, ...]] = []
    tags: list[tuple[Any, ...]] = []
    events: list[tuple[Any, ...]] = []


class _Kind(NamedTuple):
    """What calls have in common. `tag` is a place among the tags."""

    status: str
    result: str
    answered_by: str | None
    abandoned: bool
    ring_seconds: int
    talk_seconds: int | None
    tag: int | None
    notes: str | None
    has_recording: bool
    is_session: bool
    is_inbound: bool


async def make_calls(url: str, contacts: int, calls: int) -> Made:
    """Fill an empty database: migrations, a workspace, its contacts, and its calls in the order of their ids."""
    tenant = await create_tenant(url, contacts)
    db = await connect(url)
    try:
        people = await _make_people(db, tenant)
        await ensure_months(db, people.months)
        indexes = [(row["indexname"], row["indexdef"]) for row in await db.fetch_rows(_INDEXES)]
        for text in (*_BEGIN_LOAD, *(f"DROP INDEX {name}" for name, _ in indexes)):
            await db.connection.execute(text)
        batches = _batches(tenant, people, calls)
        runs: list[UUID] = []
        batch = next(batches, None)
        while batch is not None:
            async with db.transaction():
                # The next batch is made while the database takes this one.
                following = asyncio.create_task(asyncio.to_thread(next, batches, None))
                await db.copy_rows("sequence_runs", _RUN_COLUMNS, batch.runs)
                await db.copy_rows("calls", _CALL_COLUMNS, batch.calls)
                await db.copy_rows("call_tags", _TAG_COLUMNS, batch.tags)
                await db.copy_rows("events", _EVENT_COLUMNS, batch.events)
            runs += [row[1] for row in batch.runs[:: max(1, len(batch.runs) // 10)]]
            batch = await following
        for text in (*_END_LOAD, *(one.replace(" ON ONLY ", " ON ") for _, one in indexes), *_SETTLE):
            await db.connection.execute(text)
        edges = [_first_id(month) for month in (*people.months, now())]
        for first, end in pairwise(edges):
            await db.connection.execute(_SUM_TAGS.text, first, end)
        return Made(url, tenant, people, calls, runs)
    finally:
        await db.connection.close()


def _first_id(moment: datetime) -> UUID:
    """Return the least id of a moment's millisecond."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


async def _make_people(db: Session, tenant: Tenant) -> People:
    space = tenant.workspace_id
    members, numbers, sequences, tags = [], [], [], []
    for number in range(USERS):
        member = await create_member(
            db,
            tenant.organization_id,
            [space],
            email=f"user{number}@example.com",
            first_name="Camille",
            last_name=f"Moreau {number}",
            role="MEMBER",
            status="ACTIVE",
        )
        members.append(member)
        value = f"+331990042{number:02}"
        managed = await create_phone_number(db, space, value, country="FR", label=None)
        numbers.append((UUID(managed.id), value))
    for number in range(SEQUENCES):
        sequences.append(ids.new_id())
        name = f"Séquence {number}"
        await db.execute(_CREATE_SEQUENCE, workspace_id=space, id=sequences[-1], name=name, creator_id=members[0])
    for number, label in enumerate(LABELS):
        tags.append(ids.new_id())
        await db.execute(_CREATE_TAG, workspace_id=space, id=tags[-1], label=label, is_success_tag=number == 0)
    source_id = ids.new_id()
    await db.execute(_CREATE_SOURCE, id=source_id, workspace_id=space)
    return People(source_id, members, numbers, sequences, tags, _months(now()))


def _months(moment: datetime) -> list[datetime]:
    """Return the first moments of the whole months before a moment, oldest first."""
    last = moment.year * 12 + moment.month - 1
    return [datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC) for number in range(last - MONTHS, last)]


def _moments(months: Sequence[datetime], calls: int, draw: random.Random) -> Iterator[datetime]:
    """Yield the starts of so many calls, each later than the one before, in working hours."""
    in_last = round(calls * FULL_MONTH_SHARE)
    before = calls - in_last
    counts = [before * (place + 1) // (MONTHS - 1) - before * place // (MONTHS - 1) for place in range(MONTHS - 1)]
    for month, count in zip(months, [*counts, in_last], strict=True):
        days = [month + timedelta(days=day) for day in range(31)]
        days = [day.replace(hour=FIRST_HOUR) for day in days if day.month == month.month and day.weekday() < 5]
        milliseconds = len(days) * HOURS * 3_600_000
        for number in range(count):
            day, rest = divmod(int((number + draw.random()) * milliseconds / count), HOURS * 3_600_000)
            yield days[day] + timedelta(milliseconds=rest)


def _batches(tenant: Tenant, people: People, calls: int) -> Iterator[_Batch]:
    draw = random.Random(SEED)
    kinds = [_kind(draw) for _ in range(DRAWN)]
    sessions: list[tuple[UUID, UUID, int]] = [(people.sequences[0], people.sequences[0], 0)] * USERS  # of each user
    batch = _Batch()
    for number, moment in enumerate(_moments(people.months, calls, draw)):
        kind = kinds[int(draw.random() * DRAWN)]
        user = int(draw.random() * USERS)
        sequence_id = run_id = None
        if kind.is_session:
            sequence_id, run_id, left = sessions[user]
            if not left:
                sequence_id, run_id, left = (
                    draw.choice(people.sequences),
                    ids.id_at(moment),
                    draw.randint(*SESSION_CALLS),
                )
                batch.runs.append((tenant.workspace_id, run_id, sequence_id, people.members[user], moment))
            sessions[user] = sequence_id, run_id, left - 1
        contact = int(draw.random() * CONTACTS_AT_ONCE) + number // ATTEMPTS
        if draw.random() < REGULAR_SHARE:
            contact = int(draw.random() * REGULARS)
        row = _row(tenant, people, kind, number, moment, user, contact % tenant.contacts + 1, sequence_id, run_id)
        batch.calls.append(row)
        if kind.tag is not None:
            batch.tags.append((tenant.workspace_id, row[1], people.tags[kind.tag], moment, row[-2] is not None))
        batch.events.append((tenant.workspace_id, "call.completed", row[1], 1, row[-3], "SKIPCALL"))
        if len(batch.calls) == BATCH_CALLS:
            yield batch
            batch = _Batch()
    yield batch


def _row(
    tenant: Tenant,
    people: People,
    kind: _Kind,
    number: int,
    moment: datetime,
    user: int,
    contact: int,
    sequence_id: UUID | None,
    run_id: UUID | None,
) -> tuple[Any, ...]:
    id = ids.id_at(moment)
    is_known = number % 20 > 0
    ringing = moment + timedelta(seconds=1)
    ended = ringing + timedelta(seconds=kind.ring_seconds + (kind.talk_seconds or 0))
    answered = None if kind.talk_seconds is None else ringing + timedelta(seconds=kind.ring_seconds)
    managed_id, managed = people.numbers[user]
    name = f"CA{id.hex}"
    return (
        *(tenant.workspace_id, id, "TWILIO", people.source_id, name, name),
        *("CALL_SESSION" if kind.is_session else "DIRECT_CALL", "inbound" if kind.is_inbound else "outbound"),
        *(kind.status, kind.result, moment, ringing, answered, ended),
        *(kind.ring_seconds, kind.talk_seconds, 1 + kind.ring_seconds + (kind.talk_seconds or 0)),
        *(kind.answered_by, kind.abandoned, contact_id(contact) if is_known else None, 1 if is_known else 0),
        *(f"+3363998{contact % 10_000:04}", managed, managed_id, people.members[user], sequence_id, run_id),
        *(ended if number % 10 < 7 else None, kind.notes, f"crm-{number}" if number % 2 else None),
        *(kind.has_recording, moment, ended, ended if number % 200 == 199 else None, "SKIPCALL"),
    )


def _kind(draw: random.Random) -> _Kind:
    [outcome] = draw.choices(list(_OUTCOMES), list(_OUTCOMES.values()))
    status, _, answered_by = ("completed human" if outcome == "abandoned" else outcome).partition(" ")
    talk, tag = None, None
    if outcome == "abandoned":
        talk = draw.randint(1, 4)
    elif answered_by == "machine":
        talk = draw.randint(3, 35)
    elif answered_by == "human":
        talk = min(3_000, 12 + int(draw.lognormvariate(4.3, 0.9)))
        [tag] = draw.choices(list(_CONVERSATION_TAGS), list(_CONVERSATION_TAGS.values()))
    is_inbound = draw.random() < 0.08
    return _Kind(
        status=status,
        result="ABANDONED" if outcome == "abandoned" else result_of(status, answered_by or None, talk),
        answered_by=answered_by or None,
        abandoned=outcome == "abandoned",
        ring_seconds=draw.randint(3, 28),
        talk_seconds=talk,
        tag=tag,
        notes=draw.choice(_NOTES) if tag is not None else None,
        has_recording=talk is not None and draw.random() < 0.9,
        is_session=not is_inbound and draw.random() < 0.9,
        is_inbound=is_inbound,
    )
