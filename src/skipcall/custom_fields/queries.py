"""SQL of custom fields."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from skipcall import ids
from skipcall.clock import timestamp
from skipcall.custom_fields.model import (
    EXAMPLES_MAX,
    FIELDS_OF_WORKSPACE_MAX,
    SLUG_LENGTH_MAX,
    CustomField,
    CustomFieldOption,
    Definition,
    NameTaken,
    SearchedField,
    TooManyFields,
    Type,
    ValuesNotUnique,
    choices_of,
    slug_of,
)
from skipcall.postgres.db import Row, Session, Statement, UniqueViolation

_COLUMNS = """
    id, name, slug, workspace_id, created_at, updated_at, type, options::text AS options, is_required, is_unique,
    archived_at"""

_LIST = Statement(
    f"""
    WITH counted AS (
        SELECT count(*) AS total FROM custom_fields
        WHERE workspace_id = ANY(:workspace_ids) AND (archived_at IS NULL) = ANY(:are_active::boolean[])
    ), f AS (
        SELECT {_COLUMNS} FROM custom_fields
        WHERE workspace_id = ANY(:workspace_ids) AND (archived_at IS NULL) = ANY(:are_active) AND id > :after
        ORDER BY id LIMIT :limit OFFSET :offset
    )
    SELECT f.*, counted.total FROM counted LEFT JOIN f ON true ORDER BY f.id
    """
)
_ONE = f"""
    SELECT {_COLUMNS} FROM custom_fields
    WHERE workspace_id = ANY(:workspace_ids) AND id = :id AND archived_at IS NULL"""
_GET = Statement(_ONE)
_LOCK = Statement(f"{_ONE} FOR NO KEY UPDATE")
_LIST_KEYS = Statement(
    "SELECT slug, name FROM custom_fields WHERE workspace_id = :workspace_id AND archived_at IS NULL ORDER BY id"
)
_LIST_DEFINITIONS = Statement(
    """
    SELECT slug, name, type, options::text AS options, is_required, is_unique FROM custom_fields
    WHERE workspace_id = :workspace_id AND archived_at IS NULL ORDER BY id
    """
)
_FIND_SLUGS = Statement(
    """
    SELECT slug, workspace_id, type, options::text AS options FROM custom_fields
    WHERE workspace_id = ANY(:workspace_ids) AND slug = ANY(:slugs) AND archived_at IS NULL
    """
)
# The first free of slug, slug_2, slug_3, …: archived fields keep theirs. A key of `customFields` is a slug or a name, so no name is
# another field's slug: what was answered by names could not be sent back. Nothing is written, and nothing refused so that
# a transaction around it would be lost, if another field with this slug or name was made at the same time.
_CREATE = Statement(
    f"""
    WITH stored AS (
        SELECT count(*) >= {FIELDS_OF_WORKSPACE_MAX} AS is_full, coalesce(bool_or(:name IN (name, slug)), false) AS is_taken
        FROM custom_fields WHERE workspace_id = :workspace_id AND archived_at IS NULL
    ), free AS (
        SELECT candidate.slug FROM (
            SELECT :slug::text AS slug, 1 AS number
            UNION ALL SELECT left(:slug, {SLUG_LENGTH_MAX - 6}) || '_' || n, n FROM generate_series(2, {FIELDS_OF_WORKSPACE_MAX * 20}) n
        ) candidate
        WHERE NOT EXISTS (
            SELECT FROM custom_fields f WHERE f.workspace_id = :workspace_id AND candidate.slug IN (f.slug, f.name)
        ) ORDER BY candidate.number LIMIT 1
    ), written AS (
        INSERT INTO custom_fields (workspace_id, id, name, slug, type, options, is_required, is_unique)
        SELECT :workspace_id, :id, :name, free.slug, :type, :options::jsonb, :is_required, :is_unique
        FROM free CROSS JOIN stored WHERE NOT is_full AND NOT is_taken
        ON CONFLICT DO NOTHING RETURNING {_COLUMNS}
    )
    SELECT is_full, is_taken, written.* FROM stored LEFT JOIN written ON true
    """
)
_UPDATE = Statement(
    f"""
    UPDATE custom_fields
    SET name = :name, options = :options::jsonb, is_required = :is_required, is_unique = :is_unique,
        updated_at = CASE WHEN (name, options, is_required, is_unique) = (:name, :options, :is_required, :is_unique)
            THEN updated_at ELSE now() END
    WHERE workspace_id = :workspace_id AND id = :id AND (name = :name OR NOT EXISTS (
        SELECT FROM custom_fields f
        WHERE f.workspace_id = :workspace_id AND f.id <> :id AND f.slug = :name AND f.archived_at IS NULL
    ))
    RETURNING {_COLUMNS}
    """
)
_ARCHIVE = Statement(
    """
    UPDATE custom_fields SET archived_at = now()
    WHERE workspace_id = ANY(:workspace_ids) AND id = :id AND archived_at IS NULL RETURNING id
    """
)
_RESTORE = Statement(
    f"""
    WITH before AS (
        SELECT * FROM custom_fields WHERE workspace_id = ANY(:workspace_ids) AND id = :id FOR NO KEY UPDATE
    ), beside AS (
        SELECT count(*) >= {FIELDS_OF_WORKSPACE_MAX} AS is_full, coalesce(bool_or(b.name IN (f.name, f.slug) OR b.slug = f.name), false) AS is_taken
        FROM before b JOIN custom_fields f ON f.workspace_id = b.workspace_id AND f.id <> b.id AND f.archived_at IS NULL
    ), written AS (
        UPDATE custom_fields f SET archived_at = NULL, updated_at = now() FROM before b CROSS JOIN beside
        WHERE f.workspace_id = b.workspace_id AND f.id = b.id AND b.archived_at IS NOT NULL AND NOT is_full AND NOT is_taken
        RETURNING f.*
    )
    SELECT {_COLUMNS}, is_full, is_taken FROM (
        SELECT * FROM written UNION ALL SELECT * FROM before WHERE NOT EXISTS (SELECT FROM written)
    ) f CROSS JOIN beside
    """
)
# Held until the end of the transaction. Whoever writes values of the workspace's contacts holds it shared (migration 0011).
_LOCK_VALUES = Statement("SELECT pg_advisory_xact_lock(uuid_hash_extended(:workspace_id, 11))")
_HOLD_VALUES = Statement(
    f"""
    WITH held AS MATERIALIZED (
        SELECT id, sha256(convert_to(custom_fields ->> :slug, 'UTF8')) AS digest FROM contacts
        WHERE workspace_id = :workspace_id AND deleted_at IS NULL AND custom_fields ? :slug
    ), repeated AS MATERIALIZED (
        SELECT (array_agg(id ORDER BY id))[1:{EXAMPLES_MAX}] AS contact_ids FROM held GROUP BY digest HAVING count(*) > 1
    ), written AS (
        INSERT INTO custom_unique_values (workspace_id, slug, value_sha256, contact_id)
        SELECT :workspace_id, :slug, digest, id FROM held WHERE NOT EXISTS (SELECT FROM repeated)
    )
    SELECT count(*) AS values, min(contact_ids) AS contact_ids FROM repeated
    """
)
_LIST_TAKEN = Statement(
    """
    SELECT one.slug, one.text, u.contact_id FROM unnest(:slugs::text[], :texts::text[]) one (slug, text) JOIN custom_unique_values u
        ON u.workspace_id = :workspace_id AND u.slug = one.slug AND u.value_sha256 = sha256(convert_to(one.text, 'UTF8'))
    """
)
_RELEASE_VALUES = Statement("DELETE FROM custom_unique_values WHERE workspace_id = :workspace_id AND slug = :slug")


async def list_custom_fields(
    db: Session,
    workspace_ids: Sequence[UUID],
    *,
    after: UUID,
    limit: int,
    offset: int,
    status: str = "active",
    details: bool = False,
) -> tuple[list[CustomField], int]:
    """Return fields in order of creation after a place, and how many of the status the workspaces have."""
    rows = await db.fetch_rows(
        _LIST,
        workspace_ids=workspace_ids,
        are_active=[one for one in (True, False) if status in ("all", "active" if one else "archived")],
        after=after,
        limit=limit,
        offset=offset,
    )
    return [make_field(row, details=details) for row in rows if row["id"] is not None], rows[0]["total"]


async def find_custom_field(
    db: Session, workspace_ids: Sequence[UUID], id: UUID, *, details: bool = False
) -> CustomField | None:
    """Return a field of the workspaces, or None."""
    row = await db.fetch_row(_GET, workspace_ids=workspace_ids, id=id)
    return None if row is None else make_field(row, details=details)


async def list_keys(db: Session, workspace_id: UUID) -> dict[str, str]:
    """Return every key that `customFields` of a workspace's contacts may have, with the slug of the field that it means."""
    rows = await db.fetch_rows(_LIST_KEYS, workspace_id=workspace_id)
    return {row["name"]: row["slug"] for row in rows} | {row["slug"]: row["slug"] for row in rows}


