"""Organizations, workspaces, and the scope that every query of a tenant's table takes."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

Id = Annotated[str, Meta(extra_json_schema={"example": "550e8400-e29b-41d4-a716-446655440000"})]
Timestamp = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]

MODES = ("LIVE", "TEST")


class Scope(msgspec.Struct, frozen=True):
    """The workspaces that a query may see, all of one organization and one mode."""

    organization_id: UUID
    workspace_ids: tuple[UUID, ...]


class Workspace(msgspec.Struct, frozen=True, rename="camel"):
    """A team's space: its contacts, calls and fields. `teamId` on a contact is the id of its workspace."""

    id: Id
    name: Annotated[str, Meta(extra_json_schema={"example": "Sales Paris"})]
    organization_id: Id
    default_country: Annotated[str, Meta(description="ISO 3166-1 alpha-2", extra_json_schema={"example": "FR"})]
    timezone: Annotated[str, Meta(description="IANA name", extra_json_schema={"example": "Europe/Paris"})]
    created_at: Timestamp
    updated_at: Timestamp
