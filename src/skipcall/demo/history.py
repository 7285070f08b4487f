"""Stores the demo's calls: sequences, their runs, managed numbers, calls, tags, and a few recordings with their transcripts."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from math import ceil
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from skipcall import clock, ids
from skipcall.calls.model import result_of
from skipcall.calls.months import ensure_months
from skipcall.contacts import listing as contact_lists
from skipcall.contacts.model import Contact, ContactView
from skipcall.demo.calls import DemoCall, invent_calls
from skipcall.demo.sounds import make_recording
from skipcall.events.queries import COLUMNS as EVENT_COLUMNS
from skipcall.page import FIRST_ID
from skipcall.phone_numbers import queries as phone_numbers
from skipcall.postgres.db import Database, Session, Statement
from skipcall.recordings.actions import Archive, Author, store_recording
from skipcall.sequences import contacts as sequence_contacts
from skipcall.sequences import queries as sequences
from skipcall.tags import queries as tags
from skipcall.transcriptions import queries as transcriptions
from skipcall.users import queries as users
from skipcall.users.model import WorkspaceMember
from skipcall.workspaces.model import Workspace

CONTACTS_MAX = 2_000
CALLED_SHARE = 0.85  # of the contacts; the others are still to be called
SEQUENCES = ("Directions financières, Île-de-France", "Salon de Lyon, relances", "Anciens clients")
NUMBER_PREFIX = "+331990042"  # kept for fiction in France, as are those of `people`
UNKNOWN_NUMBER = "+33536490099"
RECORDINGS = 4
RECORDING_SECONDS_MAX = 20
DIALOGUE = (
    "Bonjour, Atelier Démo, vous avez une minute ?",
    "Bonjour. Allez-y, mais vite.",
    "Je vous rappelle demain à dix heures ?",
    "Oui, très bien.",
)
SUMMARY = "La personne est occupée et accepte d'être rappelée demain à 10 h."
CALL_COLUMNS = tuple(
    """workspace_id id provider call_type type status result started_at ringing_at answered_at ended_at ring_seconds
    talk_seconds duration_seconds answered_by contact_id contact_matches phone_number caller_phone_number
    managed_phone_number_id organization_membership_id sequence_id sequence_run_id notes created_at updated_at
    last_modification_source""".split()
)
_HAS_CALLS = Statement("SELECT EXISTS (SELECT FROM call_counts WHERE workspace_id = :workspace_id)")
_STATUSES = {"human": "completed", "machine": "completed"}


async def make_history(tx: Session, space: Workspace) -> list[tuple[UUID, DemoCall]]:
    """Store three months of calls up to today in a workspace that has none yet; return them with their ids."""
    workspace_id = UUID(space.id)
    if await tx.fetch_value(_HAS_CALLS, workspace_id=workspace_id):
        return []
    people, _ = await contact_lists.list_contacts(
        tx, [workspace_id], newest_first=False, after=FIRST_ID, limit=CONTACTS_MAX, offset=0, view=ContactView()
    )
    members, _ = await users.list_workspace_members(tx, workspace_id, after=FIRST_ID, limit=100, offset=0)
    labels, _ = await tags.list_tags(tx, [workspace_id], after=FIRST_ID, limit=100, offset=0)
    if not people or not members:
        return []
    today = clock.now().astimezone(ZoneInfo(space.timezone)).date()
    history = [
        (ids.id_at(call.started_at), call)
        for call in invent_calls(ceil(CALLED_SHARE * len(people)), len(members), today, space.timezone)
    ]
    await ensure_months(tx, [call.started_at for _, call in history])
    numbers = await _numbers(tx, workspace_id, space.default_country, members)
    sequence_ids = await _sequences(tx, workspace_id, members, people, history)
    runs = await _runs(tx, workspace_id, sequence_ids, members, history)
    rows = [_row(workspace_id, id, call, people, members, numbers, sequence_ids, runs) for id, call in history]
    await tx.copy_rows("calls", CALL_COLUMNS, rows)
    tagged = [(workspace_id, id, UUID(labels[call.tag].id)) for id, call in history if call.tag is not None]
    await tx.copy_rows("call_tags", ("workspace_id", "call_id", "tag_id"), tagged)
    events = [(workspace_id, "call.completed", id, 1, _end(call), "SKIPCALL") for id, call in history]
    await tx.copy_rows("events", EVENT_COLUMNS, events)
    return history


async def make_recordings(
    db: Database, archive: Archive, workspace_id: UUID, history: Sequence[tuple[UUID, DemoCall]]
) -> None:
    """Give the newest short conversations a recording and a transcript of what might have been said."""
    short = [one for one in history if one[1].outcome == "human" and one[1].talk_seconds <= RECORDING_SECONDS_MAX]
    for id, call in short[-RECORDINGS:]:
        audio = make_recording(call.talk_seconds, seed=call.talk_seconds)
        await store_recording(db, archive, [workspace_id], id, None, _whole(audio), author=Author())
        said = [
            {"speaker": place % 2, "text": text, "start": 3.0 * place, "end": 3.0 * place + 2.5, "confidence": 0.94}
            for place, text in enumerate(DIALOGUE)
        ]
        async with db.begin() as tx:
            await transcriptions.put_transcription(
                tx,
                workspace_id,
                id,
                status="COMPLETED",
                transcript=msgspec.json.encode(said).decode(),
                summary=SUMMARY,
                language="fr-FR",
                versions=None,
                must_exist=False,
                source="SKIPCALL",
                api_key_id=None,
                request_id=None,
            )


async def _whole(audio: bytes) -> AsyncIterator[bytes]:
    yield audio


async def _numbers(
    tx: Session, workspace_id: UUID, country: str, members: Sequence[WorkspaceMember]
) -> list[tuple[UUID, str]]:
    """Make a managed number for each member, and return id and value in the members' order."""
    made = []
    for place, member in enumerate(members):
        value = f"{NUMBER_PREFIX}{place:02}"
        label = f"Ligne de {member.first_name}"
        number = await phone_numbers.create_phone_number(tx, workspace_id, value, country=country, label=label)
        await phone_numbers.assign_phone_number(
            tx, workspace_id, UUID(number.id), UUID(member.organization_membership_id)
        )
        made.append((UUID(number.id), value))
    return made


