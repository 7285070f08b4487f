"""SQL of tags. Each change is one statement, which also records its event."""

from collections.abc import Sequence
from uuid import UUID

from skipcall import ids
from skipcall.clock import timestamp
from skipcall.events.queries import RECORD
from skipcall.postgres.db import Row, Session, Statement, UniqueViolation
from skipcall.tags.model import FIRST_TAGS, TAGS_OF_WORKSPACE_MAX, LabelTaken, LastSuccessTag, Tag, TooManyTags

_COLUMNS = "id, label, is_success_tag, created_at, updated_at"

_LIST = Statement(
    f"""
    WITH counted AS (
        SELECT count(*) AS total FROM tags WHERE workspace_id = ANY(:workspace_ids) AND archived_at IS NULL
    ), t AS (
        SELECT {_COLUMNS} FROM tags
        WHERE workspace_id = ANY(:workspace_ids) AND archived_at IS NULL AND id > :after
        ORDER BY id LIMIT :limit OFFSET :offset
    )
    SELECT t.*, counted.total FROM counted LEFT JOIN t ON true ORDER BY t.id
    """
)
_GET = Statement(
    f"SELECT {_COLUMNS} FROM tags WHERE workspace_id = ANY(:workspace_ids) AND id = :id AND archived_at IS NULL"
)
_CREATE_FIRST = Statement(
    """
    INSERT INTO tags (workspace_id, id, label, is_success_tag)
    SELECT :workspace_id, * FROM unnest(:ids::uuid[], :labels::text[], :are_success_tags::boolean[])
    """
)
# Nothing is refused so that a transaction around it would be lost.
_CREATE = Statement(
    f"""
    WITH stored AS (
        SELECT count(*) >= {TAGS_OF_WORKSPACE_MAX} AS is_full, coalesce(bool_or(label = :label), false) AS is_taken
        FROM tags WHERE workspace_id = :workspace_id AND archived_at IS NULL
    ), written AS (
        INSERT INTO tags (workspace_id, id, label, is_success_tag)
        SELECT :workspace_id, :id, :label, :is_success_tag FROM stored WHERE NOT is_full AND NOT is_taken
        ON CONFLICT DO NOTHING RETURNING *
    ), recorded AS ({RECORD.format(type="tag.created", changes="NULL", rows="written")}
    )
    SELECT is_full AND NOT is_taken AS is_full, {_COLUMNS} FROM stored LEFT JOIN written ON true
    """
)
# All tags of the workspace are locked, in one order: whoever waited for another writer sees here what that one left, so
# two cannot each take the success tag that the other counts on.
_LOCKED = """
    locked AS MATERIALIZED (
        SELECT * FROM tags
        WHERE archived_at IS NULL AND workspace_id = (
            SELECT workspace_id FROM tags WHERE workspace_id = ANY(:workspace_ids) AND id = :id
        ) ORDER BY id FOR NO KEY UPDATE
    ), before AS (
        SELECT *, is_success_tag AND (SELECT count(*) FROM locked WHERE is_success_tag) = 1 AS is_last_success
        FROM locked WHERE id = :id
    )"""
_UPDATE = Statement(
    f"""
    WITH {_LOCKED}, written AS (
        UPDATE tags t SET label = coalesce(:label, b.label), is_success_tag = coalesce(:is_success_tag::boolean, b.is_success_tag),
            version = t.version + 1, updated_at = greatest(clock_timestamp(), t.updated_at)
        FROM before b
        WHERE t.workspace_id = b.workspace_id AND t.id = b.id
            AND NOT (b.is_last_success AND :is_success_tag IS FALSE)
            AND (coalesce(:label, b.label), coalesce(:is_success_tag, b.is_success_tag)) <> (b.label, b.is_success_tag)
        RETURNING t.*, jsonb_strip_nulls(jsonb_build_object(
            'label', CASE WHEN t.label <> b.label THEN jsonb_build_array(b.label, t.label) END,
            'isSuccessTag', CASE WHEN t.is_success_tag <> b.is_success_tag
                THEN jsonb_build_array(b.is_success_tag, t.is_success_tag) END
        )) AS changes
    ), recorded AS ({RECORD.format(type="tag.updated", changes="changes", rows="written")}
    )
    SELECT b.id, coalesce(w.label, b.label) AS label, coalesce(w.is_success_tag, b.is_success_tag) AS is_success_tag,
        b.created_at, coalesce(w.updated_at, b.updated_at) AS updated_at,
        b.is_last_success AND :is_success_tag IS FALSE AS is_refused
    FROM before b LEFT JOIN written w ON true
    """
)
_ARCHIVE = Statement(
    f"""
    WITH {_LOCKED}, written AS (
        UPDATE tags t SET archived_at = greatest(clock_timestamp(), t.updated_at), version = t.version + 1,
            updated_at = greatest(clock_timestamp(), t.updated_at)
        FROM before b WHERE t.workspace_id = b.workspace_id AND t.id = b.id AND NOT b.is_last_success
        RETURNING t.*
    ), recorded AS ({RECORD.format(type="tag.deleted", changes="NULL", rows="written")}
    )
    SELECT is_last_success FROM before
    """
)


