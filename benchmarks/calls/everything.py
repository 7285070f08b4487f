"""Every benchmark of calls, one after the other on the same data."""

import asyncio
import time
from pathlib import Path

from benchmarks import machine, servers
from benchmarks.calls import asterisk, audio, callbacks, lists, statistics
from benchmarks.calls.data import make_calls
from benchmarks.figures import Plan, Results
from skipcall.postgres.db import connect
from skipcall.postgres.embedded import EmbeddedPostgres, find_binaries

FEW = "few"  # the database with the smaller number of calls


def measure(place: Path, plan: Plan, results: Results) -> None:
    """Run every benchmark in a directory of its own. What it starts is stopped when it ends, however it ends."""
    server_core, load_core = machine.cores()
    with machine.pinned_to(load_core):
        postgres = EmbeddedPostgres.start(place / "database")
    with postgres:
        began = time.monotonic()
        print(f"Making {plan.calls:,} and {plan.few_calls:,} calls ...", flush=True)
        few = asyncio.run(make_calls(asyncio.run(_database(postgres.url)), plan.contacts, plan.few_calls))
        many = asyncio.run(make_calls(postgres.url, plan.contacts, plan.calls))
        results.measurements["seconds to make the calls"] = time.monotonic() - began
        with (
            servers.skipcall(many.url, place / "many", server_core) as first,
            servers.skipcall(few.url, place / "few", server_core) as second,
            machine.pinned_to(load_core),
        ):
            print("Lists ...", flush=True)
            lists.measure(many, few, (first.port, second.port), plan, results)
            print("Statistics ...", flush=True)
            asyncio.run(statistics.measure(many, first.port, plan, results))
        print("Callbacks ...", flush=True)
        callbacks.measure(many, find_binaries().directory, place / "callbacks", plan, results)
        print("Imports ...", flush=True)
        asterisk.measure(many, postgres.process_id, place, plan, results)
        print("Audio ...", flush=True)
        audio.measure(many, place, plan, results)


async def _database(url: str) -> str:
    """Make a database beside another one, and return its address."""
    db = await connect(url)
    try:
        await db.connection.execute(f"CREATE DATABASE {FEW}")
    finally:
        await db.connection.close()
    address, _, parameters = url.partition("?")
    return f"{address.rpartition('/')[0]}/{FEW}?{parameters}"
