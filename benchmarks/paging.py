"""A page of 100 by cursor, at the beginning of a list and at its end, over HTTP."""

import http.client
import time
from urllib.parse import quote

import msgspec

from benchmarks.data import Tenant, contact_id
from benchmarks.figures import Figure, Plan, Results, median
from benchmarks.servers import BenchmarkError
from skipcall.page import Place, encode_cursor
from skipcall.postgres.db import Statement, connect

SIZE = 100
DEEP_OF_FIRST_MAX = 1.3
_CHANGES = Statement(
    """
    SELECT c.id, c.updated_at FROM contacts c WHERE workspace_id = :workspace_id
    ORDER BY c.updated_at, c.id OFFSET :offset LIMIT 1
    """
)


class _Item(msgspec.Struct):
    id: str


class _Page(msgspec.Struct):
    data: list[_Item]


async def measure(url: str, tenant: Tenant, port: int, plan: Plan, results: Results, *, after_patches: bool) -> None:
    """Add the figures of both lists. After a load of PATCHes they are only shown: most events are then superseded."""
    first, deep = await _change(url, tenant, 0), await _change(url, tenant, tenant.contacts - SIZE - 1)
    since = quote(first.moment.isoformat())
    changed = f"/v1/contacts?size={SIZE}&updatedSince={since}&cursor="
    created = f"/v1/contacts?size={SIZE}&sort=createdAt&cursor="
    lists = {
        "createdAt": [created + encode_cursor("o", Place(contact_id(n))) for n in (1, tenant.contacts - SIZE)],
        "updatedSince": [changed + encode_cursor("c", place) for place in (first, deep)],
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for name, paths in lists.items():
        times: list[list[float]] = [[], []]
        for _ in range(plan.pages):
            for place, path in enumerate(paths):
                times[place].append(_seconds(connection, tenant, path))
        at_first, at_end = median(times[0]), median(times[1])
        when = " after the PATCHes" if after_patches else ""
        results.measurements[f"page by {name}{when}"] = {"first_ms": at_first * 1e3, "deep_ms": at_end * 1e3}
        limit = None if after_patches else DEEP_OF_FIRST_MAX
        results.figures.append(Figure(f"page by {name}{when}, last / first", at_end / at_first, at_most=limit))
    connection.close()


def _seconds(connection: http.client.HTTPConnection, tenant: Tenant, path: str) -> float:
    began = time.perf_counter()
    connection.request("GET", path, headers={"Authorization": f"Bearer {tenant.key}"})
    answer = connection.getresponse()
    body = answer.read()
    seconds = time.perf_counter() - began
    if answer.status != 200 or len(msgspec.json.decode(body, type=_Page).data) != SIZE:
        raise BenchmarkError(f"no full page at {path}: {answer.status}")
    return seconds


async def _change(url: str, tenant: Tenant, place: int) -> Place:
    db = await connect(url)
    try:
        row = await db.fetch_row(_CHANGES, workspace_id=tenant.workspace_id, offset=place)
    finally:
        await db.connection.close()
    assert row is not None
    return Place(row["id"], row["updated_at"])
