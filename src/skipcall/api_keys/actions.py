"""Making keys: for the command line and the dashboard, never for the API."""

import hmac
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from skipcall.api_keys import queries
from skipcall.api_keys.model import SCOPES, digest_of, make_key
from skipcall.errors import Conflict
from skipcall.postgres.db import Session

_SECRET_LABEL = b"skipcall: which secret the keys were made under"


class SecretMismatch(Conflict):
    """What is in the database was made under another secret: no key would open anything, no number on the do-not-call list be known."""

    code = "SECRET_MISMATCH"

    def __init__(self) -> None:
        super().__init__("The API keys and the do-not-call list in this database were made under another secret")


class NewKey(msgspec.Struct, frozen=True):
    """A key that was just made. `key` is shown once and kept nowhere."""

    id: UUID
    key: str


async def hold_to_secret(db: Session, secret: bytes) -> None:
    """Note which secret keys and hashes are made under; raise `SecretMismatch` when those in force were made under another."""
    digest = _digest_of_secret(secret)
    if not hmac.compare_digest(await queries.keep_secret_digest(db, digest), digest):
        raise SecretMismatch


async def is_secret_of_keys(db: Session, secret: bytes) -> bool | None:
    """Tell whether the stored keys were made under this secret; None where there is none to compare with."""
    kept = await queries.find_secret_digest(db)
    return None if kept is None else hmac.compare_digest(kept, _digest_of_secret(secret))


def _digest_of_secret(secret: bytes) -> bytes:
    return hmac.digest(secret, _SECRET_LABEL, "sha256")


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
