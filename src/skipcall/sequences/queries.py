"""SQL of sequences. A change of a sequence is one statement, which also records its event."""

from collections.abc import Sequence as ListOf
from uuid import UUID

import msgspec

from skipcall import ids
from skipcall.clock import timestamp
from skipcall.events.queries import RECORD
from skipcall.postgres.db import Row, Session, Statement
from skipcall.sequences.model import Sequence, Status

_COLUMNS = """
    s.id, s.name, s.workspace_id, s.creator_id, s.assigned_to_ids, s.status, s.contact_count, s.created_at, s.updated_at,
    s.version"""
# Those of the given organization memberships that are none of the workspace.
_UNKNOWN = """
    SELECT array_agg(m.id) AS ids FROM {source} unnest({ids}) AS m (id)
    WHERE NOT EXISTS (
        SELECT FROM workspace_memberships WHERE workspace_id = {workspace} AND organization_membership_id = m.id
    )"""

_LIST = Statement(
    f"""
    WITH counted AS (
        SELECT count(*) AS total FROM sequences WHERE workspace_id = ANY(:workspace_ids) AND deleted_at IS NULL
    ), s AS (
        SELECT * FROM sequences
        WHERE workspace_id = ANY(:workspace_ids) AND deleted_at IS NULL AND id < :before
        ORDER BY id DESC LIMIT :limit OFFSET :offset
    )
    SELECT {_COLUMNS}, counted.total FROM counted LEFT JOIN s ON true ORDER BY s.id DESC
    """
)
_GET = Statement(
    f"SELECT {_COLUMNS} FROM sequences s WHERE workspace_id = ANY(:workspace_ids) AND id = :id AND deleted_at IS NULL"
)
_CREATE = Statement(
    f"""
    WITH unknown AS ({
        _UNKNOWN.format(source="", ids="array_append(:assigned_to_ids::uuid[], :creator_id)", workspace=":workspace_id")
    }
    ), written AS (
        INSERT INTO sequences (workspace_id, id, name, creator_id, assigned_to_ids, status)
        SELECT :workspace_id, :id, :name, :creator_id, :assigned_to_ids, 'ACTIVE' FROM unknown WHERE ids IS NULL
        RETURNING *
    ), recorded AS ({RECORD.format(type="sequence.created", changes="NULL", rows="written")}
    )
    SELECT {_COLUMNS}, unknown.ids AS unknown FROM unknown LEFT JOIN written s ON true
    """
)
_MERGED = {
    "name": "coalesce(:name, b.name)",
    "status": "coalesce(:status, b.status)",
    "assigned_to_ids": "coalesce(:assigned_to_ids, b.assigned_to_ids)",
}
_CHANGES = ", ".join(
    f"'{name}', CASE WHEN s.{column} <> b.{column} THEN jsonb_build_array(b.{column}, s.{column}) END"
    for column, name in (("name", "name"), ("status", "status"), ("assigned_to_ids", "assignedToIds"))
)
_PRESENT = ", ".join(f"coalesce(w.{column}, b.{column}) AS {column}" for column in (*_MERGED, "version", "updated_at"))
_UPDATE = Statement(
    f"""
    WITH before AS MATERIALIZED (
        SELECT * FROM sequences
        WHERE workspace_id = ANY(:workspace_ids) AND id = :id AND deleted_at IS NULL FOR NO KEY UPDATE
    ), unknown AS ({_UNKNOWN.format(source="before b,", ids=":assigned_to_ids::uuid[]", workspace="b.workspace_id")}
    ), written AS (
        UPDATE sequences s SET {", ".join(f"{column} = {value}" for column, value in _MERGED.items())},
            version = s.version + 1, updated_at = greatest(clock_timestamp(), s.updated_at)
        FROM before b CROSS JOIN unknown
        WHERE s.workspace_id = b.workspace_id AND s.id = b.id AND unknown.ids IS NULL
            AND (:versions::bigint[] IS NULL OR s.version = ANY(:versions))
            AND ({", ".join(_MERGED.values())}) <> ({", ".join(f"b.{column}" for column in _MERGED)})
        RETURNING s.*, jsonb_strip_nulls(jsonb_build_object({_CHANGES})) AS changes
    ), recorded AS ({RECORD.format(type="sequence.updated", changes="changes", rows="written")}
    ), s AS (
        SELECT b.workspace_id, b.id, b.creator_id, b.contact_count, b.created_at, {_PRESENT},
            coalesce(b.version <> ALL(:versions), false) AS stale
        FROM before b LEFT JOIN written w ON true
    )
    SELECT {_COLUMNS}, s.stale, unknown.ids AS unknown FROM s CROSS JOIN unknown
    """
)
_DELETE = Statement(
    f"""
    WITH written AS (
        UPDATE sequences SET deleted_at = greatest(clock_timestamp(), updated_at), version = version + 1,
            updated_at = greatest(clock_timestamp(), updated_at)
        WHERE workspace_id = ANY(:workspace_ids) AND id = :id AND deleted_at IS NULL
            AND (:versions::bigint[] IS NULL OR version = ANY(:versions))
        RETURNING *
    ), recorded AS ({RECORD.format(type="sequence.deleted", changes="NULL", rows="written")}
    )
    SELECT id FROM written
    """
)


