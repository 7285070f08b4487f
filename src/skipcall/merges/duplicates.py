"""SQL of duplicates: contacts that have something in common.

A page looks at some contacts in the order of their ids, and asks for each who else has what it has. A group stands where its
first contact does, so every group comes once, whatever the sizes of pages.
"""

from collections.abc import Sequence
from uuid import UUID

from skipcall.contacts.queries import COLUMNS, make_contact
from skipcall.merges.model import (
    CONTACTS_COUNTED_MAX,
    CONTACTS_SHOWN_MAX,
    EXAMINED_AT_ONCE,
    GROUPS_MAX,
    DuplicateKey,
    Duplicates,
)
from skipcall.postgres.db import Session, Statement

# What a contact `c` may share, and who has a value `v` of it. The conditions on numbers are those of `calls.matching`, for its
# reasons; OFFSET 0 keeps the planner from walking along all contacts in their order instead.
_VALUES = {
    "phoneNumber": "SELECT DISTINCT unnest(c.phone_numbers) AS value",
    "email": "SELECT lower(c.email) AS value WHERE c.email IS NOT NULL",
}
_HAVING = {
    "phoneNumber": """
        phone_keys(workspace_id, phone_numbers)
            @> ARRAY[hashtextextended(v.value, uuid_hash_extended(v.workspace_id, 0))]
        AND (workspace_id = v.workspace_id AND phone_numbers @> ARRAY[v.value]) IS TRUE AND deleted_at IS NULL""",
    "email": "workspace_id = v.workspace_id AND lower(email) = v.value AND email IS NOT NULL AND deleted_at IS NULL",
}


def _list(by: DuplicateKey) -> Statement:
    """Return the statement that looks at contacts after a place: a row for each group, and one for the last contact."""
    return Statement(
        f"""
    WITH c AS MATERIALIZED (
        SELECT c.* FROM unnest(:workspace_ids::uuid[]) AS w (id) CROSS JOIN LATERAL (
            SELECT workspace_id, id, phone_numbers, email FROM contacts
            WHERE workspace_id = w.id AND id > :after AND deleted_at IS NULL ORDER BY id LIMIT {EXAMINED_AT_ONCE}
        ) c ORDER BY c.id LIMIT {EXAMINED_AT_ONCE}
    ), v AS (
        SELECT c.workspace_id, v.value, (array_agg(c.id ORDER BY c.id))[1] AS first_id
        FROM c CROSS JOIN LATERAL ({_VALUES[by]}) v GROUP BY c.workspace_id, v.value
    ), groups AS (
        SELECT v.first_id AS id, v.value, o.ids
        FROM v CROSS JOIN LATERAL (
            SELECT array_agg(id ORDER BY id) AS ids FROM (
                SELECT id FROM (SELECT id FROM contacts WHERE {_HAVING[by]} OFFSET 0) one
                ORDER BY id LIMIT {CONTACTS_COUNTED_MAX}
            ) one
        ) o WHERE cardinality(o.ids) > 1 AND o.ids[1] = v.first_id
    )
    SELECT id, value, ids[:{CONTACTS_SHOWN_MAX}] AS ids, cardinality(ids) AS count, NULL::bigint AS examined FROM groups
    UNION ALL SELECT (array_agg(id ORDER BY id DESC))[1], NULL, NULL, NULL, count(*) FROM c
    ORDER BY id, value NULLS LAST
    """
    )


LIST = {by: _list(by) for by in ("phoneNumber", "email")}
GET_CONTACTS = Statement(
    f"""
    SELECT {COLUMNS} FROM contacts c
    WHERE c.workspace_id = ANY(:workspace_ids) AND c.id = ANY(:ids) AND c.deleted_at IS NULL
    """
)


async def list_duplicates(
    db: Session, workspace_ids: Sequence[UUID], by: DuplicateKey, *, after: UUID, by_slug: bool
) -> tuple[list[Duplicates], UUID | None]:
    """Return the groups that begin among the next contacts after a place, and the place to go on from, None at the end."""
    rows = await db.fetch_rows(LIST[by], workspace_ids=workspace_ids, after=after)
    (last,) = (row for row in rows if row["examined"] is not None)
    groups = [row for row in rows if row["examined"] is None]
    place = last["id"] if last["examined"] == EXAMINED_AT_ONCE else None
    if len(groups) > GROUPS_MAX:
        # A contact can begin several groups: up to the first group that is left out.
        place = groups[GROUPS_MAX - 1]["id"]
        groups = [row for row in groups if row["id"] <= place]
    ids = {id for row in groups for id in row["ids"]}
    found = (
        await db.fetch_rows(GET_CONTACTS, workspace_ids=workspace_ids, ids=list(ids), by_slug=by_slug) if ids else []
    )
    contacts = {contact.id: contact for contact in map(make_contact, found)}
    return [
        Duplicates(row["value"], row["count"], [contacts[str(id)] for id in row["ids"] if str(id) in contacts])
        for row in groups
    ], place
