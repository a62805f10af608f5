"""The history of a server that an admin has had read: how far that is, and which hours one step of it is about."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from zoneinfo import ZoneInfo

from bot.domain.local_days import day_of
from bot.domain.snowflake import SECONDS

MOST_DAYS = 28
"""As far back as what is usual is learned from, and as opt-outs and deletions are known.

It counts from the moment of reading: a run that was paused does not take its beginning along.
"""

NEWEST_HOURS = 2
"""The last hours are left to what reads live: they may still be judged for an alert."""


class BackfillState(StrEnum):
    """What has become of it. The first two are not over."""

    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    STOPPED = "stopped"

    @property
    def is_over(self) -> bool:
        """Whether nothing more is read."""
        return self in {BackfillState.DONE, BackfillState.STOPPED}


@dataclass(frozen=True, slots=True)
class Backfill:
    """How far a server's history is read; hours are since the Unix epoch.

    The range is from `first_hour` up to, not including, `end_hour`, and is read channel by channel in the order of
    their ids, each from its end back. Of `channel_id` everything from `hour` on is read; None: nothing is yet.
    `messages` were counted, and `left_out` channels could not be read to the end. `changed` is in seconds since the
    Unix epoch.
    """

    guild_id: int
    state: BackfillState
    days: int
    first_hour: int
    end_hour: int
    channel_id: int | None = None
    hour: int = 0
    messages: int = 0
    left_out: int = 0
    changed: int = 0

    def first_hour_at(self, now: float) -> int:
        """The first hour that may be read at that time, in seconds since the Unix epoch."""
        return max(self.first_hour, ceil(now / SECONDS) - MOST_DAYS * 24)

    def next_window(self, channel_id: int, zone: ZoneInfo, now: float) -> tuple[int, int] | None:
        """The hours of a channel that come next: what is left of a local day; None: it is read to the end."""
        end, first = self.hour if channel_id == self.channel_id else self.end_hour, self.first_hour_at(now)
        if end <= first:
            return None
        day, _ = day_of(end - 1, zone)
        return max(min(day, end - 1), first), end
