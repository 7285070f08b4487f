"""Organizations, workspaces, and the scope that every query of a tenant's table takes."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

ID_EXAMPLE = "01934f6a-8c1e-7b52-9d34-5a6f0e21c7d8"
Id = Annotated[str, Meta(extra_json_schema={"example": ID_EXAMPLE})]
Timestamp = Annotated[str, Meta(extra_json_schema={"format": "date-time", "example": "2026-03-02T09:41:07.250Z"})]

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
