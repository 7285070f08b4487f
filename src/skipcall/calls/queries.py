"""SQL of calls. Each call is one statement: it locks, decides, writes, records the event and answers the row.

`callCount`, `lastCallAt` and the counts of calls are moved by the database (migration 0004), so nothing here does it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID, uuid5

import msgspec

from skipcall.calls.matching import matched
from skipcall.calls.model import Call, CallCaller, CallContact, CallNumber, CallTag
from skipcall.contacts.model import Source
from skipcall.events.queries import RECORD
from skipcall.postgres.db import Row, Session, Statement

_DETAILS = Call.__struct_fields__[Call.__struct_fields__.index("workspace_id") : -1]


def _moment(column: str) -> str:
    return f"""to_char(c.{column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24":"MI":"SS.MS"Z"')"""


# What an answer is made of, by the name of its property; `c` is the call.
_DETAIL_COLUMNS = {
    "workspace_id": "c.workspace_id::text",
    "ringing_at": _moment("ringing_at"),
    "answered_at": _moment("answered_at"),
    "ring_duration": "c.ring_seconds",
    "talk_duration": "c.talk_seconds",
    "duration": "c.duration_seconds",
    "provider": "c.provider",
}
_READ = f"""
    c.id::text AS id, c.call_type, c.status, c.type, {_moment("started_at")} AS started_at, {_moment("ended_at")} AS ended_at,
    {_moment("created_at")} AS created_at, {_moment("updated_at")} AS updated_at,
    {_moment("deleted_at")} AS deleted_at, p.id AS contact_id, p.first_name, p.last_name, c.phone_number,
    u.first_name AS user_first_name, u.last_name AS user_last_name, c.caller_phone_number,
    c.managed_phone_number_id::text AS managed_phone_number_id, c.user_provider_id, c.admin_provider_id,
    c.provider_conference_id, c.transferred, c.sequence_id::text AS sequence_id,
    c.sequence_run_id::text AS sequence_run_id, {_moment("synced_with_crm_at")} AS synced_with_crm_at,
    c.organization_membership_id::text AS organization_membership_id, c.notes,
    {", ".join(f"{_DETAIL_COLUMNS.get(name, f'c.{name}')} AS {name}" for name in _DETAILS)},
    CASE WHEN :with_tags THEN (
        SELECT coalesce(jsonb_agg(jsonb_build_object('id', t.id, 'label', t.label, 'isSuccessTag', t.is_success_tag)
            ORDER BY t.label, t.id), '[]')::text
        FROM tags t WHERE t.workspace_id = c.workspace_id AND t.id = ANY({{tag_ids}})
    ) END AS tags, c.version"""
# LIMIT keeps the planner from reading all contacts, or users, for the few that are asked for.
PEOPLE = """
    LEFT JOIN LATERAL (
        SELECT id, first_name, last_name FROM contacts
        WHERE workspace_id = c.workspace_id AND id = c.contact_id AND deleted_at IS NULL LIMIT 1
    ) p ON true
    LEFT JOIN LATERAL (
        SELECT one.first_name, one.last_name FROM organization_memberships m JOIN users one ON one.id = m.user_id
        WHERE m.organization_id = :organization_id AND m.id = c.organization_membership_id LIMIT 1
    ) u ON true"""
_STORED_TAGS = "ARRAY(SELECT tag_id FROM call_tags WHERE workspace_id = c.workspace_id AND call_id = c.id)"
COLUMNS = _READ.format(tag_ids=_STORED_TAGS)
_COLUMNS_OF_WRITTEN = _READ.format(tag_ids="c.tag_ids")

GET_CALL = Statement(
    f"""
    SELECT {COLUMNS} FROM calls c {PEOPLE}
    WHERE c.workspace_id = ANY(:workspace_ids) AND c.id = :id AND c.deleted_at IS NULL
    """
)

# What a call may name, each with the condition under which it is there. One that was released or archived is not, except
# for a number: past calls were made with it.
_NAMED = {
    "contactId": "EXISTS (SELECT FROM found WHERE contact_id IS NOT NULL)",
    "organizationMembershipId": """EXISTS (
            SELECT FROM workspace_memberships
            WHERE workspace_id = :workspace_id AND organization_membership_id = :organization_membership_id)""",
    "managedPhoneNumberId": """EXISTS (
            SELECT FROM managed_phone_numbers WHERE workspace_id = :workspace_id AND id = :managed_phone_number_id)""",
    "sequenceId": """EXISTS (
            SELECT FROM sequences WHERE workspace_id = :workspace_id AND id = :sequence_id AND deleted_at IS NULL)""",
}
_PARAMETERS = {
    "contactId": "contact_id",
    "organizationMembershipId": "organization_membership_id",
    "managedPhoneNumberId": "managed_phone_number_id",
    "sequenceId": "sequence_id",
}
_UNKNOWN = ", ".join(
    f"CASE WHEN :{_PARAMETERS[name]}::uuid IS NOT NULL AND NOT {there} THEN '{name}' END"
    for name, there in _NAMED.items()
)
_ACTIVE_TAGS = "SELECT id FROM tags WHERE workspace_id = {workspace} AND id = ANY(:tag_ids) AND archived_at IS NULL"

# Columns that a new call takes as they are given.
CREATED = tuple(
    """call_type type status result started_at ringing_at answered_at ended_at ring_seconds talk_seconds duration_seconds
    answered_by phone_number caller_phone_number managed_phone_number_id organization_membership_id sequence_id
    sequence_run_id transferred synced_with_crm_at notes external_id""".split()
)

# `began` makes the run that the call is the first of; it answers a row also if the run is there and of another sequence.
CREATE_CALL = Statement(
    f"""
    WITH found AS MATERIALIZED (
        SELECT id AS contact_id, 1 AS contact_matches FROM contacts
        WHERE workspace_id = :workspace_id AND id = :contact_id::uuid AND deleted_at IS NULL
        UNION ALL
        SELECT contact_id, contact_matches FROM ({matched(":workspace_id", ":phone_number")}) m
        WHERE :contact_id::uuid IS NULL
    ), known AS MATERIALIZED (
        SELECT array_remove(ARRAY[{_UNKNOWN}], NULL) AS unknown, ARRAY(
            SELECT unnest(:tag_ids::uuid[]) EXCEPT {_ACTIVE_TAGS.format(workspace=":workspace_id")}
        ) AS unknown_tags
    ), began AS (
        INSERT INTO sequence_runs (workspace_id, id, sequence_id, organization_membership_id, started_at)
        SELECT :workspace_id, :sequence_run_id, :sequence_id, :organization_membership_id, :started_at FROM known
        WHERE unknown = '{{}}' AND unknown_tags = '{{}}' AND :sequence_run_id::uuid IS NOT NULL
        ON CONFLICT (workspace_id, id) DO UPDATE SET started_at = CASE
            WHEN sequence_runs.sequence_id = excluded.sequence_id THEN excluded.started_at ELSE sequence_runs.started_at END
        WHERE sequence_runs.sequence_id <> excluded.sequence_id OR sequence_runs.started_at > excluded.started_at
        RETURNING sequence_id
    ), other_run AS MATERIALIZED (
        SELECT EXISTS (SELECT FROM began WHERE sequence_id <> :sequence_id) AS is_so
    ), written AS (
        INSERT INTO calls (
            workspace_id, id, provider, contact_id, contact_matches, last_modification_source, {", ".join(CREATED)})
        SELECT :workspace_id, :id, 'API', f.contact_id, coalesce(f.contact_matches, 0), :source,
            {", ".join(f":{name}" for name in CREATED)}
        FROM known k CROSS JOIN other_run o LEFT JOIN found f ON true
        WHERE k.unknown = '{{}}' AND k.unknown_tags = '{{}}' AND NOT o.is_so
        RETURNING *
    ), tagged AS (
        INSERT INTO call_tags (workspace_id, call_id, tag_id) SELECT workspace_id, id, unnest(:tag_ids) FROM written
    ), started AS ({RECORD.format(type="call.started", changes="NULL", rows="written WHERE result = 'IN_PROGRESS'")}
    ), completed AS ({RECORD.format(type="call.completed", changes="NULL", rows="written WHERE result <> 'IN_PROGRESS'")}
    ), c AS (SELECT w.*, :tag_ids AS tag_ids FROM written w)
    SELECT {_COLUMNS_OF_WRITTEN}, k.unknown, k.unknown_tags, o.is_so AS is_run_of_other_sequence
    FROM known k CROSS JOIN other_run o LEFT JOIN c ON true {PEOPLE}
    """
)

# What a patch may set, by column, with what it makes of it: null clears what is named in `given`.
_MERGED = {
    column: f"CASE WHEN '{column}' = ANY(:given) THEN :{column} ELSE b.{column} END"
    for column in ("notes", "external_id", "contact_id", "synced_with_crm_at")
}
_CHANGED_NAMES = {
    "notes": "notes",
    "external_id": "externalId",
    "contact_id": "contactId",
    "synced_with_crm_at": "syncedWithCrmDate",
}
_CHANGES = ", ".join(
    f"'{name}', CASE WHEN c.{column} IS DISTINCT FROM b.{column} THEN jsonb_build_array(b.{column}, c.{column}) END"
    for column, name in _CHANGED_NAMES.items()
)
_CONTACT_MATCHES = f"""CASE WHEN b.contact_id IS NOT DISTINCT FROM {_MERGED["contact_id"]} THEN b.contact_matches
            ELSE (:contact_id IS NOT NULL)::integer END"""
_WRITTEN = (*_MERGED, "contact_matches", "version", "updated_at", "last_modification_source")
_KEPT = tuple(
    """workspace_id id call_type status type started_at ended_at created_at deleted_at phone_number caller_phone_number
    managed_phone_number_id user_provider_id admin_provider_id provider_conference_id transferred sequence_id sequence_run_id
    organization_membership_id ringing_at answered_at ring_seconds talk_seconds duration_seconds result answered_by
    hangup_cause hangup_source sip_code cancel_reason abandoned provider provider_call_id has_recording
    has_transcription""".split()
)
_PRESENT = ", ".join(
    [f"b.{column}" for column in _KEPT]
    + [f"CASE WHEN w.id IS NULL THEN b.{column} ELSE w.{column} END AS {column}" for column in _WRITTEN]
)

# `before` holds the row lock, so what is compared and recorded is what is stored. The tags are seen as they were when the
# statement began; if the call has changed between, they may have too: then `is_overtaken`, nothing is written, and the
# statement is to be run again.
UPDATE_CALL = Statement(
    f"""
    WITH before AS MATERIALIZED (
        SELECT * FROM calls
        WHERE workspace_id = ANY(:workspace_ids) AND id = :id AND deleted_at IS NULL AND erased_at IS NULL FOR NO KEY UPDATE
    ), tags_before AS MATERIALIZED (
        SELECT coalesce(array_agg(tag_id ORDER BY tag_id), '{{}}') AS ids FROM call_tags
        WHERE workspace_id = ANY(:workspace_ids) AND call_id = :id
    ), known AS MATERIALIZED (
        SELECT coalesce(:tag_ids::uuid[], t.ids) AS tag_ids,
            :contact_id::uuid IS NOT NULL AND NOT EXISTS (
                SELECT FROM contacts WHERE workspace_id = b.workspace_id AND id = :contact_id AND deleted_at IS NULL
            ) AS is_contact_unknown,
            ARRAY(
                SELECT unnest(:tag_ids) EXCEPT SELECT unnest(t.ids) EXCEPT {_ACTIVE_TAGS.format(workspace="b.workspace_id")}
            ) AS unknown_tags,
            :tag_ids IS NOT NULL AND b.version <> (
                SELECT version FROM calls WHERE workspace_id = b.workspace_id AND id = :id
            ) AS is_overtaken
        FROM before b CROSS JOIN tags_before t
    ), written AS (
        UPDATE calls c SET {", ".join(f"{column} = {value}" for column, value in _MERGED.items())},
            contact_matches = {_CONTACT_MATCHES}, version = c.version + 1,
            updated_at = greatest(clock_timestamp(), c.updated_at), last_modification_source = :source
        FROM before b CROSS JOIN known k CROSS JOIN tags_before t
        WHERE c.workspace_id = b.workspace_id AND c.id = :id
            AND NOT k.is_contact_unknown AND k.unknown_tags = '{{}}' AND NOT k.is_overtaken
            AND (:versions::bigint[] IS NULL OR c.version = ANY(:versions))
            AND ROW({", ".join(f"b.{column}" for column in _MERGED)}, t.ids)
                IS DISTINCT FROM ROW({", ".join(_MERGED.values())}, k.tag_ids)
        RETURNING c.workspace_id, c.id, {", ".join(f"c.{column}" for column in _WRITTEN)},
            k.tag_ids <> t.ids AS is_tagged, jsonb_strip_nulls(jsonb_build_object({_CHANGES},
                'tagIds', CASE WHEN k.tag_ids <> t.ids THEN jsonb_build_array(t.ids, k.tag_ids) END)) AS changes
    ), untagged AS (
        DELETE FROM call_tags g USING written w
        WHERE g.workspace_id = w.workspace_id AND g.call_id = :id AND w.is_tagged AND g.tag_id <> ALL(:tag_ids)
    ), tagged AS (
        INSERT INTO call_tags (workspace_id, call_id, tag_id)
        SELECT workspace_id, id, unnest(:tag_ids) FROM written WHERE is_tagged
        ON CONFLICT DO NOTHING
    ), recorded AS ({RECORD.format(type="call.updated", changes="changes", rows="written WHERE NOT is_tagged")}
    ), recorded_tags AS ({RECORD.format(type="call.tagged", changes="changes", rows="written WHERE is_tagged")}
    ), c AS (
        SELECT {_PRESENT}, CASE WHEN w.id IS NULL THEN t.ids ELSE k.tag_ids END AS tag_ids,
            coalesce(b.version <> ALL(:versions), false) AS is_stale, k.is_contact_unknown, k.unknown_tags, k.is_overtaken
        FROM before b CROSS JOIN known k CROSS JOIN tags_before t LEFT JOIN written w ON true
    )
    SELECT {_COLUMNS_OF_WRITTEN}, c.is_stale, c.is_contact_unknown, c.unknown_tags, c.is_overtaken FROM c {PEOPLE}
    """
)

IS_ERASED = Statement(
    """
    SELECT EXISTS (
        SELECT FROM calls
        WHERE workspace_id = ANY(:workspace_ids) AND id = :id AND deleted_at IS NULL AND erased_at IS NOT NULL
    )
    """
)

DELETE_CALL = Statement(
    f"""
    WITH written AS (
        UPDATE calls c SET deleted_at = clock_timestamp(), version = c.version + 1,
            updated_at = greatest(clock_timestamp(), c.updated_at), last_modification_source = :source
        WHERE c.workspace_id = ANY(:workspace_ids) AND c.id = :id AND c.deleted_at IS NULL
            AND (:versions::bigint[] IS NULL OR c.version = ANY(:versions))
        RETURNING c.workspace_id, c.id, c.version, c.updated_at
    ), recorded AS ({RECORD.format(type="call.deleted", changes="NULL", rows="written")}
    )
    SELECT id FROM written
    """
)


class View(NamedTuple):
    """How a caller wants calls answered. `organization_id` is the caller's: users are members of it."""

    organization_id: UUID
    details: bool = False
    tags: bool = False


class Author(NamedTuple):
    """Who writes, as events record it."""

    source: Source
    api_key_id: UUID | None = None
    request_id: str | None = None


class Written(msgspec.Struct, frozen=True):
    """The call after a write. `stale`: nothing was written, since it is not of the versions asked for."""

    call: Call
    version: int
    stale: bool = False


class Refused(msgspec.Struct, frozen=True):
    """Nothing was written: the call names what its workspace does not have, by property and by id of a tag."""

    unknown: list[str]
    unknown_tags: list[UUID]
    is_run_of_other_sequence: bool = False


class Overtaken(msgspec.Struct, frozen=True):
    """Nothing was written: somebody else was writing; the same statement is to be run again."""


async def find_call(db: Session, workspace_ids: Sequence[UUID], id: UUID, view: View) -> tuple[Call, int] | None:
    """Return a call of the workspaces and its version, or None."""
    row = await db.fetch_row(
        GET_CALL, workspace_ids=workspace_ids, id=id, organization_id=view.organization_id, with_tags=view.tags
    )
    return None if row is None else (make_call(row, view), row["version"])


async def create_call(
    db: Session,
    workspace_id: UUID,
    id: UUID,
    values: Mapping[str, Any],
    *,
    contact_id: UUID | None,
    tag_ids: Sequence[UUID],
    author: Author,
    view: View,
) -> Written | Refused:
    """Create a call from `values` (by column, see `CREATED`). Without a contact it gets the one that has its number.

    The month of its start must be there, see `months.ensure_months`.
    """
    row = await db.fetch_row(
        CREATE_CALL,
        **{name: values.get(name) for name in CREATED},
        workspace_id=workspace_id,
        id=id,
        contact_id=contact_id,
        tag_ids=tag_ids,
        **author._asdict(),
        organization_id=view.organization_id,
        with_tags=view.tags,
    )
    assert row is not None  # the statement starts from one row
    if row["id"] is None:
        return Refused(row["unknown"], row["unknown_tags"], row["is_run_of_other_sequence"])
    return Written(make_call(row, view), row["version"])


async def update_call(
    db: Session,
    workspace_ids: Sequence[UUID],
    id: UUID,
    values: Mapping[str, Any],
    *,
    tag_ids: Sequence[UUID] | None,
    versions: list[int] | None,
    author: Author,
    view: View,
) -> Written | Refused | Overtaken | None:
    """Merge `values` (by column; absent stays, None clears) into a call and, given `tag_ids`, replace its tags by these.

    Returns None if there is no such call. With `versions`, only one of these is written to.
    """
    row = await db.fetch_row(
        UPDATE_CALL,
        **{column: values.get(column) for column in _MERGED},
        given=list(values),
        workspace_ids=workspace_ids,
        id=id,
        tag_ids=None if tag_ids is None else sorted(tag_ids),
        versions=versions,
        **author._asdict(),
        organization_id=view.organization_id,
        with_tags=view.tags,
    )
    if row is None:
        return None
    if row["is_overtaken"]:
        return Overtaken()
    if row["is_contact_unknown"] or row["unknown_tags"]:
        return Refused(["contactId"] if row["is_contact_unknown"] else [], row["unknown_tags"])
    return Written(make_call(row, view), row["version"], row["is_stale"])


async def delete_call(
    db: Session, workspace_ids: Sequence[UUID], id: UUID, *, versions: list[int] | None, author: Author
) -> bool:
    """Mark a call as deleted and return True; False if there is none of these workspaces, id and versions."""
    row = await db.fetch_row(DELETE_CALL, workspace_ids=workspace_ids, id=id, versions=versions, **author._asdict())
    return row is not None


_read_tags = msgspec.json.Decoder(list[CallTag]).decode


def make_call(row: Row, view: View) -> Call:
    """Return the call of a row of `COLUMNS`."""
    contact_id, number, caller_number = row["contact_id"], row["phone_number"], row["caller_phone_number"]
    more: dict[str, Any] = {name: row[name] for name in _DETAILS} if view.details else {}
    if view.tags:
        more["tags"] = _read_tags(row["tags"])
    return Call(
        row["id"],
        row["call_type"],
        row["status"],
        row["type"],
        row["started_at"],
        row["ended_at"],
        row["created_at"],
        row["updated_at"],
        row["deleted_at"],
        CallContact(
            None if contact_id is None else str(contact_id), row["first_name"], row["last_name"], contact_id is None
        ),
        None if number is None else CallNumber(number),
        None if contact_id is None or number is None else str(uuid5(contact_id, number)),
        None if row["user_first_name"] is None else CallCaller(row["user_first_name"], row["user_last_name"]),
        None if caller_number is None else CallNumber(caller_number),
        row["managed_phone_number_id"],
        row["user_provider_id"],
        row["admin_provider_id"],
        row["provider_conference_id"],
        row["transferred"],
        row["sequence_id"],
        row["sequence_run_id"],
        row["synced_with_crm_at"],
        str(view.organization_id),
        row["organization_membership_id"],
        row["notes"],
        **more,
    )
