"""How long ago something was at Discord, whatever the clock of this machine says."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import inf


class DiscordTime:
    """Learns Discord's time from what Discord has dated itself, ids above all, and keeps it with a stopwatch.

    Nothing is dated later than it arrives, so the latest date ever seen is the nearest to Discord's present. A machine
    that slept, or a delivery that took its time, makes Discord's present seem earlier than it is, never later.
    """

    def __init__(self, stopwatch: Callable[[], float] = time.monotonic) -> None:
        self._stopwatch = stopwatch
        self._ahead = -inf

    def seen(self, moment: float) -> None:
        """Something arrives that Discord has dated with `moment`, in seconds since the Unix epoch."""
        self._ahead = max(self._ahead, moment - self._stopwatch())

    def age(self, moment: float) -> float:
        """Seconds since then, at least; 0 as long as nothing was seen."""
        return max(0.0, self._ahead + self._stopwatch() - moment)
