"""SQL of calls as providers report them: one statement reads what is there, one adds calls, one changes them.

A call is written only as the next version of what was read (`report_count`), so that nothing is locked in between. All
three take a single call and thousands at the same speed for each.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from skipcall.calls.matching import matched
from skipcall.calls.model import AnsweredBy, CancelReason, HangupSource, Provider, Result, Status, Type
from skipcall.calls.months import ensure_months
from skipcall.ids import id_at
from skipcall.postgres.db import Session, Statement

CALLS_OF_KEY_MAX = 1_000

KeyKind = Literal["LEG", "GROUP", "CONFERENCE"]
Key = tuple[KeyKind, str]


class FoundCall(msgspec.Struct, frozen=True, gc=False):
    """A call by one of its keys, as the next write must find it."""

    key: Key
    call_id: UUID
    state: str | None
    report_count: int
    started_at: datetime
    is_erased: bool


class ReportedCall(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a call comes to by its reports. The fields up to `state` are columns of the same name.

    `report_count` is that of the state which was read, 0 for a new call. `identity` is how the provider names the user.
    """

    id: UUID
    provider_call_id: str | None
    user_provider_id: str | None
    admin_provider_id: str | None
    provider_conference_id: str | None
    type: Type
    status: Status
    result: Result
    started_at: datetime
    ringing_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    ring_seconds: int | None
    talk_seconds: int | None
    duration_seconds: int | None
    answered_by: AnsweredBy | None
    hangup_cause: str | None
    hangup_source: HangupSource | None
    sip_code: int | None
    cancel_reason: CancelReason | None
    abandoned: bool
    phone_number: str | None
    raw_phone_number: str | None
    caller_phone_number: str | None
    raw_caller_phone_number: str | None
    state: str | None
    report_count: int
    identity: str | None


_TYPES = {
    "id": "uuid",
    **dict.fromkeys(("started_at", "ringing_at", "answered_at", "ended_at"), "timestamptz"),
    **dict.fromkeys(("ring_seconds", "talk_seconds", "duration_seconds", "sip_code", "report_count"), "integer"),
    "abandoned": "boolean",
}
_FIELDS = ReportedCall.__struct_fields__
_TOLD = _FIELDS[1 : _FIELDS.index("report_count")]
_GIVEN = (
    "SELECT * FROM unnest("
    + ", ".join(f":{name}::{_TYPES.get(name, 'text')}[]" for name in _FIELDS)
    + f") AS given ({', '.join(_FIELDS)})"
)

# What a client sees of it, by column, and how the property is called.
_SEEN = {
    "user_provider_id": "userProviderSid",
    "admin_provider_id": "adminProviderSid",
    "provider_conference_id": "providerConferenceId",
    "type": "type",
    "status": "status",
    "result": "result",
    "started_at": "startedAt",
    "ringing_at": "ringingAt",
    "answered_at": "answeredAt",
    "ended_at": "endedAt",
    "ring_seconds": "ringDuration",
    "talk_seconds": "talkDuration",
    "duration_seconds": "duration",
    "answered_by": "answeredBy",
    "hangup_cause": "hangupCause",
    "hangup_source": "hangupSource",
    "sip_code": "sipCode",
    "cancel_reason": "cancelReason",
    "abandoned": "abandoned",
    "provider_call_id": "providerCallId",
    "phone_number": "phoneNumber",
    "caller_phone_number": "callerPhoneNumber",
    "contact_id": "contactId",
    "contact_matches": "contactMatches",
    "managed_phone_number_id": "managedPhoneNumberId",
    "organization_membership_id": "organizationMembershipId",
}
_FOUND = ("contact_id", "contact_matches", "managed_phone_number_id", "organization_membership_id")

_FIND = Statement(
    """
    SELECT one.kind, one.key, c.id, c.state, c.report_count, c.started_at, c.erased_at IS NOT NULL AS is_erased
    FROM unnest(:kinds::text[], :keys::text[]) AS one (kind, key) CROSS JOIN LATERAL (
        SELECT call_id FROM call_keys
        WHERE workspace_id = :workspace_id AND source_id = :source_id AND kind = one.kind AND key = one.key
        ORDER BY told_apart_by DESC LIMIT :limit
    ) k CROSS JOIN LATERAL (
        SELECT id, state, report_count, started_at, erased_at FROM calls
        WHERE workspace_id = :workspace_id AND id = k.call_id LIMIT 1
    ) c
    """
)


