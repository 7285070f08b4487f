"""SQL of users and memberships."""

from collections.abc import Sequence
from uuid import UUID

from skipcall import ids
from skipcall.clock import timestamp
from skipcall.postgres.db import Row, Session, Statement
from skipcall.users.model import User, WorkspaceMember

_USERS = """
    SELECT u.id, m.id AS organization_membership_id, u.email, u.first_name, u.last_name, m.role, m.status,
           array_agg(w.workspace_id ORDER BY w.workspace_id) AS workspace_ids, u.created_at
    FROM workspace_memberships w
    JOIN organization_memberships m ON m.organization_id = w.organization_id AND m.id = w.organization_membership_id
    JOIN users u ON u.id = m.user_id
    WHERE w.workspace_id = ANY(:workspace_ids) {condition}
    GROUP BY u.id, m.organization_id, m.id"""
_LIST = Statement(
    f"""
    WITH counted AS (
        SELECT count(DISTINCT organization_membership_id) AS total FROM workspace_memberships
        WHERE workspace_id = ANY(:workspace_ids)
    ), one AS ({_USERS.format(condition="AND u.id > :after")} ORDER BY u.id LIMIT :limit OFFSET :offset)
    SELECT one.*, counted.total FROM counted LEFT JOIN one ON true ORDER BY one.id
    """
)
_GET = Statement(_USERS.format(condition="AND u.id = :id"))
_LIST_MEMBERS = Statement(
    """
    WITH counted AS (SELECT count(*) AS total FROM workspace_memberships WHERE workspace_id = :workspace_id),
    one AS (
        SELECT w.id, m.id AS organization_membership_id, u.id AS user_id, u.email, u.first_name, u.last_name,
               m.role, m.status
        FROM workspace_memberships w
        JOIN organization_memberships m ON m.organization_id = w.organization_id AND m.id = w.organization_membership_id
        JOIN users u ON u.id = m.user_id
        WHERE w.workspace_id = :workspace_id AND w.id > :after ORDER BY w.id LIMIT :limit OFFSET :offset
    )
    SELECT one.*, counted.total FROM counted LEFT JOIN one ON true ORDER BY one.id
    """
)
_LIST_ALL_MEMBERS = Statement(
    """
    SELECT m.id, m.organization_id, u.id AS user_id, u.email, u.first_name, u.last_name, m.role, m.status,
           m.created_at,
           array(SELECT w.workspace_id FROM workspace_memberships w
                 WHERE w.organization_id = m.organization_id AND w.organization_membership_id = m.id
                 ORDER BY 1) AS workspace_ids
    FROM organization_memberships m JOIN users u ON u.id = m.user_id
    WHERE :organization_id::uuid IS NULL OR m.organization_id = :organization_id ORDER BY m.organization_id, m.id
    """
)
_CREATE_USER = Statement(
    """
    INSERT INTO users (id, email, first_name, last_name) VALUES (:id, :email, :first_name, :last_name)
    ON CONFLICT (lower(email)) DO UPDATE SET email = users.email RETURNING id
    """
)
_CREATE_MEMBERSHIP = Statement(
    """
    INSERT INTO organization_memberships (organization_id, id, user_id, role, status)
    VALUES (:organization_id, :id, :user_id, :role, :status)
    ON CONFLICT (organization_id, user_id) DO UPDATE SET role = excluded.role, status = excluded.status RETURNING id
    """
)
_JOIN_WORKSPACE = Statement(
    """
    INSERT INTO workspace_memberships (workspace_id, id, organization_id, organization_membership_id)
    VALUES (:workspace_id, :id, :organization_id, :organization_membership_id)
    ON CONFLICT (workspace_id, organization_membership_id) DO NOTHING
    """
)


async def list_users(
    db: Session, workspace_ids: Sequence[UUID], *, after: UUID, limit: int, offset: int
) -> tuple[list[User], int]:
    """Return the users of workspaces in order of creation after a place, and how many there are."""
    rows = await db.fetch_rows(_LIST, workspace_ids=workspace_ids, after=after, limit=limit, offset=offset)
    return [_user(row) for row in rows if row["id"] is not None], rows[0]["total"]


async def find_user(db: Session, workspace_ids: Sequence[UUID], id: UUID) -> User | None:
    """Return a user who has at least one of the workspaces, or None."""
    row = await db.fetch_row(_GET, workspace_ids=workspace_ids, id=id)
    return None if row is None else _user(row)


async def list_workspace_members(
    db: Session, workspace_id: UUID, *, after: UUID, limit: int, offset: int
) -> tuple[list[WorkspaceMember], int]:
    """Return the members of a workspace in order of joining after a place, and how many there are."""
    rows = await db.fetch_rows(_LIST_MEMBERS, workspace_id=workspace_id, after=after, limit=limit, offset=offset)
    members = [
        WorkspaceMember(
            id=str(row["id"]),
            organization_membership_id=str(row["organization_membership_id"]),
            user_id=str(row["user_id"]),
            email=row["email"],
            first_name=row["first_name"],
            last_name=row["last_name"],
            role=row["role"],
            status=row["status"],
        )
        for row in rows
        if row["id"] is not None
    ]
    return members, rows[0]["total"]


async def list_all_members(db: Session, organization_id: UUID | None) -> list[Row]:
    """Return the members of one organization, or of all, with their workspaces, for the operator."""
    return await db.fetch_rows(_LIST_ALL_MEMBERS, organization_id=organization_id)


async def create_member(
    tx: Session,
    organization_id: UUID,
    workspace_ids: Sequence[UUID],
    *,
    email: str,
    first_name: str,
    last_name: str,
    role: str,
    status: str,
) -> UUID:
    """Make a person a member of an organization and of workspaces of it; return the organization membership's id.

    A user with this address is taken as it is: one person may belong to several organizations.
    """
    user_id = await tx.fetch_value(
        _CREATE_USER, id=ids.new_id(), email=email, first_name=first_name, last_name=last_name
    )
    membership_id: UUID = await tx.fetch_value(
        _CREATE_MEMBERSHIP, organization_id=organization_id, id=ids.new_id(), user_id=user_id, role=role, status=status
    )
    for workspace_id in workspace_ids:
        await tx.execute(
            _JOIN_WORKSPACE,
            workspace_id=workspace_id,
            id=ids.new_id(),
            organization_id=organization_id,
            organization_membership_id=membership_id,
        )
    return membership_id


def _user(row: Row) -> User:
    return User(
        id=str(row["id"]),
        organization_membership_id=str(row["organization_membership_id"]),
        email=row["email"],
        first_name=row["first_name"],
        last_name=row["last_name"],
        role=row["role"],
        status=row["status"],
        workspace_ids=[str(one) for one in row["workspace_ids"]],
        created_at=timestamp(row["created_at"]),
    )