async def find_slugs(db: Session, workspace_ids: Sequence[UUID], slugs: Sequence[str]) -> dict[str, SearchedField]:
    """Return the fields that slugs are of in any of the workspaces, and its options in each."""
    found: dict[str, list[Row]] = {}
    for row in await db.fetch_rows(_FIND_SLUGS, workspace_ids=workspace_ids, slugs=slugs):
        found.setdefault(row["slug"], []).append(row)
    return {
        slug: SearchedField(
            type=rows[0]["type"] if len({row["type"] for row in rows}) == 1 else "text",
            options={row["workspace_id"]: _options(row) for row in rows},
        )
        for slug, rows in found.items()
    }


async def list_definitions(db: Session, workspace_id: UUID) -> list[Definition]:
    """Return what the fields of a workspace ask of their values, in order of creation."""
    return [
        Definition(
            slug=row["slug"],
            name=row["name"],
            type=row["type"],
            choices=choices_of(_options(row)),
            is_required=row["is_required"],
            is_unique=row["is_unique"],
        )
        for row in await db.fetch_rows(_LIST_DEFINITIONS, workspace_id=workspace_id)
    ]


async def create_custom_field(
    db: Session,
    workspace_id: UUID,
    name: str,
    *,
    type: Type = "text",
    options: Sequence[CustomFieldOption] = (),
    is_required: bool = False,
    is_unique: bool = False,
    details: bool = False,
) -> CustomField:
    """Create a field with a slug made from its name. Raises `NameTaken` and `TooManyFields`."""
    values: dict[str, Any] = {
        "workspace_id": workspace_id,
        "id": ids.new_id(),
        "name": name,
        "slug": slug_of(name),
        "type": type,
        "options": msgspec.json.encode(options).decode(),
        "is_required": is_required,
        "is_unique": is_unique,
    }
    # Of fields made at once one wins and the others choose again, so as many rounds as there may be fields are enough.
    for _ in range(FIELDS_OF_WORKSPACE_MAX):
        row = await db.fetch_row(_CREATE, **values)
        assert row is not None  # the statement starts from an aggregate
        if row["is_taken"]:
            raise NameTaken
        if row["is_full"]:
            break
        if row["id"] is not None:
            return make_field(row, details=details)
    raise TooManyFields


