"""The newest 100 calls by any one filter, over HTTP: of millions beside those of a hundred thousand, in turns.

The two are databases of one PostgreSQL, made alike, each behind a server of its own: what a size costs (pages, statistics,
plans) is then in the figure, and nothing else is.
"""

import http.client
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlencode

import msgspec

from benchmarks.calls.data import REGULARS, Made
from benchmarks.data import contact_id
from benchmarks.figures import Figure, Plan, Results, median
from benchmarks.servers import BenchmarkError

SIZE = 100
MANY_OF_FEW_MAX = 1.5


class _Item(msgspec.Struct):
    id: str


class _Meta(msgspec.Struct):
    total: int


class _Page(msgspec.Struct):
    data: list[_Item]
    meta: _Meta


class Filter(msgspec.Struct, frozen=True):
    """A filter with the values that it is asked for in turn; `finds` is how many of them a page has at least."""

    name: str
    values: Sequence[str]
    finds: int = SIZE

    def path(self, turn: int) -> str:
        """Return the address of a turn."""
        parameter = self.name.partition(" ")[0]
        given = {} if parameter == "none" else {parameter: self.values[turn % len(self.values)]}
        return f"/v1/calls?{urlencode({'size': SIZE, **given})}"


class Compared(msgspec.Struct, frozen=True):
    """Medians of one filter. `rows` and `totals` are those of the last answers, of many calls and of few."""

    many_ms: float
    few_ms: float
    ratio: float
    rows: tuple[int, int]
    totals: tuple[int, int]


def measure(many: Made, few: Made, ports: tuple[int, int], plan: Plan, results: Results) -> None:
    """Add the figure of the filter that is the slowest beside itself; all of them are among the measurements."""
    sides = [
        (made, http.client.HTTPConnection("127.0.0.1", port)) for made, port in zip((many, few), ports, strict=True)
    ]
    found: dict[str, Compared] = {}
    for filters in zip(_filters(many), _filters(few), strict=True):
        found[filters[0].name] = _compare(filters, sides, plan)
    for _, connection in sides:
        connection.close()
    results.measurements["newest 100 by filter"] = found
    worst = max(found, key=lambda name: found[name].ratio)
    share = sum(one.ratio <= MANY_OF_FEW_MAX for one in found.values())
    print(f"  {share} of {len(found)} filters within {MANY_OF_FEW_MAX}", flush=True)
    sizes = f"{many.calls:,} / {few.calls:,} calls"
    results.figures += [
        Figure(f"newest 100, {sizes}, worst: {worst}", found[worst].ratio, at_most=MANY_OF_FEW_MAX),
        Figure(f"newest 100, {sizes}, median of {len(found)} filters", median([one.ratio for one in found.values()])),
    ]


def _compare(
    filters: tuple[Filter, Filter], sides: list[tuple[Made, http.client.HTTPConnection]], plan: Plan
) -> Compared:
    finds = min(filters[0].finds, 1) if plan.quick else filters[0].finds
    times: tuple[list[float], list[float]] = ([], [])
    rows, totals = [0, 0], [0, 0]
    for turn in range(-len(filters[0].values), plan.list_turns):  # before 0, each value warms up once
        order = (0, 1) if turn % 2 else (1, 0)
        for side in order:
            made, connection = sides[side]
            seconds, page = _ask(connection, made.tenant.key, filters[side].path(turn))
            if len(page.data) < finds:
                raise BenchmarkError(f"{len(page.data)} calls by {filters[side].name}, not {finds}")
            rows[side], totals[side] = len(page.data), page.meta.total
            if turn >= 0:
                times[side].append(seconds)
    many, few = median(times[0]), median(times[1])
    return Compared(many * 1e3, few * 1e3, many / few, (rows[0], rows[1]), (totals[0], totals[1]))


def _ask(connection: http.client.HTTPConnection, key: str, path: str) -> tuple[float, _Page]:
    began = time.perf_counter()
    connection.request("GET", path, headers={"Authorization": f"Bearer {key}"})
    answer = connection.getresponse()
    body = answer.read()
    seconds = time.perf_counter() - began
    if answer.status != 200:
        raise BenchmarkError(f"{answer.status} for {path}: {body[:500].decode('utf-8', 'replace')}")
    return seconds, msgspec.json.decode(body, type=_Page)


def _filters(made: Made) -> list[Filter]:
    people = made.people
    regulars = range(1, REGULARS + 1)
    old, recent = people.months[1] + timedelta(days=5), people.months[-1] + timedelta(days=5)
    return [
        Filter("none", [""]),
        Filter("contactId", [str(contact_id(number)) for number in regulars]),
        Filter("sequenceId", [str(one) for one in people.sequences]),
        Filter("sequenceRunId", [str(one) for one in made.runs[:: max(1, len(made.runs) // 20)]], finds=1),
        Filter("organizationMembershipId", [str(one) for one in people.members[:20]]),
        Filter("status completed", ["completed"]),
        Filter("status failed", ["failed"]),
        Filter("status ringing, of none", ["ringing"], finds=0),
        Filter("result CONNECTED", ["CONNECTED"]),
        Filter("result ABANDONED", ["ABANDONED"], finds=1),
        Filter("type outbound", ["outbound"]),
        Filter("type inbound", ["inbound"]),
        Filter("callType", ["CALL_SESSION", "DIRECT_CALL"]),
        Filter("tagId", [str(one) for one in people.tags[:-1]]),
        Filter("tagId of a rare tag", [str(people.tags[-1])], finds=1),
        Filter("phoneNumber", [f"+3363998{number:04}" for number in regulars]),
        Filter("hasRecording true", ["true"]),
        Filter("hasRecording false", ["false"]),
        Filter("minDuration 45", ["45"]),
        Filter("minDuration 200", ["200"]),
        Filter("minDuration 600", ["600"], finds=1),
        Filter("startedAfter", [_text(recent)]),
        Filter("startedBefore", [_text(old)]),
        Filter("updatedAfter", [_text(people.months[-6])]),
        Filter("syncedWithCrm true", ["true"]),
        Filter("syncedWithCrm false", ["false"]),
        Filter(
            "externalId", [f"crm-{number}" for number in range(made.calls // 2 + 1, made.calls, made.calls // 20)], 1
        ),
    ]


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
