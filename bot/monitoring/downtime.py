"""Times in which the bot saw nothing become gaps, so that a chart shows them as such and not as quiet hours."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from math import ceil

from bot.domain.records import Gap
from bot.storage.errors import DatabaseUnavailable
from bot.storage.mood_repository import MoodRepository

_log = logging.getLogger(__name__)

SHORTEST_DOWNTIME = 120.0
"""Seconds. The last sign of life may be a minute old while the bot runs, and a restart takes seconds."""

PORTION = 3600.0
"""Seconds after which a part of an absence is written, in case the process dies before it is over."""

_MOST_UNWRITTEN = 1000

EVERYWHERE: tuple[None] = (None,)
"""The servers of an absence that concerns all of them."""


def outage_of(guild_id: int) -> object:
    """The key of an absence of one server."""
    return "server", guild_id


class Downtime:
    """What is away, since when; each absence under a key of its own, such as a shard's number."""

    def __init__(self, moods: MoodRepository, clock: Callable[[], float] = time.time) -> None:
        self._moods = moods
        self._clock = clock
        self._since: dict[object, float] = {}
        self._guilds: dict[object, Callable[[], Iterable[int | None]]] = {}
        self._shortest: dict[object, float] = {}
        self._unwritten: list[Gap] = []

    async def started(self, last_alive: int | None) -> None:
        """The bot sees events again after it did not run; `last_alive` as of `Storage.last_alive`."""
        now = self._clock()
        if last_alive is not None and now - last_alive >= SHORTEST_DOWNTIME:
            await self._add(EVERYWHERE, last_alive, now)

    def away(
        self,
        key: object,
        guilds: Callable[[], Iterable[int | None]] = lambda: EVERYWHERE,
        *,
        shortest: float = 0.0,
    ) -> None:
        """From now on nothing is seen of these servers, unless that has been so for a while already.

        What lasts less than `shortest` seconds is no gap.
        """
        self._since.setdefault(key, self._clock())
        self._guilds[key] = guilds
        self._shortest[key] = shortest

    def caught_up(self, key: object) -> None:
        """What was missed has been delivered after all: a session was resumed."""
        self._since.pop(key, None)

    async def over(self, key: object) -> None:
        """Events are seen again, and those of the meantime are lost."""
        since = self._since.pop(key, None)
        if since is not None and self._clock() - since >= self._shortest[key]:
            await self._add(self._guilds[key](), since, self._clock())

    async def note(self, now: float) -> None:
        """Writes what could not be written, and parts of a downtime that lasts. A job."""
        for key, since in tuple(self._since.items()):
            if now - since >= PORTION:
                self._since[key] = now
                self._keep(self._guilds[key](), since, now)
        await self._write()

    async def close(self) -> None:
        """Ends every absence now: the bot stops, and the next start begins with a gap of its own."""
        for key in tuple(self._since):
            await self.over(key)

    async def _add(self, guilds: Iterable[int | None], start: float, end: float) -> None:
        self._keep(guilds, start, end)
        try:
            await self._write()
        except DatabaseUnavailable:
            _log.warning("%d gaps could not be written yet", len(self._unwritten))

    def _keep(self, guilds: Iterable[int | None], start: float, end: float) -> None:
        self._unwritten += [Gap(guild, int(start), ceil(end)) for guild in guilds]
        del self._unwritten[:-_MOST_UNWRITTEN]

    async def _write(self) -> None:
        while self._unwritten:
            gap = self._unwritten.pop(0)
            try:
                await self._moods.add_gap(gap)
            except BaseException:
                self._unwritten.insert(0, gap)
                raise
