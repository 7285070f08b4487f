"""The feed of changes: a page of 100 at its beginning and before its end, and a reader that follows while PATCHes go on."""

import http.client
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import msgspec

from benchmarks import load, machine
from benchmarks.data import Tenant
from benchmarks.figures import Figure, Plan, Results, median
from benchmarks.servers import BenchmarkError
from skipcall.changes.cursors import Cursor, decode_cursor, encode_cursor
from skipcall.changes.queries import LIST_CHANGES
from skipcall.postgres.db import Statement, connect

SIZE = 100
FOLLOWED_SIZE = 500
DEEP_OF_FIRST_MAX = 1.3
PAUSE_SECONDS = 0.01  # of a reader that has come to the end
SETTLING_SECONDS = 1.0  # the server still writes what wrk has sent when it ends
_BEFORE_END = Statement(
    "SELECT id FROM events WHERE workspace_id = :workspace_id ORDER BY id DESC OFFSET :count LIMIT 1"
)
_COUNT = Statement("SELECT count(*) FROM events WHERE workspace_id = :workspace_id")


class _Change(msgspec.Struct, rename="camel"):
    occurred_at: datetime


class _Meta(msgspec.Struct, rename="camel"):
    has_more: bool
    next_cursor: str


class _Page(msgspec.Struct):
    data: list[_Change]
    meta: _Meta


class _Reader:
    """One connection that reads the feed."""

    def __init__(self, port: int, tenant: Tenant) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._headers = {"Authorization": f"Bearer {tenant.key}"}

    def read(self, query: str) -> _Page:
        self._connection.request("GET", f"/v1/changes?{query}", headers=self._headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise BenchmarkError(f"{answer.status} {content[:500]!r}")
        return msgspec.json.decode(content, type=_Page)


async def measure(
    url: str, tenant: Tenant, port: int, binaries: Path, place: Path, plan: Plan, results: Results
) -> None:
    """Add the figures of the feed: those of pages beside the bare statement in pgbench, and how long a change takes."""
    db = await connect(url)
    try:
        before_end: int = await db.fetch_value(_BEFORE_END, workspace_id=tenant.workspace_id, count=SIZE)
        reader = _Reader(port, tenant)
        first = decode_cursor(reader.read(f"size={SIZE}").meta.next_cursor)
        places = [msgspec.structs.replace(first, after=after) for after in (0, before_end)]
        times: list[list[float]] = [[], []]
        for _ in range(plan.pages):
            for number, cursor in enumerate(places):
                times[number].append(_seconds(reader, f"size={SIZE}&cursor={encode_cursor(cursor)}"))
        at_first, at_end = map(median, times)
        alone = [1 / _pgbench(binaries, url, tenant, cursor, place, plan) for cursor in places]
        events: int = await db.fetch_value(_COUNT, workspace_id=tenant.workspace_id)
        # Another connection: while pgbench ran, the server has closed the one that was idle.
        lags = sorted(_follow(_Reader(port, tenant), tenant, port, plan))
        changes: int = await db.fetch_value(_COUNT, workspace_id=tenant.workspace_id) - events
    finally:
        await db.connection.close()
    if len(lags) != changes:
        raise BenchmarkError(f"of {changes} changes the feed told {len(lags)}")
    results.measurements["feed"] = {
        "events": events,
        "first_ms": at_first * 1e3,
        "deep_ms": at_end * 1e3,
        "pgbench_first_ms": alone[0] * 1e3,
        "pgbench_deep_ms": alone[1] * 1e3,
        "followed": changes,
    }
    results.figures += [
        Figure("feed, last / first page", at_end / at_first, at_most=DEEP_OF_FIRST_MAX),
        Figure("feed, last page, of pgbench", alone[1] / at_end),
        Figure("feed, a change is read after, p50", median(lags) * 1e3, "ms"),
        Figure("feed, a change is read after, p99", lags[len(lags) * 99 // 100] * 1e3, "ms"),
    ]


def _seconds(reader: _Reader, query: str) -> float:
    began = time.perf_counter()
    page = reader.read(query)
    seconds = time.perf_counter() - began
    if len(page.data) != SIZE:
        raise BenchmarkError(f"{len(page.data)} changes on a page of {SIZE}")
    return seconds


def _pgbench(binaries: Path, url: str, tenant: Tenant, cursor: Cursor, place: Path, plan: Plan) -> float:
    """Return how many such pages a second the database gives on one connection."""
    values = {
        "workspace_ids": f"'{{{tenant.workspace_id}}}'::uuid[]",
        "after": str(cursor.after),
        "target": f"'{cursor.target}'",
        "types": "ARRAY['contact.%', 'call.%']",
        "limit": str(SIZE + 1),
        "by_slug": "false",
    }
    script = place / "feed.sql"
    script.write_text(load.inline(LIST_CHANGES, values) + ";\n")
    command = [str(binaries / "pgbench"), "-n", "-M", "prepared", "-c1", "-j1", f"-T{plan.seconds}", "-f", str(script)]
    return load.read_pgbench(load.run([*command, url], machine.cores()[1], plan.seconds)).per_second


def _follow(reader: _Reader, tenant: Tenant, port: int, plan: Plan) -> Iterator[float]:
    """Read what PATCHes change while they go on; yield for each change how old it was."""
    cursor = reader.read("start=now").meta.next_cursor
    _, core = machine.cores()
    with ThreadPoolExecutor(1) as pool:
        patches = pool.submit(load.wrk, "PATCH", plan.seconds, port=port, tenant=tenant, core=core)
        ended = None
        while True:
            if ended is None and patches.done():
                ended = time.monotonic()
            is_last_look = ended is not None and time.monotonic() > ended + SETTLING_SECONDS
            page = reader.read(f"size={FOLLOWED_SIZE}&cursor={cursor}")
            now = time.time()
            yield from (now - change.occurred_at.timestamp() for change in page.data)
            cursor = page.meta.next_cursor
            if page.meta.has_more:
                continue
            if is_last_look:
                break
            time.sleep(PAUSE_SECONDS)
        patches.result()
