"""SQL of sources and of the users behind their identities, and of reports that are kept for calls yet to come."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec

from skipcall.calls.reports import Key
from skipcall.postgres.db import Row, Session, Statement

KEPT_FOR = timedelta(days=2)  # longer than a conference lasts, and than a provider takes to say something
REPORTS_OF_KEY_MAX = 500

_COLUMNS = """
    s.id, s.workspace_id, w.name AS workspace_name, w.mode, s.name, s.provider, s.sealed_secrets, s.timezone,
    s.default_country, s.options::text AS options, s.created_at, s.updated_at, s.disabled_at"""

# Who calls the address of a source has no key, so no scope either: the source says which workspace it is.
_GET = Statement(
    f"SELECT {_COLUMNS} FROM telephony_sources s JOIN workspaces w ON w.id = s.workspace_id WHERE s.id = :id"
)
_LIST = Statement(
    f"""
    SELECT {_COLUMNS} FROM telephony_sources s JOIN workspaces w ON w.id = s.workspace_id
    WHERE :workspace_id::uuid IS NULL OR s.workspace_id = :workspace_id ORDER BY s.id
    """
)
_CREATE = Statement(
    """
    INSERT INTO telephony_sources (id, workspace_id, name, provider, sealed_secrets, timezone, default_country, options)
    VALUES (:id, :workspace_id, :name, :provider, :sealed_secrets, :timezone, :default_country, :options::jsonb)
    ON CONFLICT (workspace_id, name) DO NOTHING RETURNING id
    """
)
_SET_SECRETS = Statement(
    """
    UPDATE telephony_sources SET sealed_secrets = :sealed_secrets, updated_at = now()
    WHERE workspace_id = :workspace_id AND id = :id AND sealed_secrets = :known RETURNING id
    """
)
_SET_DISABLED = Statement(
    """
    UPDATE telephony_sources
    SET disabled_at = CASE WHEN :disabled THEN coalesce(disabled_at, now()) END, updated_at = now()
    WHERE workspace_id = :workspace_id AND id = :id
    """
)
_MAP = Statement(
    """
    INSERT INTO telephony_identities (workspace_id, source_id, identity, organization_membership_id)
    SELECT :workspace_id, :source_id, :identity, organization_membership_id FROM workspace_memberships
    WHERE workspace_id = :workspace_id AND organization_membership_id = :organization_membership_id
    ON CONFLICT (workspace_id, source_id, identity)
    DO UPDATE SET organization_membership_id = excluded.organization_membership_id
    RETURNING identity
    """
)
_UNMAP = Statement(
    """
    DELETE FROM telephony_identities
    WHERE workspace_id = :workspace_id AND source_id = :source_id AND identity = :identity RETURNING identity
    """
)
_LIST_IDENTITIES = Statement(
    """
    SELECT i.identity, i.organization_membership_id, u.email, u.first_name, u.last_name
    FROM telephony_identities i
    JOIN workspace_memberships m
        ON m.workspace_id = i.workspace_id AND m.organization_membership_id = i.organization_membership_id
    JOIN organization_memberships o ON o.organization_id = m.organization_id AND o.id = m.organization_membership_id
    JOIN users u ON u.id = o.user_id
    WHERE i.workspace_id = :workspace_id AND i.source_id = :source_id ORDER BY i.identity
    """
)
_KEEP = Statement(
    """
    INSERT INTO telephony_reports (workspace_id, source_id, kind, key, digest, report)
    SELECT :workspace_id, :source_id, kind, key, sha256(convert_to(report, 'UTF8')), report
    FROM unnest(:kinds::text[], :keys::text[], :reports::text[]) AS r (kind, key, report) ORDER BY 3, 4, 5
    ON CONFLICT DO NOTHING
    """
)
_LIST_KEPT = Statement(
    """
    SELECT one.kind, one.key, r.report
    FROM unnest(:kinds::text[], :keys::text[]) AS one (kind, key) CROSS JOIN LATERAL (
        SELECT report FROM telephony_reports
        WHERE workspace_id = :workspace_id AND source_id = :source_id AND kind = one.kind AND key = one.key
        ORDER BY created_at DESC LIMIT :limit
    ) r
    """
)
# Of all workspaces: nobody asks for it, it is old.
FORGET_REPORTS = Statement("DELETE FROM telephony_reports WHERE created_at < now() - :kept_for::interval")


async def find_source(db: Session, id: UUID) -> Row | None:
    """Return a source of any workspace, for its address and for the operator, or None."""
    return await db.fetch_row(_GET, id=id)


async def list_sources(db: Session, workspace_id: UUID | None) -> list[Row]:
    """Return the sources of one workspace, or of all, for the operator."""
    return await db.fetch_rows(_LIST, workspace_id=workspace_id)


async def create_source(
    db: Session,
    workspace_id: UUID,
    *,
    name: str,
    provider: str,
    sealed_secrets: Sequence[bytes],
    timezone: str,
    default_country: str,
    options: Any,
) -> UUID | None:
    """Create a source and return its id, or None if the workspace has one of this name."""
    id: UUID | None = await db.fetch_value(
        _CREATE,
        # Random, not in order of time: the address should not be guessed, though guessing it is not enough.
        id=uuid4(),
        workspace_id=workspace_id,
        name=name,
        provider=provider,
        sealed_secrets=list(sealed_secrets),
        timezone=timezone,
        default_country=default_country,
        options=msgspec.json.encode(options).decode(),
    )
    return id


async def set_secrets(
    db: Session, workspace_id: UUID, id: UUID, sealed_secrets: Sequence[bytes], *, known: Sequence[bytes]
) -> bool:
    """Replace the secrets that are known; return False if they are others by now."""
    row = await db.fetch_row(
        _SET_SECRETS, workspace_id=workspace_id, id=id, sealed_secrets=list(sealed_secrets), known=list(known)
    )
    return row is not None


async def set_disabled(db: Session, workspace_id: UUID, id: UUID, *, disabled: bool) -> None:
    """Let a source take reports, or not."""
    await db.execute(_SET_DISABLED, workspace_id=workspace_id, id=id, disabled=disabled)


async def map_identity(
    db: Session, workspace_id: UUID, source_id: UUID, identity: str, organization_membership_id: UUID
) -> bool:
    """Say whose identity it is; return False if the workspace has no such member."""
    row = await db.fetch_row(
        _MAP,
        workspace_id=workspace_id,
        source_id=source_id,
        identity=identity,
        organization_membership_id=organization_membership_id,
    )
    return row is not None


async def unmap_identity(db: Session, workspace_id: UUID, source_id: UUID, identity: str) -> bool:
    """Forget whose identity it is; return False if nobody's was said. Calls keep their users."""
    row = await db.fetch_row(_UNMAP, workspace_id=workspace_id, source_id=source_id, identity=identity)
    return row is not None


