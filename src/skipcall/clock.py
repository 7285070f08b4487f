"""The time, read in one place and written in one form."""

import time
from datetime import UTC, datetime
from functools import cache
from zoneinfo import available_timezones


def now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


def now_ms() -> int:
    """Return milliseconds of a clock that never goes back; only differences mean anything."""
    return time.monotonic_ns() // 1_000_000


def timestamp(moment: datetime) -> str:
    """Return a moment in UTC, as `now` and the database give it, the way the API writes it: milliseconds and `Z`."""
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"


@cache
def time_zones() -> frozenset[str]:
    """Return the names of all time zones (IANA), without those that mean the machine's own or none."""
    return frozenset(available_timezones() - {"localtime", "Factory"})
