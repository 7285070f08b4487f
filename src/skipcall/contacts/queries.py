"""SQL of contacts. Each call is one statement: it locks, decides, writes, records the event and answers the row."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from skipcall.consents.queries import find_said
from skipcall.contacts.erased import IS_ERASED
from skipcall.contacts.model import (
    RESTORE_DAYS,
    Contact,
    ContactErased,
    ContactMerged,
    ContactView,
    CustomValueTaken,
    ExternalIdTaken,
    Source,
)
from skipcall.contacts.resolving import (
    ACCEPTED,
    EXPLAINED,
    GIVEN,
    HELD_BY_OTHERS,
    MISSING,
    NOTHING_TO_EXPLAIN,
    RESOLVED,
)
from skipcall.events.queries import RECORD
from skipcall.postgres.db import Row, Session, Statement, UniqueViolation

COUNT_SLOTS = 16
MERGES_FOLLOWED_MAX = 1_000
_PROPERTIES = Contact.__struct_fields__.index("external_id")  # what comes after is included when asked for
_CUSTOM_FIELDS_PLACE = Contact.__struct_fields__.index("custom_fields")
ERASED_ALLOWED = '{"allowErased": [null, true]}'  # what the creation of somebody who was erased is recorded with

# Values are kept by slug; a field that is archived shows nothing.
_CUSTOM_FIELDS = """
    CASE WHEN c.custom_fields = '{}' THEN '{}' ELSE (
        SELECT coalesce(jsonb_object_agg(
            CASE WHEN :by_slug THEN f.slug ELSE f.name END, c.custom_fields -> f.slug), '{}')::text
        FROM custom_fields f
        WHERE f.workspace_id = c.workspace_id AND f.archived_at IS NULL AND c.custom_fields ? f.slug
    ) END"""

# The API's form of a moment, written by the database: the driver and the clock would take longer over it. The colons stand
# in quotation marks so that no tool takes what follows for a parameter.
_MOMENT = """to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24":"MI":"SS.MS"Z"') AS {name}"""
_LAST_CALL_AT, _CREATED_AT, _UPDATED_AT, _DELETED_AT = (
    _MOMENT.format(column=f"c.{name}", name=name) for name in ("last_call_at", "created_at", "updated_at", "deleted_at")
)

# In the order of the properties of `Contact`, then the version and what may be included.
COLUMNS = f"""
    c.id::text, c.first_name, c.last_name, c.email, c.company, c.city, c.country, c.url, c.linkedin_url,
    c.linkedin_sales_url, c.role, c.allow_phone_calls, c.call_count, {_LAST_CALL_AT}, c.workspace_id::text,
    c.phone_numbers, {_CUSTOM_FIELDS} AS custom_fields, {_CREATED_AT}, {_UPDATED_AT}, c.last_modification_source,
    c.version, c.external_id, {_DELETED_AT}"""

# `called`: with calls. A new contact has none.
COUNT = f"""
    INSERT INTO contact_counts (workspace_id, slot, count, called)
    SELECT workspace_id, pg_backend_pid() % {COUNT_SLOTS}, {{step}}, {{step}} * (call_count > 0)::integer FROM written
    ON CONFLICT (workspace_id, slot) DO UPDATE
    SET count = contact_counts.count + excluded.count, called = contact_counts.called + excluded.called"""

# Properties that a patch may set, by column. null or "" clears the second kind.
_KEPT = {
    "first_name": "firstName",
    "last_name": "lastName",
    "allow_phone_calls": "allowPhoneCalls",
    "phone_numbers": "phoneNumbers",
}
_CLEARED = {
    "email": "email",
    "company": "company",
    "city": "city",
    "country": "country",
    "url": "url",
    "linkedin_url": "linkedinUrl",
    "linkedin_sales_url": "linkedinSalesUrl",
    "role": "role",
}
_PATCHED = _KEPT | _CLEARED

# What a patch makes of each column of the locked row `b`: a null parameter keeps the value, '' clears it.
_MERGED = {column: f"coalesce(:{column}, b.{column})" for column in _KEPT} | {
    column: f"nullif(coalesce(:{column}, b.{column}), '')" for column in _CLEARED
}
_CHANGES = ", ".join(
    f"'{name}', CASE WHEN c.{column} IS DISTINCT FROM b.{column} THEN jsonb_build_array(b.{column}, c.{column}) END"
    for column, name in (_PATCHED | {"custom_fields": "customFields"}).items()
)
_WRITTEN = (*_PATCHED, "custom_fields", "version", "updated_at", "last_modification_source")
_RETURNED = ", ".join(f"c.{column}" for column in _WRITTEN)
_PRESENT = ", ".join(f"CASE WHEN w.id IS NULL THEN b.{column} ELSE w.{column} END AS {column}" for column in _WRITTEN)
_INSERTED = ", ".join([f":{column}" for column in _KEPT] + [f"nullif(:{column}, '')" for column in _CLEARED])

