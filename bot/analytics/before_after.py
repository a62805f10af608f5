"""How much better or worse it got after an event, with an interval: of the hours that may be told, and no others.

Hours near each other are alike, so what counts as one observation is six hours together and not an hour, let alone a
message. What is usual at an hour of the week, where it is known, is taken off first: else a patch on a Friday night
would be blamed for the night.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from bot.analytics.baseline import Baseline
from bot.domain.records import HourMood
from bot.domain.snowflake import SECONDS

LONGEST = 7 * 24
"""Hours that are looked at on either side."""

BLOCK, FEWEST_BLOCKS = 6, 4
"""Hours of one observation, and how many of these it takes on either side to say anything."""

_T = (4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131)
"""The 97.5 % point of Student's t for 2 to 15 degrees of freedom."""

_T_OF_MORE = 2.12


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much the mean score changed, and the ends of the 95 % interval of that."""

    by: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether chance hardly explains it."""
        return self.low > 0 or self.high < 0


def before_and_after(
    happened: int, hours: Sequence[HourMood], baseline: Baseline | None, now: float
) -> Difference | None:
    """What changed at an instant; None where too little may be told on one side.

    Equally much time is looked at on both sides, and not the hour in which it happened.
    """
    first_after = -(-happened // SECONDS)
    last_before = happened // SECONDS
    length = min(LONGEST, int(now // SECONDS) - first_after)
    before = _level([hour for hour in hours if last_before - length <= hour.hour < last_before], baseline)
    after = _level([hour for hour in hours if first_after <= hour.hour < first_after + length], baseline)
    if before is None or after is None:
        return None
    by = after.mean - before.mean
    half = max(before.quantile, after.quantile) * sqrt(before.variance + after.variance)
    return Difference(by, by - half, by + half)


@dataclass(frozen=True, slots=True)
class _Level:
    """A mean, the variance of that, and by how many errors of it an interval reaches."""

    mean: float
    variance: float
    quantile: float


def _level(hours: Sequence[HourMood], baseline: Baseline | None) -> _Level | None:
    """The mean of several hours beside what is usual; its variance is that of a ratio of sums over blocks."""
    sums: defaultdict[int, float] = defaultdict(float)
    counts: defaultdict[int, int] = defaultdict(int)
    told = 0.0
    for hour in hours:
        usual = baseline.usual(hour.hour) if baseline is not None else 0.0
        sums[hour.hour // BLOCK] += hour.messages * (hour.mean - usual)
        counts[hour.hour // BLOCK] += hour.messages
        told += (hour.messages * hour.standard_error) ** 2
    blocks, messages = len(sums), sum(counts.values())
    if blocks < FEWEST_BLOCKS:
        return None
    mean = sum(sums.values()) / messages
    apart = sum((sums[block] - mean * counts[block]) ** 2 for block in sums)
    between = blocks / (blocks - 1) * apart / messages**2
    # Never less than what sampling, rounding and noise leave open within the hours themselves.
    variance = max(between, told / messages**2)
    freedom = blocks - 1
    return _Level(mean, variance, _T[freedom - 2] if freedom - 2 < len(_T) else _T_OF_MORE)
