"""A figure and its limit, and how many times something is measured before it is believed."""

import statistics
from collections.abc import Sequence
from typing import Any

import msgspec


class Figure(msgspec.Struct, frozen=True):
    """What was measured; exactly one of the limits is set, or none for a figure that is only shown."""

    name: str
    value: float
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def reached(self) -> bool:
        """Whether the figure keeps its limit."""
        return (self.at_least is None or self.value >= self.at_least) and (
            self.at_most is None or self.value <= self.at_most
        )


class Plan(msgspec.Struct, frozen=True):
    """How much is measured. `quick` only tells whether the benchmark itself works."""

    contacts: int = 100_000
    rounds: int = 3
    seconds: int = 5
    warm_up_seconds: int = 2
    starts: int = 5
    pages: int = 200
    import_rows: int = 100_000
    job_rows: int = 1_000_000
    calls: int = 5_000_000
    few_calls: int = 100_000
    list_turns: int = 100
    statistics_runs: int = 7
    callback_rate_max: int = 3_000  # a second, for which callbacks are prepared
    cdr_rows: int = 200_000
    audio_mib: int = 50
    searched_contacts: int = 1_000_000
    search_runs: int = 15
    quick: bool = False


QUICK = Plan(
    contacts=2_000,
    rounds=1,
    seconds=1,
    warm_up_seconds=1,
    starts=1,
    pages=10,
    import_rows=2_000,
    job_rows=2_000,
    calls=200_000,
    few_calls=20_000,
    list_turns=10,
    statistics_runs=3,
    cdr_rows=20_000,
    audio_mib=5,
    searched_contacts=20_000,
    search_runs=3,
    quick=True,
)


class Results(msgspec.Struct):
    """Everything that a run found: figures, the measurements behind them, and what others used of the machine."""

    figures: list[Figure] = []
    measurements: dict[str, Any] = {}


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)
