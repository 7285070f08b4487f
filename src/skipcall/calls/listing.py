"""SQL of the list of calls, composed of the filters that a request has.

A condition like `:status IS NULL OR status = :status` can use no index in a plan that is made once for all values, so each
combination of filters is a statement of its own. Each filter has an index in the order of the list (migration 0003).
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from skipcall.calls.model import Call, ListCalls
from skipcall.calls.queries import COLUMNS, PEOPLE, View, make_call
from skipcall.page import COUNT_MAX, FIRST_ID, LAST_ID, Place
from skipcall.phone_numbers.model import read_phone_number, with_plus
from skipcall.postgres.db import Session, Statement

STATEMENTS_MAX = 512  # combinations of filters kept; the driver prepares fewer
# The planner does not know what `LIMIT :reach` will be and fears a tenth of the table, for which it may sort instead of
# walking along an index. So it is told a number, as long as that is enough.
SHALLOW = 1_000
# Seconds of talk from which calls have an index of their own; see migrations 0003 and 0014.
TALK_STEPS = (1, 15, 60, 120, 300, 600, 1_800, 3_600)
# An id is made of the start in milliseconds; rounding may have moved one against the other.
ROUNDING_MILLISECONDS = 1_000

# What a filter asks of a call.
_CONDITIONS = {
    "contact_id": "contact_id = :contact_id",
    "sequence_id": "sequence_id = :sequence_id",
    "sequence_run_id": "sequence_run_id = :sequence_run_id",
    "organization_membership_id": "organization_membership_id = :organization_membership_id",
    "status": "status = :status",
    "result": "result = :result",
    "type": "type = :type",
    "call_type": "call_type = :call_type",
    "phone_number": "phone_number = :phone_number",
    "has_recording": "has_recording = :has_recording",
    "min_duration": "talk_seconds >= :min_duration",
    "synced_with_crm": "is_synced_with_crm = :synced_with_crm",
    "external_id": "external_id = :external_id",
    "started_after": "started_at >= :started_after",
    "started_before": "started_at < :started_before",
}
# Beside one of these a tag is looked for in the calls found; alone it leads to them.
_SELECTIVE = frozenset(("contact_id", "sequence_run_id", "phone_number", "external_id"))
_HAS_TAG = """(
    SELECT true FROM call_tags t WHERE t.workspace_id = calls.workspace_id AND t.tag_id = :tag_id AND t.call_id = calls.id
)"""


class Found(NamedTuple):
    """Calls in order, the moments of their changes if that is the order, and how many there are."""

    calls: list[Call]
    moments: list[datetime]
    total: int
    is_lower_bound: bool


async def list_calls(
    db: Session, workspace_ids: Sequence[UUID], query: ListCalls, place: Place | None, view: View
) -> Found:
    """Return one more call than a page of the query holds, after a place.

    Newest first or, asked for changes, in the order of the last change. A count is taken for the first page, cursors carry it.
    """
    filters = _filters(query)
    changed = "updated_after" in filters or "updated_before" in filters
    reach = query.size + 1 + query.offset
    step = max((one for one in TALK_STEPS if one <= filters.get("min_duration", 0)), default=0)
    compose = _compose_changed if changed else _compose
    rows = await db.fetch_rows(
        compose(frozenset(filters), step, reach <= SHALLOW),
        **filters,
        first_id=_first_id(filters["started_after"], -ROUNDING_MILLISECONDS) if "started_after" in filters else None,
        last_id=_first_id(filters["started_before"]) if "started_before" in filters else None,
        workspace_ids=workspace_ids,
        after=place.id if place else FIRST_ID if changed else LAST_ID,
        moment=place.moment if place else filters.get("updated_after", datetime(1, 1, 1, tzinfo=UTC)),
        reach=reach,
        limit=query.size + 1,
        offset=query.offset,
        is_counting=place is None,
        organization_id=view.organization_id,
        with_tags=view.tags,
    )
    found = [row for row in rows if row["id"] is not None]
    total = place.total if place and filters else rows[0]["total"]
    return Found(
        [make_call(row, view) for row in found],
        [row["occurred_at"] for row in found] if changed else [],
        total,
        bool(filters) and total > COUNT_MAX,
    )


def _filters(query: ListCalls) -> dict[str, Any]:
    """Return the filters that a query has, by name."""
    names = (*_CONDITIONS, "tag_id", "updated_after", "updated_before")
    filters = {name: value for name in names if (value := getattr(query, name)) is not None}
    if "phone_number" in filters:
        filters["phone_number"] = read_phone_number(with_plus(filters["phone_number"]), query.region)
    if not filters.get("min_duration", 1):
        del filters["min_duration"]
    return filters


def _first_id(moment: datetime, shift_milliseconds: int = 0) -> UUID:
    """Return the least id that is made of a moment."""
    milliseconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1) + shift_milliseconds
    return UUID(int=max(0, milliseconds) << 80)


@lru_cache(maxsize=STATEMENTS_MAX)
def _compose(names: frozenset[str], step: int, shallow: bool) -> Statement:  # noqa: FBT001 - lru_cache
    """Return the statement for filters by name, newest calls first.

    Every workspace gives its newest; of these are taken the newest. Only a page that is full is counted.
    """
    page = f"""
        SELECT c.* FROM unnest(:workspace_ids::uuid[]) AS w (id) CROSS JOIN LATERAL ({_newest(names, step, ":reach", shallow=shallow)}
        ) c ORDER BY c.id DESC LIMIT :limit OFFSET :offset"""
    total = "SELECT coalesce(sum(count), 0)::bigint AS total FROM call_counts WHERE workspace_id = ANY(:workspace_ids)"
    if names:
        total = f"""
        SELECT CASE WHEN NOT :is_counting THEN 0 WHEN n < :limit AND (n > 0 OR :offset = 0) THEN n + :offset ELSE (
            SELECT count(*) FROM (
                SELECT FROM unnest(:workspace_ids::uuid[]) AS w (id)
                CROSS JOIN LATERAL ({_newest(names, step, str(COUNT_MAX + 1), columns="id")}) c
                LIMIT {COUNT_MAX + 1}
            ) found
        ) END AS total FROM (SELECT count(*) AS n FROM page) size"""
    return Statement(
        f"""
    WITH page AS MATERIALIZED ({page}
    ), counted AS ({total}
    )
    SELECT {COLUMNS}, counted.total FROM counted LEFT JOIN page c ON true {PEOPLE} ORDER BY c.id DESC
    """
    )


def _newest(names: frozenset[str], step: int, limit: str, *, shallow: bool = False, columns: str = "*") -> str:
    """Return a query for the newest calls of workspace `w.id` that the filters leave.

    An id is never earlier than the start, so calls that started before a moment have a lower id, but for the few whose
    start was learnt late.
    """
    conditions = _conditions(names, step)
    lower = ["{id} >= :first_id"] if "started_after" in names else []
    parts = [(lower, conditions)]
    if "started_before" in names:
        parts = [
            ([*lower, "{id} < :last_id"], conditions),
            ([*lower, "{id} >= :last_id"], [*conditions, "is_learnt_late(id, started_at)"]),
        ]
    branches = [_branch(bounds, some, names, columns) for bounds, some in parts]
    if shallow:
        branches = [f"SELECT * FROM ({branch} LIMIT {SHALLOW}) hinted" for branch in branches]
    limited = [f"({branch} LIMIT {limit})" for branch in branches]
    if len(limited) == 1:
        return limited[0]
    return f"SELECT * FROM ({' UNION ALL '.join(limited)}) joined ORDER BY id DESC LIMIT {limit}"


def _branch(bounds: list[str], conditions: list[str], names: frozenset[str], columns: str) -> str:
    where = "".join(f" AND {one}" for one in conditions)
    limits = "".join(f" AND {one}" for one in ["{id} < :after", *bounds])
    if "tag_id" in names and not names & _SELECTIVE:
        tagged = f"""t.workspace_id = w.id AND t.tag_id = :tag_id AND NOT t.is_call_deleted
            {limits.replace("{id}", "t.call_id")} ORDER BY t.call_id DESC"""
        if columns == "id" and not conditions:
            return f"""
            SELECT t.call_id AS id FROM call_tags t WHERE {tagged}"""
        return f"""
            SELECT one.* FROM call_tags t CROSS JOIN LATERAL (
                SELECT {columns} FROM calls
                WHERE workspace_id = t.workspace_id AND id = t.call_id AND deleted_at IS NULL{where} LIMIT 1
            ) one WHERE {tagged}"""
    if "tag_id" in names:
        where += f" AND {_HAS_TAG}"
    return f"""
            SELECT {columns} FROM calls
            WHERE workspace_id = w.id AND deleted_at IS NULL{where}{limits.replace("{id}", "id")} ORDER BY id DESC"""


def _conditions(names: frozenset[str], step: int) -> list[str]:
    # In a settled order, so that equal sets make equal statements.
    found = [condition for name, condition in _CONDITIONS.items() if name in names]
    return [*found, f"talk_seconds >= {step}"] if step else found  # what proves that its index may be used


# The last event of a call is the one with its version: so every call comes once, in the order of the index on events.
@lru_cache(maxsize=STATEMENTS_MAX)
def _compose_changed(names: frozenset[str], step: int, shallow: bool) -> Statement:  # noqa: FBT001 - lru_cache
    """Return the statement for filters by name, in the order of the last change."""
    conditions = _conditions(names, step)
    conditions += ["id >= :first_id"] if "started_after" in names else []
    conditions += [_HAS_TAG] if "tag_id" in names else []
    of_event = f"""
        SELECT * FROM calls
        WHERE workspace_id = e.workspace_id AND id = e.object_id AND version = e.object_version AND deleted_at IS NULL
            {"".join(f" AND {one}" for one in conditions)} LIMIT 1"""
    before = " AND e.occurred_at < :updated_before" if "updated_before" in names else ""
    changed = f"""
        SELECT c.*, e.occurred_at FROM events e CROSS JOIN LATERAL ({of_event}) c
        WHERE e.workspace_id = w.id AND e.type LIKE 'call.%' AND (e.occurred_at, e.object_id) > (:moment, :after){before}
        ORDER BY e.occurred_at, e.object_id"""
    hinted = f"SELECT * FROM ({changed} LIMIT {SHALLOW}) hinted" if shallow else changed
    return Statement(
        f"""
    WITH page AS MATERIALIZED (
        SELECT c.* FROM unnest(:workspace_ids::uuid[]) AS w (id) CROSS JOIN LATERAL ({hinted} LIMIT :reach) c
        ORDER BY c.occurred_at, c.id LIMIT :limit OFFSET :offset
    ), counted AS (
        SELECT CASE WHEN NOT :is_counting THEN 0 WHEN n < :limit AND (n > 0 OR :offset = 0) THEN n + :offset ELSE (
            SELECT count(*) FROM (
                SELECT FROM unnest(:workspace_ids::uuid[]) AS w (id)
                CROSS JOIN LATERAL ({changed} LIMIT {COUNT_MAX + 1}) c LIMIT {COUNT_MAX + 1}
            ) found
        ) END AS total FROM (SELECT count(*) AS n FROM page) size
    )
    SELECT {COLUMNS}, c.occurred_at, counted.total FROM counted LEFT JOIN page c ON true {PEOPLE}
    ORDER BY c.occurred_at, c.id
    """
    )
