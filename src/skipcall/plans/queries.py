"""SQL of subscriptions."""

from datetime import datetime
from uuid import UUID

from skipcall.postgres.db import Session, Statement

_SET_PLAN = Statement(
    """
    INSERT INTO subscriptions (organization_id, plan, requests_per_minute, status)
    VALUES (:organization_id, :plan, :requests_per_minute, 'NONE')
    ON CONFLICT (organization_id) DO UPDATE
    SET plan = excluded.plan, requests_per_minute = excluded.requests_per_minute
    """
)
_SET_SUBSCRIPTION = Statement(
    """
    INSERT INTO subscriptions (organization_id, status, ends_at) VALUES (:organization_id, :status, :ends_at)
    ON CONFLICT (organization_id) DO UPDATE SET status = excluded.status, ends_at = excluded.ends_at
    """
)


async def set_plan(db: Session, organization_id: UUID, plan: str | None, requests_per_minute: int | None) -> None:
    """Put an organization on a plan, or on none; its subscription stays as it is."""
    await db.execute(_SET_PLAN, organization_id=organization_id, plan=plan, requests_per_minute=requests_per_minute)


async def set_subscription(db: Session, organization_id: UUID, status: str, ends_at: datetime | None) -> None:
    """Set whether an organization's subscription is in force, and until when; its plan stays as it is."""
    await db.execute(_SET_SUBSCRIPTION, organization_id=organization_id, status=status, ends_at=ends_at)
