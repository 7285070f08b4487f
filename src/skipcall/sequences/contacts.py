"""SQL of the contacts of sequences.

Locks are taken in the order that migration 0005 names, each in a statement of its own: the next one then sees what those
who held them have committed.
"""

from collections.abc import Sequence as ListOf
from uuid import UUID

import msgspec

from skipcall.clock import timestamp
from skipcall.postgres.db import Row, Session, Statement
from skipcall.sequences.model import (
    CALLS_SHOWN_MAX,
    ContactStatus,
    SequenceContact,
    SequenceContactCall,
    SequenceContactDetails,
    SequenceContactTag,
    Stored,
)

_STARTED_AT, _ENDED_AT = (
    f"""to_char(k.{name} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24":"MI":"SS.MS"Z"')"""
    for name in ("started_at", "ended_at")
)

_IS_RUNNING = "k.status IN ('queued', 'ringing', 'in-progress')"
# The calls `k` of a row `sc`. Written so that only the index by contact fits: by sequence, a page would read all its calls.
_CALLED = f"""
    SELECT count(*)::integer AS call_count, bool_or({_IS_RUNNING}) AS is_running, array_agg(k.id) AS call_ids,
        (array_agg(json_build_object('id', k.id, 'status', k.status, 'result', k.result, 'type', k.type,
            'organizationMembershipId', k.organization_membership_id, 'sequenceRunId', k.sequence_run_id,
            'startedAt', {_STARTED_AT}, 'endedAt', {_ENDED_AT}) ORDER BY k.id DESC))[:{CALLS_SHOWN_MAX}] AS calls
    FROM calls k
    WHERE k.workspace_id = sc.workspace_id AND k.contact_id = sc.contact_id
        AND k.sequence_id IS NOT DISTINCT FROM sc.sequence_id AND k.deleted_at IS NULL"""
_TAGGED = """
    SELECT bool_or(t.is_success_tag) AS is_success, json_agg(
        json_build_object('id', t.id, 'label', t.label, 'isSuccessTag', t.is_success_tag) ORDER BY t.id) AS tags
    FROM tags t WHERE t.workspace_id = sc.workspace_id AND t.id IN (
        SELECT tag_id FROM call_tags WHERE workspace_id = sc.workspace_id AND call_id = ANY(k.call_ids)
    )"""
_PRESENT = "sc.workspace_id = s.workspace_id AND sc.sequence_id = s.id AND sc.removed_at IS NULL"
_OF_ASSIGNEE = "AND sc.assigned_to_workspace_membership_id = :assignee"
# All contacts and all calls of the sequence, once each, whatever the planner expects of them: a join could be a loop in a loop.
_MATCHING = f"""
    SELECT contact_id FROM (
        SELECT sc.contact_id, true AS is_present, false AS is_running, false AS is_success, false AS has_tag
        FROM s JOIN sequence_contacts sc ON {_PRESENT} {{condition}}
        UNION ALL
        SELECT k.contact_id, false, {_IS_RUNNING}, t.is_success_tag, t.label = :tag_label
        FROM s JOIN calls k ON k.workspace_id = s.workspace_id AND k.sequence_id = s.id AND k.deleted_at IS NULL
        LEFT JOIN call_tags ct ON ct.workspace_id = k.workspace_id AND ct.call_id = k.id
        LEFT JOIN tags t ON t.workspace_id = ct.workspace_id AND t.id = ct.tag_id
    ) one GROUP BY contact_id
    HAVING bool_or(is_present) AND (:tag_label::text IS NULL OR bool_or(has_tag))
        AND (:status::text IS NULL OR :status = CASE WHEN bool_and(is_present) THEN 'TO_CALL'
            WHEN bool_or(is_running) THEN 'IN_PROGRESS' WHEN bool_or(is_success) THEN 'DONE' ELSE 'CALLED' END)"""


