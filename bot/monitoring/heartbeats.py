"""Until when each connection to Discord has certainly worked: its heartbeats are acknowledged.

A connection that is lost was lost before anybody noticed, after a sleep of the machine by hours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf, isfinite

LOOK_SECONDS = 1.0

_STANDSTILL = 5.0
"""Seconds between two looks from which on this process, or the machine, stood still."""


class Heartbeats:
    """Looks at `latencies`, of each connection how long its last heartbeat took, and remembers when they change.

    Times are in seconds of `steady`.
    """

    def __init__(self, latencies: Callable[[], Iterable[tuple[int, float]]], steady: Callable[[], float]) -> None:
        self._latencies = latencies
        self._steady = steady
        self._last: dict[int, float] = {}
        self._worked: dict[int, float] = {}
        self._looked = -inf

    async def look(self, _now: float) -> None:
        """A job, for every second."""
        now = self._steady()
        stood_still = now - self._looked > _STANDSTILL and isfinite(self._looked)
        for shard, latency in self._latencies():  # infinite before the first
            if latency == self._last.get(shard) or not 0.0 < latency < inf:
                continue
            self._last[shard] = latency
            # What came while the process stood still says only that the connection worked before.
            acknowledged = self._looked if stood_still else now
            self._worked[shard] = max(self._worked.get(shard, -inf), acknowledged - latency)
        self._looked = now

    def worked_until(self, shard: int) -> float | None:
        """When the last heartbeat was sent that was acknowledged; None when there was none since it connected."""
        return self._worked.get(shard)

    def connected(self, shard: int) -> None:
        """There is a new connection."""
        self._worked.pop(shard, None)
