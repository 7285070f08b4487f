"""SQL of API keys."""

import hmac
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from skipcall import ids
from skipcall.api_keys.model import FIELDS_NAMED_MAX, Caller, KeyUse
from skipcall.errors import NotFound
from skipcall.plans.model import Subscription
from skipcall.postgres.db import Row, Session, Statement
from skipcall.workspaces.model import Scope

_FIND = Statement(
    """
    SELECT k.id, k.name, k.mode, k.digest, k.scopes, k.organization_id, k.default_workspace_id, k.expires_at,
           array(SELECT w.workspace_id FROM api_key_workspaces w WHERE w.api_key_id = k.id ORDER BY 1) AS workspace_ids,
           s.plan, coalesce(s.status, 'NONE') AS status, s.ends_at, s.requests_per_minute
    FROM api_keys k LEFT JOIN subscriptions s ON s.organization_id = k.organization_id
    WHERE k.public_part = :public_part AND k.revoked_at IS NULL
    """
)
_ACCESS_CHANGES = Statement("SELECT number FROM access_changes")
_RECORD_USE = Statement(
    """
    WITH named AS (
        INSERT INTO api_key_field_names AS f (workspace_id, api_key_id, slug, name, used, used_at)
        SELECT workspace_id, :api_key_id, slug, name, used, :at
        FROM unnest(:workspace_ids::uuid[], :slugs::text[], :field_names::text[], :uses::bigint[])
            AS g (workspace_id, slug, name, used)
        ON CONFLICT (workspace_id, api_key_id, slug) DO UPDATE
        SET name = excluded.name, used = f.used + excluded.used, used_at = greatest(f.used_at, excluded.used_at)
    )
    INSERT INTO api_key_uses (api_key_id, last_used_at, custom_field_names_used, custom_field_name_used_at)
    VALUES (:api_key_id, :at::timestamptz, :names::bigint, CASE WHEN :names > 0 THEN :at END)
    ON CONFLICT (api_key_id) DO UPDATE SET last_used_at = greatest(api_key_uses.last_used_at, excluded.last_used_at),
        custom_field_names_used = api_key_uses.custom_field_names_used + excluded.custom_field_names_used,
        custom_field_name_used_at = greatest(api_key_uses.custom_field_name_used_at, excluded.custom_field_name_used_at)
    """
)
# The fields that a key `k` has named, the last named first.
_FIELDS_NAMED = f"""
    (SELECT coalesce(json_agg(f), '[]')::text FROM (
        SELECT f.workspace_id AS "workspaceId", f.slug, f.name, f.used AS count,
            to_char(f.used_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24":"MI":"SS.MS"Z"') AS "lastUsedAt"
        FROM api_key_workspaces w JOIN api_key_field_names f
            ON f.workspace_id = w.workspace_id AND f.api_key_id = w.api_key_id
        WHERE w.api_key_id = k.id ORDER BY f.used_at DESC, f.workspace_id, f.slug LIMIT {FIELDS_NAMED_MAX}
    ) f) AS fields_named"""
# Keys that open nothing outside the given workspaces.
_LIST_NAME_USES = Statement(
    f"""
    WITH k AS MATERIALIZED (
        SELECT k.id, k.name, u.custom_field_names_used, u.custom_field_name_used_at
        FROM api_keys k JOIN api_key_uses u ON u.api_key_id = k.id
        WHERE k.organization_id = :organization_id AND k.revoked_at IS NULL AND u.custom_field_names_used > 0
            AND NOT EXISTS (
                SELECT FROM api_key_workspaces w WHERE w.api_key_id = k.id AND w.workspace_id <> ALL(:workspace_ids)
            )
    )
    SELECT one.*, counted.total FROM (SELECT count(*) AS total FROM k) counted LEFT JOIN (
        SELECT *, {_FIELDS_NAMED} FROM k WHERE id > :after ORDER BY id LIMIT :limit OFFSET :offset
    ) one ON true ORDER BY one.id
    """
)
_CREATE = Statement(
    """
    WITH key AS (
        INSERT INTO api_keys (id, organization_id, mode, name, public_part, digest, scopes, default_workspace_id,
                              created_by, expires_at)
        VALUES (:id, :organization_id, :mode, :name, :public_part, :digest, :scopes, :default_workspace_id,
                :created_by, :expires_at)
        RETURNING id, organization_id, mode
    )
    INSERT INTO api_key_workspaces (api_key_id, workspace_id, organization_id, mode)
    SELECT key.id, w.id, key.organization_id, key.mode FROM key, unnest(:workspace_ids::uuid[]) AS w (id)
    """
)
_LIST = Statement(
    f"""
    SELECT k.id, k.organization_id, k.name, 'sk_' || lower(k.mode) || '_' || k.public_part AS prefix, k.mode, k.scopes,
           k.created_by, k.created_at, k.expires_at, k.revoked_at, u.last_used_at,
           coalesce(u.custom_field_names_used, 0) AS custom_field_names_used, {_FIELDS_NAMED},
           array(SELECT w.workspace_id FROM api_key_workspaces w WHERE w.api_key_id = k.id ORDER BY 1) AS workspace_ids
    FROM api_keys k LEFT JOIN api_key_uses u ON u.api_key_id = k.id
    WHERE :organization_id::uuid IS NULL OR k.organization_id = :organization_id ORDER BY k.created_at, k.id
    """
)
_SET_SCOPES = Statement("UPDATE api_keys SET scopes = :scopes WHERE id = :id")
_REVOKE = Statement("UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE id = :id RETURNING revoked_at")
# One row. Only a database in which nothing depends on the secret takes another one: no key in force, no number on the do-not-call list,
# nobody who was erased.
_KEEP_SECRET_DIGEST = Statement(
    """
    INSERT INTO api_key_secret AS s (digest) VALUES (:digest)
    ON CONFLICT (id) DO UPDATE SET digest = CASE
        WHEN EXISTS (SELECT FROM api_keys WHERE revoked_at IS NULL) OR EXISTS (SELECT FROM do_not_call)
            OR EXISTS (SELECT FROM erased_people) THEN s.digest ELSE excluded.digest END
    RETURNING digest
    """
)
_FIND_SECRET_DIGEST = Statement("SELECT digest FROM api_key_secret")
_DESCRIBE = Statement(
    """
    SELECT k.name, 'sk_' || lower(k.mode) || '_' || k.public_part AS prefix, k.created_at,
           o.name AS organization_name,
           array(SELECT w.name FROM unnest(:workspace_ids::uuid[]) WITH ORDINALITY AS one (id, place)
                 JOIN workspaces w ON w.id = one.id ORDER BY place) AS workspace_names
    FROM api_keys k JOIN organizations o ON o.id = k.organization_id WHERE k.id = :id
    """
)


