"""SQL of upserts: one transaction for one contact or for hundreds, of the same few statements."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from skipcall.contacts.erased import ARE_ANY, LIST_ERASED, ErasedKeys, person_hashes
from skipcall.contacts.ledger import COLUMNS, Given, Record, Step
from skipcall.contacts.matching import ALIASES, has_number
from skipcall.contacts.model import Source
from skipcall.contacts.queries import COUNT_SLOTS
from skipcall.contacts.upsert_model import CANDIDATES_MAX, MATCH_KEYS, MatchKey
from skipcall.custom_fields import queries as custom_fields
from skipcall.phone_numbers.forms import compared_form
from skipcall.postgres.db import Session, Statement

# Locks of one transaction are few, since all transactions share one table of locks: beyond these the workspace is locked.
LOCKED_KEYS_MAX = 64

_TYPES = {"allow_phone_calls": "boolean", "phone_numbers": "text[]"}
_GIVEN = ", ".join(f"{column} {_TYPES.get(column, 'text')}" for column in COLUMNS)
_NAMES = ", ".join(COLUMNS)

_FOLDED = "ARRAY(SELECT lower(one) FROM unnest(:emails::text[]) WITH ORDINALITY AS e (one, place) ORDER BY place)"
# Until the end of the transaction. A plan is kept: one that was made while the table was nearly empty would go on reading all of
# it, for each key, while a list is loaded.
_NO_SCANS = "set_config('enable_seqscan', 'off', true)"
# Who writes the same person waits here, before anything is read, and in one order: the workspace, shared, then the keys.
LOCK_KEYS = Statement(
    f"""
    WITH workspace AS MATERIALIZED (
        SELECT pg_advisory_xact_lock_shared(uuid_hash_extended(:workspace_id, 1)) AS locked
    ), keys AS MATERIALIZED (
        SELECT DISTINCT hashtextextended(key, uuid_hash_extended(:workspace_id, 1)) AS hash FROM (
            SELECT 'externalId ' || one FROM unnest(:external_ids::text[]) AS one
            UNION ALL SELECT 'phoneNumbers ' || one FROM unnest(:phone_numbers::text[]) AS one
            UNION ALL SELECT 'email ' || lower(one) FROM unnest(:emails::text[]) AS one
        ) given (key) ORDER BY 1
    )
    SELECT {_FOLDED}, {_NO_SCANS}, (
        SELECT count(*) FROM (SELECT locked, pg_advisory_xact_lock(hash) FROM workspace CROSS JOIN keys OFFSET 0) held
    )
    """
)
LOCK_WORKSPACE = Statement(
    f"SELECT {_FOLDED}, {_NO_SCANS}, pg_advisory_xact_lock(uuid_hash_extended(:workspace_id, 1))"
)
_HOLD_UPSERTS = Statement(
    """
    SELECT pg_advisory_xact_lock(uuid_hash_extended(workspace_id, 1)) FROM contacts
    WHERE workspace_id = ANY(:workspace_ids) AND id = :id
    """
)
_HOLD_ALL_UPSERTS = Statement("SELECT pg_advisory_xact_lock(uuid_hash_extended(:workspace_id, 1))")

# Written so that each key is one search of its index, whatever the planner expects: a join might read the whole workspace.
# `reach` is for each key. Who was erased is looked for after the locks too, since an erasure holds that of the workspace.
FIND_HOLDERS = Statement(
    f"""
    WITH RECURSIVE {
        ALIASES.format(given="SELECT :workspace_id::uuid, one FROM unnest(:external_ids::text[]) AS x (one)")
    }, found AS MATERIALIZED (
    SELECT id, version, {_NAMES}, custom_fields, lower(email) AS folded_email FROM contacts
    WHERE workspace_id = :workspace_id AND (deleted_at IS NULL) IS TRUE AND id = ANY (ARRAY(
        SELECT unnest(:ids::uuid[])
        UNION ALL
        SELECT found.id FROM unnest(:external_ids::text[]) AS x (one) CROSS JOIN LATERAL (
            SELECT id FROM contacts
            WHERE workspace_id = :workspace_id AND external_id = x.one AND deleted_at IS NULL LIMIT 1
        ) found
        UNION ALL
        SELECT id FROM aliases
        UNION ALL
        SELECT found.id FROM unnest(:emails::text[]) AS e (one) CROSS JOIN LATERAL (
            SELECT id FROM contacts
            WHERE workspace_id = :workspace_id AND lower(email) = lower(e.one) AND deleted_at IS NULL LIMIT :reach
        ) found
        UNION ALL
        SELECT found.id FROM unnest(:phone_numbers::text[]) AS n (one) CROSS JOIN LATERAL (
            SELECT id FROM contacts
            WHERE {has_number(":workspace_id", "n.one")} LIMIT :reach
        ) found
    ))
    ORDER BY id FOR NO KEY UPDATE
    )
    SELECT found.*, a.aliases, e.hashes AS erased_hashes, e.are_any AS are_any_erased
    FROM (SELECT ARRAY({LIST_ERASED}) AS hashes, {ARE_ANY} AS are_any) e LEFT JOIN found ON true
    LEFT JOIN (SELECT id, array_agg(external_id) AS aliases FROM aliases GROUP BY id) a ON a.id = found.id ORDER BY found.id
    """
)

# Before the others are written: one of these may take what another gives up.
RELEASE_EXTERNAL_IDS = Statement(
    "UPDATE contacts SET external_id = NULL WHERE workspace_id = :workspace_id AND id = ANY(:ids)"
)
WRITE_CONTACTS = Statement(
    f"""
    WITH given AS MATERIALIZED (
        SELECT * FROM json_to_recordset(:contacts::json)
            AS g (id uuid, is_new boolean, version bigint, {_GIVEN}, custom_fields jsonb)
    ), moment AS MATERIALIZED (
        SELECT clock_timestamp()::timestamptz(3) AS now
    ), inserted AS (
        INSERT INTO contacts (workspace_id, id, {_NAMES}, custom_fields, version, created_at, updated_at,
            last_modification_source)
        SELECT :workspace_id, id, {_NAMES}, custom_fields, version, now, now, :source
        FROM given CROSS JOIN moment WHERE is_new
        RETURNING id, updated_at
    ), updated AS (
        UPDATE contacts c SET {", ".join(f"{column} = g.{column}" for column in COLUMNS)},
            custom_fields = g.custom_fields, version = g.version, updated_at = greatest(now, c.updated_at),
            last_modification_source = :source
        FROM given g CROSS JOIN moment WHERE c.workspace_id = :workspace_id AND c.id = g.id
            AND c.id = ANY (ARRAY(SELECT id FROM given WHERE NOT is_new))
        RETURNING c.id, c.updated_at
    ), recorded AS (
        INSERT INTO events (workspace_id, type, object_id, object_version, occurred_at, source, api_key_id, request_id,
            changes)
        SELECT :workspace_id, s.type, s.id, s.version, w.updated_at, :source, :api_key_id, :request_id, s.changes
        FROM ROWS FROM (
            json_to_recordset(:steps::json) AS (type text, id uuid, version bigint, changes jsonb)
        ) WITH ORDINALITY AS s (type, id, version, changes, place)
        JOIN (SELECT * FROM inserted UNION ALL SELECT * FROM updated) w ON w.id = s.id ORDER BY s.place
    ), said AS (
        INSERT INTO contact_consents (workspace_id, contact_id, status, obtained_at, source, object_version)
        SELECT :workspace_id, s.id, CASE WHEN s.is_allowed THEN 'asserted' ELSE 'objected' END, w.updated_at, :source, s.version
        FROM ROWS FROM (
            json_to_recordset(:said::json) AS (id uuid, version bigint, is_allowed boolean)
        ) WITH ORDINALITY AS s (id, version, is_allowed, place)
        JOIN (SELECT * FROM inserted UNION ALL SELECT * FROM updated) w ON w.id = s.id ORDER BY s.place
    )
    INSERT INTO contact_counts (workspace_id, slot, count)
    SELECT :workspace_id, pg_backend_pid() % {COUNT_SLOTS}, count(*) FROM inserted HAVING count(*) > 0
    ON CONFLICT (workspace_id, slot) DO UPDATE SET count = contact_counts.count + excluded.count
    """
)


async def hold_upserts(tx: Session, workspace_ids: Sequence[UUID], id: UUID) -> None:
    """Let no upsert look for anybody in the workspace of a contact until the end of the transaction: those that wait then see it.

    To be called before anything else is locked.
    """
    await tx.execute(_HOLD_UPSERTS, workspace_ids=workspace_ids, id=id)


async def hold_all_upserts(tx: Session, workspace_id: UUID) -> None:
    """Do the same for a workspace that is known."""
    await tx.execute(_HOLD_ALL_UPSERTS, workspace_id=workspace_id)


async def find_holders(
    tx: Session,
    workspace_id: UUID,
    given: Sequence[Given],
    secret: bytes,
    match: Collection[MatchKey] = MATCH_KEYS,
    ids: Iterable[UUID] = (),
    unique_slugs: Sequence[str] = (),
) -> tuple[list[Record], dict[str, str], ErasedKeys]:
    """Return the contacts that a key of the items leads to, those of `ids`, and those that have a value of a unique field that an item
    gives; what each e-mail address is compared by; and who was erased, by the server's `secret`.

    A key that is not in `match` leads nowhere, but for externalId, which is unique. One that contacts had which were merged leads to
    those that took them in.

    Until the end of the transaction nobody else changes these contacts, nor upserts somebody with one of the keys. Of
    contacts with one key come so many that whatever the items change, what is left is still ambiguous.
    """
    given_values = [(slug, value) for one in given for slug in unique_slugs if (value := one.kept(slug))]
    owners = await custom_fields.list_taken_values(tx, workspace_id, given_values) if given_values else {}
    emails = list({one.values["email"] for one in given if one.values.get("email")})
    external_ids = [one.values["external_id"] for one in given if one.values.get("external_id")]
    phone_numbers = []
    if "phoneNumbers" in match:
        phone_numbers = list({number for one in given for number in one.values.get("phone_numbers", ())})
    compared = list({compared_form(one) for one in phone_numbers})
    keys = {"emails": emails, "external_ids": external_ids, "phone_numbers": compared}
    hashes = [one for item in given for one in person_hashes(workspace_id, item.values, secret)]
    is_few = sum(map(len, keys.values())) <= LOCKED_KEYS_MAX
    lowered = await tx.fetch_value(LOCK_KEYS if is_few else LOCK_WORKSPACE, workspace_id=workspace_id, **keys)
    rows = await tx.fetch_rows(
        FIND_HOLDERS,
        workspace_id=workspace_id,
        ids=[*ids, *owners.values(), *(one.id for one in given if one.id)],
        reach=CANDIDATES_MAX + len(given),
        person_hashes=hashes,
        **keys if "email" in match else keys | {"emails": []},
    )
    first = rows[0]
    erased = ErasedKeys(workspace_id, secret, hashes, first["erased_hashes"], are_any=first["are_any_erased"])
    rows = [row for row in rows if row["id"] is not None]
    folded = dict(zip(emails, lowered, strict=True))
    folded |= {row["email"]: row["folded_email"] for row in rows if row["email"]}
    records = []
    for row in rows:
        values = {column: row[column] for column in COLUMNS}
        values["custom_fields"] = msgspec.json.decode(row["custom_fields"])
        records.append(Record(row["id"], row["version"], values, aliases=row["aliases"] or ()))
    return records, folded, erased


async def write_contacts(
    tx: Session,
    workspace_id: UUID,
    records: Iterable[Record],
    steps: Sequence[Step],
    *,
    source: Source,
    api_key_id: UUID | None,
    request_id: str | None,
) -> None:
    """Write records with the steps that led to them, each of which is recorded."""
    released = [step.id for step in steps if step.changes and step.changes.get("externalId", [None])[0]]
    if released:
        await tx.execute(RELEASE_EXTERNAL_IDS, workspace_id=workspace_id, ids=released)
    records = list(records)
    contacts: list[dict[str, Any]] = [
        {"id": one.id, "is_new": one.is_new, "version": one.version, **one.values} for one in records
    ]
    said = _changes_of_allowance(steps, {one.id: one.values["allow_phone_calls"] for one in records})
    await tx.execute(
        WRITE_CONTACTS,
        workspace_id=workspace_id,
        contacts=msgspec.json.encode(contacts).decode(),
        steps=msgspec.json.encode(steps).decode(),
        said=msgspec.json.encode(
            [{"id": id, "version": version, "is_allowed": one} for id, version, one in said]
        ).decode(),
        source=source,
        api_key_id=api_key_id,
        request_id=request_id,
    )


def _changes_of_allowance(steps: Iterable[Step], allowed: Mapping[UUID, bool]) -> list[tuple[UUID, int, bool]]:
    """Return what the ledgers of contacts are to be told of `allowPhoneCalls`: contact, version and value, in order.

    `allowed` is what it is in the end. A contact that is made with true says nothing.
    """
    created: dict[UUID, int] = {}
    said: list[tuple[UUID, int, bool]] = []
    for step in steps:
        if step.type == "contact.created":
            created[step.id] = step.version
        if both := (step.changes or {}).get("allowPhoneCalls"):
            before, after = both
            if step.id in created and not before:
                said.append((step.id, created[step.id], False))
            created.pop(step.id, None)
            said.append((step.id, step.version, after))
    return said + [(id, version, False) for id, version in created.items() if not allowed[id]]