def _list(condition: str, *, is_matched: bool) -> Statement:
    """Return the statement of a list. It counts exactly: without a condition, the sequence knows its number."""
    matching = f", matching AS MATERIALIZED ({_MATCHING.format(condition=condition)})" if is_matched else ""
    if is_matched:
        counted = "SELECT count(*) AS total FROM matching"
        page = f"""
            SELECT sc.* FROM (
                SELECT contact_id FROM matching WHERE contact_id > :after ORDER BY contact_id LIMIT :limit OFFSET :offset
            ) m JOIN sequence_contacts sc ON {_PRESENT} AND sc.contact_id = m.contact_id"""
    else:
        counted = "SELECT contact_count AS total FROM s"
        if condition:
            counted = f"SELECT count(*) AS total FROM s JOIN sequence_contacts sc ON {_PRESENT} {condition}"
        page = f"""
            SELECT * FROM sequence_contacts sc WHERE {_PRESENT} AND sc.contact_id > :after {condition}
            ORDER BY sc.contact_id LIMIT :limit OFFSET :offset"""
    return Statement(
        f"""
    WITH s AS (
        SELECT * FROM sequences WHERE workspace_id = ANY(:workspace_ids) AND id = :id AND deleted_at IS NULL
    ){matching}, counted AS ({counted}
    ), page AS (
        SELECT sc.* FROM s CROSS JOIN LATERAL ({page}
        ) sc
    ), shown AS (
        SELECT sc.contact_id, sc.assigned_to_workspace_membership_id, sc.added_at, k.call_count, t.tags,
            array_to_json(k.calls) AS calls, CASE WHEN k.call_count = 0 THEN 'TO_CALL'
                WHEN k.is_running THEN 'IN_PROGRESS' WHEN t.is_success THEN 'DONE' ELSE 'CALLED' END AS status,
            c.first_name, c.last_name, c.email, c.company, c.role, c.allow_phone_calls, c.phone_numbers
        FROM page sc JOIN contacts c ON c.workspace_id = sc.workspace_id AND c.id = sc.contact_id
        CROSS JOIN LATERAL ({_CALLED}) k CROSS JOIN LATERAL ({_TAGGED}) t
    )
    SELECT shown.*, counted.total FROM s CROSS JOIN counted LEFT JOIN shown ON true ORDER BY shown.contact_id
    """
    )


LIST_ALL = _list("", is_matched=False)
LIST_OF_ASSIGNEE = _list(_OF_ASSIGNEE, is_matched=False)
LIST_MATCHING = _list("", is_matched=True)
LIST_MATCHING_OF_ASSIGNEE = _list(_OF_ASSIGNEE, is_matched=True)

_LOCK_CONTACTS = Statement(
    """
    SELECT id FROM contacts
    WHERE id = ANY(:contact_ids) AND deleted_at IS NULL AND workspace_id = (
        SELECT workspace_id FROM sequences WHERE workspace_id = ANY(:workspace_ids) AND id = :id
    ) ORDER BY id FOR SHARE
    """
)
_LOCK_SEQUENCE = Statement(
    """
    SELECT s.workspace_id, array(
        SELECT m.id FROM unnest(s.assigned_to_ids) WITH ORDINALITY AS a (id, place)
        JOIN workspace_memberships m ON m.workspace_id = s.workspace_id AND m.organization_membership_id = a.id
        ORDER BY a.place
    ) AS assignees
    FROM sequences s
    WHERE s.workspace_id = ANY(:workspace_ids) AND s.id = :id AND s.deleted_at IS NULL FOR NO KEY UPDATE
    """
)
_FIND = Statement(
    """
    SELECT contact_id, assigned_to_workspace_membership_id AS assignee, removed_at IS NULL AS is_present
    FROM sequence_contacts
    WHERE workspace_id = :workspace_id AND sequence_id = :id AND contact_id = ANY(:contact_ids)
    """
)
_COUNT = Statement(
    """
    SELECT assigned_to_workspace_membership_id AS assignee, count(*) AS count FROM sequence_contacts
    WHERE workspace_id = :workspace_id AND sequence_id = :id AND removed_at IS NULL
        AND assigned_to_workspace_membership_id = ANY(:assignees)
    GROUP BY 1
    """
)
_ADD = Statement(
    """
    INSERT INTO sequence_contacts (workspace_id, sequence_id, contact_id, assigned_to_workspace_membership_id)
    SELECT :workspace_id, :id, one.* FROM unnest(:contact_ids::uuid[], :assignees::uuid[]) AS one
    ON CONFLICT (workspace_id, sequence_id, contact_id) DO UPDATE SET removed_at = NULL, added_at = excluded.added_at,
        assigned_to_workspace_membership_id = excluded.assigned_to_workspace_membership_id
    """
)
_REMOVE = Statement(
    """
    WITH s AS MATERIALIZED (
        SELECT workspace_id, id FROM sequences
        WHERE workspace_id = ANY(:workspace_ids) AND id = :id AND deleted_at IS NULL FOR NO KEY UPDATE
    ), removed AS (
        UPDATE sequence_contacts sc SET removed_at = now() FROM s
        WHERE sc.workspace_id = s.workspace_id AND sc.sequence_id = s.id AND sc.contact_id = ANY(:contact_ids)
            AND sc.removed_at IS NULL
    )
    SELECT id FROM s
    """
)