def _looked_up(rows: str) -> str:
    """Return the parts that find contacts of the calls in `rows`, and managed numbers and users, each number looked for once."""
    return f"""
    matched AS MATERIALIZED (
        SELECT number.value AS phone_number, m.contact_id, m.contact_matches
        FROM (SELECT DISTINCT phone_number AS value FROM {rows} WHERE phone_number IS NOT NULL) number
        CROSS JOIN LATERAL ({matched(":workspace_id", "number.value")}) m
    ), managed AS MATERIALIZED (
        SELECT id, value, assigned_membership_id FROM managed_phone_numbers
        WHERE workspace_id = :workspace_id AND released_at IS NULL AND value = ANY(:caller_phone_number)
    ), users AS MATERIALIZED (
        SELECT identity, organization_membership_id FROM telephony_identities
        WHERE workspace_id = :workspace_id AND source_id = :source_id AND identity = ANY(:identity)
    )"""


_KEYED = """
    keyed AS (
        INSERT INTO call_keys (workspace_id, source_id, kind, key, call_id)
        SELECT :workspace_id, :source_id, k.kind, k.key, k.call_id
        FROM unnest(:key_kinds::text[], :keys::text[], :key_call_ids::uuid[]) AS k (kind, key, call_id)
        JOIN written ON written.id = k.call_id ORDER BY 3, 4, 5
        ON CONFLICT DO NOTHING
    )"""

# Who claims the leg first makes the call; for others, that wait for it here, nothing is written.
_INSERT = Statement(
    f"""
    WITH given AS MATERIALIZED ({_GIVEN}
    ), claimed AS (
        INSERT INTO call_keys (workspace_id, source_id, kind, key, call_id)
        SELECT :workspace_id, :source_id, 'LEG', c.leg, c.call_id
        FROM unnest(:claimed_legs::text[], :id::uuid[]) AS c (leg, call_id) ORDER BY c.leg
        ON CONFLICT (workspace_id, source_id, kind, key, told_apart_by) DO NOTHING
        RETURNING call_id
    ), {_looked_up("given")}, written AS (
        INSERT INTO calls (
            workspace_id, source_id, provider, call_type, last_modification_source, report_count,
            id, {", ".join(_TOLD)}, {", ".join(_FOUND)}
        )
        SELECT :workspace_id, :source_id, :provider, 'DIRECT_CALL', 'SKIPCALL', 1, g.id, {", ".join(f"g.{name}" for name in _TOLD)},
            matched.contact_id, coalesce(matched.contact_matches, 0), managed.id,
            coalesce(users.organization_membership_id, managed.assigned_membership_id)
        FROM given g JOIN claimed ON claimed.call_id = g.id
        LEFT JOIN matched ON matched.phone_number = g.phone_number
        LEFT JOIN managed ON managed.value = g.caller_phone_number
        LEFT JOIN users ON users.identity = g.identity
        RETURNING workspace_id, id, version, updated_at, status
    ), {_KEYED}, recorded AS (
        INSERT INTO events (workspace_id, type, object_id, object_version, occurred_at, source, request_id)
        SELECT workspace_id, CASE WHEN status IN ('queued', 'ringing', 'in-progress') THEN 'call.started' ELSE 'call.completed' END,
            id, version, updated_at, 'SKIPCALL', :request_id
        FROM written
    )
    SELECT id FROM written
    """
)

_CHANGES = ", ".join(
    f"'{name}', CASE WHEN n.{column} IS DISTINCT FROM b.{column} THEN jsonb_build_array(b.{column}, n.{column}) END"
    for column, name in _SEEN.items()
)

# The bounds tell which months are to be looked at, which an array would not.
_AMONG = "c.id = ANY(:id) AND c.id BETWEEN :first_id AND :last_id"