async def lock_custom_field(tx: Session, workspace_ids: Sequence[UUID], id: UUID) -> CustomField | None:
    """Return a field of the workspaces with its details, locked until the end of the transaction, or None."""
    row = await tx.fetch_row(_LOCK, workspace_ids=workspace_ids, id=id)
    return None if row is None else make_field(row, details=True)


async def write_custom_field(
    tx: Session,
    field: CustomField,
    *,
    name: str,
    options: Sequence[CustomFieldOption],
    is_required: bool,
    is_unique: bool,
    details: bool,
) -> CustomField:
    """Change a locked field and return it; its slug and type stay. Raises `NameTaken`."""
    try:
        row = await tx.fetch_row(
            _UPDATE,
            workspace_id=UUID(field.workspace_id),
            id=UUID(field.id),
            name=name,
            options=msgspec.json.encode(options).decode(),
            is_required=is_required,
            is_unique=is_unique,
        )
    except UniqueViolation as violation:
        raise NameTaken from violation
    if row is None:
        raise NameTaken
    return make_field(row, details=details)


async def list_taken_values(
    tx: Session, workspace_id: UUID, values: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], UUID]:
    """Return those of the values of unique fields, each with its slug before it, that contacts have, and which contact."""
    rows = await tx.fetch_rows(
        _LIST_TAKEN,
        workspace_id=workspace_id,
        slugs=[slug for slug, _ in values],
        texts=[text for _, text in values],
    )
    return {(row["slug"], row["text"]): row["contact_id"] for row in rows}


