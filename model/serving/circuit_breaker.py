"""When a server is left alone for a while, because it fails or takes too long (Nygard 2007, the circuit breaker)."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

FAILURES = 5
"""So many in a row open it."""

SLOW_SECONDS = 2.0
"""So does a 99th percentile above that, over the last `_LATEST` answers."""

OPEN_SECONDS = 10.0
"""How long it is left alone then."""

PROBE_SECONDS = 1.0
"""Between two probes afterwards; the first one that passes closes it."""

_LATEST = 100


class CircuitBreaker:
    """Closed: it is asked. Open: it is not, but for a probe from time to time. `clock` is monotonic, in seconds.

    An answer that nobody waited for says that there is a server, and nothing of those that somebody waits for: how long
    such a one took is not known, and the failures of the others are counted apart from it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._in_a_row = 0
        self._waited_in_a_row = 0
        self._latest: deque[float] = deque(maxlen=_LATEST)
        self._probe_at: float | None = None
        self.passed_at = float("-inf")
        """When it answered last."""
        self.timed_at = float("-inf")
        """When it was last known how long an answer took."""

    @property
    def is_closed(self) -> bool:
        """Whether it may be asked."""
        return self._probe_at is None

    @property
    def failing(self) -> bool:
        """Whether the last answer was none, or the last that somebody waited for."""
        return self._in_a_row > 0 or self._waited_in_a_row > 0

    @property
    def is_probe_due(self) -> bool:
        """Whether it has been left alone for long enough."""
        return self._probe_at is not None and self._clock() >= self._probe_at

    def passed(self, seconds: float | None) -> bool:
        """It has answered, so many seconds later than such an answer comes. True: too late once too often.

        None: nobody waited for it, and it took as long as it took.

        What it answers while it is left alone, to somebody who had asked before, changes nothing.
        """
        self.passed_at = self._clock()
        if not self.is_closed:
            return False
        self._in_a_row = 0
        if seconds is None:
            return False
        self._waited_in_a_row = 0
        self.timed_at = self.passed_at
        return self._slow_by(seconds)

    def failed(self, *, late: bool = False, waited: bool = True) -> bool:
        """It has not answered as it should, or too `late`. True: that was once too often.

        `waited`: somebody waited for it.
        """
        if not self.is_closed:
            return False
        self._in_a_row += 1
        self._waited_in_a_row += waited
        if late and self._slow_by(float("inf")):
            return True
        return max(self._in_a_row, self._waited_in_a_row) >= FAILURES and self.open()

    def open(self, seconds: float = OPEN_SECONDS) -> bool:
        """Leaves it alone for so long. Returns True."""
        self._probe_at = self._clock() + seconds
        return True

    def probed(self, *, well: bool) -> None:
        """What a probe has shown."""
        self._latest.clear()
        if well:
            self._in_a_row = self._waited_in_a_row = 0
            self.passed_at = self.timed_at = self._clock()
            self._probe_at = None
        else:
            self._probe_at = self._clock() + PROBE_SECONDS

    def _slow_by(self, seconds: float) -> bool:
        self._latest.append(seconds)
        return sum(one > SLOW_SECONDS for one in self._latest) > _LATEST // 100 and self.open()