class Written(msgspec.Struct, frozen=True):
    """The sequence after a write. `stale`: nothing was written, since it is not of the versions asked for."""

    sequence: Sequence
    version: int
    stale: bool = False


class MembersRefused(msgspec.Struct, frozen=True):
    """Nothing was written: these are no organization memberships of members of the workspace."""

    unknown: frozenset[UUID]


async def list_sequences(
    db: Session, workspace_ids: ListOf[UUID], *, before: UUID, limit: int, offset: int
) -> tuple[list[Sequence], int]:
    """Return sequences, newest first, after a place, and how many the workspaces have."""
    rows = await db.fetch_rows(_LIST, workspace_ids=workspace_ids, before=before, limit=limit, offset=offset)
    return [_sequence(row) for row in rows if row["id"] is not None], rows[0]["total"]


async def find_sequence(db: Session, workspace_ids: ListOf[UUID], id: UUID) -> tuple[Sequence, int] | None:
    """Return a sequence of the workspaces and its version, or None."""
    row = await db.fetch_row(_GET, workspace_ids=workspace_ids, id=id)
    return None if row is None else (_sequence(row), row["version"])


async def create_sequence(
    db: Session,
    workspace_id: UUID,
    name: str,
    *,
    creator_id: UUID,
    assigned_to_ids: ListOf[UUID],
    source: str,
    api_key_id: UUID | None,
    request_id: str | None,
) -> Written | MembersRefused:
    """Create a sequence in a workspace."""
    row = await db.fetch_row(
        _CREATE,
        workspace_id=workspace_id,
        id=ids.new_id(),
        name=name,
        creator_id=creator_id,
        assigned_to_ids=assigned_to_ids,
        source=source,
        api_key_id=api_key_id,
        request_id=request_id,
    )
    assert row is not None  # the statement starts from an aggregate
    return MembersRefused(frozenset(row["unknown"])) if row["unknown"] else Written(_sequence(row), row["version"])


async def update_sequence(
    db: Session,
    workspace_ids: ListOf[UUID],
    id: UUID,
    *,
    name: str | None,
    status: Status | None,
    assigned_to_ids: ListOf[UUID] | None,
    versions: list[int] | None,
    source: str,
    api_key_id: UUID | None,
    request_id: str | None,
) -> Written | MembersRefused | None:
    """Change what is not None of a sequence, if anything differs; None if there is no such sequence.

    With `versions`, only one of these is written to.
    """
    row = await db.fetch_row(
        _UPDATE,
        workspace_ids=workspace_ids,
        id=id,
        name=name,
        status=status,
        assigned_to_ids=assigned_to_ids,
        versions=versions,
        source=source,
        api_key_id=api_key_id,
        request_id=request_id,
    )
    if row is None:
        return None
    if row["unknown"]:
        return MembersRefused(frozenset(row["unknown"]))
    return Written(_sequence(row), row["version"], row["stale"])


async def delete_sequence(
    db: Session,
    workspace_ids: ListOf[UUID],
    id: UUID,
    *,
    versions: list[int] | None,
    source: str,
    api_key_id: UUID | None,
    request_id: str | None,
) -> bool:
    """Mark a sequence as deleted and return True; False if there is none of these workspaces, id and versions."""
    row = await db.fetch_row(
        _DELETE,
        workspace_ids=workspace_ids,
        id=id,
        versions=versions,
        source=source,
        api_key_id=api_key_id,
        request_id=request_id,
    )
    return row is not None


def _sequence(row: Row) -> Sequence:
    return Sequence(
        id=str(row["id"]),
        name=row["name"],
        workspace_id=str(row["workspace_id"]),
        creator_id=str(row["creator_id"]),
        assigned_to_ids=[str(id) for id in row["assigned_to_ids"]],
        status=row["status"],
        contact_count=row["contact_count"],
        created_at=timestamp(row["created_at"]),
        updated_at=timestamp(row["updated_at"]),
    )