async def list_identities(db: Session, workspace_id: UUID, source_id: UUID) -> list[Row]:
    """Return the identities of a source with their users."""
    return await db.fetch_rows(_LIST_IDENTITIES, workspace_id=workspace_id, source_id=source_id)


async def keep_reports(db: Session, workspace_id: UUID, source_id: UUID, reports: Sequence[tuple[Key, str]]) -> None:
    """Keep reports (JSON) under keys of calls; a repeated one once."""
    await db.execute(
        _KEEP,
        workspace_id=workspace_id,
        source_id=source_id,
        kinds=[kind for (kind, _), _ in reports],
        keys=[key for (_, key), _ in reports],
        reports=[report for _, report in reports],
    )


async def list_kept_reports(
    db: Session, workspace_id: UUID, source_id: UUID, keys: Sequence[Key]
) -> list[tuple[Key, str]]:
    """Return the reports (JSON) that are kept under the keys; of one key the newest REPORTS_OF_KEY_MAX."""
    rows = await db.fetch_rows(
        _LIST_KEPT,
        workspace_id=workspace_id,
        source_id=source_id,
        kinds=[kind for kind, _ in keys],
        keys=[key for _, key in keys],
        limit=REPORTS_OF_KEY_MAX,
    )
    return [((row["kind"], row["key"]), row["report"]) for row in rows]


async def forget_old_reports(db: Session) -> None:
    """Delete the reports that have been kept long enough."""
    await db.execute(FORGET_REPORTS, kept_for=KEPT_FOR)