async def _sequences(
    tx: Session,
    workspace_id: UUID,
    members: Sequence[WorkspaceMember],
    people: Sequence[Contact],
    history: Sequence[tuple[UUID, DemoCall]],
) -> list[UUID]:
    """Make the sequences, all members assigned, with the contacts that are called in them; return their ids."""
    membership_ids = [UUID(member.organization_membership_id) for member in members]
    made = []
    for place, name in enumerate(SEQUENCES):
        written = await sequences.create_sequence(
            tx,
            workspace_id,
            name,
            creator_id=membership_ids[0],
            assigned_to_ids=membership_ids,
            source="SKIPCALL",
            api_key_id=None,
            request_id=None,
        )
        assert isinstance(written, sequences.Written)  # the members are the workspace's
        made.append(UUID(written.sequence.id))
        called = {
            UUID(people[call.contact].id): UUID(members[call.user].id)
            for _, call in history
            if call.run is not None and call.contact is not None and call.run % len(SEQUENCES) == place
        }
        await sequence_contacts.add_contacts(tx, workspace_id, made[-1], dict(called))
    return made


async def _runs(
    tx: Session,
    workspace_id: UUID,
    sequence_ids: Sequence[UUID],
    members: Sequence[WorkspaceMember],
    history: Sequence[tuple[UUID, DemoCall]],
) -> dict[int, UUID]:
    """Make the runs of the sequences and return their ids by number."""
    first: dict[int, DemoCall] = {}
    for _, call in history:
        if call.run is not None:
            first.setdefault(call.run, call)
    made = {run: ids.id_at(call.started_at) for run, call in first.items()}
    rows = [
        (
            workspace_id,
            made[run],
            sequence_ids[run % len(sequence_ids)],
            UUID(members[call.user].organization_membership_id),
            call.started_at,
        )
        for run, call in first.items()
    ]
    columns = ("workspace_id", "id", "sequence_id", "organization_membership_id", "started_at")
    await tx.copy_rows("sequence_runs", columns, rows)
    return made


def _row(
    workspace_id: UUID,
    id: UUID,
    call: DemoCall,
    people: Sequence[Contact],
    members: Sequence[WorkspaceMember],
    numbers: Sequence[tuple[UUID, str]],
    sequence_ids: Sequence[UUID],
    runs: dict[int, UUID],
) -> tuple[object, ...]:
    """Return a call in the order of `CALL_COLUMNS`."""
    contact = None if call.contact is None else people[call.contact]
    status = _STATUSES.get(call.outcome, call.outcome)
    answered_by = call.outcome if call.outcome in _STATUSES else None
    picked_up = call.started_at + timedelta(seconds=call.ring_seconds)
    number_id, number = numbers[call.user]
    return (
        *(workspace_id, id, "API", "DIRECT_CALL" if call.run is None else "CALL_SESSION"),
        *("inbound" if call.is_inbound else "outbound", status, result_of(status, answered_by, call.talk_seconds)),
        *(call.started_at, call.started_at, picked_up if answered_by else None, _end(call)),
        *(call.ring_seconds, call.talk_seconds, call.ring_seconds + call.talk_seconds, answered_by),
        *(None if contact is None else UUID(contact.id), 0 if contact is None else 1),
        *(UNKNOWN_NUMBER if contact is None else contact.phone_numbers[0], number, number_id),
        UUID(members[call.user].organization_membership_id),
        *(None if call.run is None else sequence_ids[call.run % len(sequence_ids)],),
        *(None if call.run is None else runs[call.run], call.notes, call.started_at, _end(call), "SKIPCALL"),
    )


def _end(call: DemoCall) -> datetime:
    return call.started_at + timedelta(seconds=call.ring_seconds + call.talk_seconds)