async def list_tags(
    db: Session, workspace_ids: Sequence[UUID], *, after: UUID, limit: int, offset: int
) -> tuple[list[Tag], int]:
    """Return tags in order of creation after a place, and how many the workspaces have."""
    rows = await db.fetch_rows(_LIST, workspace_ids=workspace_ids, after=after, limit=limit, offset=offset)
    return [_tag(row) for row in rows if row["id"] is not None], rows[0]["total"]


async def find_tag(db: Session, workspace_ids: Sequence[UUID], id: UUID) -> Tag | None:
    """Return a tag of the workspaces, or None."""
    row = await db.fetch_row(_GET, workspace_ids=workspace_ids, id=id)
    return None if row is None else _tag(row)


async def create_first_tags(db: Session, workspace_id: UUID) -> None:
    """Give a new workspace its first tags, in the transaction that makes it: it always has a success tag."""
    await db.execute(
        _CREATE_FIRST,
        workspace_id=workspace_id,
        ids=[ids.new_id() for _ in FIRST_TAGS],
        labels=[label for label, _ in FIRST_TAGS],
        are_success_tags=[is_success_tag for _, is_success_tag in FIRST_TAGS],
    )


async def create_tag(
    db: Session,
    workspace_id: UUID,
    label: str,
    *,
    is_success_tag: bool,
    source: str,
    api_key_id: UUID | None,
    request_id: str | None,
) -> Tag:
    """Create a tag in a workspace. Raises `LabelTaken` and `TooManyTags`."""
    row = await db.fetch_row(
        _CREATE,
        workspace_id=workspace_id,
        id=ids.new_id(),
        label=label,
        is_success_tag=is_success_tag,
        source=source,
        api_key_id=api_key_id,
        request_id=request_id,
    )
    assert row is not None  # the statement starts from an aggregate
    if row["is_full"]:
        raise TooManyTags
    if row["id"] is None:
        raise LabelTaken
    return _tag(row)


async def update_tag(
    db: Session,
    workspace_ids: Sequence[UUID],
    id: UUID,
    *,
    label: str | None,
    is_success_tag: bool | None,
    source: str,
    api_key_id: UUID | None,
    request_id: str | None,
) -> Tag | None:
    """Change what is not None of a tag, if anything differs, and return it; None if there is no such tag.

    Raises `LabelTaken`, and `LastSuccessTag` for the demotion of the workspace's last success tag.
    """
    try:
        row = await db.fetch_row(
            _UPDATE,
            workspace_ids=workspace_ids,
            id=id,
            label=label,
            is_success_tag=is_success_tag,
            source=source,
            api_key_id=api_key_id,
            request_id=request_id,
        )
    except UniqueViolation as violation:
        raise LabelTaken from violation
    if row is not None and row["is_refused"]:
        raise LastSuccessTag
    return None if row is None else _tag(row)


async def archive_tag(
    db: Session,
    workspace_ids: Sequence[UUID],
    id: UUID,
    *,
    source: str,
    api_key_id: UUID | None,
    request_id: str | None,
) -> bool:
    """Take a tag out of sight, except of calls that have it; return False if there is no such tag.

    Raises `LastSuccessTag`.
    """
    row = await db.fetch_row(
        _ARCHIVE,
        workspace_ids=workspace_ids,
        id=id,
        source=source,
        api_key_id=api_key_id,
        request_id=request_id,
    )
    if row is not None and row["is_last_success"]:
        raise LastSuccessTag
    return row is not None


def _tag(row: Row) -> Tag:
    return Tag(
        id=str(row["id"]),
        label=row["label"],
        is_success_tag=row["is_success_tag"],
        created_at=timestamp(row["created_at"]),
        updated_at=timestamp(row["updated_at"]),
    )
