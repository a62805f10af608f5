"""What time it is at Discord, whatever the clock of this machine says."""

from __future__ import annotations

import time
from collections.abc import Callable

OFF_SECONDS = 60.0
"""From how far apart on this machine's clock is called wrong. Discord tells whole seconds, and answers take a while."""

_SLOW_SECONDS = 10.0
"""An answer that took longer, say because the machine slept meanwhile, does not tell the time."""

_STEADY = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


def steady_seconds() -> float:
    """Seconds since some moment. They go on while the machine sleeps, and setting its clock does not change them."""
    return time.monotonic() if _STEADY is None else time.clock_gettime(_STEADY)


class DiscordClock:
    """The time as this machine has it, or, when that is off by more than a minute, as Discord last told it.

    Instants are seconds since the Unix epoch.
    """

    def __init__(self, local: Callable[[], float] = time.time, steady: Callable[[], float] = steady_seconds) -> None:
        self._local = local
        self._steady = steady
        self._ahead: float | None = None
        """Discord's time less `steady`, once it has been told."""
        self._made = steady()

    def steady(self) -> float:
        """Seconds since some moment, for durations; see `steady_seconds`."""
        return self._steady()

    def heard(self, told: float, asked: float | None = None) -> None:
        """Discord has told its time just now, in an answer to what was asked at `asked`, in seconds of `steady`."""
        now = self.steady()
        if asked is None or now - asked <= _SLOW_SECONDS:
            self._ahead = told - now

    @property
    def is_told(self) -> bool:
        """Whether Discord has told its time yet."""
        return self._ahead is not None

    @property
    def age(self) -> float:
        """Seconds since this was made."""
        return self.steady() - self._made

    @property
    def off(self) -> float:
        """By how many seconds this machine's clock is ahead of Discord's, or behind if negative; 0 within a minute."""
        if self._ahead is None:
            return 0.0
        off = self._local() - (self.steady() + self._ahead)
        return off if abs(off) > OFF_SECONDS else 0.0

    def now(self) -> float:
        """The time at Discord, as exactly as it is known."""
        return self._local() - self.off

    def at(self, steady: float) -> float:
        """The time at Discord when `steady` was that."""
        return self.now() - (self.steady() - steady)
