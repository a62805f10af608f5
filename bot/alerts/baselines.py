"""What is usual for channels: learned once a day for each, at a time that depends on its server, and for a while."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from bot.analytics.backtest import HELD_BACK
from bot.analytics.baseline import AT_ONCE, WEEKS, Baseline, learn
from bot.charts.executor import ChartExecutor, TooBusy
from bot.domain.records import GuildSettings, HourMood
from bot.domain.snowflake import SECONDS
from bot.domain.spread import next_turn
from bot.storage.chunks import chunks
from bot.storage.mood_repository import MoodRepository

Place = tuple[int, int]
"""Server and channel."""

DAY = 24 * SECONDS

LEARNING_SECONDS = 30.0
"""How long one tick learns, after a start or at a busy hour: what is left comes at the next."""


@dataclass(frozen=True, slots=True)
class _Learned:
    """A baseline, for which time zone it was learned, and until when it is that of the day."""

    until: float
    zone: str
    baseline: Baseline | None


class Baselines:
    """Those of the channels that were judged within a day; no others are kept."""

    def __init__(self, moods: MoodRepository, learning: ChartExecutor) -> None:
        self._moods = moods
        self._learning = learning
        self._learned: dict[Place, _Learned] = {}

    def __len__(self) -> int:
        return len(self._learned)

    def usual(self, place: Place, zone: str) -> Baseline | None:
        """What is known to be usual in a channel; None: nothing, or nothing yet."""
        known = self._learned.get(place)
        return known.baseline if known is not None and known.zone == zone else None

    async def learn(self, places: Sequence[Place], settings: Mapping[int, GuildSettings], now: float) -> None:
        """Learns what is due of these channels, the first of them first, as long as there is time.

        One that is still due keeps what it had. All others are forgotten when their day is over.
        """
        due = [place for place in places if self._is_due(place, settings[place[0]].timezone, now)]
        until = time.monotonic() + LEARNING_SECONDS
        with suppress(TooBusy):
            for some in chunks(due, AT_ONCE):
                await self._learn(some, settings, now)
                if time.monotonic() >= until:
                    break
        self._forget(set(places), now)

    def _is_due(self, place: Place, zone: str, now: float) -> bool:
        known = self._learned.get(place)
        # Not after a day either: the clock may have been put back.
        return known is None or known.zone != zone or not now < known.until <= now + DAY

    async def _learn(self, places: Collection[Place], settings: Mapping[int, GuildSettings], now: float) -> None:
        last = int(now // SECONDS) - HELD_BACK
        pasts = await self._moods.pasts([channel for _, channel in places], last - WEEKS * 7 * 24, last - 1)
        asked = [(pasts[channel], settings[guild].zone) for guild, channel in places]
        learned = await self._learning.run(lambda: _learn_all(asked))
        for place, baseline in zip(places, learned, strict=True):
            guild_id = place[0]
            self._learned[place] = _Learned(next_turn(guild_id, now, DAY), settings[guild_id].timezone, baseline)

    def _forget(self, judged: Collection[Place], now: float) -> None:
        over = [place for place, known in self._learned.items() if known.until <= now and place not in judged]
        for place in over:
            del self._learned[place]


def _learn_all(asked: Sequence[tuple[Sequence[HourMood], ZoneInfo]]) -> list[Baseline | None]:
    return [learn(past, zone) for past, zone in asked]
