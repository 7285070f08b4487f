"""SQL of managed phone numbers."""

from collections.abc import Sequence
from uuid import UUID

from skipcall import ids
from skipcall.clock import timestamp
from skipcall.phone_numbers.model import ManagedPhoneNumber, NumberTaken
from skipcall.postgres.db import Row, Session, Statement, UniqueViolation

_COLUMNS = "id, value, label, country, workspace_id, assigned_membership_id, created_at"

_LIST = Statement(
    f"""
    WITH counted AS (
        SELECT count(*) AS total FROM managed_phone_numbers
        WHERE workspace_id = ANY(:workspace_ids) AND released_at IS NULL
    ), n AS (
        SELECT {_COLUMNS} FROM managed_phone_numbers
        WHERE workspace_id = ANY(:workspace_ids) AND released_at IS NULL AND id > :after
        ORDER BY id LIMIT :limit OFFSET :offset
    )
    SELECT n.*, counted.total FROM counted LEFT JOIN n ON true ORDER BY n.id
    """
)
_GET = Statement(
    f"""
    SELECT {_COLUMNS} FROM managed_phone_numbers
    WHERE workspace_id = ANY(:workspace_ids) AND id = :id AND released_at IS NULL
    """
)
_LIST_ALL = Statement(
    f"""
    SELECT {_COLUMNS} FROM managed_phone_numbers
    WHERE released_at IS NULL AND workspace_id IN (
        SELECT id FROM workspaces WHERE :organization_id::uuid IS NULL OR organization_id = :organization_id
    ) ORDER BY workspace_id, id
    """
)
_CREATE = Statement(
    f"""
    INSERT INTO managed_phone_numbers (workspace_id, id, value, label, country)
    VALUES (:workspace_id, :id, :value, :label, :country) RETURNING {_COLUMNS}
    """
)
_ASSIGN = Statement(
    f"""
    UPDATE managed_phone_numbers SET assigned_membership_id = :membership_id, updated_at = now()
    WHERE workspace_id = :workspace_id AND id = :id AND released_at IS NULL RETURNING {_COLUMNS}
    """
)
_RELEASE = Statement(
    """
    UPDATE managed_phone_numbers SET released_at = now(), updated_at = now()
    WHERE workspace_id = :workspace_id AND id = :id AND released_at IS NULL
    """
)


async def list_phone_numbers(
    db: Session, workspace_ids: Sequence[UUID], *, after: UUID, limit: int, offset: int
) -> tuple[list[ManagedPhoneNumber], int]:
    """Return numbers in order of creation after a place, and how many the workspaces have."""
    rows = await db.fetch_rows(_LIST, workspace_ids=workspace_ids, after=after, limit=limit, offset=offset)
    return [_number(row) for row in rows if row["id"] is not None], rows[0]["total"]


async def find_phone_number(db: Session, workspace_ids: Sequence[UUID], id: UUID) -> ManagedPhoneNumber | None:
    """Return a number of the workspaces, or None."""
    row = await db.fetch_row(_GET, workspace_ids=workspace_ids, id=id)
    return None if row is None else _number(row)


async def list_all_phone_numbers(db: Session, organization_id: UUID | None) -> list[ManagedPhoneNumber]:
    """Return the numbers of an organization, or of all, for the operator."""
    return [_number(row) for row in await db.fetch_rows(_LIST_ALL, organization_id=organization_id)]


async def create_phone_number(
    db: Session, workspace_id: UUID, value: str, *, country: str, label: str | None
) -> ManagedPhoneNumber:
    """Add a number in E.164 to a workspace. Raises `NumberTaken`."""
    try:
        row = await db.fetch_row(
            _CREATE, workspace_id=workspace_id, id=ids.new_id(), value=value, label=label, country=country
        )
    except UniqueViolation as violation:
        raise NumberTaken from violation
    assert row is not None  # inserted, or raised
    return _number(row)


async def assign_phone_number(
    db: Session, workspace_id: UUID, id: UUID, membership_id: UUID | None
) -> ManagedPhoneNumber | None:
    """Make a number that of a member of its workspace, or nobody's; return it, or None if there is none."""
    row = await db.fetch_row(_ASSIGN, workspace_id=workspace_id, id=id, membership_id=membership_id)
    return None if row is None else _number(row)


async def release_phone_number(db: Session, workspace_id: UUID, id: UUID) -> None:
    """Take a number out of sight; calls keep referring to it."""
    await db.execute(_RELEASE, workspace_id=workspace_id, id=id)


def _number(row: Row) -> ManagedPhoneNumber:
    return ManagedPhoneNumber(
        id=str(row["id"]),
        value=row["value"],
        label=row["label"],
        country=row["country"],
        workspace_id=str(row["workspace_id"]),
        assigned_membership_id=row["assigned_membership_id"] and str(row["assigned_membership_id"]),
        created_at=timestamp(row["created_at"]),
    )
