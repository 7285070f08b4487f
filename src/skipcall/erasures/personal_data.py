"""SQL that gathers everything that is known of a person."""

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from skipcall.calls import queries as calls
from skipcall.calls.queries import PEOPLE, View
from skipcall.changes.model import HistoryEntry
from skipcall.changes.queries import EVENT
from skipcall.changes.queries import make_entry as make_event
from skipcall.clock import timestamp
from skipcall.consents import queries as consents
from skipcall.contacts import queries as contacts
from skipcall.do_not_call import queries as do_not_call
from skipcall.erasures.model import (
    CustomValue,
    PersonalCall,
    PersonalContact,
    PersonalData,
    PersonalMerge,
    PersonalRecording,
    PersonalSequence,
)
from skipcall.erasures.people import CALLS_OF_PERSON, find_own_values, list_own_numbers, list_takers
from skipcall.phone_numbers.forms import all_forms
from skipcall.postgres.db import Row, Session, Statement
from skipcall.sealing import number_hash
from skipcall.transcriptions.model import Segment
from skipcall.workspaces.model import Scope

CALLS_MAX = 1_000
HISTORY_MAX = 5_000
CONSENTS_MAX = 1_000
TRANSCRIPTS_BYTES_MAX = 16_777_216  # of all calls together

_LIST_CONTACTS = Statement(
    f"""
    SELECT {contacts.COLUMNS}, c.merged_into_id::text, (
        SELECT coalesce(jsonb_agg(jsonb_build_object('slug', v.key, 'name', f.name, 'value', v.value) ORDER BY v.key), '[]')::text
        FROM jsonb_each_text(c.custom_fields) v
        LEFT JOIN custom_fields f ON f.workspace_id = c.workspace_id AND f.slug = v.key
    ) AS custom_values
    FROM contacts c WHERE c.workspace_id = :workspace_id AND c.id = ANY(:ids) ORDER BY array_position(:ids::uuid[], c.id)
    """
)
_LIST_CONSENTS = Statement(
    f"""
    SELECT {consents.COLUMNS} FROM contact_consents n WHERE workspace_id = :workspace_id AND contact_id = ANY(:ids)
    ORDER BY recorded_at DESC, position DESC LIMIT :limit
    """
)
_LIST_DO_NOT_CALL = Statement(
    f"""
    SELECT {do_not_call.COLUMNS} FROM do_not_call d
    WHERE workspace_id = :workspace_id AND number_hash = ANY(:hashes) ORDER BY id DESC
    """
)
# A transcript is left out once those of newer calls have used up what fits.
_LIST_CALLS = Statement(
    f"""
    SELECT {calls.COLUMNS}, c.raw_phone_number, t.summary, t.transcript IS NOT NULL AS has_transcript, CASE
            WHEN sum(octet_length(t.transcript::text)) OVER (ORDER BY c.id DESC) <= {TRANSCRIPTS_BYTES_MAX} THEN t.transcript::text
        END AS transcript, (
        SELECT coalesce(jsonb_agg(jsonb_build_object('id', r.id, 'status', r.status, 'format', r.format,
            'durationSeconds', r.duration_seconds, 'sizeBytes', r.size_bytes, 'sha256', encode(r.sha256, 'hex'),
            'startedAt', to_char(r.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24":"MI":"SS.MS"Z"'),
            'audio', '/v1/calls/' || c.id || '/recording/audio?recordingId=' || r.id) ORDER BY r.id), '[]')::text
        FROM call_recordings r WHERE r.workspace_id = c.workspace_id AND r.call_id = c.id
    ) AS recordings
    FROM (SELECT * FROM calls WHERE {CALLS_OF_PERSON} ORDER BY id DESC LIMIT :limit) c
    LEFT JOIN call_transcriptions t ON t.workspace_id = c.workspace_id AND t.call_id = c.id {PEOPLE} ORDER BY c.id DESC
    """
)
_LIST_SEQUENCES = Statement(
    """
    SELECT s.id, s.name, o.added_at, o.removed_at FROM sequence_contacts o
    JOIN sequences s ON s.workspace_id = o.workspace_id AND s.id = o.sequence_id
    WHERE o.workspace_id = :workspace_id AND o.contact_id = ANY(:ids) ORDER BY o.added_at
    """
)
_LIST_MERGES = Statement(
    """
    SELECT source_id, target_id, merged_at, changes::text FROM contact_merges
    WHERE workspace_id = :workspace_id AND (source_id = ANY(:ids) OR target_id = ANY(:ids)) ORDER BY merged_at
    """
)
_LIST_HISTORY = Statement(
    f"""
    SELECT {EVENT} FROM events e WHERE e.workspace_id = :workspace_id AND e.object_id = ANY(:ids) ORDER BY e.id DESC LIMIT :limit
    """
)

