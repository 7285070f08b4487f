"""The parts of a period in a time zone: hours, days, weeks and months as its clocks show them."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

BUCKETS_MAX = 1_000
QUARTER = timedelta(minutes=15)  # what calls are summed up by, and what offsets of time zones are multiples of today
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9000, 1, 1, tzinfo=UTC)

Granularity = Literal["hour", "day", "week", "month", "none"]

_HOUR = timedelta(hours=1)


class Period(msgspec.Struct, frozen=True):
    """The moments from `start` on and before `end`."""

    start: datetime = EARLIEST
    end: datetime = LATEST


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """Return the first moment of a day. Where clocks pass midnight twice it is the first time; where they skip it, the leap."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def buckets_of(period: Period, granularity: Granularity, zone: ZoneInfo) -> list[datetime]:
    """Return where each bucket starts that has a part in a period, oldest first; one more than `BUCKETS_MAX` means too many.

    A week starts on Monday (ISO 8601). The first bucket may start before the period. A day of 25 hours has 25 buckets of
    an hour: the repeated hour is two.
    """
    if granularity == "none":
        return [period.start]
    found: list[datetime] = []
    for start in _starts(period.start, granularity, zone):
        if start >= period.end or len(found) > BUCKETS_MAX:
            break
        if found and start <= period.start:
            found[0] = start
        elif not found or start > found[-1]:  # a zone that changed sides of the date line has a day without a moment
            found.append(start)
    return found


def split_quarters(period: Period, buckets: Sequence[datetime]) -> list[datetime]:
    """Return the quarters that do not lie in one bucket of the period as a whole."""
    return sorted({floor(one) for one in (period.start, period.end, *buckets) if floor(one) != one})


def floor(moment: datetime) -> datetime:
    """Return the start of the quarter of an hour that a moment lies in."""
    return moment - (moment - EARLIEST) % QUARTER


def _starts(moment: datetime, granularity: Granularity, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield starts of buckets for ever, from one at or before a moment on."""
    day = moment.astimezone(zone).date()
    if granularity == "hour":
        start = start_of_day(day, zone)
        while True:
            yield start
            local = start.astimezone(zone)
            start += _HOUR - timedelta(minutes=local.minute, seconds=local.second)
    if granularity == "week":
        day -= timedelta(days=day.weekday())
    elif granularity == "month":
        day = day.replace(day=1)
    while True:
        yield start_of_day(day, zone)
        if granularity == "month":
            day = (day + timedelta(days=31)).replace(day=1)
        else:
            day += timedelta(days=7 if granularity == "week" else 1)
