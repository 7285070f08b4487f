"""SQL of duplicates: contacts that have something in common.

A page looks at some contacts in the order of their ids, and asks for each who else has what it has. A group stands where its
first contact does, so every group comes once, whatever the sizes of pages.
"""

from collections.abc import Sequence
from uuid import UUID

from skipcall.contacts.matching import has_number
from skipcall.contacts.model import ContactView
from skipcall.contacts.queries import COLUMNS, show_contacts
from skipcall.merges.model import (
    CONTACTS_OF_GROUP_MAX,
    CONTACTS_SHOWN_MAX,
    EXAMINED_AT_ONCE,
    GROUPS_MAX,
    DuplicateKey,
    Duplicates,
)
from skipcall.phone_numbers.forms import compared_form_in_sql
from skipcall.postgres.db import Session, Statement

# What a contact `c` may share, as it is compared and as it is shown, and who has a value `v` of it. The conditions are those of the lookup,
# for its reasons.
_VALUES: dict[DuplicateKey, str] = {
    "phoneNumber": f"""SELECT {compared_form_in_sql("one")} AS value, min(one) AS shown
        FROM unnest(c.phone_numbers) AS one GROUP BY 1""",
    "email": "SELECT lower(c.email) AS value, lower(c.email) AS shown WHERE c.email IS NOT NULL",
    "linkedinUrl": """SELECT linkedin_key(c.linkedin_url) AS value, linkedin_key(c.linkedin_url) AS shown
        WHERE c.linkedin_url IS NOT NULL""",
}
_HAVING: dict[DuplicateKey, str] = {
    "phoneNumber": has_number("v.workspace_id", "v.value"),
    "email": "workspace_id = v.workspace_id AND lower(email) = v.value AND email IS NOT NULL",
    "linkedinUrl": """search_keys @> ARRAY[text_key(v.workspace_id, fold(v.value))]
        AND (workspace_id = v.workspace_id AND linkedin_key(linkedin_url) = v.value) IS TRUE""",
}


def _list(by: DuplicateKey) -> Statement:
    """Return the statement that looks at contacts after a place: a row for each group, and one for the last contact.

    Of a value that more contacts have than a group can be of, no more are read: no order is asked for before that is known. `found`
    is a part of its own since a planner that sees the limit would rather walk along all contacts.
    """
    return Statement(
        f"""
    WITH c AS MATERIALIZED (
        SELECT c.* FROM unnest(:workspace_ids::uuid[]) AS w (id) CROSS JOIN LATERAL (
            SELECT workspace_id, id, phone_numbers, email, linkedin_url FROM contacts
            WHERE workspace_id = w.id AND id > :after AND deleted_at IS NULL ORDER BY id LIMIT {EXAMINED_AT_ONCE}
        ) c ORDER BY c.id LIMIT {EXAMINED_AT_ONCE}
    ), v AS (
        SELECT c.workspace_id, v.value, (array_agg(c.id ORDER BY c.id))[1] AS first_id,
            (array_agg(v.shown ORDER BY c.id))[1] AS shown
        FROM c CROSS JOIN LATERAL ({_VALUES[by]}) v GROUP BY c.workspace_id, v.value
    ), groups AS (
        SELECT v.first_id AS id, v.shown AS value, o.ids, cardinality(o.ids) > {CONTACTS_OF_GROUP_MAX} AS is_common
        FROM v CROSS JOIN LATERAL (
            WITH found AS MATERIALIZED (SELECT id FROM contacts WHERE {_HAVING[by]} AND deleted_at IS NULL)
            SELECT array_agg(id ORDER BY id) AS ids FROM (SELECT id FROM found LIMIT {CONTACTS_OF_GROUP_MAX + 1}) one
        ) o WHERE cardinality(o.ids) > 1
    )
    SELECT id, value, ids[:{CONTACTS_SHOWN_MAX}] AS ids, cardinality(ids) AS count, is_common, NULL::bigint AS examined
    FROM groups WHERE is_common OR ids[1] = id
    UNION ALL SELECT (array_agg(id ORDER BY id DESC))[1], NULL, NULL, NULL, NULL, count(*) FROM c
    ORDER BY id, value NULLS LAST
    """
    )


LIST = {by: _list(by) for by in _VALUES}
GET_CONTACTS = Statement(
    f"""
    SELECT {COLUMNS} FROM contacts c
    WHERE c.workspace_id = ANY(:workspace_ids) AND c.id = ANY(:ids) AND c.deleted_at IS NULL
    """
)


async def list_duplicates(
    db: Session, workspace_ids: Sequence[UUID], by: DuplicateKey, *, after: UUID, view: ContactView
) -> tuple[list[Duplicates], list[str], UUID | None]:
    """Return what the next contacts after a place are about: groups that begin among them, values that too many have for a group.

    The last is the place to go on from, None at the end.
    """
    rows = await db.fetch_rows(LIST[by], workspace_ids=workspace_ids, after=after)
    (last,) = (row for row in rows if row["examined"] is not None)
    groups = [row for row in rows if row["is_common"] is False]
    place = last["id"] if last["examined"] == EXAMINED_AT_ONCE else None
    if len(groups) > GROUPS_MAX:
        # A contact can begin several groups: up to the first group that is left out.
        place = groups[GROUPS_MAX - 1]["id"]
        groups = [row for row in groups if row["id"] <= place]
    common = [row["value"] for row in rows if row["is_common"] and (place is None or row["id"] <= place)]
    ids = {id for row in groups for id in row["ids"]}
    found = (
        await db.fetch_rows(GET_CONTACTS, workspace_ids=workspace_ids, ids=list(ids), by_slug=view.by_slug)
        if ids
        else []
    )
    contacts = {contact.id: contact for contact in await show_contacts(db, found, view)}
    duplicates = [
        Duplicates(row["value"], row["count"], [contacts[str(id)] for id in row["ids"] if str(id) in contacts])
        for row in groups
    ]
    return duplicates, list(dict.fromkeys(common)), place
