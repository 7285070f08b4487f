"""Plans and subscriptions: whether an organization may use the API, and how often."""

from datetime import datetime

import msgspec

from skipcall.errors import Forbidden

REQUESTS_PER_MINUTE = {"STARTER": 100, "INTERMÉDIAIRE": 100, "EXPERT": 1000}
PLANS = ("FREE", *REQUESTS_PER_MINUTE)
STATUSES = ("ACTIVE", "TRIALING", "PAST_DUE", "CANCELED", "NONE")
# A payment that is late is a matter between the organization and its bank; calls to prospects go on meanwhile.
_IN_FORCE = frozenset(("ACTIVE", "TRIALING", "PAST_DUE"))


class SubscriptionRequired(Forbidden):
    """No subscription in force."""

    code = "SUBSCRIPTION_REQUIRED"

    def __init__(self) -> None:
        super().__init__("An active subscription is required to access the API")


class PlanNotEligible(Forbidden):
    """A plan without the API."""

    code = "PLAN_NOT_ELIGIBLE"

    def __init__(self) -> None:
        super().__init__("API access requires STARTER, INTERMÉDIAIRE or EXPERT plan")


class Subscription(msgspec.Struct, frozen=True):
    """What an organization has agreed to. `requests_per_minute` replaces the plan's own if set."""

    plan: str | None
    status: str
    ends_at: datetime | None
    requests_per_minute: int | None

    @property
    def limit(self) -> int:
        """Requests in any 60 seconds; 0 for a plan without the API."""
        if self.plan not in REQUESTS_PER_MINUTE:
            return 0
        return self.requests_per_minute or REQUESTS_PER_MINUTE[self.plan]

    def check(self, now: datetime) -> None:
        """Raise `SubscriptionRequired` or `PlanNotEligible`, in this order, unless the API may be used at `now`."""
        if self.status not in _IN_FORCE or (self.ends_at is not None and self.ends_at <= now):
            raise SubscriptionRequired
        if self.plan not in REQUESTS_PER_MINUTE:
            raise PlanNotEligible