GET_CONTACT = Statement(
    f"""
    SELECT {COLUMNS} FROM contacts c
    WHERE c.workspace_id = ANY(:workspace_ids) AND c.id = :id AND c.deleted_at IS NULL
    """
)


def update_statement(
    merged: Mapping[str, str], *, only: str = "", resolving: str = "", resolved: str = "", accepted: str = "true"
) -> Statement:
    """Return the statement of an update: `merged` is what each column becomes, of the locked row `b`.

    `before` holds the row lock, so what is merged, compared and recorded is what is stored. `written` is the update,
    unless nothing differs or it is refused. The last SELECT answers the contact as it now is, or why it was not written.
    `only` is what else the contact must be to be found, `resolving` adds the part that looks for the fields which the keys of
    `customFields` mean.
    """
    return Statement(
        f"""
    WITH before AS MATERIALIZED (
        SELECT * FROM contacts
        WHERE workspace_id = ANY(:workspace_ids) AND id = :id AND deleted_at IS NULL{only} FOR NO KEY UPDATE
    ){resolving}, written AS (
        UPDATE contacts c SET {", ".join(f"{column} = {value}" for column, value in merged.items())},
            version = c.version + 1, updated_at = greatest(clock_timestamp(), c.updated_at),
            last_modification_source = :source
        FROM before b {resolved}
        WHERE c.workspace_id = b.workspace_id AND c.id = b.id AND {accepted}
            AND (:versions::bigint[] IS NULL OR c.version = ANY(:versions))
            AND ROW({", ".join(f"b.{column}" for column in merged)}) IS DISTINCT FROM ROW({", ".join(merged.values())})
        RETURNING c.workspace_id, c.id, {_RETURNED},
            jsonb_strip_nulls(jsonb_build_object({_CHANGES})) AS changes
    ), recorded AS ({RECORD.format(type="contact.updated", changes="changes", rows="written")}
    ), c AS (
        SELECT b.workspace_id, b.id, b.call_count, b.last_call_at, b.created_at, b.external_id, b.deleted_at, {_PRESENT},
            coalesce(b.version <> ALL(:versions), false) AS stale
        FROM before b LEFT JOIN written w ON true
    )
    SELECT {COLUMNS}, c.stale, NULL::text[] AS missing, false AS is_erased, {EXPLAINED if resolved else NOTHING_TO_EXPLAIN} FROM c {resolved}
    """
    )


# Looking for the fields that keys mean is a fifth of the whole, so a patch without any goes without.
UPDATE_CONTACT = update_statement(_MERGED)
UPDATE_CONTACT_AND_FIELDS = update_statement(
    _MERGED | {"custom_fields": "(b.custom_fields || r.values) - r.cleared"},
    resolving=f""", given AS (
        SELECT one.* FROM before b CROSS JOIN LATERAL (
            {GIVEN.format(workspace="b.workspace_id", contact="b.id", stored="b.custom_fields")}
        ) one
    ), resolved AS MATERIALIZED ({RESOLVED}
    )""",
    resolved="CROSS JOIN resolved r",
    accepted=ACCEPTED,
)

CREATE_CONTACT = Statement(
    f"""
    WITH given AS ({GIVEN.format(workspace=":workspace_id", contact=":id", stored="'{}'::jsonb")}
    ), resolved AS ({RESOLVED}
    ), required AS ({MISSING.format(workspace=":workspace_id")}
    ), erased AS ({IS_ERASED}
    ), written AS (
        INSERT INTO contacts (workspace_id, id, {", ".join(_PATCHED)}, custom_fields, last_modification_source)
        SELECT :workspace_id, :id, {_INSERTED}, r.values, :source
        FROM resolved r CROSS JOIN required m CROSS JOIN erased e
        WHERE {ACCEPTED} AND m.missing IS NULL AND (:allow_erased OR NOT e.is_erased)
        RETURNING *
    ), counted AS ({COUNT.format(step="1")}
    ), recorded AS ({
        RECORD.format(
            type="contact.created",
            changes=f"CASE WHEN e.is_erased THEN '{ERASED_ALLOWED}'::jsonb END",
            rows="written CROSS JOIN erased e",
        )
    }
    )
    SELECT {COLUMNS}, {EXPLAINED}, m.missing, false AS stale, e.is_erased AND NOT :allow_erased AS is_erased
    FROM resolved r CROSS JOIN required m CROSS JOIN erased e LEFT JOIN written c ON true
    """
)

