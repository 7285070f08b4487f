"""A batch of 500 new contacts beside 500 single POSTs, both on one connection over HTTP."""

import http.client
import time
from typing import Any

import msgspec

from benchmarks.data import Tenant
from benchmarks.figures import Figure, Plan, Results, median
from benchmarks.servers import BenchmarkError

ROWS = 500
TIMES_OF_SINGLE_MIN = 5.0


def measure(tenant: Tenant, port: int, plan: Plan, results: Results) -> None:
    """Add the figures of batches, in turns with single POSTs."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    batches, singles = [], []
    for turn in range(plan.rounds):
        began = time.perf_counter()
        for number in range(ROWS):
            _post(connection, tenant, "/v1/contacts", _person(2 * turn * ROWS + number), 201)
        singles.append(ROWS / (time.perf_counter() - began))
        people = [_person((2 * turn + 1) * ROWS + number) for number in range(ROWS)]
        began = time.perf_counter()
        answer = _post(connection, tenant, "/v1/contacts/batch", {"items": people}, 200)
        batches.append(ROWS / (time.perf_counter() - began))
        if answer["summary"]["created"] != ROWS:
            raise BenchmarkError(f"a batch made {answer['summary']} of {ROWS}")
    connection.close()
    results.measurements["batch"] = {"batch_rows_per_second": batches, "single_rows_per_second": singles}
    times = median([batch / single for batch, single in zip(batches, singles, strict=True)])
    results.figures += [
        Figure("batch", median(batches), "rows/s"),
        Figure("batch, of single POSTs", times, at_least=TIMES_OF_SINGLE_MIN),
    ]


def _person(number: int) -> dict[str, Any]:
    return {
        "firstName": "Camille",
        "lastName": f"Number {number}",
        "email": f"batch-{number}@example.com",
        "company": "Atelier Nord",
        "phoneNumbers": [f"+336{number:08}"],
    }


def _post(connection: http.client.HTTPConnection, tenant: Tenant, path: str, body: Any, status: int) -> Any:
    headers = {"Authorization": f"Bearer {tenant.key}", "Content-Type": "application/json"}
    connection.request("POST", path, msgspec.json.encode(body), headers)
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != status:
        raise BenchmarkError(f"{answer.status} {content[:500]!r}")
    return msgspec.json.decode(content)