_CASE = re.compile("_([a-z])")
_read_changes = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_read_values = msgspec.json.Decoder(list[CustomValue]).decode
_read_recordings = msgspec.json.Decoder(list[PersonalRecording]).decode
_read_transcript = msgspec.json.Decoder(list[Segment]).decode


async def gather(db: Session, scope: Scope, person: Sequence[dict[str, Any]], secret: bytes) -> PersonalData:
    """Return everything that is known of a person, whose contacts are given by column."""
    workspace_id, ids = person[0]["workspace_id"], [one["id"] for one in person]
    former = (await find_own_values(db, workspace_id, ids, with_shared=True)).get("phoneNumbers", [])
    numbers = list(dict.fromkeys([*(number for one in person for number in one["phone_numbers"]), *former]))
    own = await list_own_numbers(db, workspace_id, numbers, ids)
    hashes = [number_hash(form, secret) for one in numbers for form in all_forms(one)]
    view = View(scope.organization_id, details=True, tags=True)

    async def fetch(statement: Statement, **values: Any) -> list[Row]:
        return await db.fetch_rows(statement, workspace_id=workspace_id, **values)

    found = await fetch(
        _LIST_CALLS,
        contact_ids=ids,
        numbers=own,
        taker_ids=await list_takers(db, workspace_id, ids),
        limit=CALLS_MAX + 1,
        organization_id=view.organization_id,
        with_tags=True,
    )
    said = await fetch(_LIST_CONSENTS, ids=ids, limit=CONSENTS_MAX + 1)
    about: list[UUID] = [*ids, *(UUID(row["id"]) for row in found)]
    done = await fetch(_LIST_HISTORY, ids=about, limit=HISTORY_MAX + 1)
    is_cut = {
        "calls": len(found) > CALLS_MAX,
        "transcripts": any(row["has_transcript"] and row["transcript"] is None for row in found),
        "consents": len(said) > CONSENTS_MAX,
        "history": len(done) > HISTORY_MAX or len(found) > CALLS_MAX,
    }
    return PersonalData(
        contacts=[_contact(row) for row in await fetch(_LIST_CONTACTS, ids=ids, by_slug=True)],
        consents=[consents.make_consent(row) for row in said[:CONSENTS_MAX]],
        do_not_call=[do_not_call.make_entry(row) for row in await fetch(_LIST_DO_NOT_CALL, hashes=hashes)],
        calls=[_call(row, view) for row in found[:CALLS_MAX]],
        sequences=[
            PersonalSequence(str(row["id"]), row["name"], timestamp(row["added_at"]), _moment(row["removed_at"]))
            for row in await fetch(_LIST_SEQUENCES, ids=ids)
        ],
        merges=[
            PersonalMerge(str(row[0]), str(row[1]), timestamp(row[2]), _by_property(row[3]))
            for row in await fetch(_LIST_MERGES, ids=ids)
        ],
        history=[HistoryEntry(**make_event(row)) for row in done[:HISTORY_MAX]],
        incomplete=[name for name, cut in is_cut.items() if cut],
    )


def _by_property(changes: str) -> dict[str, msgspec.Raw]:
    """Return the values of changes that are kept by column."""
    return {_CASE.sub(lambda found: found[1].upper(), column): both for column, both in _read_changes(changes).items()}


def _contact(row: Row) -> PersonalContact:
    contact = contacts.make_contact(row, ("external_id", "deleted_at"))
    return PersonalContact(contact, row["merged_into_id"], _read_values(row["custom_values"]))


def _call(row: Row, view: View) -> PersonalCall:
    return PersonalCall(
        calls.make_call(row, view),
        row["raw_phone_number"],
        _read_recordings(row["recordings"]),
        None if row["transcript"] is None else _read_transcript(row["transcript"]),
        row["summary"],
    )


def _moment(moment: Any) -> str | None:
    return None if moment is None else timestamp(moment)