DELETE_CONTACT = Statement(
    f"""
    WITH written AS (
        UPDATE contacts c SET deleted_at = clock_timestamp(), version = c.version + 1,
            updated_at = greatest(clock_timestamp(), c.updated_at), last_modification_source = :source
        WHERE c.workspace_id = ANY(:workspace_ids) AND c.id = :id AND c.deleted_at IS NULL
            AND (:versions::bigint[] IS NULL OR c.version = ANY(:versions))
        RETURNING c.workspace_id, c.id, c.version, c.updated_at, c.call_count
    ), counted AS ({COUNT.format(step="-1")}
    ), recorded AS ({RECORD.format(type="contact.deleted", changes="NULL", rows="written")}
    )
    SELECT id FROM written
    """
)

# The last SELECT answers the contact as it now is: `is_deleted` says that it was not restored, and the rest why.
RESTORE_CONTACT = Statement(
    f"""
    WITH before AS MATERIALIZED (
        SELECT * FROM contacts WHERE workspace_id = ANY(:workspace_ids) AND id = :id FOR NO KEY UPDATE
    ), taken AS MATERIALIZED (
        SELECT o.id FROM before b JOIN contacts o ON o.workspace_id = b.workspace_id AND o.external_id = b.external_id
        WHERE b.deleted_at IS NOT NULL AND o.deleted_at IS NULL
    ), held AS MATERIALIZED ({HELD_BY_OTHERS.format(contacts="before")}
    ), written AS (
        UPDATE contacts c SET deleted_at = NULL, version = c.version + 1,
            updated_at = greatest(clock_timestamp(), c.updated_at), last_modification_source = :source
        FROM before b
        WHERE c.workspace_id = b.workspace_id AND c.id = b.id AND b.merged_into_id IS NULL AND b.erasure_id IS NULL
            AND b.deleted_at > now() - interval '{RESTORE_DAYS} days' AND NOT EXISTS (SELECT FROM taken)
            AND (SELECT holders IS NULL FROM held)
        RETURNING c.*
    ), counted AS ({COUNT.format(step="1")}
    ), recorded AS ({RECORD.format(type="contact.restored", changes="NULL", rows="written")}
    ), c AS (SELECT * FROM written UNION ALL SELECT * FROM before WHERE NOT EXISTS (SELECT FROM written))
    SELECT {COLUMNS}, c.deleted_at IS NOT NULL AS is_deleted, c.merged_into_id, (SELECT id FROM taken) AS taken_by, (SELECT holders FROM held) AS holders,
        coalesce(c.deleted_at <= now() - interval '{RESTORE_DAYS} days', false) AS is_expired
    FROM c
    """
)

_FIND_HOLDERS = Statement(
    HELD_BY_OTHERS.format(contacts="(SELECT * FROM contacts WHERE workspace_id = :workspace_id AND id = :id)")
)

# Contacts may be merged one after the other; the last one is where all have come. Who is erased is with all that were merged.
FIND_GONE = Statement(
    f"""
    WITH RECURSIVE chain AS (
        SELECT workspace_id, id, merged_into_id, erasure_id, 1 AS place FROM contacts
        WHERE workspace_id = ANY(:workspace_ids) AND id = ANY(:ids)
        UNION ALL
        SELECT c.workspace_id, chain.id, c.merged_into_id, c.erasure_id, place + 1
        FROM chain JOIN contacts c ON c.workspace_id = chain.workspace_id AND c.id = chain.merged_into_id
        WHERE place < {MERGES_FOLLOWED_MAX}
    )
    SELECT DISTINCT ON (id) id, merged_into_id, erasure_id FROM chain WHERE coalesce(merged_into_id, erasure_id) IS NOT NULL
    ORDER BY id, place DESC
    """
)


