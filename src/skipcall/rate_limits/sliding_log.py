"""An exact sliding log: at most `limit` admissions in any 60 seconds, whatever the pattern.

A fixed window, a window that starts with the first request and GCRA all admit up to twice the limit in some minute
(docs/decisions/0003). Admissions of one millisecond share an entry, so a log holds at most 60,000 of them
however high the limit, and each is added once and dropped once.
"""

from collections import deque

import msgspec

# An admission of millisecond t may have come just before t + 1, a request of t + 60,000 just after it: only from
# 60,001 on are the two surely a whole minute apart.
WINDOW_MS = 60_001


class Budget(msgspec.Struct, frozen=True):
    """The state of a log: what is left, and when. Times are milliseconds from now.

    `wait_ms` is 0 if a request would be admitted now, else how long until one is. `reset_ms` is when nothing of it is
    spent any more.
    """

    admitted: bool
    remaining: int
    wait_ms: int
    reset_ms: int


class SlidingLog:
    """The admissions of one organization, or of one address."""

    __slots__ = ("_count", "_counts", "_times")

    def __init__(self) -> None:
        self._times: deque[int] = deque()
        self._counts: deque[int] = deque()
        self._count = 0

    def admit(self, limit: int, now_ms: int) -> Budget:
        """Admit a request at `now_ms` if `limit` allows it, and tell what is left."""
        self._drop_old(now_ms)
        if self._count >= limit:
            return self._budget(limit, now_ms, admitted=False)
        if self._times and self._times[-1] == now_ms:
            self._counts[-1] += 1
        else:
            self._times.append(now_ms)
            self._counts.append(1)
        self._count += 1
        return self._budget(limit, now_ms, admitted=True)

    def look(self, limit: int, now_ms: int) -> Budget:
        """Tell what is left without spending any of it."""
        self._drop_old(now_ms)
        return self._budget(limit, now_ms, admitted=self._count < limit)

    def is_empty(self, now_ms: int) -> bool:
        """Tell whether nothing of the last minute is in the log."""
        self._drop_old(now_ms)
        return not self._times

    def _drop_old(self, now_ms: int) -> None:
        while self._times and self._times[0] <= now_ms - WINDOW_MS:
            self._times.popleft()
            self._count -= self._counts.popleft()

    def _budget(self, limit: int, now_ms: int, *, admitted: bool) -> Budget:
        remaining = limit - self._count
        reset_ms = self._times[-1] + WINDOW_MS - now_ms if self._times else 0
        if remaining > 0:
            return Budget(admitted, remaining, 0, reset_ms)
        return Budget(admitted, 0, self._wait_ms(limit, now_ms), reset_ms)

    def _wait_ms(self, limit: int, now_ms: int) -> int:
        # A limit that was lowered leaves more in the log than fits: enough of it must leave, not just the oldest.
        if limit < 1:
            return WINDOW_MS
        left = self._count
        for time_ms, count in zip(self._times, self._counts, strict=True):
            left -= count
            if left < limit:
                return time_ms + WINDOW_MS - now_ms
        return 0