_read_tags = msgspec.json.Decoder(list[SequenceContactTag]).decode
_read_calls = msgspec.json.Decoder(list[SequenceContactCall]).decode


async def list_sequence_contacts(
    db: Session,
    workspace_ids: ListOf[UUID],
    id: UUID,
    *,
    assignee: UUID | None,
    status: ContactStatus | None,
    tag_label: str | None,
    after: UUID,
    limit: int,
    offset: int,
) -> tuple[list[SequenceContact], int] | None:
    """Return contacts of a sequence in the order of their creation after a place, and how many there are.

    None if there is no such sequence.
    """
    if status is None and tag_label is None:
        statement = LIST_ALL if assignee is None else LIST_OF_ASSIGNEE
    else:
        statement = LIST_MATCHING if assignee is None else LIST_MATCHING_OF_ASSIGNEE
    rows = await db.fetch_rows(
        statement,
        workspace_ids=workspace_ids,
        id=id,
        assignee=assignee,
        status=status,
        tag_label=tag_label,
        after=after,
        limit=limit,
        offset=offset,
    )
    if not rows:
        return None
    return [_contact(row) for row in rows if row["contact_id"] is not None], rows[0]["total"]


async def lock_contacts(tx: Session, workspace_ids: ListOf[UUID], id: UUID, contact_ids: ListOf[UUID]) -> set[UUID]:
    """Return those of some contacts that are in the workspace of a sequence, and keep them from being deleted meanwhile."""
    rows = await tx.fetch_rows(_LOCK_CONTACTS, workspace_ids=workspace_ids, id=id, contact_ids=contact_ids)
    return {row["id"] for row in rows}


async def lock_sequence(tx: Session, workspace_ids: ListOf[UUID], id: UUID) -> tuple[UUID, list[UUID]] | None:
    """Return workspace and assignees (workspace memberships) of a sequence that nobody else changes meanwhile, or None."""
    row = await tx.fetch_row(_LOCK_SEQUENCE, workspace_ids=workspace_ids, id=id)
    return None if row is None else (row["workspace_id"], row["assignees"])


async def find_stored(tx: Session, workspace_id: UUID, id: UUID, contact_ids: ListOf[UUID]) -> dict[UUID, Stored]:
    """Return what a sequence knows of contacts: those that are, or were, in it."""
    rows = await tx.fetch_rows(_FIND, workspace_id=workspace_id, id=id, contact_ids=contact_ids)
    return {row["contact_id"]: Stored(row["assignee"], row["is_present"]) for row in rows}


async def count_loads(tx: Session, workspace_id: UUID, id: UUID, assignees: ListOf[UUID]) -> dict[UUID, int]:
    """Return how many contacts each assignee of a sequence has, in the order of the assignees."""
    rows = await tx.fetch_rows(_COUNT, workspace_id=workspace_id, id=id, assignees=assignees)
    return dict.fromkeys(assignees, 0) | {row["assignee"]: row["count"] for row in rows}


async def add_contacts(tx: Session, workspace_id: UUID, id: UUID, chosen: dict[UUID, UUID | None]) -> None:
    """Put contacts into a sequence, or back into it, each with its assignee."""
    await tx.execute(_ADD, workspace_id=workspace_id, id=id, contact_ids=list(chosen), assignees=list(chosen.values()))


async def remove_contacts(db: Session, workspace_ids: ListOf[UUID], id: UUID, contact_ids: ListOf[UUID]) -> bool:
    """Take contacts out of a sequence; return False if there is no such sequence."""
    return await db.fetch_row(_REMOVE, workspace_ids=workspace_ids, id=id, contact_ids=contact_ids) is not None


def _contact(row: Row) -> SequenceContact:
    id, assignee = str(row["contact_id"]), row["assigned_to_workspace_membership_id"]
    return SequenceContact(
        contact_id=id,
        contact=SequenceContactDetails(
            id=id,
            first_name=row["first_name"],
            last_name=row["last_name"],
            email=row["email"],
            company=row["company"],
            role=row["role"],
            allow_phone_calls=row["allow_phone_calls"],
            phone_numbers=row["phone_numbers"],
        ),
        assigned_to_workspace_membership_id=assignee and str(assignee),
        status=row["status"],
        tags=_read_tags(row["tags"] or "[]"),
        calls=_read_calls(row["calls"] or "[]"),
        call_count=row["call_count"],
        added_at=timestamp(row["added_at"]),
    )
