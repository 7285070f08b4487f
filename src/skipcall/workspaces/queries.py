"""SQL of organizations and workspaces."""

from collections.abc import Sequence
from uuid import UUID

from skipcall import ids
from skipcall.clock import timestamp
from skipcall.errors import NotFound
from skipcall.postgres.db import Row, Session, Statement
from skipcall.workspaces.model import Scope, Workspace

_COLUMNS = "id, name, organization_id, default_country, timezone, created_at, updated_at"

_LIST = Statement(
    f"""
    SELECT {_COLUMNS} FROM workspaces
    WHERE id = ANY(:workspace_ids) AND (:after::uuid IS NULL OR id > :after) ORDER BY id LIMIT :limit OFFSET :offset
    """
)
_GET = Statement(f"SELECT {_COLUMNS} FROM workspaces WHERE id = :id AND id = ANY(:workspace_ids)")
_LIST_ALL = Statement(
    f"""
    SELECT mode, {_COLUMNS} FROM workspaces
    WHERE :organization_id::uuid IS NULL OR organization_id = :organization_id ORDER BY id
    """
)
_LIST_ORGANIZATIONS = Statement(
    """
    SELECT o.id, o.name, o.created_at, s.plan, s.status, s.ends_at, s.requests_per_minute
    FROM organizations o LEFT JOIN subscriptions s ON s.organization_id = o.id ORDER BY o.id
    """
)
_CREATE_ORGANIZATION = Statement("INSERT INTO organizations (id, name) VALUES (:id, :name)")
_CREATE = Statement(
    """
    INSERT INTO workspaces (id, organization_id, mode, name, default_country, timezone)
    VALUES (:id, :organization_id, :mode, :name, :default_country, :timezone)
    """
)

_SET_CALL_RULES = Statement("UPDATE workspaces SET call_rules = :call_rules WHERE id = :id")


async def list_workspaces(
    db: Session, workspace_ids: Sequence[UUID], *, after: UUID | None, limit: int, offset: int
) -> list[Workspace]:
    """Return workspaces in order of creation. `workspace_ids` is the whole of what may be seen."""
    rows = await db.fetch_rows(_LIST, workspace_ids=workspace_ids, after=after, limit=limit, offset=offset)
    return [_workspace(row) for row in rows]


async def get_workspace(db: Session, scope: Scope, id: UUID) -> Workspace:
    """Return one workspace of the scope; raise `NotFound` for any other."""
    row = await db.fetch_row(_GET, id=id, workspace_ids=scope.workspace_ids)
    if row is None:
        raise NotFound("Workspace")
    return _workspace(row)


async def list_all_workspaces(db: Session, organization_id: UUID | None) -> list[tuple[str, Workspace]]:
    """Return every workspace of an organization, or of all, with its mode, for the operator."""
    return [(row["mode"], _workspace(row)) for row in await db.fetch_rows(_LIST_ALL, organization_id=organization_id)]


async def list_organizations(db: Session) -> list[Row]:
    """Return every organization with its subscription, for the operator."""
    return await db.fetch_rows(_LIST_ORGANIZATIONS)


async def create_organization(db: Session, name: str) -> UUID:
    """Create an organization, on no plan yet, and return its id."""
    id = ids.new_id()
    await db.execute(_CREATE_ORGANIZATION, id=id, name=name)
    return id


async def create_workspace(
    db: Session, organization_id: UUID, *, name: str, mode: str, default_country: str, timezone: str
) -> UUID:
    """Create a workspace and return its id."""
    id = ids.new_id()
    await db.execute(
        _CREATE,
        id=id,
        organization_id=organization_id,
        mode=mode,
        name=name,
        default_country=default_country,
        timezone=timezone,
    )
    return id


async def set_call_rules(db: Session, id: UUID, call_rules: str) -> None:
    """Say by which rule set a workspace calls."""
    await db.execute(_SET_CALL_RULES, id=id, call_rules=call_rules)


def _workspace(row: Row) -> Workspace:
    return Workspace(
        id=str(row["id"]),
        name=row["name"],
        organization_id=str(row["organization_id"]),
        default_country=row["default_country"],
        timezone=row["timezone"],
        created_at=timestamp(row["created_at"]),
        updated_at=timestamp(row["updated_at"]),
    )