class Written(msgspec.Struct, frozen=True):
    """The contact after a write. `stale`: nothing was written, since it is not of the versions asked for.

    `names_used` are names of custom fields that were given, by slug.
    """

    contact: Contact
    version: int
    names_used: dict[str, str]
    stale: bool


class NotRestored(msgspec.Struct, frozen=True):
    """Nothing was written: it was merged, or another contact has its external id, or values of unique fields (by slug), or else it is too long ago."""

    merged_into_id: UUID | None
    taken_by: UUID | None
    holders: dict[str, str]
    is_expired: bool


class KeysRefused(msgspec.Struct, frozen=True):
    """Nothing was written, because of `customFields`.

    Keys mean no field of the workspace, or one `twice`; fields refuse the value that their key was given, or are `missing`
    one; other contacts have the value of a unique field. `is_erased`: or the person was erased.
    """

    workspace_id: UUID
    unknown_keys: list[str]
    twice: bool
    refused_values: dict[str, str]
    missing: list[str]
    taken_by: dict[str, str]
    is_erased: bool


async def find_contact(
    db: Session, workspace_ids: Sequence[UUID], id: UUID, view: ContactView
) -> tuple[Contact, int] | None:
    """Return a contact of the workspaces and its version, or None."""
    row = await db.fetch_row(GET_CONTACT, workspace_ids=workspace_ids, id=id, by_slug=view.by_slug)
    return None if row is None else (await show_contact(db, row, view), row["version"])


async def update_contact(
    db: Session,
    workspace_ids: Sequence[UUID],
    id: UUID,
    values: Mapping[str, Any],
    *,
    custom_fields: str | None,
    versions: list[int] | None,
    source: Source,
    api_key_id: UUID | None,
    request_id: str | None,
    view: ContactView,
) -> Written | KeysRefused | None:
    """Merge `values` (by column; absent stays, "" clears) and `custom_fields` (a JSON object) into a contact.

    Returns None if there is no such contact. With `versions`, only one of these is written to. Raises `CustomValueTaken` if
    another contact with a value of a unique field is written at the same time.
    """
    row = await _fetch_row(
        db,
        UPDATE_CONTACT if custom_fields is None else UPDATE_CONTACT_AND_FIELDS,
        **{name: values.get(name) for name in _PATCHED},
        workspace_ids=workspace_ids,
        id=id,
        custom_fields=custom_fields,
        versions=versions,
        source=source,
        api_key_id=api_key_id,
        request_id=request_id,
        by_slug=view.by_slug,
    )
    return None if row is None else await show_written(db, row, UUID(row["workspace_id"]), view, custom_fields)


async def create_contact(
    db: Session,
    workspace_id: UUID,
    id: UUID,
    values: Mapping[str, Any],
    *,
    custom_fields: str,
    source: Source,
    api_key_id: UUID | None,
    request_id: str | None,
    view: ContactView,
    person_hashes: Sequence[bytes] = (),
    allow_erased: bool = False,
) -> Written | KeysRefused:
    """Create a contact in a workspace from `values` (by column) and `custom_fields` (a JSON object).

    `person_hashes` are what the person would be known by if it was erased; `allow_erased`: it may come all the same. Raises `CustomValueTaken` like `update_contact`.
    """
    row = await _fetch_row(
        db,
        CREATE_CONTACT,
        **{name: values.get(name) for name in _PATCHED},
        workspace_id=workspace_id,
        id=id,
        custom_fields=custom_fields,
        source=source,
        api_key_id=api_key_id,
        request_id=request_id,
        by_slug=view.by_slug,
        person_hashes=person_hashes,
        allow_erased=allow_erased,
    )
    assert row is not None  # the statement starts from an aggregate
    return await show_written(db, row, workspace_id, view, custom_fields)


async def delete_contact(
    db: Session,
    workspace_ids: Sequence[UUID],
    id: UUID,
    *,
    versions: list[int] | None,
    source: Source,
    api_key_id: UUID | None,
    request_id: str | None,
) -> bool:
    """Mark a contact as deleted and return True; False if there is none of these workspaces, id and versions."""
    row = await db.fetch_row(
        DELETE_CONTACT,
        workspace_ids=workspace_ids,
        id=id,
        versions=versions,
        source=source,
        api_key_id=api_key_id,
        request_id=request_id,
    )
    return row is not None


