"""Making keys: for the command line and the dashboard, never for the API."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from skipcall.api_keys import queries
from skipcall.api_keys.model import SCOPES, digest_of, make_key
from skipcall.postgres.db import Session


class NewKey(msgspec.Struct, frozen=True):
    """A key that was just made. `key` is shown once and kept nowhere."""

    id: UUID
    key: str


async def create_api_key(
    db: Session,
    organization_id: UUID,
    *,
    secret: bytes,
    mode: str,
    name: str,
    workspace_ids: Sequence[UUID],
    created_by: str,
    scopes: Sequence[str] = SCOPES,
    expires_at: datetime | None = None,
) -> NewKey:
    """Make a key for workspaces of one organization and mode, the first of them its default."""
    key, public_part = make_key(mode)
    id = await queries.create_api_key(
        db,
        organization_id,
        mode=mode,
        name=name,
        public_part=public_part,
        digest=digest_of(key, secret),
        scopes=scopes,
        workspace_ids=workspace_ids,
        created_by=created_by,
        expires_at=expires_at,
    )
    return NewKey(id, key)
