"""What is usual for a channel at an hour of the week, learned from its stored past."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from math import sqrt
from zoneinfo import ZoneInfo

from bot.domain.records import HourMood
from bot.domain.snowflake import SECONDS

WEEKS = 8
"""How much of the past is asked: enough for a rhythm, and short enough that a channel which has changed is forgiven."""

AT_ONCE = 16
"""Channels that are learned together: some 20,000 hours."""

FEWEST_HOURS, FEWEST_SPAN = 24, 7 * 24
"""So many hours that may be told, over so many hours of time, are the least to call something usual."""

_HOURS_OF_WEEK = 7 * 24
_PRIOR = 6.0
"""How many hours the channel's overall mean weighs beside those of one hour of the week and its two neighbours."""

_NARROWEST = 0.06
"""The least an hour's mean is taken to vary by itself; a past that looks steadier than this is luck."""


class Baseline:
    """A channel's usual mean score by the local hour of the week.

    Medians, so that one bad evening does not become usual. An hour of the week is looked at with its two neighbours and
    drawn towards the channel's overall median, the more the fewer such hours there have been: with little past the
    whole week is alike.
    """

    def __init__(self, hours: Sequence[HourMood], zone: ZoneInfo) -> None:
        self._zone = zone
        places = [self._hour_of_week(hour.hour) for hour in hours]
        means = [(hour.mean, hour.messages) for hour in hours]
        of_week: defaultdict[int, list[tuple[float, int]]] = defaultdict(list)
        for place, mean in zip(places, means, strict=True):
            of_week[place].append(mean)
        overall = _weighted_median(means)
        self._usual = array("d", [overall]) * _HOURS_OF_WEEK
        for place in range(_HOURS_OF_WEEK):
            near = [pair for step in (-1, 0, 1) for pair in of_week.get((place + step) % _HOURS_OF_WEEK, ())]
            if near:
                weight = len(near) / (len(near) + _PRIOR)
                self._usual[place] = weight * _weighted_median(near) + (1 - weight) * overall
        apart = [(abs(mean - self._usual[place]), n) for place, (mean, n) in zip(places, means, strict=True)]
        self.spread = max(_NARROWEST, 1.4826 * _weighted_median(apart))
        """How far an hour's mean usually is from what is usual, as a standard deviation."""

    def usual(self, hour: int) -> float:
        """The usual mean score at an hour (since the Unix epoch)."""
        return self._usual[self._hour_of_week(hour)]

    def expected(self, hours: Sequence[HourMood]) -> float:
        """The mean that these hours would have if each were as usual, with as many messages as it has."""
        return sum(hour.messages * self.usual(hour.hour) for hour in hours) / sum(hour.messages for hour in hours)

    def deviation(self, hour: HourMood) -> float:
        """How many standard deviations an hour lies above what is usual, its own sampling error counted in."""
        return (hour.mean - self.usual(hour.hour)) / sqrt(self.spread**2 + hour.standard_error**2)

    def _hour_of_week(self, hour: int) -> int:
        local = datetime.fromtimestamp(hour * SECONDS, self._zone)
        return local.weekday() * 24 + local.hour


def learn(hours: Sequence[HourMood], zone: ZoneInfo) -> Baseline | None:
    """The baseline of these hours, which are in order; None while there are too few to call anything usual."""
    if len(hours) < FEWEST_HOURS or hours[-1].hour - hours[0].hour < FEWEST_SPAN:
        return None
    return Baseline(hours, zone)


def _weighted_median(pairs: list[tuple[float, int]]) -> float:
    ordered = sorted(pairs)
    half = sum(weight for _, weight in ordered) / 2
    passed = 0
    for value, weight in ordered:
        passed += weight
        if passed >= half:
            return value
    return 0.0
