"""GET and PATCH: the database alone, a bare server and ours, one after the other in each round.

Each round has its own ratios, of runs that stand next to each other in time; the figure is the median of these.
"""

import asyncio
import functools
from collections.abc import Callable
from pathlib import Path

import msgspec

from benchmarks import servers
from benchmarks.data import Tenant, last_event, settle
from benchmarks.figures import Figure, Plan, Results, median
from benchmarks.load import Load, Pgbench, wrk
from benchmarks.machine import ForeignCpu, busiest, cores, cpu_seconds, memory_mib
from benchmarks.servers import BenchmarkError, Server

LIMITS = {"PATCH": {"pgbench": 0.75, "bare": 0.80}, "GET": {"pgbench": 0.50, "bare": 0.60}}
P99_OF_P50_MAX = 2.5
MEMORY_MIB_MAX = 80.0
CHANGED_MIN = 0.95  # of PATCHes; the others draw a value that the contact has already
FOREIGN_CORES_MAX = 0.10  # a run that others have disturbed more than this is made again
TRIES = 2


class Run(msgspec.Struct, frozen=True):
    """One run. `cpu_us` is what the server used for a request, `foreign` how many cores others kept busy meanwhile."""

    load: Load
    cpu_us: float | None
    foreign: float


class Candidate(msgspec.Struct, frozen=True):
    """Something to send requests to: a method, for so many seconds."""

    name: str
    send: Callable[[str, int], Load]
    pid: int | None = None


def measure(url: str, tenant: Tenant, binaries: Path, place: Path, plan: Plan, results: Results) -> None:
    """Add the figures of GET and PATCH."""
    server_core, load_core = cores()

    def to(server: Server) -> Callable[[str, int], Load]:
        return functools.partial(wrk, port=server.port, tenant=tenant, core=load_core)

    pgbench = Pgbench(binaries, url, tenant, place / "pgbench")
    with (
        servers.skipcall(url, place / "skipcall", server_core) as ours,
        servers.bare(url, tenant, place / "bare.log", server_core) as bare,
    ):
        candidates = [
            Candidate("pgbench", functools.partial(pgbench.run, core=load_core)),
            Candidate("bare", to(bare), bare.pid),
            Candidate("skipcall", to(ours), ours.pid),
        ]
        for method in ("GET", "PATCH"):
            rounds = []
            for number in range(plan.rounds):
                first = number % len(candidates)
                turns = candidates[first:] + candidates[:first]
                rounds.append({one.name: _run(one, method, url, tenant, plan) for one in turns})
            results.measurements[method] = rounds
            _add_figures(method, rounds, results)
        worker = busiest(ours.pid)
        results.measurements["memory_mib"] = {
            "worker": memory_mib(worker),
            "worker_proportional": memory_mib(worker, "Pss"),
            "parent": memory_mib(ours.pid),
        }
        results.figures.append(Figure("worker, resident", memory_mib(worker), "MiB", at_most=MEMORY_MIB_MAX))


def _run(candidate: Candidate, method: str, url: str, tenant: Tenant, plan: Plan) -> Run:
    """Measure a candidate."""
    asyncio.run(settle(url))
    candidate.send(method, plan.warm_up_seconds)

    def send() -> Load:
        changes = asyncio.run(last_event(url, tenant))
        load = candidate.send(method, plan.seconds)
        changes = asyncio.run(last_event(url, tenant)) - changes
        if method == "PATCH" and changes < CHANGED_MIN * load.requests:
            raise BenchmarkError(f"{candidate.name}: {load.requests} PATCHes changed only {changes} contacts")
        return load

    return quietest(f"{method} {candidate.name}", send, candidate.pid, plan)


def quietest(name: str, send: Callable[[], Load], pid: int | None, plan: Plan) -> Run:
    """Send until others leave us alone, at most `TRIES` times; return the least disturbed run. `pid` is the server's."""
    runs: list[Run] = []
    while not runs or (len(runs) < TRIES and not plan.quick and runs[-1].foreign > FOREIGN_CORES_MAX):
        foreign = ForeignCpu()
        used = cpu_seconds(pid) if pid else 0.0
        load = send()
        used = cpu_seconds(pid) - used if pid else 0.0
        runs.append(Run(load, used / load.requests * 1e6 if pid else None, foreign.read()))
    best = min(runs, key=lambda run: run.foreign)
    print(f"  {name:<15}{best.load.per_second:>8,.0f}/s, others used {best.foreign:.2f} cores", flush=True)
    return best


def _add_figures(method: str, rounds: list[dict[str, Run]], results: Results) -> None:
    for peer, limit in LIMITS[method].items():
        ratio = median([one["skipcall"].load.per_second / one[peer].load.per_second for one in rounds])
        results.figures.append(Figure(f"{method}, of {peer}", ratio, at_least=limit))
    spread = median([(one["skipcall"].load.p99_ms or 0.0) / (one["skipcall"].load.p50_ms or 1.0) for one in rounds])
    results.figures.append(Figure(f"{method}, p99 / p50", spread, at_most=P99_OF_P50_MAX))
