"""The results for people, and for programs."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.figures import Figure, Plan, Results, median
from benchmarks.throughput import FOREIGN_CORES_MAX, Run

METHODS = ("GET", "PATCH", "callback")  # what is measured beside pgbench


def show(results: Results, console: Console) -> None:
    """Print every figure beside its limit, then what the throughput was made of.

    `CPU us` is what the server used for one request; `others`, the cores that other programs kept busy meanwhile.
    """
    figures = Table("figure", "measured", "limit", "")
    for figure in results.figures:
        verdict = "" if _limit(figure) == "" else "reached" if figure.reached else "[bold red]NOT REACHED"
        figures.add_row(figure.name, _number(figure.value, figure.unit), _limit(figure), verdict)
    console.print(figures)
    methods = [method for method in METHODS if method in results.measurements]
    if not methods:
        return
    runs = Table("", "to", "a second (least, most)", "of pgbench", "p50 ms", "p99 ms", "CPU us", "others")
    for method in methods:
        rounds: list[dict[str, Run]] = results.measurements[method]
        for name in rounds[0]:
            runs.add_row(method, name, *_summary([one[name] for one in rounds], [one["pgbench"] for one in rounds]))
    console.print(runs)
    turns = [one.foreign for method in methods for each in results.measurements[method] for one in each.values()]
    if disturbed := sum(foreign > FOREIGN_CORES_MAX for foreign in turns):
        console.print(
            f"In {disturbed} of {len(turns)} turns other programs used more than {FOREIGN_CORES_MAX} cores: "
            f"take the figures of {' and '.join(methods)} as indications, and run this again on a quiet machine."
        )


def save(results: Results, facts: dict[str, Any], plan: Plan, directory: Path) -> Path:
    """Write everything to a file named by the time, and return its path."""
    now = datetime.now(UTC)
    directory.mkdir(exist_ok=True)
    path = directory / f"{now:%Y%m%d-%H%M%S}.json"
    figures = [{**msgspec.to_builtins(one), "reached": one.reached} for one in results.figures]
    document = {
        "at": now,
        "machine": facts,
        "plan": plan,
        "figures": figures,
        "measurements": results.measurements,
    }
    path.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
    return path


def _summary(runs: list[Run], peers: list[Run]) -> list[str]:
    rates = [one.load.per_second for one in runs]
    share = median([one.load.per_second / peer.load.per_second for one, peer in zip(runs, peers, strict=True)])
    cells = [f"{median(rates):,.0f} ({min(rates):,.0f}, {max(rates):,.0f})", f"{share:.2f}"]
    for values in (
        [one.load.p50_ms for one in runs],
        [one.load.p99_ms for one in runs],
        [one.cpu_us for one in runs],
        [one.foreign for one in runs],
    ):
        known = [value for value in values if value is not None]
        cells.append(f"{median(known):.2f}" if known else "")
    return cells


def _limit(figure: Figure) -> str:
    if figure.at_least is not None:
        return f">= {_number(figure.at_least, figure.unit)}"
    return f"<= {_number(figure.at_most, figure.unit)}" if figure.at_most is not None else ""


def _number(value: float, unit: str) -> str:
    return f"{value:,.0f} {unit}" if value >= 1000 else f"{value:.2f} {unit}".rstrip()
