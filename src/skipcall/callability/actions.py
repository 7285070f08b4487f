"""May this contact be called? What is known, looked up and decided."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec

from skipcall.api_keys.model import Caller
from skipcall.callability import queries
from skipcall.callability.decision import next_allowed_at, obstacles
from skipcall.callability.model import MESSAGES, Callability, ObstacleToCall
from skipcall.clock import timestamp
from skipcall.contacts.actions import refuse_missing
from skipcall.do_not_call.queries import check_numbers
from skipcall.phone_numbers.forms import all_forms
from skipcall.postgres.db import Session


async def get_callability(
    db: Session, caller: Caller, id: UUID, *, at: datetime, phone_number: str | None, secret: bytes
) -> Callability:
    """Return whether a contact may be called at a moment, as far as it is known here. Raises what `refuse_missing` does."""
    at = at.astimezone(UTC)
    known = await queries.find_facts(db, caller.scope.workspace_ids, id, at, phone_number)
    if known is None:
        await refuse_missing(db, caller, id)
    number = phone_number or next(iter(known.phone_numbers), None)
    evidence = [known.consent_id]
    has_number = number is not None and not set(all_forms(number)).isdisjoint(known.phone_numbers)
    facts = msgspec.structs.replace(known.facts, has_number=has_number)
    if number is not None:
        [listed] = await check_numbers(db, known.workspace_id, [number], secret=secret)
        evidence.append(listed.entry_id)
        facts = msgspec.structs.replace(
            facts,
            is_allowed=facts.is_allowed and not listed.is_refused,
            is_listed=listed.entry_id is not None,
            listed_until=listed.expires_at,
        )
    reasons = [
        ObstacleToCall(one.code, MESSAGES[one.code], None if one.until is None else timestamp(one.until))
        for one in obstacles(facts, at)
    ]
    next_at = next_allowed_at(facts, at)
    return Callability(
        callable=not reasons,
        reasons=reasons,
        next_allowed_at=None if next_at is None else timestamp(next_at),
        rule_set=facts.rule_set,
        timezone=facts.timezone,
        checked_at=timestamp(at),
        evidence=[str(one) for one in evidence if one is not None],
    )
