"""Users and members as they are answered."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from skipcall.workspaces.model import Id, Timestamp

Role = Literal["OWNER", "ADMIN", "MEMBER"]
Status = Literal["ACTIVE", "INVITED", "SUSPENDED"]
ROLES = ("OWNER", "ADMIN", "MEMBER")
STATUSES = ("ACTIVE", "INVITED", "SUSPENDED")


class User(msgspec.Struct, frozen=True, rename="camel"):
    """A member of the organization with access to at least one workspace in the key's scope."""

    id: Id
    organization_membership_id: Annotated[str, Meta(description="What sequences name their assignees by")]
    email: str
    first_name: str
    last_name: str
    role: Role
    status: Status
    workspace_ids: Annotated[list[str], Meta(description="The workspaces in the key's scope that this user has")]
    created_at: Timestamp


class WorkspaceMember(msgspec.Struct, frozen=True, rename="camel"):
    """A user as a member of one workspace. `id` is that of the workspace membership."""

    id: Id
    organization_membership_id: Id
    user_id: Id
    email: str
    first_name: str
    last_name: str
    role: Role
    status: Status
