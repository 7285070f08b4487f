"""SQL of the lists of contacts: in order of creation, or of the last change."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from skipcall.contacts.model import Contact, ContactView
from skipcall.contacts.queries import COLUMNS, show_contacts
from skipcall.page import COUNT_MAX, FIRST_ID, Place
from skipcall.postgres.db import Session, Statement

_DELETED_AT = ("deleted_at",)
# Nobody counts deleted contacts, so with them the total goes up to a limit.
_LIST = """
    WITH counted AS (
        SELECT CASE WHEN :with_deleted THEN (
            SELECT count(*) FROM (
                SELECT FROM contacts WHERE workspace_id = ANY(:workspace_ids) LIMIT {count_max} + 1
            ) found
        ) ELSE (
            SELECT coalesce(sum(count), 0)::bigint FROM contact_counts WHERE workspace_id = ANY(:workspace_ids)
        ) END AS total
    ), c AS (
        SELECT c.* FROM unnest(:workspace_ids::uuid[]) AS w (id) CROSS JOIN LATERAL (
            SELECT * FROM contacts
            WHERE workspace_id = w.id AND id {compare} :after AND (deleted_at IS NULL OR :with_deleted)
            ORDER BY id {direction} LIMIT :reach
        ) c ORDER BY c.id {direction} LIMIT :limit OFFSET :offset
    )
    SELECT {columns}, counted.total FROM counted LEFT JOIN c ON true ORDER BY c.id {direction}
    """
_PARTS = {"columns": COLUMNS, "count_max": COUNT_MAX}
LIST_NEWEST = Statement(_LIST.format(compare="<", direction="DESC", **_PARTS))
LIST_OLDEST = Statement(_LIST.format(compare=">", direction="ASC", **_PARTS))

# The last event of each contact is the one with its version: so every contact comes once, in the order of the index on
# events, and a page costs the same wherever it is. An index on `updated_at` itself would make every PATCH dearer.
# LIMIT 1 keeps the planner from starting with the contacts, which it does (and never ends) just after a large import,
# when it has no statistics yet.
_OF_EVENT = """
    SELECT * FROM contacts WHERE workspace_id = e.workspace_id AND id = e.object_id AND version = e.object_version
        AND (deleted_at IS NULL OR :with_deleted) LIMIT 1"""
LIST_CHANGED = Statement(
    f"""
    WITH changed AS (
        SELECT one.* FROM unnest(:workspace_ids::uuid[]) AS w (id) CROSS JOIN LATERAL (
            SELECT c.*, e.occurred_at FROM events e CROSS JOIN LATERAL ({_OF_EVENT}) c
            WHERE e.workspace_id = w.id AND (e.occurred_at, e.object_id) > (:moment, :after) AND e.type LIKE 'contact.%'
            ORDER BY e.occurred_at, e.object_id LIMIT :reach
        ) one ORDER BY one.occurred_at, one.id LIMIT :limit OFFSET :offset
    ), counted AS (
        SELECT count(*) AS total FROM (
            SELECT FROM events e CROSS JOIN LATERAL ({_OF_EVENT}) c
            WHERE e.workspace_id = ANY(:workspace_ids) AND e.occurred_at >= :since AND e.type LIKE 'contact.%'
            LIMIT :count_max + 1
        ) found
    )
    SELECT {COLUMNS}, c.occurred_at, counted.total
    FROM counted LEFT JOIN changed c ON true ORDER BY c.occurred_at, c.id
    """
)


async def list_contacts(
    db: Session,
    workspace_ids: Sequence[UUID],
    *,
    newest_first: bool,
    after: UUID,
    limit: int,
    offset: int,
    view: ContactView,
    with_deleted: bool = False,
) -> tuple[list[Contact], int]:
    """Return contacts in order of creation after a place, and how many the workspaces hold; with deleted ones up to `COUNT_MAX` + 1."""
    rows = await db.fetch_rows(
        LIST_NEWEST if newest_first else LIST_OLDEST,
        workspace_ids=workspace_ids,
        after=after,
        reach=limit + offset,
        limit=limit,
        offset=offset,
        by_slug=view.by_slug,
        with_deleted=with_deleted,
    )
    found = [row for row in rows if row["id"] is not None]
    return await show_contacts(db, found, view, _DELETED_AT if with_deleted else ()), rows[0]["total"]


async def list_changed_contacts(
    db: Session,
    workspace_ids: Sequence[UUID],
    *,
    since: datetime,
    place: Place | None,
    limit: int,
    offset: int,
    view: ContactView,
    count_max: int,
    with_deleted: bool = False,
) -> tuple[list[Contact], list[datetime], int]:
    """Return contacts changed since a moment in the order of their last change, these moments, and a count.

    The count goes up to `count_max` + 1. It is taken once, for the first page; the cursors carry it on.
    """
    rows = await db.fetch_rows(
        LIST_CHANGED,
        workspace_ids=workspace_ids,
        since=since,
        moment=place.moment if place else since,
        after=place.id if place else FIRST_ID,
        reach=limit + offset,
        limit=limit,
        offset=offset,
        by_slug=view.by_slug,
        count_max=-1 if place else count_max,
        with_deleted=with_deleted,
    )
    found = [row for row in rows if row["id"] is not None]
    return (
        await show_contacts(db, found, view, _DELETED_AT if with_deleted else ()),
        [row["occurred_at"] for row in found],
        place.total if place else rows[0]["total"],
    )
