"""SQL of what is known of a contact that somebody wants to call."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from skipcall import ids
from skipcall.callability.decision import Facts
from skipcall.phone_numbers.forms import all_forms_in_sql
from skipcall.postgres.db import Session, Statement

# No rule set looks at more calls, or further back.
CALLS_MAX = 10
CALLS_DAYS = 31

_CALLED = f"""
    SELECT k.id, k.started_at FROM calls k
    WHERE k.workspace_id = c.workspace_id AND {{by}} AND k.deleted_at IS NULL AND k.type = 'outbound'
        AND k.id BETWEEN :first AND :last AND k.started_at <= :at
    ORDER BY k.id DESC LIMIT {CALLS_MAX}"""

# What the person said last is what `include=consent` shows (consents/queries.py). Calls are those with the contact, and those to the number:
# whoever it was called as, it is one person's phone that rang.
_GET = Statement(
    f"""
    WITH RECURSIVE person AS (
        SELECT workspace_id, id FROM contacts WHERE workspace_id = ANY(:workspace_ids) AND id = :id AND deleted_at IS NULL
        UNION
        SELECT m.workspace_id, m.id FROM person p JOIN contacts m ON m.workspace_id = p.workspace_id AND m.merged_into_id = p.id
    ), said AS (
        SELECT n.* FROM person p JOIN contact_consents n ON n.workspace_id = p.workspace_id AND n.contact_id = p.id
        WHERE n.status <> 'asserted'
    )
    SELECT c.workspace_id, c.phone_numbers, c.allow_phone_calls, w.call_rules, w.timezone, n.id AS consent_id, n.status,
        n.legal_basis, (
            SELECT max(obtained_at) FROM said WHERE status IN ('refused', 'withdrawn', 'objected')
        ) AS refused_at, ARRAY(
            SELECT started_at FROM (
                ({_CALLED.format(by="k.contact_id = c.id")}) UNION
                SELECT at.* FROM unnest({all_forms_in_sql("coalesce(:phone_number, c.phone_numbers[1])")}) AS form (number)
                CROSS JOIN LATERAL ({_CALLED.format(by="k.phone_number = form.number")}) at
            ) called ORDER BY id DESC LIMIT {CALLS_MAX}
        ) AS called_at
    FROM contacts c JOIN workspaces w ON w.id = c.workspace_id
    LEFT JOIN LATERAL (
        SELECT id, status, legal_basis FROM said ORDER BY obtained_at DESC, recorded_at DESC, position DESC LIMIT 1
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


async def find_facts(
    db: Session, workspace_ids: Sequence[UUID], id: UUID, at: datetime, phone_number: str | None
) -> Known | None:
    """Return what is known of a contact, and of a number or else its first one, at a moment; None if there is no such contact."""
    row = await db.fetch_row(
        _GET,
        workspace_ids=workspace_ids,
        id=id,
        at=at,
        phone_number=phone_number,
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
