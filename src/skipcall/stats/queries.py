"""SQL of statistics. Whole quarters of an hour are read summed up; those that are split between buckets, call by call."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from skipcall.calls.listing import ROUNDING_MILLISECONDS
from skipcall.postgres.db import Row, Session, Statement
from skipcall.stats.buckets import QUARTER, Period, floor, split_quarters

_SUMS = (
    "queued ringing in_progress completed no_answer busy canceled failed connected talked talk_seconds".split()
)  # columns of call_statistics
_OF_CALL = """
    (c.status = 'queued')::integer, (c.status = 'ringing')::integer, (c.status = 'in-progress')::integer,
    (c.status = 'completed')::integer, (c.status = 'no-answer')::integer, (c.status = 'busy')::integer,
    (c.status = 'canceled')::integer, (c.status = 'failed')::integer, (c.result = 'CONNECTED')::integer,
    (c.talk_seconds > 0)::integer, c.talk_seconds"""

_MEMBER = """(
    SELECT organization_membership_id FROM workspace_memberships
    WHERE workspace_id = :workspace_id AND :user_membership_id::uuid IN (id, organization_membership_id))"""
# The tables of sums write zero for calls of no sequence, which no client may ask for by that.
_SEQUENCE = "nullif(:sequence_id::uuid, '00000000-0000-0000-0000-000000000000')"
_OF_TYPE = """
    (:call_type::text IS NULL OR call_type = :call_type) AND (:type::text IS NULL OR type = :type)"""
_WHOLE_QUARTERS = f"""
    quarter >= :first AND quarter < :end AND quarter <> ALL(:split::timestamptz[]) AND {_OF_TYPE}"""

# The rows of a table of sums that the filters ask for. Only one of the three parts finds anything: that of all calls, of a
# sequence, or of a user.
_ROWS = f"""
    SELECT * FROM (
        SELECT * FROM {{table}} WHERE workspace_id = :workspace_id AND sequence_id IS NULL
            AND :sequence_id::uuid IS NULL AND :user_membership_id::uuid IS NULL
        UNION ALL SELECT * FROM {{table}} WHERE workspace_id = :workspace_id AND sequence_id = {_SEQUENCE}
            AND (:user_membership_id::uuid IS NULL OR organization_membership_id = {_MEMBER})
        UNION ALL SELECT * FROM {{table}} WHERE workspace_id = :workspace_id
            AND organization_membership_id = {_MEMBER} AND :sequence_id::uuid IS NULL
    ) r WHERE {_WHOLE_QUARTERS}"""

# Ids tell the start, but for calls whose start was learnt late; see calls.listing. OFFSET 0 keeps the planner from any other
# index, whichever filters there are.
_CALL = "id, started_at, status, result, talk_seconds, type, call_type, sequence_id, organization_membership_id"
_CALLS_OF_SPLIT_QUARTERS = f"""(
    SELECT c.* FROM (
        SELECT greatest(quarter, :start) AS first, least(quarter + interval '15 minutes', :end) AS "end"
        FROM unnest(:split::timestamptz[]) AS q (quarter)
    ) q CROSS JOIN LATERAL (
        SELECT {_CALL} FROM calls
        WHERE workspace_id = :workspace_id AND started_at >= q.first AND started_at < q."end" AND deleted_at IS NULL
            AND id >= first_id_at(q.first - interval '{ROUNDING_MILLISECONDS} milliseconds') AND id < first_id_at(q."end")
            AND NOT is_learnt_late(id, started_at)
        UNION ALL SELECT {_CALL} FROM calls
        WHERE workspace_id = :workspace_id AND started_at >= q.first AND started_at < q."end" AND deleted_at IS NULL
            AND is_learnt_late(id, started_at)
        OFFSET 0
    ) c
    WHERE (:sequence_id::uuid IS NULL OR sequence_id = :sequence_id)
        AND (:user_membership_id::uuid IS NULL OR organization_membership_id = {_MEMBER}) AND {_OF_TYPE}
    ) c"""
_TAGS_OF_SPLIT_QUARTERS = f"""{_CALLS_OF_SPLIT_QUARTERS} CROSS JOIN LATERAL (
        SELECT tag_id FROM call_tags WHERE workspace_id = :workspace_id AND call_id = c.id OFFSET 0
    ) t"""

_SUM_CALLS = f"""
    SELECT width_bucket(moment, :buckets::timestamptz[]) AS bucket,
        {", ".join(f"sum({name})::bigint AS {name}" for name in _SUMS)}
    FROM (
        SELECT quarter AS moment, {", ".join(_SUMS)} FROM ({_ROWS.format(table="call_statistics")}) r
        UNION ALL SELECT c.started_at, {_OF_CALL} FROM {_CALLS_OF_SPLIT_QUARTERS}
    ) parts GROUP BY bucket"""

_SUM_DURATIONS = Statement(f"{_SUM_CALLS} ORDER BY bucket")
_SUM_STATUSES = Statement(
    f"""
    WITH sums AS ({_SUM_CALLS}), uncalled AS (
        SELECT CASE WHEN :sequence_id::uuid IS NULL THEN (
            SELECT sum(count - called)::bigint FROM contact_counts WHERE workspace_id = :workspace_id
        ) ELSE (
            SELECT count(*) FROM sequence_contacts s
            WHERE s.workspace_id = :workspace_id AND s.sequence_id = :sequence_id AND s.removed_at IS NULL
                AND NOT EXISTS (
                    SELECT FROM sequence_call_counts n
                    WHERE n.workspace_id = :workspace_id AND n.sequence_id = :sequence_id AND n.contact_id = s.contact_id
                )
        ) END AS uncalled
    )
    SELECT sums.*, coalesce(uncalled.uncalled, 0) AS uncalled FROM uncalled LEFT JOIN sums ON true ORDER BY bucket
    """
)
_SUM_TAGS = Statement(
    f"""
    WITH sums AS (
        SELECT width_bucket(moment, :buckets::timestamptz[]) AS bucket, tag_id, sum(count)::bigint AS count
        FROM (
            SELECT quarter AS moment, tag_id, count FROM ({_ROWS.format(table="tag_statistics")}) r
            UNION ALL SELECT c.started_at, t.tag_id, 1 FROM {_TAGS_OF_SPLIT_QUARTERS}
        ) parts GROUP BY bucket, tag_id
    )
    SELECT s.bucket, s.count, t.id, t.label, t.is_success_tag
    FROM sums s JOIN tags t ON t.workspace_id = :workspace_id AND t.id = s.tag_id
    ORDER BY s.bucket, s.count DESC, t.label, t.id
    """
)

_SUMS_OF_USER = """
    sum(queued + ringing + in_progress + completed + no_answer + busy + canceled + failed)
        FILTER (WHERE type = 'outbound') AS placed,
    sum(connected) FILTER (WHERE type = 'outbound') AS connected, sum(talked) AS talked, sum(talk_seconds) AS talk_seconds"""
_WITH_SUCCESS = " AND tag_id = ANY(ARRAY(SELECT id FROM success))"


def _sum_users(sums: str) -> Statement:
    """Return the statement that sums up by user; `sums` is where the sums of a table are taken from, by user."""
    return Statement(
        f"""
    WITH m AS (
        SELECT w.organization_membership_id AS id, u.first_name, u.last_name
        FROM workspace_memberships w
        JOIN organization_memberships o ON o.organization_id = w.organization_id AND o.id = w.organization_membership_id
        JOIN users u ON u.id = o.user_id
        WHERE w.workspace_id = :workspace_id
            AND (:user_membership_id::uuid IS NULL OR :user_membership_id IN (w.id, w.organization_membership_id))
    ), called AS (
        {sums.format(table="call_statistics", sums=_SUMS_OF_USER, only="")}
        UNION ALL SELECT c.organization_membership_id, (c.type = 'outbound')::integer,
            (c.type = 'outbound' AND c.result = 'CONNECTED')::integer, (c.talk_seconds > 0)::integer, c.talk_seconds
        FROM {_CALLS_OF_SPLIT_QUARTERS}
    ), calls_of AS (
        SELECT id, sum(placed) AS placed, sum(connected) AS connected, sum(talked) AS talked,
            sum(talk_seconds) AS talk_seconds
        FROM called GROUP BY id
    ), success AS MATERIALIZED (SELECT id FROM tags WHERE workspace_id = :workspace_id AND is_success_tag
    ), tagged AS (
        {sums.format(table="tag_statistics", sums="sum(count) AS count", only=_WITH_SUCCESS)}
        UNION ALL SELECT c.organization_membership_id, 1 FROM {_TAGS_OF_SPLIT_QUARTERS}
        WHERE t.tag_id IN (SELECT id FROM success)
    ), tags_of AS (SELECT id, sum(count) AS successes FROM tagged GROUP BY id)
    SELECT m.id, m.first_name, m.last_name, coalesce(placed, 0)::bigint AS placed,
        coalesce(connected, 0)::bigint AS connected, coalesce(talked, 0)::bigint AS talked,
        coalesce(talk_seconds, 0)::bigint AS talk_seconds, coalesce(successes, 0)::bigint AS successes
    FROM m LEFT JOIN calls_of USING (id) LEFT JOIN tags_of USING (id)
    ORDER BY placed DESC, m.last_name, m.first_name, m.id LIMIT :limit
    """
    )


_SUM_USER = _sum_users(
    f"""SELECT s.* FROM m CROSS JOIN LATERAL (
            SELECT m.id, {{sums}} FROM {{table}}
            WHERE workspace_id = :workspace_id AND organization_membership_id = m.id
                AND (:sequence_id::uuid IS NULL OR sequence_id = {_SEQUENCE}) AND {_WHOLE_QUARTERS}{{only}}
        ) s"""
)
# Of all users the sums are read sequence by sequence: these are far fewer, and lie together. The second grouping set finds no user;
# with it the result can have no order, for which the planner would rather sort 100,000 sums (it expects a thousand) than hash them.
_SUM_USERS = _sum_users(
    f"""SELECT organization_membership_id AS id, {{sums}} FROM {{table}}
        WHERE workspace_id = :workspace_id AND sequence_id = ANY(ARRAY(
                SELECT id FROM sequences
                WHERE workspace_id = :workspace_id AND (:sequence_id::uuid IS NULL OR id = :sequence_id)
                UNION ALL SELECT '00000000-0000-0000-0000-000000000000' WHERE :sequence_id::uuid IS NULL
            )) AND {_WHOLE_QUARTERS}{{only}}
        GROUP BY GROUPING SETS ((organization_membership_id), ())"""
)
_GET_SPAN = Statement(
    """
    SELECT (SELECT quarter FROM call_statistics WHERE workspace_id = :workspace_id AND sequence_id IS NULL
            ORDER BY sequence_id, quarter LIMIT 1) AS first,
        (SELECT quarter FROM call_statistics WHERE workspace_id = :workspace_id AND sequence_id IS NULL
            ORDER BY sequence_id DESC, quarter DESC LIMIT 1) AS last
    """
)


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls of a workspace are summed up; None for any."""

    workspace_id: UUID
    sequence_id: UUID | None
    user_membership_id: UUID | None  # of the organization membership, or of the workspace membership
    call_type: str | None
    type: str | None


