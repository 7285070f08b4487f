"""Whether a contact may be called, on the wire."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from skipcall.contacts.model import PhoneNumber
from skipcall.errors import Fault
from skipcall.phone_numbers.model import phone_number_fault, with_plus
from skipcall.workspaces.model import Timestamp

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)

Code = Literal[
    "NO_PHONE_NUMBER",
    "NOT_ALLOWED",
    "DO_NOT_CALL",
    "NO_CONSENT",
    "CONSENT_WITHDRAWN",
    "OUTSIDE_HOURS",
    "HOLIDAY",
    "FREQUENCY_CAP",
    "REFUSAL_COOLDOWN",
]

MESSAGES: dict[Code, str] = {
    "NO_PHONE_NUMBER": "The contact does not have this number",
    "NOT_ALLOWED": "allowPhoneCalls is false, of this contact or of another one with the number",
    "DO_NOT_CALL": "The number is on the do-not-call list",
    "NO_CONSENT": "The ledger has no consent or contract that the rule set asks for",
    "CONSENT_WITHDRAWN": "The last thing that the contact said is a refusal",
    "OUTSIDE_HOURS": "The rule set has no calls at this hour or on this day of the week",
    "HOLIDAY": "The rule set has no calls on public holidays",
    "FREQUENCY_CAP": "The contact, or the number, was called as often as the rule set allows",
    "REFUSAL_COOLDOWN": "The contact refused, and the rule set asks for silence",
}


class ObstacleToCall(msgspec.Struct, frozen=True):
    """One thing that speaks against a call."""

    code: Code
    message: Annotated[str, Meta(extra_json_schema={"example": MESSAGES["OUTSIDE_HOURS"]})]
    until: Annotated[Timestamp | None, Meta(description="When it ends by itself; null: until somebody changes it")]


class Callability(msgspec.Struct, frozen=True, rename="camel"):
    """Whether anything known here speaks against a call."""

    callable: Annotated[bool, Meta(description="Whether nothing does", extra_json_schema={"example": False})]
    reasons: list[ObstacleToCall]
    next_allowed_at: Annotated[
        Timestamp | None, Meta(description="The first moment from `at` on; null if nothing ends by itself")
    ]
    rule_set: Annotated[str, Meta(extra_json_schema={"example": "FR_CONSUMER"})]
    timezone: Annotated[str, Meta(description="Of the workspace", extra_json_schema={"example": "Europe/Paris"})]
    checked_at: Timestamp
    evidence: Annotated[
        list[str], Meta(description="Ids of the ledger's entry and the do-not-call entry that were looked at")
    ]


class GetCallability(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Query parameters."""

    at: Annotated[Annotated[datetime, Meta(tz=True)] | None, Meta(description="The moment; now, if absent")] = None
    phone_number: Annotated[
        PhoneNumber | None, Meta(description="The number to call; the contact's first, if absent")
    ] = None

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return the faults that types cannot say."""
        faults = []
        if "at" in fields and not _is_near(fields["at"]):
            faults.append(Fault("/query/at", "OUT_OF_RANGE", "Must be ISO 8601, from year 2000 to 2099 in UTC"))
        if "phoneNumber" in fields and (fault := phone_number_fault(with_plus(fields["phoneNumber"]))):
            faults.append(Fault("/query/phoneNumber", *fault))
        return faults


def _is_near(text: str) -> bool:
    # A query is read leniently, so the types also let seconds since 1970 pass.
    try:
        return EARLIEST <= msgspec.convert(text, datetime).astimezone(UTC) < LATEST
    except (msgspec.ValidationError, OverflowError):
        return False
