"""Measure the product, beside a bare server and the database alone: `python3 run.py bench [--quick]`."""

import argparse
import asyncio
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import msgspec
from rich.console import Console

from benchmarks import batches, feed, importing, machine, paging, report, search, servers, starting, throughput
from benchmarks.calls import everything as calls
from benchmarks.data import create_tenant, settle
from benchmarks.figures import QUICK, Plan, Results
from benchmarks.servers import ROOT, BenchmarkError
from skipcall.postgres.embedded import EmbeddedPostgres, find_binaries

RESULTS = ROOT / "benchmarks" / "results"
# A file system that survives a restart is none that lives in memory, where a flush would cost nothing.
PLACE = Path("/var/tmp")  # noqa: S108 - the directory in it is ours alone, made by mkdtemp


def main() -> int:
    parser = argparse.ArgumentParser(prog="run.py bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only see whether the benchmark works: one short round")
    instead = parser.add_mutually_exclusive_group()
    parser.set_defaults(measured=measure)
    for name, measured, what in (
        ("--calls", calls.measure, "what is about calls"),
        ("--search", search.measure, "searches among a million contacts"),
        ("--imports", importing.measure_jobs, "imports of a million contacts"),
    ):
        instead.add_argument(
            name, dest="measured", action="store_const", const=measured, help=f"measure {what}, instead"
        )
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the JSON goes")
    parser.add_argument("--rounds", type=int, help="how often each candidate has its turn")
    parser.add_argument("--seconds", type=int, help="how long one turn is")
    arguments = parser.parse_args()
    plan = QUICK if arguments.quick else Plan()
    plan = msgspec.structs.replace(
        plan, rounds=arguments.rounds or plan.rounds, seconds=arguments.seconds or plan.seconds
    )
    if not hasattr(os, "sched_setaffinity"):
        sys.exit("The benchmarks pin processes to cores, which only Linux can.")
    if shutil.which("wrk") is None and arguments.measured in (measure, calls.measure):
        sys.exit("The benchmarks need wrk (Debian, Ubuntu: apt-get install wrk). See benchmarks/README.md.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    results = Results()
    with tempfile.TemporaryDirectory(prefix="skipcall-bench-", dir=PLACE, ignore_cleanup_errors=True) as name:
        place = Path(name)
        place.chmod(0o711)  # root's PostgreSQL runs under another account
        try:
            arguments.measured(place, plan, results)
        except BenchmarkError as error:
            print(f"The run says nothing: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130
    binaries = find_binaries().directory
    console = Console() if sys.stdout.isatty() else Console(width=120)
    report.show(results, console)
    path = report.save(results, machine.facts(binaries / "postgres"), plan, arguments.results)
    console.print(f"Everything measured is in {path}", soft_wrap=True)
    if plan.quick:
        console.print("A quick run: it works, and its figures mean nothing.")
    return 0


def measure(place: Path, plan: Plan, results: Results) -> None:
    """Run every benchmark in a directory of its own. What it starts is stopped when it ends, however it ends."""
    server_core, load_core = machine.cores()
    with machine.pinned_to(load_core):
        postgres = EmbeddedPostgres.start(place / "database")
    with postgres:
        print(f"Making {plan.contacts:,} contacts ...", flush=True)
        tenant = asyncio.run(create_tenant(postgres.url, plan.contacts))
        asyncio.run(settle(postgres.url))  # a table without statistics is listed by sorting all of it
        print("Pages ...", flush=True)
        with servers.skipcall(postgres.url, place / "pages", server_core) as server:
            asyncio.run(paging.measure(postgres.url, tenant, server.port, plan, results, after_patches=False))
        print("GET and PATCH ...", flush=True)
        throughput.measure(postgres.url, tenant, find_binaries().directory, place, plan, results)
        asyncio.run(settle(postgres.url))
        with servers.skipcall(postgres.url, place / "pages", server_core) as server:
            asyncio.run(paging.measure(postgres.url, tenant, server.port, plan, results, after_patches=True))
            print("The feed ...", flush=True)
            binaries = find_binaries().directory
            asyncio.run(feed.measure(postgres.url, tenant, server.port, binaries, place, plan, results))
            print("Batches ...", flush=True)
            batches.measure(tenant, server.port, plan, results)
        print("Imports ...", flush=True)
        importing.measure(postgres.url, tenant, place, plan, results)
        print("Starts ...", flush=True)
        starting.measure(postgres.url, place, plan, results)


if __name__ == "__main__":
    sys.exit(main())
