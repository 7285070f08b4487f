"""SQL of whom an erasure is about: what they are known by, who has taken them in, and which calls are theirs."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from skipcall.contacts.matching import ALIASES, PRESENT, has_number
from skipcall.phone_numbers.forms import all_forms
from skipcall.postgres.db import Session, Statement

NAMES_AT_NUMBER_MAX = 1_000  # of a switchboard

FIND_CONTACTS = Statement(
    """
    WITH RECURSIVE person AS (
        SELECT workspace_id, id FROM contacts WHERE workspace_id = ANY(:workspace_ids) AND id = :id
        UNION
        SELECT c.workspace_id, c.id FROM person p JOIN contacts c ON c.workspace_id = p.workspace_id AND c.merged_into_id = p.id
    )
    SELECT c.workspace_id, c.id, c.version, c.merged_into_id, c.erasure_id, c.last_name, c.email, c.linkedin_url,
        c.linkedin_sales_url, c.external_id, c.phone_numbers
    FROM person p JOIN contacts c ON c.workspace_id = p.workspace_id AND c.id = p.id ORDER BY c.id
    """
)
LIST_OWN_NUMBERS = Statement(
    f"""
    SELECT n.number FROM unnest(:numbers::text[]) AS n (number) WHERE NOT EXISTS (
        SELECT FROM contacts
        WHERE {has_number(":workspace_id", "n.number", PRESENT)} AND id <> ALL(:contact_ids)
    )
    """
)
LIST_NAMES_AT_NUMBERS = Statement(
    f"""
    SELECT DISTINCT n.number, c.last_name FROM unnest(:numbers::text[]) AS n (number) CROSS JOIN LATERAL (
        SELECT last_name FROM contacts
        WHERE {has_number(":workspace_id", "n.number", PRESENT)} AND id <> ALL(:contact_ids) LIMIT {NAMES_AT_NUMBER_MAX}
    ) c
    """
)
# What the person is known by, and was, as far as the history reaches. What another contact has is not the person's: both share it, or it
# came here by a merge that was undone, or by mistake. Each look for another one is a search of an index.
_ALIASED = f"WITH RECURSIVE {ALIASES.format(given='SELECT :workspace_id::uuid, value')} SELECT id FROM aliases"
_OF_ANOTHER = """EXISTS (
        SELECT FROM contacts WHERE {found_by} AND id <> ALL(:contact_ids)
    )"""
_KEYED = (
    "search_keys @> ARRAY[text_key(:workspace_id, fold({key_of}))] AND (workspace_id = :workspace_id AND {exactly} AND "
    + PRESENT
    + ") IS TRUE"
)


def _kept_by_another(key_of: str, exactly: str) -> str:
    return _OF_ANOTHER.format(found_by=_KEYED.format(key_of=key_of, exactly=exactly))


LIST_OWN_VALUES = Statement(
    f"""
    SELECT DISTINCT name, value FROM (
        SELECT k.key AS name, v.value #>> '{{}}' AS value
        FROM events e CROSS JOIN jsonb_each(e.changes) k CROSS JOIN jsonb_path_query(k.value, '$[*][*]') v (value)
        WHERE e.workspace_id = :workspace_id AND e.object_id = ANY(:contact_ids)
            AND k.key IN ('email', 'linkedinUrl', 'linkedinSalesUrl', 'externalId', 'phoneNumbers', 'lastName') AND v.value <> 'null'
        UNION
        SELECT v.name, v.value FROM contacts c CROSS JOIN LATERAL (VALUES ('email', c.email), ('linkedinUrl', c.linkedin_url),
            ('linkedinSalesUrl', c.linkedin_sales_url), ('externalId', c.external_id), ('lastName', c.last_name)) v (name, value)
        WHERE c.workspace_id = :workspace_id AND c.id = ANY(:contact_ids) AND v.value IS NOT NULL
    ) known
    WHERE :with_shared OR NOT CASE name
        WHEN 'email' THEN {_kept_by_another("value", "lower(email) = lower(value)")}
        WHEN 'linkedinUrl' THEN {_kept_by_another("linkedin_key(value)", "linkedin_key(linkedin_url) = linkedin_key(value)")}
        WHEN 'linkedinSalesUrl' THEN {_kept_by_another("value", "lower(linkedin_sales_url) = lower(value)")}
        WHEN 'externalId' THEN {_OF_ANOTHER.format(found_by="workspace_id = :workspace_id AND external_id = value AND deleted_at IS NULL")}
            OR {_OF_ANOTHER.format(found_by=f"workspace_id = :workspace_id AND id = ANY (ARRAY({_ALIASED})) AND deleted_at IS NULL")}
        WHEN 'phoneNumbers' THEN {_OF_ANOTHER.format(found_by=has_number(":workspace_id", "value", PRESENT))}
        ELSE false END
    """
)
MERGES_OF_PERSON = """
    SELECT e.transaction_id, (e.changes #>> '{mergedIntoId, 0}')::uuid AS left_id, (e.changes #>> '{mergedIntoId, 1}')::uuid AS joined_id
    FROM events e WHERE e.workspace_id = :workspace_id AND e.object_id = ANY(:contact_ids) AND e.changes ? 'mergedIntoId'"""
# Contacts that have taken the person in at some time, or one that had.
LIST_TAKERS = Statement(
    f"""
    WITH RECURSIVE takers AS (
        SELECT coalesce(joined_id, left_id) AS id FROM ({MERGES_OF_PERSON}) m
        UNION
        SELECT coalesce(e.changes #>> '{{mergedIntoId, 1}}', e.changes #>> '{{mergedIntoId, 0}}')::uuid
        FROM takers t JOIN events e ON e.workspace_id = :workspace_id AND e.object_id = t.id AND e.changes ? 'mergedIntoId'
    )
    SELECT id FROM takers WHERE id <> ALL(:contact_ids) ORDER BY id
    """
)
# Each a search of its own index. A call at one of the person's numbers that is with another contact stays that one's, unless it may have
# come there while both were one.
CALLS_OF_PERSON = """workspace_id = :workspace_id AND erased_at IS NULL AND id = ANY (ARRAY(
        SELECT id FROM calls WHERE workspace_id = :workspace_id AND contact_id = ANY(:contact_ids) AND deleted_at IS NULL
        UNION ALL
        SELECT id FROM calls WHERE workspace_id = :workspace_id AND contact_id = ANY(:contact_ids) AND deleted_at IS NOT NULL
        UNION ALL
        SELECT id FROM calls
        WHERE workspace_id = :workspace_id AND phone_number = ANY(:numbers) AND contact_id IS NULL AND deleted_at IS NULL
        UNION ALL
        SELECT id FROM calls
        WHERE workspace_id = :workspace_id AND contact_id IS NULL AND phone_number = ANY(:numbers) AND deleted_at IS NOT NULL
        UNION ALL
        SELECT id FROM calls
        WHERE workspace_id = :workspace_id AND contact_id = ANY(:taker_ids) AND phone_number = ANY(:numbers) AND deleted_at IS NULL
        UNION ALL
        SELECT id FROM calls
        WHERE workspace_id = :workspace_id AND contact_id = ANY(:taker_ids) AND phone_number = ANY(:numbers) AND deleted_at IS NOT NULL
    ))"""
_CALLS = f"SELECT id FROM calls WHERE {CALLS_OF_PERSON} ORDER BY id"
LIST_CALLS = Statement(_CALLS)
LOCK_CALLS = Statement(f"{_CALLS} FOR NO KEY UPDATE")
LOCK_CONTACTS = Statement(
    """
    SELECT id FROM contacts WHERE workspace_id = :workspace_id AND id = ANY(:contact_ids) ORDER BY id FOR NO KEY UPDATE
    """
)


async def find_contacts(db: Session, workspace_ids: Sequence[UUID], id: UUID) -> list[dict[str, Any]]:
    """Return a contact, deleted or not, and all that were merged into it, by column; none if there is no such contact."""
    return [dict(row) for row in await db.fetch_rows(FIND_CONTACTS, workspace_ids=workspace_ids, id=id)]


async def find_own_values(
    tx: Session, workspace_id: UUID, contact_ids: Sequence[UUID], *, with_shared: bool = False
) -> dict[str, list[str]]:
    """Return what contacts are known by, and were at some time, by property, each value in order; without what is another contact's too.

    Of `phoneNumbers` only those of before: `list_own_numbers` and `find_names_at_numbers` tell of them all.
    """
    own: dict[str, list[str]] = {}
    values = {"workspace_id": workspace_id, "contact_ids": contact_ids, "with_shared": with_shared}
    for row in await tx.fetch_rows(LIST_OWN_VALUES, **values):
        own.setdefault(row["name"], []).append(row["value"])
    return {name: sorted(values) for name, values in own.items()}


async def find_names_at_numbers(
    tx: Session, workspace_id: UUID, numbers: Sequence[str], contact_ids: Sequence[UUID]
) -> dict[str, list[str]]:
    """Return the last names of other contacts by the number that they have, NAMES_AT_NUMBER_MAX at most, in order."""
    names: dict[str, list[str]] = {}
    rows = await tx.fetch_rows(
        LIST_NAMES_AT_NUMBERS, workspace_id=workspace_id, numbers=numbers, contact_ids=contact_ids
    )
    for row in rows:
        names.setdefault(row["number"], []).append(row["last_name"])
    return {number: sorted(several) for number, several in names.items()}


async def list_own_numbers(
    tx: Session, workspace_id: UUID, numbers: Sequence[str], contact_ids: Sequence[UUID]
) -> list[str]:
    """Return those of the numbers that no other contact has in any form, in all forms."""
    rows = await tx.fetch_rows(LIST_OWN_NUMBERS, workspace_id=workspace_id, numbers=numbers, contact_ids=contact_ids)
    return list(dict.fromkeys(form for row in rows for form in all_forms(row["number"])))


async def list_takers(tx: Session, workspace_id: UUID, contact_ids: Sequence[UUID]) -> list[UUID]:
    """Return other contacts that have taken these in at some time, also in turn, as far as the history reaches."""
    rows = await tx.fetch_rows(LIST_TAKERS, workspace_id=workspace_id, contact_ids=contact_ids)
    return [row["id"] for row in rows]


async def find_calls(
    tx: Session,
    statement: Statement,
    workspace_id: UUID,
    contact_ids: Sequence[UUID],
    numbers: Sequence[str],
    taker_ids: Sequence[UUID],
) -> list[UUID]:
    """Return calls as far as they are not erased: `LIST_CALLS` or `LOCK_CALLS`.

    Those with contacts, and those with a number and nobody, or one of the takers.
    """
    rows = await tx.fetch_rows(
        statement, workspace_id=workspace_id, contact_ids=contact_ids, numbers=numbers, taker_ids=taker_ids
    )
    return [row["id"] for row in rows]
