"""SQL of changes: events as others read them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from skipcall.changes.cursors import Cursor, Look
from skipcall.changes.model import Change, HistoryEntry, Object, Values
from skipcall.clock import timestamp
from skipcall.contacts.model import ContactView
from skipcall.contacts.queries import COLUMNS, show_contacts
from skipcall.postgres.db import Row, Session, Statement

FORGOTTEN_AT_ONCE = 5_000

# Of a database that was restored from a copy, transactions of the other life seem to be still to come: they count as seen
# by every snapshot. `last_id` is read after the snapshot was taken, with which a statement begins.
_VISIBLE = "(pg_visible_in_snapshot(e.transaction_id, {snapshot}::pg_snapshot) OR e.transaction_id >= l.next_xid)"
EVENT = """
    e.id AS event_id, e.type, e.object_id, e.workspace_id AS event_workspace_id, e.object_version, e.occurred_at, e.changes::text,
    e.source AS event_source, e.api_key_id, e.request_id"""
LIST_CHANGES = Statement(
    f"""
    WITH l AS MATERIALIZED (
        SELECT pg_current_snapshot()::text AS snapshot, pg_snapshot_xmax(pg_current_snapshot()) AS next_xid,
            (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM events_id_seq) AS last_id,
            clock_timestamp() AS moment,
            (SELECT max(occurred_at) FROM event_sweeps WHERE workspace_id = ANY(:workspace_ids)) AS forgotten_until
    ), e AS (
        SELECT e.* FROM l CROSS JOIN unnest(:workspace_ids::uuid[]) AS w (id) CROSS JOIN LATERAL (
            SELECT * FROM events e
            WHERE e.workspace_id = w.id AND e.id > :after
                AND (:target::text IS NULL OR {_VISIBLE.format(snapshot=":target")})
                AND (:seen::text IS NULL OR NOT {_VISIBLE.format(snapshot=":seen")})
                AND e.type LIKE ANY(:types::text[])
                AND (:own_key_id::uuid IS NULL OR e.api_key_id IS DISTINCT FROM :own_key_id)
            ORDER BY e.id LIMIT :limit
        ) e ORDER BY e.id LIMIT :limit
    )
    SELECT {COLUMNS}, {EVENT}, l.snapshot, l.last_id, l.moment, l.forgotten_until
    FROM l LEFT JOIN e ON true
    LEFT JOIN LATERAL (
        SELECT contact_id FROM calls
        WHERE workspace_id = e.workspace_id AND id = e.object_id AND e.type LIKE 'call.%' LIMIT 1
    ) k ON true
    LEFT JOIN contacts c ON c.workspace_id = e.workspace_id AND c.id = coalesce(k.contact_id, e.object_id) AND c.deleted_at IS NULL
    ORDER BY e.id
    """
)
# Also of a contact that was deleted: who did that is in it.
LIST_CONTACT_HISTORY = Statement(
    f"""
    WITH c AS (SELECT workspace_id, id FROM contacts WHERE workspace_id = ANY(:workspace_ids) AND id = :id
    ), counted AS (
        SELECT count(*) AS total FROM c JOIN events e ON e.workspace_id = c.workspace_id AND e.object_id = c.id
    ), e AS (
        SELECT e.* FROM c CROSS JOIN LATERAL (
            SELECT * FROM events e
            WHERE e.workspace_id = c.workspace_id AND e.object_id = c.id AND e.id < :before
            ORDER BY e.id DESC LIMIT :limit OFFSET :offset
        ) e
    )
    SELECT {EVENT}, counted.total FROM c CROSS JOIN counted LEFT JOIN e ON true ORDER BY e.id DESC
    """
)
# Of an object is forgotten what came before something that is itself too old. So its last event always stays, and a reader that begins
# anew and lists of what has changed find every object. Each workspace is looked through once, in the order of the index.
FORGET_CHANGES = Statement(
    f"""
    WITH old AS MATERIALIZED (
        SELECT workspace_id, occurred_at, object_id, id FROM events
        WHERE workspace_id = :workspace_id AND occurred_at < :until AND (occurred_at, object_id) > (
            coalesce((SELECT occurred_at FROM event_sweeps WHERE workspace_id = :workspace_id), '-infinity'),
            coalesce((SELECT object_id FROM event_sweeps WHERE workspace_id = :workspace_id), '{UUID(int=0)}')
        ) ORDER BY occurred_at, object_id LIMIT {FORGOTTEN_AT_ONCE}
    ), forgotten AS (
        DELETE FROM events e USING old
        WHERE e.workspace_id = old.workspace_id AND e.object_id = old.object_id AND e.id < old.id
    ), swept AS (
        INSERT INTO event_sweeps (workspace_id, occurred_at, object_id)
        SELECT workspace_id, occurred_at, object_id FROM old ORDER BY occurred_at DESC, object_id DESC LIMIT 1
        ON CONFLICT (workspace_id) DO UPDATE SET occurred_at = excluded.occurred_at, object_id = excluded.object_id
    )
    SELECT count(*) FROM old
    """
)

_read_changes = msgspec.json.Decoder(dict[str, tuple[msgspec.Raw, msgspec.Raw]]).decode


async def list_changes(
    db: Session,
    workspace_ids: Sequence[UUID],
    cursor: Cursor,
    *,
    objects: Sequence[Object],
    own_key_id: UUID | None,
    limit: int,
    view: ContactView,
) -> tuple[list[Change], Look]:
    """Return what comes after a place, at most `limit` changes, and what the reader may know when it looked."""
    rows = await db.fetch_rows(
        LIST_CHANGES,
        workspace_ids=workspace_ids,
        after=cursor.start,
        target=cursor.target or None,
        seen=cursor.seen or None,
        types=[f"{one}.%" for one in objects],
        own_key_id=own_key_id,
        limit=limit,
        by_slug=view.by_slug,
    )
    row = rows[0]
    look = Look(row["snapshot"], row["last_id"], row["moment"], row["forgotten_until"])
    changes = [row for row in rows if row["event_id"] is not None]
    contacts = iter(await show_contacts(db, (row for row in changes if row["id"] is not None), view))
    return [Change(**make_entry(row), contact=None if row["id"] is None else next(contacts)) for row in changes], look


async def list_contact_history(
    db: Session, workspace_ids: Sequence[UUID], id: UUID, *, before: int, limit: int, offset: int
) -> tuple[list[HistoryEntry], int] | None:
    """Return what was done to a contact, newest first, before an event, and how much there is; None without one."""
    rows = await db.fetch_rows(
        LIST_CONTACT_HISTORY, workspace_ids=workspace_ids, id=id, before=before, limit=limit, offset=offset
    )
    if not rows:
        return None
    return [HistoryEntry(**make_entry(row)) for row in rows if row["event_id"] is not None], rows[0]["total"]


async def forget_changes(db: Session, workspace_ids: Sequence[UUID], until: datetime) -> None:
    """Forget what came before changes that are older than a moment."""
    for workspace_id in workspace_ids:
        while await db.fetch_value(FORGET_CHANGES, workspace_id=workspace_id, until=until) == FORGOTTEN_AT_ONCE:
            pass


def make_entry(row: Row) -> dict[str, Any]:
    """Return the properties of what is read of an event from a row with the columns `EVENT`."""
    changes = row["changes"]
    api_key_id = row["api_key_id"]
    return {
        "id": str(row["event_id"]),
        "type": row["type"],
        "object_id": str(row["object_id"]),
        "workspace_id": str(row["event_workspace_id"]),
        "version": row["object_version"],
        "occurred_at": timestamp(row["occurred_at"]),
        "changes": {} if changes is None else {name: Values(*both) for name, both in _read_changes(changes).items()},
        "source": row["event_source"],
        "api_key_id": api_key_id and str(api_key_id),
        "request_id": row["request_id"],
    }
