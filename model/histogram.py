"""How often something took how long, as Prometheus counts it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence


class Histogram:
    """Counts of observations by upper bounds, which ascend, and their sum. For one thread, or under a lock."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.sum = 0.0
        self._counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float) -> None:
        """Counts one."""
        self._counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self._counts)

    def buckets(self) -> list[tuple[str, int]]:
        """For each bound, and "+Inf", how many observations are not above it."""
        found, total = [], 0
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self._counts, strict=True):
            total += count
            found.append((bound, total))
        return found

    def copy(self) -> Histogram:
        """As it is now."""
        other = Histogram(self.bounds)
        other.sum, other._counts = self.sum, list(self._counts)
        return other
