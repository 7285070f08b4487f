"""What statistics are asked by, and what they answer."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from skipcall import clock
from skipcall.errors import Fault
from skipcall.stats.buckets import BUCKETS_MAX, Granularity, start_of_day
from skipcall.workspaces.model import Id, Timestamp

USERS_MAX = 1_000
CALL_STATUSES = ("queued", "ringing", "in-progress", "completed", "no-answer", "busy", "canceled", "failed")

CallType = Literal["all", "sequence", "direct", "inbound", "outbound"]
Status = Literal["QUEUED", "RINGING", "IN_PROGRESS", "COMPLETED", "NO_ANSWER", "BUSY", "CANCELED", "FAILED"]

# What `callType` means: the call type and the direction that calls must have, None for any.
CALL_TYPES: dict[str, tuple[str | None, str | None]] = {
    "all": (None, None),
    "sequence": ("CALL_SESSION", None),
    "direct": ("DIRECT_CALL", None),
    "inbound": (None, "inbound"),
    "outbound": (None, "outbound"),
}

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
# As far as a pattern can say what `parse` takes: not how many days a month has.
_DAY_OR_MOMENT = (
    r"^(19[7-9]|[2-8][0-9]{2})[0-9]-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"([Tt ]([01][0-9]|2[0-3])(:[0-5][0-9]){2}(\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):?[0-5][0-9]))?$"
)
_FIRST_YEAR, _LAST_YEAR = 1970, 8998
_MILLISECOND = timedelta(milliseconds=1)

AwareDatetime = Annotated[datetime, Meta(tz=True)]
Date = Annotated[
    Timestamp | None, Meta(description="Start of the bucket in UTC; null with the granularity `none`")
]  # null is documented as such
Seconds = Annotated[int, Meta(description="Seconds of conversation")]
AverageSeconds = Annotated[
    float | None, Meta(description="Seconds of conversation of a call that had one; null if none had")
]


class StatisticsQuery(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The calls that statistics are about."""

    sequence_id: Annotated[UUID | None, Meta(description="Only calls of this sequence")] = None
    user_membership_id: Annotated[
        UUID | None,
        Meta(description="Only calls of this user, by the id of its organization membership or workspace membership"),
    ] = None
    call_type: Annotated[
        CallType, Meta(description="Only calls of a kind: from a sequence or not, or of a direction")
    ] = "all"
    start_date: Annotated[
        str | None,
        Meta(
            description="Only calls that started on this day or later, or at this moment or later: a date in the time zone, "
            "or a date and time with an offset. From the first call on if absent",
            extra_json_schema={"example": "2026-03-01", "pattern": _DAY_OR_MOMENT},
        ),
    ] = None
    end_date: Annotated[
        str | None,
        Meta(
            description="Only calls that started on this day or earlier, or at this moment or earlier. To the last call if absent",
            extra_json_schema={"example": "2026-03-31", "pattern": _DAY_OR_MOMENT},
        ),
    ] = None
    timezone: Annotated[
        str | None,
        Meta(
            description="IANA name of the time zone of dates and buckets; that of the workspace if absent",
            extra_json_schema={"example": "Europe/Paris"},
        ),
    ] = None
    workspace_id: Annotated[str | None, Meta(description="The workspace; the key's default workspace if absent")] = None
    team_id: Annotated[str | None, Meta(description="Deprecated: the old name of `workspaceId`")] = None

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return what the types do not say."""
        faults = [
            Fault(f"/query/{name}", "INVALID_FORMAT", "Must be a date, or a date and time with an offset, from 1970 on")
            for name in ("startDate", "endDate")
            if name in fields and parse(fields[name]) is None
        ]
        if "timezone" in fields and fields["timezone"] not in clock.time_zones():
            faults.append(Fault("/query/timezone", "UNKNOWN_VALUE", "Must be an IANA name, for example Europe/Paris"))
        if "teamId" in fields and fields.get("workspaceId", fields["teamId"]).lower() != fields["teamId"].lower():
            text = "teamId is the old name of workspaceId and must not differ from it"
            faults.append(Fault("/query/teamId", "CONFLICTING_PARAMETERS", text))
        return faults


class BucketsQuery(StatisticsQuery, frozen=True, rename="camel", kw_only=True):
    """The calls that statistics are about, and the buckets of time to put them in."""

    granularity: Annotated[
        Granularity,
        Meta(
            description=f"One count for each hour, day, week from Monday on, or month; at most {BUCKETS_MAX:,} of them"
        ),
    ] = "none"


class TagCount(msgspec.Struct, frozen=True, rename="camel"):
    """How many calls have a tag."""

    tag_id: Id
    label: Annotated[str, Meta(description="As it is now, also of a deleted tag")]
    count: int
    is_success: bool
    date: Date


class TagRepartition(msgspec.Struct, frozen=True):
    """How many calls have which tag. What would count zero is left out."""

    data: list[TagCount]


class StatusCount(msgspec.Struct, frozen=True, rename="camel"):
    """How many calls have a status."""

    status: Status
    count: int
    date: Date


class StatusRepartition(msgspec.Struct, frozen=True, rename="camel"):
    """How many calls have which status. What would count zero is left out."""

    data: list[StatusCount]
    non_called_count: Annotated[
        int,
        Meta(
            description="With `sequenceId`: contacts that are in the sequence and were never called in it. Else: contacts of the "
            "workspace that were never called. Period, user and kind of call do not matter"
        ),
    ]


class CallDuration(msgspec.Struct, frozen=True, rename="camel"):
    """How many calls there were, and how long people talked."""

    count: int
    talked_count: Annotated[int, Meta(description="Calls with a conversation")]
    total_duration: Seconds
    average_duration: AverageSeconds
    date: Date


class CallDurations(msgspec.Struct, frozen=True):
    """How many calls there were, and how long people talked: every bucket of the period, also those without calls."""

    data: list[CallDuration]


class UserStatistic(msgspec.Struct, frozen=True, rename="camel"):
    """The calls of one user."""

    organization_membership_id: Id
    first_name: str
    last_name: str
    calls_placed: Annotated[int, Meta(description="Outbound calls")]
    calls_connected: Annotated[int, Meta(description="Outbound calls with the result CONNECTED")]
    connect_rate: Annotated[
        float | None,
        Meta(description="Share of the calls placed that connected, from 0 to 1; null without calls placed"),
    ]
    talk_duration: Annotated[int, Meta(description="Seconds of conversation, in both directions")]
    average_talk_duration: AverageSeconds
    success_tag_count: Annotated[int, Meta(description="How often a success tag is on a call of the user")]


class UserStatistics(msgspec.Struct, frozen=True):
    """The calls of each user of the workspace, who placed most first."""

    data: list[UserStatistic]


def parse(text: str) -> date | datetime | None:
    """Return the day or the moment (UTC, whole milliseconds) that a parameter names, or None if it names neither."""
    try:
        point = date.fromisoformat(text) if _DATE.fullmatch(text) else msgspec.convert(text, AwareDatetime)
        if isinstance(point, datetime):
            point = point.astimezone(UTC)
            point = point.replace(microsecond=point.microsecond // 1000 * 1000)
    except (ValueError, OverflowError):
        return None
    return point if _FIRST_YEAR <= point.year <= _LAST_YEAR else None


def start_of(text: str, zone: ZoneInfo) -> datetime:
    """Return the first moment that a `startDate` lets in."""
    point = parse(text)
    assert point is not None
    return point if isinstance(point, datetime) else start_of_day(point, zone)


def end_of(text: str, zone: ZoneInfo) -> datetime:
    """Return the moment just after the last one that an `endDate` lets in."""
    point = parse(text)
    assert point is not None
    if isinstance(point, datetime):
        return point + _MILLISECOND
    return start_of_day(point + timedelta(days=1), zone)


def average(total: int, count: int) -> float | None:
    """Return seconds a call, to a tenth."""
    return round(total / count, 1) if count else None