async def sum_tags(db: Session, filters: Filters, period: Period, buckets: Sequence[datetime]) -> list[Row]:
    """Return how many calls of each bucket (numbered from 1) have which tag; nothing where there are none."""
    return await _sum(db, _SUM_TAGS, filters, period, buckets)


async def sum_statuses(
    db: Session, filters: Filters, period: Period, buckets: Sequence[datetime]
) -> tuple[list[Row], int]:
    """Return the counts by status of each bucket (numbered from 1) that has calls, and how many contacts have none."""
    rows = await _sum(db, _SUM_STATUSES, filters, period, buckets)
    return [row for row in rows if row["bucket"] is not None], rows[0]["uncalled"]


async def sum_durations(db: Session, filters: Filters, period: Period, buckets: Sequence[datetime]) -> list[Row]:
    """Return the counts and seconds of each bucket (numbered from 1) that has calls."""
    return await _sum(db, _SUM_DURATIONS, filters, period, buckets)


async def sum_users(db: Session, filters: Filters, period: Period, limit: int) -> list[Row]:
    """Return what each user of the workspace has done, also those who did nothing."""
    statement = _SUM_USERS if filters.user_membership_id is None else _SUM_USER
    return await _sum(db, statement, filters, period, (), limit=limit)


async def find_span(db: Session, workspace_id: UUID) -> Period | None:
    """Return the first and the last quarter of an hour with calls in a workspace, or None if it has none."""
    row = await db.fetch_row(_GET_SPAN, workspace_id=workspace_id)
    if row is None or row["first"] is None:
        return None
    return Period(row["first"], row["last"] + QUARTER)


async def _sum(
    db: Session, statement: Statement, filters: Filters, period: Period, buckets: Sequence[datetime], **values: int
) -> list[Row]:
    return await db.fetch_rows(
        statement,
        **msgspec.structs.asdict(filters),
        first=floor(period.start),
        start=period.start,
        end=period.end,
        split=split_quarters(period, buckets),
        buckets=buckets,
        **values,
    )
