"""From the store to what a chart shows: hours in buckets, beside what was usual before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from bot.analytics.baseline import WEEKS, Baseline, learn
from bot.analytics.buckets import Size, Timeline, edges, size_for, timeline
from bot.charts.drawing import Line
from bot.domain.records import HourMood, Mood
from bot.domain.snowflake import SECONDS
from bot.storage.mood_repository import MoodRepository


@dataclass(frozen=True, slots=True)
class Asked:
    """A server, its time zone, and from which hour up to now (seconds since the Unix epoch) it is asked about.

    `english_only`: messages in other languages are not read there.
    """

    guild_id: int
    zone: ZoneInfo
    first_hour: int
    now: float
    english_only: bool = True

    @property
    def end_hour(self) -> int:
        """The hour after the present one."""
        return int(self.now // SECONDS) + 1


@dataclass(frozen=True, slots=True)
class Reading:
    """A range of one channel or server, the hours told in it, and those told in the weeks before.

    `unread` is the share of its messages that could not be read, in whole percent; None where it may not be told.
    """

    timeline: Timeline
    hours: tuple[HourMood, ...]
    past: tuple[HourMood, ...] = ()
    unread: int | None = None

    def learned(self, zone: ZoneInfo) -> Baseline | None:
        """What was usual before. It takes some milliseconds: not for the loop."""
        return learn(self.past, zone)

    def line(self, name: str, baseline: Baseline | None) -> Line:
        """What is drawn."""
        return Line(name, self.timeline, _usual(self.timeline, self.hours, baseline) if baseline is not None else ())


async def read_channel(moods: MoodRepository, asked: Asked, channel_id: int) -> Reading:
    """One channel beside its own past. Raises DatabaseUnavailable.

    A channel of which more may be told by the day than by the hour is told by the day, however short the range.
    """
    size = size_for(asked.end_hour - asked.first_hour)
    reading = await _read_channel(moods, asked, channel_id, size)
    if size in (Size.HOUR, Size.QUARTER):
        by_day = await _read_channel(moods, asked, channel_id, Size.DAY)
        if _messages(by_day) > 2 * sum(hour.messages for hour in by_day.hours):
            reading = by_day
    first = reading.timeline.buckets[0].start
    past = await moods.mood(asked.guild_id, channel_id, first - WEEKS * 7 * 24, first - 1)
    unread = await moods.unread(asked.guild_id, first, asked.end_hour - 1, (channel_id,))
    return Reading(reading.timeline, reading.hours, past.hours, unread.share)


async def read_channel_hours(moods: MoodRepository, asked: Asked, channel_id: int) -> Reading:
    """The hours that are told of one channel, not put into any others. Raises DatabaseUnavailable."""
    mood = await moods.mood(asked.guild_id, channel_id, asked.first_hour, asked.end_hour - 1)
    unread = await moods.unread(asked.guild_id, asked.first_hour, asked.end_hour - 1, (channel_id,))
    bounds = (asked.first_hour, asked.end_hour)
    return Reading(timeline(mood, Size.WEEK, bounds, until=asked.now), mood.hours, unread=unread.share)


async def read_pair(moods: MoodRepository, asked: Asked, channel_id: int, other_id: int) -> tuple[Reading, Reading]:
    """Two channels in the same buckets. Raises DatabaseUnavailable."""
    size = size_for(asked.end_hour - asked.first_hour)
    return (
        await _read_channel(moods, asked, channel_id, size),
        await _read_channel(moods, asked, other_id, size),
    )


async def read_server(moods: MoodRepository, asked: Asked, channels: Sequence[int]) -> Reading:
    """These channels of a server together, beside their own past. Raises DatabaseUnavailable."""
    size = size_for(asked.end_hour - asked.first_hour)
    bounds = edges(asked.first_hour, asked.end_hour, size, asked.zone)
    mood = await moods.guild_mood(asked.guild_id, bounds[0], asked.end_hour - 1, channels)
    past = await moods.guild_mood(asked.guild_id, bounds[0] - WEEKS * 7 * 24, bounds[0] - 1, channels)
    unread = await moods.unread(asked.guild_id, bounds[0], asked.end_hour - 1, channels)
    return Reading(timeline(mood, size, bounds, until=asked.now), mood.hours, past.hours, unread.share)


async def _read_channel(moods: MoodRepository, asked: Asked, channel_id: int, size: Size) -> Reading:
    bounds = edges(asked.first_hour, asked.end_hour, size, asked.zone)
    mood: Mood = await moods.mood(asked.guild_id, channel_id, bounds[0], asked.end_hour - 1)
    quiet: tuple[HourMood, ...] = ()
    if size in (Size.DAY, Size.WEEK):
        quiet = await moods.quiet_days(asked.guild_id, channel_id, bounds[0], asked.end_hour)
    return Reading(timeline(mood, size, bounds, quiet, asked.now), mood.hours)


def _messages(reading: Reading) -> int:
    total = reading.timeline.total
    return total.messages if total is not None else 0


def _usual(told: Timeline, hours: Sequence[HourMood], baseline: Baseline) -> tuple[float | None, ...]:
    usual: list[float | None] = []
    for bucket in told.buckets:
        inside = [hour for hour in hours if bucket.start <= hour.hour < bucket.end]
        usual.append(baseline.expected(inside) if inside else None)
    return tuple(usual)
