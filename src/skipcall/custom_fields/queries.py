"""SQL of custom fields."""

from collections.abc import Sequence
from uuid import UUID

from skipcall import ids
from skipcall.clock import timestamp
from skipcall.custom_fields.model import FIELDS_OF_WORKSPACE_MAX, CustomField, NameTaken, TooManyFields, slug_of
from skipcall.postgres.db import Row, Session, Statement, UniqueViolation

_COLUMNS = "id, name, slug, workspace_id, created_at, updated_at"

_LIST = Statement(
    f"""
    WITH counted AS (
        SELECT count(*) AS total FROM custom_fields WHERE workspace_id = ANY(:workspace_ids) AND archived_at IS NULL
    ), f AS (
        SELECT {_COLUMNS} FROM custom_fields
        WHERE workspace_id = ANY(:workspace_ids) AND archived_at IS NULL AND id > :after
        ORDER BY id LIMIT :limit OFFSET :offset
    )
    SELECT f.*, counted.total FROM counted LEFT JOIN f ON true ORDER BY f.id
    """
)
_GET = Statement(
    f"""
    SELECT {_COLUMNS} FROM custom_fields
    WHERE workspace_id = ANY(:workspace_ids) AND id = :id AND archived_at IS NULL
    """
)
_LIST_KEYS = Statement(
    "SELECT slug, name FROM custom_fields WHERE workspace_id = :workspace_id AND archived_at IS NULL ORDER BY id"
)
# The first free of slug, slug_2, slug_3, …: archived fields keep theirs. Nothing is written, and nothing refused so that
# a transaction around it would be lost, if another field with this slug or name was made at the same time.
_CREATE = Statement(
    f"""
    WITH stored AS (
        SELECT count(*) >= {FIELDS_OF_WORKSPACE_MAX} AS is_full, coalesce(bool_or(name = :name), false) AS is_taken
        FROM custom_fields WHERE workspace_id = :workspace_id AND archived_at IS NULL
    ), free AS (
        SELECT candidate.slug FROM (
            SELECT :slug::text AS slug, 1 AS number
            UNION ALL SELECT :slug || '_' || n, n FROM generate_series(2, {FIELDS_OF_WORKSPACE_MAX * 20}) n
        ) candidate
        WHERE NOT EXISTS (
            SELECT FROM custom_fields f WHERE f.workspace_id = :workspace_id AND f.slug = candidate.slug
        ) ORDER BY candidate.number LIMIT 1
    ), written AS (
        INSERT INTO custom_fields (workspace_id, id, name, slug)
        SELECT :workspace_id, :id, :name, free.slug FROM free CROSS JOIN stored WHERE NOT is_full AND NOT is_taken
        ON CONFLICT DO NOTHING RETURNING {_COLUMNS}
    )
    SELECT is_full, is_taken, written.* FROM stored LEFT JOIN written ON true
    """
)
_RENAME = Statement(
    f"""
    UPDATE custom_fields SET name = :name, updated_at = CASE WHEN name = :name THEN updated_at ELSE now() END
    WHERE workspace_id = ANY(:workspace_ids) AND id = :id AND archived_at IS NULL
    RETURNING {_COLUMNS}
    """
)
_ARCHIVE = Statement(
    """
    UPDATE custom_fields SET archived_at = now()
    WHERE workspace_id = ANY(:workspace_ids) AND id = :id AND archived_at IS NULL RETURNING id
    """
)


async def list_custom_fields(
    db: Session, workspace_ids: Sequence[UUID], *, after: UUID, limit: int, offset: int
) -> tuple[list[CustomField], int]:
    """Return fields in order of creation after a place, and how many the workspaces have."""
    rows = await db.fetch_rows(_LIST, workspace_ids=workspace_ids, after=after, limit=limit, offset=offset)
    return [_field(row) for row in rows if row["id"] is not None], rows[0]["total"]


async def find_custom_field(db: Session, workspace_ids: Sequence[UUID], id: UUID) -> CustomField | None:
    """Return a field of the workspaces, or None."""
    row = await db.fetch_row(_GET, workspace_ids=workspace_ids, id=id)
    return None if row is None else _field(row)


async def list_keys(db: Session, workspace_id: UUID) -> dict[str, str]:
    """Return every key that `customFields` of a workspace's contacts may have, with the slug of the field that it means."""
    rows = await db.fetch_rows(_LIST_KEYS, workspace_id=workspace_id)
    return {row["name"]: row["slug"] for row in rows} | {row["slug"]: row["slug"] for row in rows}


async def create_custom_field(db: Session, workspace_id: UUID, name: str) -> CustomField:
    """Create a field with a slug made from its name. Raises `NameTaken` and `TooManyFields`."""
    values = {"workspace_id": workspace_id, "id": ids.new_id(), "name": name, "slug": slug_of(name)}
    # Of fields made at once one wins and the others choose again, so as many rounds as there may be fields are enough.
    for _ in range(FIELDS_OF_WORKSPACE_MAX):
        row = await db.fetch_row(_CREATE, **values)
        assert row is not None  # the statement starts from an aggregate
        if row["is_taken"]:
            raise NameTaken
        if row["is_full"]:
            break
        if row["id"] is not None:
            return _field(row)
    raise TooManyFields


async def rename_custom_field(db: Session, workspace_ids: Sequence[UUID], id: UUID, name: str) -> CustomField | None:
    """Rename a field and return it, or None if there is no such field; its slug stays. Raises `NameTaken`."""
    try:
        row = await db.fetch_row(_RENAME, workspace_ids=workspace_ids, id=id, name=name)
    except UniqueViolation as violation:
        raise NameTaken from violation
    return None if row is None else _field(row)


async def archive_custom_field(db: Session, workspace_ids: Sequence[UUID], id: UUID) -> bool:
    """Take a field and its values out of sight; return False if there is no such field. Its slug is never given again."""
    return await db.fetch_row(_ARCHIVE, workspace_ids=workspace_ids, id=id) is not None


def _field(row: Row) -> CustomField:
    return CustomField(
        id=str(row["id"]),
        name=row["name"],
        slug=row["slug"],
        workspace_id=str(row["workspace_id"]),
        created_at=timestamp(row["created_at"]),
        updated_at=timestamp(row["updated_at"]),
    )