async def restore_contact(
    db: Session,
    workspace_ids: Sequence[UUID],
    id: UUID,
    *,
    source: Source,
    api_key_id: UUID | None,
    request_id: str | None,
    view: ContactView,
) -> tuple[Contact, int] | NotRestored | None:
    """Undo the deletion of a contact; return it and its version, as it is if it was not deleted. None if there is none.

    Raises `ExternalIdTaken` or `CustomValueTaken` if another contact gets its external id, or a value of a unique field, at this very moment.
    """
    try:
        row = await db.fetch_row(
            RESTORE_CONTACT,
            workspace_ids=workspace_ids,
            id=id,
            source=source,
            api_key_id=api_key_id,
            request_id=request_id,
            by_slug=view.by_slug,
        )
    except UniqueViolation as violation:
        raise_if_taken(violation)
        raise ExternalIdTaken(None) from violation
    if row is None:
        return None
    if row["is_deleted"]:
        holders = msgspec.json.decode(row["holders"] or "{}")
        return NotRestored(row["merged_into_id"], row["taken_by"], holders, row["is_expired"])
    return await show_contact(db, row, view), row["version"]


async def find_holders_of_values(db: Session, workspace_id: UUID, id: UUID) -> dict[str, str]:
    """Return which other contacts have the values that a contact, which may be gone, has of unique fields, by slug."""
    holders: dict[str, str] = msgspec.json.decode(
        await db.fetch_value(_FIND_HOLDERS, workspace_id=workspace_id, id=id) or "{}"
    )
    return holders


async def find_gone(
    db: Session, workspace_ids: Sequence[UUID], ids: Sequence[UUID]
) -> dict[UUID, ContactErased | ContactMerged]:
    """Return of those contacts that were merged or erased why they are not there: the last one they came to, or the erasure."""
    return {
        row["id"]: ContactMerged(row["merged_into_id"])
        if row["erasure_id"] is None
        else ContactErased(row["erasure_id"])
        for row in await db.fetch_rows(FIND_GONE, workspace_ids=workspace_ids, ids=ids)
    }


async def _fetch_row(db: Session, statement: Statement, **values: Any) -> Row | None:
    try:
        return await db.fetch_row(statement, **values)
    except UniqueViolation as violation:
        raise_if_taken(violation)
        raise


def raise_if_taken(violation: UniqueViolation) -> None:
    """Raise `CustomValueTaken` if another contact has a value of a unique field."""
    if violation.constraint_name == "custom_unique_values_pkey":
        raise CustomValueTaken from violation


async def show_written(
    db: Session, row: Row, workspace_id: UUID, view: ContactView, custom_fields: str | None = None
) -> Written | KeysRefused:
    """Return what the row of a writing statement says; `custom_fields` is what it was given."""
    if not (row["unknown"] or row["twice"] or row["refused"] or row["taken"] or row["missing"] or row["is_erased"]):
        contact = await show_contact(db, row, view)
        return Written(contact, row["version"], msgspec.json.decode(row["names"]), row["stale"])
    given = msgspec.json.decode(custom_fields or "{}")
    return KeysRefused(
        workspace_id,
        row["unknown"] or [],
        row["twice"],
        {key: given[key] or "" for key in row["refused"] or ()},
        row["missing"] or [],
        msgspec.json.decode(row["taken"] or "{}"),
        row["is_erased"],
    )


async def show_contact(db: Session, row: Row, view: ContactView) -> Contact:
    """Return the contact of a row that begins with `COLUMNS`, with what is asked for beside the documented properties."""
    (contact,) = await show_contacts(db, [row], view)
    return contact


async def show_contacts(
    db: Session, rows: Iterable[Row], view: ContactView, columns: Sequence[str] = ()
) -> list[Contact]:
    """Do the same for many, with more columns."""
    contacts = [make_contact(row, (*view.columns, *columns)) for row in rows]
    if not view.with_consent:
        return contacts
    # A second statement: what triggers add to the ledger, the statement that changes the contact does not see.
    said = await find_said(db, [(UUID(one.team_id), UUID(one.id)) for one in contacts])
    return [msgspec.structs.replace(one, consent=said.get(UUID(one.id))) for one in contacts]


def make_contact(row: Row, included: Sequence[str] = ()) -> Contact:
    """Return the contact of a row that begins with `COLUMNS`, with columns that are answered only when asked for."""
    values = list(row[:_PROPERTIES])
    values[_CUSTOM_FIELDS_PLACE] = msgspec.Raw(values[_CUSTOM_FIELDS_PLACE].encode())
    return Contact(*values, **{name: row[name] for name in included}) if included else Contact(*values)
