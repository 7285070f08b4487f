"""Operations on the key in use, workspaces and users: all of them reads."""

from uuid import UUID

import msgspec

from skipcall.account.model import Me, MeApiKey, MeLimits, MeOrganization, MeSubscription, MeWorkspace
from skipcall.api_keys import queries as api_keys
from skipcall.api_keys.model import Caller
from skipcall.clock import timestamp
from skipcall.errors import NotFound
from skipcall.http.decoding import BODY_BYTES_MAX
from skipcall.http.request import Answer, Request
from skipcall.http.routing import operation
from skipcall.page import SIZE_MAX, Page, PageQuery, make_page_of_ids
from skipcall.users import queries as users
from skipcall.users.model import User, WorkspaceMember
from skipcall.workspaces import queries as workspaces
from skipcall.workspaces.model import Workspace

_WORKSPACES, _MEMBERS, _USERS = "w", "m", "u"


@operation("GET", "/v1/me", tag="Account", scope="", answers=Me)
async def get_me(request: Request) -> Answer:
    """Get the API key in use.

    Answers which key this is, the organization and plan it belongs to, its limits, its scopes and the workspaces
    it may see. Needs no scope: the first call to make with a new key.
    """
    caller: Caller = request.caller
    workspace_ids = caller.scope.workspace_ids
    row = await api_keys.describe_api_key(request.database, caller.api_key_id, workspace_ids)
    subscription = caller.subscription
    me = Me(
        api_key=MeApiKey(
            id=str(caller.api_key_id),
            name=row["name"],
            prefix=row["prefix"],
            environment=caller.mode,  # type: ignore[arg-type]
            created_at=timestamp(row["created_at"]),
            expires_at=timestamp(caller.expires_at) if caller.expires_at else None,
        ),
        organization=MeOrganization(str(caller.scope.organization_id), row["organization_name"]),
        subscription=MeSubscription(
            plan=subscription.plan,
            status=subscription.status,  # type: ignore[arg-type]
            ends_at=timestamp(subscription.ends_at) if subscription.ends_at else None,
        ),
        limits=MeLimits(subscription.limit, BODY_BYTES_MAX, SIZE_MAX),
        scopes=sorted(caller.scopes),
        workspaces=[
            MeWorkspace(str(id), name, id == caller.default_workspace_id)
            for id, name in zip(workspace_ids, row["workspace_names"], strict=True)
        ],
    )
    return Answer(msgspec.json.encode(me))


@operation("GET", "/v1/workspaces", tag="Workspaces", scope="workspaces:read", answers=Page[Workspace])
async def list_workspaces(request: Request, query: PageQuery) -> Answer:
    """List workspaces.

    Answers the workspaces in the scope of the API key, in the order in which they were created.
    """
    caller: Caller = request.caller
    workspace_ids = query.narrow(caller.scope.workspace_ids)
    found = await workspaces.list_workspaces(
        request.database, workspace_ids, after=query.after(_WORKSPACES), limit=query.size + 1, offset=query.offset
    )
    return Answer(msgspec.json.encode(make_page_of_ids(query, _WORKSPACES, found, len(workspace_ids))))


@operation("GET", "/v1/workspaces/{id}", tag="Workspaces", scope="workspaces:read", answers=Workspace, noun="Workspace")
async def get_workspace(request: Request, id: UUID) -> Answer:
    """Get a workspace.

    Answers its name, country and time zone.
    """
    caller: Caller = request.caller
    return Answer(msgspec.json.encode(await workspaces.get_workspace(request.database, caller.scope, id)))


@operation(
    "GET",
    "/v1/workspaces/{id}/members",
    tag="Workspaces",
    scope="users:read",
    answers=Page[WorkspaceMember],
    noun="Workspace",
)
async def list_workspace_members(request: Request, id: UUID, query: PageQuery) -> Answer:
    """List members of a workspace.

    Answers members of every status; `id` is that of the workspace membership, which sequence contacts are assigned to.
    """
    caller: Caller = request.caller
    if id not in caller.scope.workspace_ids:
        raise NotFound("Workspace")
    found, total = await users.list_workspace_members(
        request.database, id, after=query.after(_MEMBERS), limit=query.size + 1, offset=query.offset
    )
    return Answer(msgspec.json.encode(make_page_of_ids(query, _MEMBERS, found, total)))


@operation("GET", "/v1/users", tag="Users", scope="users:read", answers=Page[User])
async def list_users(request: Request, query: PageQuery) -> Answer:
    """List users of the organization.

    Answers those with access to at least one workspace in the key's scope. `organizationMembershipId` is what sequences take.
    """
    caller: Caller = request.caller
    found, total = await users.list_users(
        request.database,
        query.narrow(caller.scope.workspace_ids),
        after=query.after(_USERS),
        limit=query.size + 1,
        offset=query.offset,
    )
    return Answer(msgspec.json.encode(make_page_of_ids(query, _USERS, found, total)))


@operation("GET", "/v1/users/{id}", tag="Users", scope="users:read", answers=User, noun="User")
async def get_user(request: Request, id: UUID) -> Answer:
    """Get a user.

    `id` is that of the person; answers 404 for one with no access to any workspace in the key's scope.
    """
    caller: Caller = request.caller
    user = await users.find_user(request.database, caller.scope.workspace_ids, id)
    if user is None:
        raise NotFound("User")
    return Answer(msgspec.json.encode(user))