async def hold_values(tx: Session, field: CustomField) -> None:
    """Note which contact has which value of a field that becomes unique.

    Until the end of the transaction nobody else writes values in the workspace. Raises `ValuesNotUnique`.
    """
    workspace_id = UUID(field.workspace_id)
    await tx.execute(_LOCK_VALUES, workspace_id=workspace_id)
    row = await tx.fetch_row(_HOLD_VALUES, workspace_id=workspace_id, slug=field.slug)
    assert row is not None  # an aggregate
    if row["values"]:
        raise ValuesNotUnique(row["values"], row["contact_ids"])


async def release_values(tx: Session, field: CustomField) -> None:
    """Forget who has which value of a field that is unique no more."""
    workspace_id = UUID(field.workspace_id)
    await tx.execute(_LOCK_VALUES, workspace_id=workspace_id)
    await tx.execute(_RELEASE_VALUES, workspace_id=workspace_id, slug=field.slug)


async def archive_custom_field(db: Session, workspace_ids: Sequence[UUID], id: UUID) -> bool:
    """Take a field and its values out of sight; return False if there is no such field. Its slug is never given again."""
    return await db.fetch_row(_ARCHIVE, workspace_ids=workspace_ids, id=id) is not None


async def restore_custom_field(
    db: Session, workspace_ids: Sequence[UUID], id: UUID, *, details: bool
) -> CustomField | None:
    """Bring an archived field and its values back and return it, or None if there is no such field.

    One that is not archived stays as it is. Raises `NameTaken` and `TooManyFields`.
    """
    try:
        row = await db.fetch_row(_RESTORE, workspace_ids=workspace_ids, id=id)
    except UniqueViolation as violation:
        raise NameTaken from violation
    if row is not None and row["archived_at"] is not None:
        raise NameTaken if row["is_taken"] else TooManyFields
    return None if row is None else make_field(row, details=details)


def make_field(row: Row, *, details: bool) -> CustomField:
    """Return the field of a row of `_COLUMNS`."""
    archived_at: datetime | None = row["archived_at"]
    more: dict[str, Any] = {}
    if details:
        more = {
            "type": row["type"],
            "options": _options(row),
            "is_required": row["is_required"],
            "is_unique": row["is_unique"],
            "archived_at": archived_at and timestamp(archived_at),
        }
    return CustomField(
        id=str(row["id"]),
        name=row["name"],
        slug=row["slug"],
        workspace_id=str(row["workspace_id"]),
        created_at=timestamp(row["created_at"]),
        updated_at=timestamp(row["updated_at"]),
        **more,
    )


def _options(row: Row) -> list[CustomFieldOption]:
    return msgspec.json.decode(row["options"], type=list[CustomFieldOption])