# `before` holds the locks of the calls that are still as they were read; `next` is what they become.
_UPDATE = Statement(
    f"""
    WITH given AS MATERIALIZED ({_GIVEN}
    ), before AS MATERIALIZED (
        SELECT c.* FROM calls c JOIN given g ON g.id = c.id AND g.report_count = c.report_count
        WHERE c.workspace_id = :workspace_id AND {_AMONG} ORDER BY c.id FOR NO KEY UPDATE OF c
    ), unmatched AS MATERIALIZED (
        SELECT g.id, g.phone_number FROM given g JOIN before b ON b.id = g.id
        WHERE b.contact_id IS NULL AND g.phone_number IS DISTINCT FROM b.phone_number
    ), {_looked_up("unmatched")}, next AS MATERIALIZED (
        SELECT g.*,
            CASE WHEN unmatched.id IS NULL THEN b.contact_id ELSE matched.contact_id END AS contact_id,
            CASE WHEN unmatched.id IS NULL THEN b.contact_matches ELSE coalesce(matched.contact_matches, 0) END AS contact_matches,
            coalesce(managed.id, b.managed_phone_number_id) AS managed_phone_number_id,
            coalesce(users.organization_membership_id, b.organization_membership_id, managed.assigned_membership_id)
                AS organization_membership_id
        FROM given g JOIN before b ON b.id = g.id
        LEFT JOIN unmatched ON unmatched.id = g.id
        LEFT JOIN matched ON matched.phone_number = unmatched.phone_number
        LEFT JOIN managed ON managed.value = g.caller_phone_number
        LEFT JOIN users ON users.identity = g.identity
    ), compared AS MATERIALIZED (
        SELECT n.id, jsonb_strip_nulls(jsonb_build_object({_CHANGES})) AS changes,
            b.status IN ('queued', 'ringing', 'in-progress') AND n.status NOT IN ('queued', 'ringing', 'in-progress') AS ends
        FROM next n JOIN before b ON b.id = n.id
    ), written AS (
        UPDATE calls c SET {", ".join(f"{name} = n.{name}" for name in (*_TOLD, *_FOUND))},
            report_count = c.report_count + 1,
            version = c.version + (compared.changes <> '{{}}')::integer,
            updated_at = CASE WHEN compared.changes = '{{}}' THEN c.updated_at ELSE greatest(clock_timestamp(), c.updated_at) END,
            last_modification_source = CASE WHEN compared.changes = '{{}}' THEN c.last_modification_source ELSE 'SKIPCALL' END
        FROM next n JOIN compared ON compared.id = n.id
        WHERE c.workspace_id = :workspace_id AND {_AMONG} AND c.id = n.id
        RETURNING c.workspace_id, c.id, c.version, c.updated_at, c.deleted_at, compared.changes, compared.ends
    ), {_KEYED}, recorded AS (
        INSERT INTO events (workspace_id, type, object_id, object_version, occurred_at, source, request_id, changes)
        SELECT workspace_id, CASE WHEN ends THEN 'call.completed' ELSE 'call.updated' END,
            id, version, updated_at, 'SKIPCALL', :request_id, changes
        FROM written WHERE changes <> '{{}}' AND deleted_at IS NULL
    )
    SELECT id FROM written
    """
)


def new_call_id(moment: datetime) -> UUID:
    """Return an id for a call that was first known of at a moment; it decides the call's month."""
    return id_at(moment)


async def find_calls(db: Session, workspace_id: UUID, source_id: UUID, keys: Sequence[Key]) -> list[FoundCall]:
    """Return the calls that have any of the keys, once for each key; of one key the newest CALLS_OF_KEY_MAX."""
    rows = await db.fetch_rows(
        _FIND,
        workspace_id=workspace_id,
        source_id=source_id,
        kinds=[kind for kind, _ in keys],
        keys=[key for _, key in keys],
        limit=CALLS_OF_KEY_MAX,
    )
    return [
        FoundCall(
            (row["kind"], row["key"]), row["id"], row["state"], row["report_count"], row["started_at"], row["is_erased"]
        )
        for row in rows
    ]


async def insert_calls(
    db: Session,
    workspace_id: UUID,
    source_id: UUID,
    provider: Provider,
    calls: Sequence[ReportedCall],
    *,
    claimed_legs: Sequence[str],
    moments: Iterable[datetime],
    keys: Mapping[UUID, Iterable[Key]],
    request_id: str | None,
) -> set[UUID]:
    """Add calls, each under the leg that it claims and its further keys, with events; return the ids that were added.

    The others' legs were claimed by somebody else meanwhile. `moments` are those of the ids.
    """
    await ensure_months(db, moments)
    rows = await db.fetch_rows(
        _INSERT,
        **_columns(calls),
        **_keys(keys),
        workspace_id=workspace_id,
        source_id=source_id,
        provider=provider,
        claimed_legs=claimed_legs,
        request_id=request_id,
    )
    return {row["id"] for row in rows}


async def update_calls(
    db: Session,
    workspace_id: UUID,
    source_id: UUID,
    calls: Sequence[ReportedCall],
    *,
    keys: Mapping[UUID, Iterable[Key]],
    request_id: str | None,
) -> set[UUID]:
    """Write calls over the state that was read, with events of what a client sees; return the ids that were written.

    The others have been written by somebody else meanwhile.
    """
    rows = await db.fetch_rows(
        _UPDATE,
        **_columns(calls),
        first_id=min(one.id for one in calls),
        last_id=max(one.id for one in calls),
        **_keys(keys),
        workspace_id=workspace_id,
        source_id=source_id,
        request_id=request_id,
    )
    return {row["id"] for row in rows}


def _columns(calls: Sequence[ReportedCall]) -> dict[str, list[Any]]:
    columns = zip(*map(msgspec.structs.astuple, calls), strict=True)
    return {name: list(column) for name, column in zip(_FIELDS, columns, strict=True)}


def _keys(keys: Mapping[UUID, Iterable[Key]]) -> dict[str, list[Any]]:
    flat = [(kind, key, call_id) for call_id, several in keys.items() for kind, key in several]
    return {
        "key_kinds": [kind for kind, _, _ in flat],
        "keys": [key for _, key, _ in flat],
        "key_call_ids": [call_id for _, _, call_id in flat],
    }
