"""Hours put together into buckets of a server's own time: hours, quarters of a day, days or weeks."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from bot.domain.local_hours import begins_at, first_hour
from bot.domain.records import Gap, HourMood, Mood
from bot.domain.snowflake import SECONDS


class Size(StrEnum):
    """How long a bucket is; a day or a quarter of one may be an hour shorter or longer when the clocks change."""

    HOUR = "hour"
    QUARTER = "6 hours"
    DAY = "day"
    WEEK = "week"


_LONGEST = ((Size.HOUR, 3 * 24), (Size.QUARTER, 15 * 24), (Size.DAY, 120 * 24))
"""Up to how many hours a range is told in buckets of a size: about 20 to 120 of them, as a phone can show."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """What may be told of the hours from `start` up to, but not including, `end`; None: nothing."""

    start: int
    end: int
    mood: HourMood | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """A range in buckets.

    `gaps` are (start, end) in seconds since the Unix epoch, in order and apart from each other; `hidden` is the number
    of hours of which nothing is told because fewer than five people wrote in them. `partly` is the number of channels
    of several together of which not everything was seen. `filled` are like `gaps`: what was read afterwards.
    """

    size: Size
    buckets: tuple[Bucket, ...]
    gaps: tuple[tuple[int, int], ...]
    hidden: int
    partly: int = 0
    filled: tuple[tuple[int, int], ...] = ()

    @property
    def total(self) -> HourMood | None:
        """Everything that is told, together."""
        return together([bucket.mood for bucket in self.buckets if bucket.mood is not None])

    @property
    def filled_seconds(self) -> int:
        """How much was read afterwards."""
        return sum(end - start for start, end in self.filled)

    @property
    def missing_seconds(self) -> int:
        """How long the bot was away."""
        return sum(end - start for start, end in self.gaps)


def size_for(hours: int) -> Size:
    """The size in which so long a range is told."""
    return next((size for size, longest in _LONGEST if hours <= longest), Size.WEEK)


def edges(first: int, end_hour: int, size: Size, zone: ZoneInfo) -> tuple[int, ...]:
    """The hours at which buckets begin, from the bucket that holds hour `first`, and the end of the last one.

    A whole hour belongs to the bucket in which it begins, see `bot.domain.local_hours`.
    """
    if size is Size.HOUR:
        return tuple(range(first, end_hour + 1))
    step = timedelta(hours=6) if size is Size.QUARTER else timedelta(days=7 if size is Size.WEEK else 1)
    local = _floor(first, size, zone)
    found = [first_hour(local, zone)]
    while found[-1] < end_hour:
        local += step
        edge = first_hour(local, zone)
        if edge > found[-1]:  # a day that a zone has skipped has no hours
            found.append(edge)
    return tuple(found)


def timeline(
    mood: Mood, size: Size, bounds: Sequence[int], quiet_days: Sequence[HourMood] = (), until: float | None = None
) -> Timeline:
    """Puts what is told of a range into the buckets that `bounds` (of `edges`) are the ends of.

    `quiet_days` (of `MoodRepository.quiet_days`) may only be given with buckets of a day or a week. No gap goes on
    after `until`.
    """
    parts: list[list[HourMood]] = [[] for _ in range(len(bounds) - 1)]
    for hour in (*mood.hours, *quiet_days):
        if bounds[0] <= hour.hour < bounds[-1]:
            parts[bisect_right(bounds, hour.hour) - 1].append(hour)
    buckets = tuple(
        Bucket(start, end, together(part)) for (start, end), part in zip(pairwise(bounds), parts, strict=True)
    )
    last = bounds[-1] * SECONDS if until is None else min(bounds[-1] * SECONDS, int(until))
    first = bounds[0] * SECONDS
    partly = {gap.channel_id for gap in mood.partly if merged((gap,), first, last)}
    filled = tuple((max(start, first), min(end, last)) for start, end in mood.filled if start < last and end > first)
    return Timeline(size, buckets, merged(mood.gaps, first, last), len(mood.hidden), len(partly), filled)


def together(hours: Sequence[HourMood]) -> HourMood | None:
    """The sum of hours; None of none."""
    if not hours:
        return None
    first, *others = hours
    for other in others:
        first = first.plus(other)
    return first


def merged(gaps: Sequence[Gap], start: int, end: int) -> tuple[tuple[int, int], ...]:
    """The parts of [start, end) that any of the gaps covers, in order and apart from each other."""
    parts: list[tuple[int, int]] = []
    for gap in sorted(gaps, key=lambda gap: gap.started):
        begun, ended = max(start, gap.started), min(end, gap.ended)
        if begun >= ended:
            continue
        if parts and begun <= parts[-1][1]:
            parts[-1] = (parts[-1][0], max(parts[-1][1], ended))
        else:
            parts.append((begun, ended))
    return tuple(parts)


def _floor(hour: int, size: Size, zone: ZoneInfo) -> datetime:
    """The local time at which the bucket of an hour begins, without its zone."""
    local = begins_at(hour, zone).replace(minute=0, tzinfo=None)
    if size is Size.QUARTER:
        return local.replace(hour=local.hour // 6 * 6)
    day = local.replace(hour=0)
    return day - timedelta(days=day.weekday()) if size is Size.WEEK else day
