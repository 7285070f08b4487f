"""The exact sliding log against the plainest thing that could be right: a list of all admissions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipcall.rate_limits.sliding_log import WINDOW_MS, SlidingLog

MINUTE_MS = 60_000
ARRIVALS = st.lists(
    st.one_of(
        st.just(0),
        st.integers(0, 5),
        st.integers(0, 2_000),
        st.sampled_from([MINUTE_MS - 1, MINUTE_MS, MINUTE_MS + 1, MINUTE_MS + 2, 10 * MINUTE_MS]),
    ),
    min_size=1,
    max_size=200,
)
LIMITS = st.integers(1, 12)


def in_any_minute(admitted: list[int]) -> int:
    """Return the most admissions in any 60 seconds; a millisecond that is told may have been anywhere within itself."""
    return max(
        (sum(1 for other in admitted if first <= other < first + MINUTE_MS + 1) for first in admitted), default=0
    )


@given(LIMITS, ARRIVALS)
def test_never_more_than_the_limit_in_any_minute(limit: int, gaps: list[int]) -> None:
    log, now, admitted = SlidingLog(), 0, []
    for gap in gaps:
        now += gap
        if log.admit(limit, now).admitted:
            admitted.append(now)
    assert in_any_minute(admitted) <= limit


@given(LIMITS, ARRIVALS)
def test_never_refuses_what_fits(limit: int, gaps: list[int]) -> None:
    """Whoever keeps to the limit is always admitted: a reference log decides what to send."""
    log, now = SlidingLog(), 0
    sent: list[int] = []
    for gap in gaps:
        now += gap
        if sum(1 for one in sent if one > now - WINDOW_MS) < limit:
            sent.append(now)
            assert log.admit(limit, now).admitted


@given(LIMITS, ARRIVALS)
def test_what_is_told_is_true(limit: int, gaps: list[int]) -> None:
    log, now = SlidingLog(), 0
    admitted: list[int] = []
    for gap in gaps:
        now += gap
        budget = log.admit(limit, now)
        if budget.admitted:
            admitted.append(now)
        left = limit - sum(1 for one in admitted if one > now - WINDOW_MS)
        assert budget.remaining == left
        assert (budget.wait_ms == 0) == (left > 0)
        assert budget.reset_ms == max(admitted) + WINDOW_MS - now
        assert log.look(limit, now).remaining == left, "looking costs nothing"


@given(LIMITS, ARRIVALS)
def test_as_many_as_remain_are_admitted_and_no_more(limit: int, gaps: list[int]) -> None:
    log, now = SlidingLog(), 0
    for gap in gaps:
        now += gap
        budget = log.admit(limit, now)
    for _ in range(budget.remaining):
        assert log.admit(limit, now).admitted
    assert not log.admit(limit, now).admitted


@given(LIMITS, ARRIVALS)
def test_waiting_as_told_is_enough_and_not_too_much(limit: int, gaps: list[int]) -> None:
    log, now = SlidingLog(), 0
    for gap in gaps:
        now += gap
        budget = log.admit(limit, now)
    if budget.remaining == 0:
        assert budget.wait_ms > 0
        assert log.look(limit, now + budget.wait_ms - 1).remaining == 0
        assert log.look(limit, now + budget.wait_ms).remaining >= 1
        assert log.admit(limit, now + budget.wait_ms).admitted


@given(LIMITS, ARRIVALS)
def test_after_reset_all_is_there_again(limit: int, gaps: list[int]) -> None:
    log, now = SlidingLog(), 0
    for gap in gaps:
        now += gap
        budget = log.admit(limit, now)
    just_before = log.look(limit, now + budget.reset_ms - 1)
    assert just_before.remaining < limit
    assert log.look(limit, now + budget.reset_ms).remaining == limit
    assert log.is_empty(now + budget.reset_ms)


@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 12)), min_size=1, max_size=100))
def test_a_limit_that_changes(steps: list[tuple[int, int]]) -> None:
    log, now = SlidingLog(), 0
    admitted: list[int] = []
    for gap, limit in steps:
        now += gap
        inside = sum(1 for one in admitted if one > now - WINDOW_MS)
        budget = log.admit(limit, now)
        assert budget.admitted == (inside < limit)
        if budget.admitted:
            admitted.append(now)
        elif limit:
            assert log.look(limit, now + budget.wait_ms - 1).remaining == 0
            assert log.look(limit, now + budget.wait_ms).remaining >= 1
        assert budget.remaining == max(0, limit - inside - budget.admitted)


def test_a_lowered_limit_waits_for_enough_to_leave() -> None:
    log = SlidingLog()
    for now in range(100):
        log.admit(100, now * 100)
    budget = log.admit(10, 10_000)
    assert not budget.admitted
    assert budget.remaining == 0
    # The 91st of the hundred must leave before the tenth place is free.
    assert budget.wait_ms == 9_000 + WINDOW_MS - 10_000


@pytest.mark.parametrize("limit", [100, 1000])
def test_worst_patterns(limit: int) -> None:
    """What lets a fixed window, one that starts with the first request, or GCRA admit twice the limit."""
    for start in (0, 30_000, 59_999):
        log = SlidingLog()
        admitted = [now for now in [start] * limit + [60_000] * limit + [start + 60_000] * limit if log.admit(limit, now).admitted]
        assert in_any_minute(sorted(admitted)) <= limit


def test_a_log_stays_small() -> None:
    log = SlidingLog()
    for number in range(500_000):
        log.admit(1_000_000, number // 100)
    assert len(log._times) <= WINDOW_MS
    assert log.look(1_000_000, 5_000 + WINDOW_MS).remaining == 1_000_000
    assert not log._times
