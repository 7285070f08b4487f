"""From the `exec` of `skipcall serve` to its first answer."""

from pathlib import Path

from benchmarks import servers
from benchmarks.figures import Figure, Plan, Results, median

WARM_SECONDS_MAX = 1.2
OWN_DATABASE_SECONDS_MAX = 2.0


def measure(url: str, place: Path, plan: Plan, results: Results) -> None:
    """Add the figures of starts: with a database that runs already, and with one that is started first."""
    warm = [_start(url, place / "starts") for _ in range(plan.starts)]
    _start(None, place / "starts-own")  # makes the database
    own = [_start(None, place / "starts-own") for _ in range(plan.starts)]
    results.measurements["start_seconds"] = {"database_warm": warm, "own_database": own}
    results.figures += [
        Figure("start, database warm", median(warm), "s", at_most=WARM_SECONDS_MAX),
        Figure("start with its own database", median(own), "s", at_most=OWN_DATABASE_SECONDS_MAX),
    ]


def _start(url: str | None, data: Path) -> float:
    with servers.skipcall(url, data) as server:
        return server.start_seconds