async def find_caller(db: Session, public_part: str, digest: bytes) -> Caller | None:
    """Return what a key opens, or None if it is unknown, revoked, or not the one that the digest was made of."""
    row = await db.fetch_row(_FIND, public_part=public_part)
    # Compared even when there is no such key, so that the time tells nothing.
    if not hmac.compare_digest(row["digest"] if row else bytes(32), digest) or row is None:
        return None
    return Caller(
        api_key_id=row["id"],
        name=row["name"],
        mode=row["mode"],
        scopes=frozenset(row["scopes"]),
        scope=Scope(row["organization_id"], tuple(row["workspace_ids"])),
        default_workspace_id=row["default_workspace_id"],
        expires_at=row["expires_at"],
        subscription=Subscription(row["plan"], row["status"], row["ends_at"], row["requests_per_minute"]),
        use=KeyUse(),
    )


async def get_access_changes(db: Session) -> int:
    """Return the number that moves whenever what some key opens has changed."""
    return int(await db.fetch_value(_ACCESS_CHANGES))


async def record_use(db: Session, api_key_id: UUID, at: datetime, use: KeyUse) -> None:
    """Write down when a key was last used, and which deprecated names of fields it has sent since, how often."""
    await db.execute(
        _RECORD_USE,
        api_key_id=api_key_id,
        at=at,
        names=use.custom_field_names,
        workspace_ids=[workspace_id for workspace_id, _ in use.fields_named],
        slugs=[slug for _, slug in use.fields_named],
        field_names=[name for name, _ in use.fields_named.values()],
        uses=[count for _, count in use.fields_named.values()],
    )


async def create_api_key(
    db: Session,
    organization_id: UUID,
    *,
    mode: str,
    name: str,
    public_part: str,
    digest: bytes,
    scopes: Sequence[str],
    workspace_ids: Sequence[UUID],
    created_by: str,
    expires_at: datetime | None,
) -> UUID:
    """Store a key; the first workspace is its default. The database refuses one of another organization or mode."""
    id = ids.new_id()
    await db.execute(
        _CREATE,
        id=id,
        organization_id=organization_id,
        mode=mode,
        name=name,
        public_part=public_part,
        digest=digest,
        scopes=list(scopes),
        default_workspace_id=workspace_ids[0],
        workspace_ids=list(workspace_ids),
        created_by=created_by,
        expires_at=expires_at,
    )
    return id


async def list_api_keys(db: Session, organization_id: UUID | None) -> list[Row]:
    """Return the keys of one organization, or of all, for the operator."""
    return await db.fetch_rows(_LIST, organization_id=organization_id)


async def list_name_uses(
    db: Session, organization_id: UUID, workspace_ids: Sequence[UUID], *, after: UUID, limit: int, offset: int
) -> tuple[list[Row], int]:
    """Return the keys in force that have sent names of custom fields, after a place, and how many there are.

    Only keys that open no workspace but the given ones.
    """
    rows = await db.fetch_rows(
        _LIST_NAME_USES,
        organization_id=organization_id,
        workspace_ids=workspace_ids,
        after=after,
        limit=limit,
        offset=offset,
    )
    return [row for row in rows if row["id"] is not None], rows[0]["total"]


async def set_scopes(db: Session, id: UUID, scopes: Sequence[str]) -> None:
    """Set what a key may do."""
    await db.execute(_SET_SCOPES, id=id, scopes=list(scopes))


async def revoke_api_key(db: Session, id: UUID) -> datetime:
    """Revoke a key at once and return since when it is; raise `NotFound` for an unknown one."""
    revoked_at = await db.fetch_value(_REVOKE, id=id)
    if revoked_at is None:
        raise NotFound("API key")
    return revoked_at  # type: ignore[no-any-return]


async def keep_secret_digest(db: Session, digest: bytes) -> bytes:
    """Return the digest of the secret that what is stored was made under; the given one if there is nothing yet."""
    kept: bytes = await db.fetch_value(_KEEP_SECRET_DIGEST, digest=digest)
    return kept


async def find_secret_digest(db: Session) -> bytes | None:
    """Return the digest of the secret that what is stored was made under, if one was ever kept."""
    kept: bytes | None = await db.fetch_value(_FIND_SECRET_DIGEST)
    return kept


async def describe_api_key(db: Session, id: UUID, workspace_ids: Sequence[UUID]) -> Row:
    """Return the names that belong to a key: its own, its organization's, its workspaces' in the given order."""
    row = await db.fetch_row(_DESCRIBE, id=id, workspace_ids=list(workspace_ids))
    if row is None:
        raise NotFound("API key")
    return row
