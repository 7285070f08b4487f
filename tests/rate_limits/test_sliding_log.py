"""The sliding log against its definition: count what was admitted in every window of 60 seconds."""

import copy
from bisect import bisect_right

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipcall.rate_limits.sliding_log import WINDOW_MS, SlidingLog

MINUTE_MS = 60_000

# Gaps between requests: bursts within a millisecond, steady traffic, and pauses around a whole minute.
gaps = st.one_of(st.just(0), st.integers(0, 50), st.integers(0, 5_000), st.integers(59_990, 60_010))
traffic = st.lists(gaps, max_size=300)
limits = st.integers(1, 20)


def arrivals(gaps_ms: list[int]) -> list[int]:
    now, times = 0, []
    for gap in gaps_ms:
        now += gap
        times.append(now)
    return times


def in_last_minute(admitted: list[int], now: int) -> int:
    """Count what was admitted and may lie less than 60 seconds back: times are rounded down to milliseconds."""
    return len(admitted) - bisect_right(admitted, now - WINDOW_MS)


@given(traffic, limits)
def test_never_more_than_the_limit_in_any_minute_and_never_less_than_fits(gaps_ms: list[int], limit: int) -> None:
    log = SlidingLog()
    admitted: list[int] = []
    for now in arrivals(gaps_ms):
        fits = in_last_minute(admitted, now) < limit
        budget = log.admit(limit, now)
        assert budget.admitted is fits
        if fits:
            admitted.append(now)
        assert budget.remaining == limit - in_last_minute(admitted, now)
    for start in admitted:
        assert sum(start <= one <= start + MINUTE_MS for one in admitted) <= limit


@given(traffic, limits)
def test_waiting_as_told_admits_one_and_not_waiting_does_not(gaps_ms: list[int], limit: int) -> None:
    log = SlidingLog()
    for now in arrivals(gaps_ms):
        budget = log.admit(limit, now)
        if not budget.admitted:
            assert 0 < budget.wait_ms <= WINDOW_MS
            assert not log.look(limit, now + budget.wait_ms - 1).admitted
            assert log.look(limit, now + budget.wait_ms).admitted
            return


@given(traffic, limits)
def test_everything_is_back_at_reset_and_not_before(gaps_ms: list[int], limit: int) -> None:
    log = SlidingLog()
    for now in arrivals(gaps_ms):
        budget = log.admit(limit, now)
    if gaps_ms:
        assert log.look(limit, now + budget.reset_ms - 1).remaining < limit
        assert log.look(limit, now + budget.reset_ms).remaining == limit
        assert log.is_empty(now + budget.reset_ms)


@given(traffic, st.integers(5, 20), st.integers(1, 4))
def test_a_lowered_limit_holds_at_once(gaps_ms: list[int], before: int, after: int) -> None:
    log = SlidingLog()
    now = 0
    for now in arrivals(gaps_ms):
        log.admit(before, now)
    budget = log.look(after, now)
    assert budget.remaining == max(0, log.look(before, now).remaining - (before - after))
    if not budget.admitted:
        assert not log.look(after, now + budget.wait_ms - 1).admitted
        assert log.look(after, now + budget.wait_ms).admitted


def test_a_limit_of_none_admits_nothing() -> None:
    budget = SlidingLog().admit(0, 1_000)
    assert (budget.admitted, budget.remaining) == (False, 0)
    assert budget.wait_ms > 0


def test_one_millisecond_takes_one_entry_however_much_it_admits() -> None:
    log = SlidingLog()
    for _ in range(10_000):
        assert log.admit(1_000_000, 5).admitted
    assert log.admit(1_000_000, 5).remaining == 1_000_000 - 10_001
    assert len(log._times) == 1


@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 12)), min_size=1, max_size=100))
def test_a_limit_that_changes_on_the_way(steps: list[tuple[int, int]]) -> None:
    log, now = SlidingLog(), 0
    admitted: list[int] = []
    for gap, limit in steps:
        now += gap
        inside = in_last_minute(admitted, now)
        budget = log.admit(limit, now)
        assert budget.admitted == (inside < limit)
        if budget.admitted:
            admitted.append(now)
        elif limit:
            assert not copy.deepcopy(log).look(limit, now + budget.wait_ms - 1).admitted
            assert copy.deepcopy(log).look(limit, now + budget.wait_ms).admitted
        assert budget.remaining == max(0, limit - inside - budget.admitted)


@given(traffic, limits)
def test_as_many_as_remain_are_admitted_and_no_more(gaps_ms: list[int], limit: int) -> None:
    log = SlidingLog()
    now = max(arrivals(gaps_ms), default=0)
    for time_ms in arrivals(gaps_ms):
        log.admit(limit, time_ms)
    for _ in range(log.look(limit, now).remaining):
        assert log.admit(limit, now).admitted
    assert not log.admit(limit, now).admitted


@pytest.mark.parametrize("limit", [100, 1000])
@pytest.mark.parametrize("start", [0, 30_000, 59_999])
def test_what_other_limiters_admit_twice(limit: int, start: int) -> None:
    """A burst at the end of a fixed window and one at its start, or a burst that a bucket has refilled behind."""
    log = SlidingLog()
    times = [start] * limit + [60_000] * limit + [start + 60_000] * limit
    admitted = [now for now in times if log.admit(limit, now).admitted]
    assert max(sum(first <= one <= first + MINUTE_MS for one in admitted) for first in admitted) <= limit
