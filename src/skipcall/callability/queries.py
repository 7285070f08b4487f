"""SQL of what is known of a contact that somebody wants to call."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from skipcall import ids
from skipcall.callability.decision import Facts
from skipcall.postgres.db import Session, Statement

# No rule set looks at more calls, or further back.
CALLS_MAX = 10
CALLS_DAYS = 31

# The last thing that the person said, whenever it was recorded: an old form that is found later takes no refusal back.
_GET = Statement(
    f"""
    SELECT c.workspace_id, c.phone_numbers, c.allow_phone_calls, w.call_rules, w.timezone, n.id AS consent_id, n.status,
        n.legal_basis, (
            SELECT max(r.obtained_at) FROM contact_consents r
            WHERE r.workspace_id = c.workspace_id AND r.contact_id = c.id
                AND r.status IN ('refused', 'withdrawn', 'objected')
        ) AS refused_at, ARRAY(
            SELECT k.started_at FROM calls k
            WHERE k.workspace_id = c.workspace_id AND k.contact_id = c.id AND k.deleted_at IS NULL AND k.type = 'outbound'
                AND k.id BETWEEN :first AND :last AND k.started_at <= :at
            ORDER BY k.id DESC LIMIT {CALLS_MAX}
        ) AS called_at
    FROM contacts c JOIN workspaces w ON w.id = c.workspace_id
    LEFT JOIN LATERAL (
        SELECT id, status, legal_basis FROM contact_consents
        WHERE workspace_id = c.workspace_id AND contact_id = c.id AND status <> 'asserted'
        ORDER BY obtained_at DESC, position DESC LIMIT 1
    ) n ON true
    WHERE c.workspace_id = ANY(:workspace_ids) AND c.id = :id AND c.deleted_at IS NULL
    """
)


class Known(msgspec.Struct, frozen=True):
    """A contact, and what is known of it before its number is looked at."""

    workspace_id: UUID
    phone_numbers: list[str]
    consent_id: UUID | None
    facts: Facts


async def find_facts(db: Session, workspace_ids: Sequence[UUID], id: UUID, at: datetime) -> Known | None:
    """Return what is known of a contact at a moment, or None if there is no such contact."""
    row = await db.fetch_row(
        _GET,
        workspace_ids=workspace_ids,
        id=id,
        at=at,
        first=ids.id_at(at - timedelta(days=CALLS_DAYS)),
        last=ids.id_at(at + timedelta(milliseconds=1)),
    )
    if row is None:
        return None
    facts = Facts(
        rule_set=row["call_rules"],
        timezone=row["timezone"],
        is_allowed=row["allow_phone_calls"],
        consent=row["status"],
        legal_basis=row["legal_basis"],
        refused_at=row["refused_at"],
        called_at=tuple(sorted(row["called_at"], reverse=True)),
    )
    return Known(row["workspace_id"], row["phone_numbers"], row["consent_id"], facts)
