"""Statistics of a month of 300,000 calls: what the database needs for each endpoint's statement, with every granularity."""

import http.client
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from benchmarks.calls.data import FULL_MONTH_SHARE, Made
from benchmarks.figures import Figure, Plan, Results, median
from benchmarks.servers import BenchmarkError
from skipcall.postgres.db import Row, Session, Statement, connect
from skipcall.stats import queries
from skipcall.stats.buckets import Granularity, Period, buckets_of, start_of_day
from skipcall.stats.model import USERS_MAX
from skipcall.stats.queries import Filters

DATABASE_MS_MAX = 60.0
ZONE = "Europe/Paris"
_GRANULARITIES: tuple[Granularity, ...] = ("none", "month", "week", "day", "hour")
_Ask = Callable[[Session, Filters, Period, list[datetime]], Awaitable[Any]]
_ENDPOINTS: dict[str, _Ask] = {
    "tag-repartition": queries.sum_tags,
    "status-repartition": queries.sum_statuses,
    "call-duration": queries.sum_durations,
}


class _Explained(msgspec.Struct, rename={"planning": "Planning Time", "execution": "Execution Time"}):
    planning: float
    execution: float


class _Explaining(Session):
    """A connection whose statements are explained as prepared ones, planned once, as the product runs them.

    `milliseconds` is the time of the last one in the server, with what it takes to find its plan.
    """

    __slots__ = ("_prepared", "milliseconds")

    def __init__(self, session: Session) -> None:
        super().__init__(session.connection, session.known)
        self._prepared: list[Statement] = []

    async def fetch_rows(self, statement: Statement, **values: Any) -> list[Row]:
        literals = ", ".join(_literal(values[name]) for name in statement.names)
        if statement not in self._prepared:
            self._prepared.append(statement)
            await self.connection.execute(f"PREPARE one_{len(self._prepared)} AS {statement.text}")
        execute = f"EXECUTE one_{self._prepared.index(statement) + 1} ({literals})"
        rows = await self.connection.fetch(execute)
        text = await self.connection.fetchval(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {execute}")
        [explained] = msgspec.json.decode(text, type=list[_Explained])
        self.milliseconds = explained.planning + explained.execution
        return rows


async def measure(made: Made, port: int, plan: Plan, results: Results) -> None:
    """Add a figure for each endpoint: that of its slowest granularity, for all calls, those of a sequence, of a user."""
    month, end = _month(made)
    everything: dict[str, float] = {}
    db = await connect(made.url)
    try:
        session = _Explaining(db)
        for name in (*_ENDPOINTS, "users"):
            found: dict[str, float] = {}
            for whose, filters in _filters(made).items():
                for granularity in _GRANULARITIES if name in _ENDPOINTS else _GRANULARITIES[:1]:
                    buckets = buckets_of(Period(month, end), granularity, ZoneInfo(ZONE))
                    times = []
                    for _ in range(plan.statistics_runs):
                        if name in _ENDPOINTS:
                            await _ENDPOINTS[name](session, filters, Period(month, end), buckets)
                        else:
                            await queries.sum_users(session, filters, Period(month, end), USERS_MAX)
                        times.append(session.milliseconds)
                    found[f"{granularity}, {whose}"] = median(times)
            worst = max(found, key=lambda one: found[one])
            everything |= {f"{name}, {one}": value for one, value in found.items()}
            results.figures.append(Figure(f"{name} ({worst})", found[worst], "ms", at_most=DATABASE_MS_MAX))
    finally:
        await db.connection.close()
    results.measurements["statistics, ms in the database"] = everything
    results.measurements["statistics, ms over HTTP"] = _over_http(made, port, plan)


def _filters(made: Made) -> dict[str, Filters]:
    def filters(sequence_id: UUID | None = None, member: UUID | None = None) -> Filters:
        return Filters(
            workspace_id=made.tenant.workspace_id,
            sequence_id=sequence_id,
            user_membership_id=member,
            call_type=None,
            type=None,
        )

    people = made.people
    return {
        "all calls": filters(),
        "a sequence": filters(people.sequences[0]),
        "a user": filters(None, people.members[0]),
    }


def _month(made: Made) -> tuple[datetime, datetime]:
    """Return the beginning and the end of the last whole month, in the zone that is asked for."""
    zone = ZoneInfo(ZONE)
    first = made.people.months[-1].date()
    after = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return start_of_day(first, zone), start_of_day(after, zone)


def _over_http(made: Made, port: int, plan: Plan) -> dict[str, float]:
    """Return the medians of each endpoint and granularity, and see that the month has as many calls as it should."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    month, end = (one.strftime("%Y-%m-%dT%H:%M:%SZ") for one in _month(made))
    found = {}
    for name in (*_ENDPOINTS, "users"):
        for granularity in _GRANULARITIES if name in _ENDPOINTS else _GRANULARITIES[:1]:
            parameters = {"startDate": month, "endDate": end, "timezone": ZONE}
            if name in _ENDPOINTS:
                parameters["granularity"] = granularity
            times = []
            for _ in range(plan.statistics_runs):
                began = time.perf_counter()
                headers = {"Authorization": f"Bearer {made.tenant.key}"}
                connection.request("GET", f"/v1/stats/{name}?{urlencode(parameters)}", headers=headers)
                answer = connection.getresponse()
                body = answer.read()
                times.append((time.perf_counter() - began) * 1e3)
                if answer.status != 200:
                    raise BenchmarkError(f"{answer.status} for {name}: {body[:500].decode('utf-8', 'replace')}")
            found[f"{name}, {granularity}"] = median(times)
            if name == "call-duration":
                calls = sum(one["count"] for one in msgspec.json.decode(body)["data"])
                if calls < 0.95 * made.calls * FULL_MONTH_SHARE:  # some are deleted
                    raise BenchmarkError(f"the month has only {calls} calls")
    connection.close()
    return found


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list | tuple):
        return "'{" + ",".join(f'"{one}"' for one in value) + "}'"
    return f"'{value}'"
