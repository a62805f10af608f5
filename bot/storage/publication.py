"""Publication: when an hour is told. Everything that anybody is told of a mood was written by it, once.

An hour is told when it is over, and a little later; one that ended while the bot was off when it is back. Whoever still
fills hours, as by reading what was written meanwhile, holds them back until that is done: those of one server, or all.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Collection, Hashable, Sequence

from sqlalchemy import false, select

from bot.domain.disclosure import Randomness, told_before
from bot.storage.chunks import CHUNK
from bot.storage.database import Database
from bot.storage.quiet_days import guilds_with_hidden_hours, tell_days
from bot.storage.schema import HourRow
from bot.storage.told_hours import tell_anew, tell_hours

_log = logging.getLogger(__name__)

HELD_SECONDS, LONGEST_HELD_SECONDS = 600.0, 7200.0
"""How long hours are held back without any progress, and how long in all: a mistake must not keep them for ever."""

_PORTIONS = 20
"""Portions of hours in one run, each a transaction of its own; what is left comes a minute later."""

_GUILDS = 20
"""Servers of whose days one transaction decides."""


class _Held:
    """Who holds the hours of a server, or all, and since when: as `publish` has seen it, by its own clock."""

    def __init__(self) -> None:
        self.holders: set[Hashable] = set()
        self.since: float | None = None
        self.moved = 0.0
        self.progress = False

    def is_over(self, now: float) -> bool:
        """Whether this has lasted for too long."""
        if self.since is None or now < self.since:
            self.since = self.moved = now
        if self.progress or now < self.moved:
            self.moved, self.progress = now, False
        return now - self.moved >= HELD_SECONDS or now - self.since >= LONGEST_HELD_SECONDS


class Publication:
    """Tells hours and days. For one event loop, and safe beside other processes: a decision that is there stays."""

    def __init__(self, database: Database, rng: Randomness | None = None) -> None:
        self._database = database
        self._rng = random.SystemRandom() if rng is None else rng
        self._held: dict[int | None, _Held] = {}
        self._days_until: int | None = None
        self._days_later: set[int] = set()

    @property
    def held(self) -> bool:
        """Whether somebody holds anything back."""
        return any(held.holders for held in self._held.values())

    def hold(self, holder: Hashable, guild_id: int | None = None) -> None:
        """Nothing more is told of a server, or None: of any, until this holder and every other has released it.

        At the latest after `HELD_SECONDS` without `prolong`, and after `LONGEST_HELD_SECONDS`.
        """
        self._held.setdefault(guild_id, _Held()).holders.add(holder)

    def prolong(self, guild_id: int | None = None) -> None:
        """Whoever holds back a server, or None: all, is getting on with it."""
        if guild_id in self._held:
            self._held[guild_id].progress = True

    def release(self, holder: Hashable, guild_id: int | None = None) -> None:
        """This holder is done; one that did not hold it changes nothing."""
        if guild_id in self._held:
            self._held[guild_id].holders.discard(holder)

    async def publish(self, now: float) -> None:
        """Tells what is over at `now`, in seconds since the Unix epoch. A job; raises DatabaseUnavailable.

        Only of the servers of this process: what another still fills is another's to tell.
        Doing it again at once tells nothing more. What is not written yet must have been flushed before.
        """
        self._let_go(now)
        waiting = {guild for guild in self._held if guild is not None}
        if None in self._held:
            return
        before, shards = told_before(now), self._database.shards
        for _ in range(_PORTIONS):
            async with self._database.write(own=True) as connection:
                told = await tell_hours(connection, before, self._rng, but=waiting, shards=shards)
            if told < CHUNK:
                break
        else:
            return
        async with self._database.write(own=True) as connection:
            await tell_anew(connection, self._rng, but=waiting, shards=shards)
        await self._publish_days(before, waiting)

    async def all_told(self, guild_id: int, before: int) -> bool:
        """Whether everything that is stored of a server's hours before that one has been decided of."""
        if any(held.holders for about, held in self._held.items() if about in (None, guild_id)):
            return False
        left = select(HourRow.hour).where(HourRow.told == false(), HourRow.hour < before, HourRow.guild_id == guild_id)
        async with self._database.read() as connection:
            return await connection.scalar(left.limit(1)) is None

    def _let_go(self, now: float) -> None:
        for about, held in tuple(self._held.items()):
            if held.holders and not held.is_over(now):
                continue
            if held.holders:
                whose = "all servers" if about is None else f"server {about}"
                _log.warning("hours of %s were held back by somebody who did not say that it is done", whose)
            del self._held[about]

    async def _publish_days(self, before: int, waiting: Collection[int]) -> None:
        if self._days_until != before:
            async with self._database.read() as connection:
                guilds = await guilds_with_hidden_hours(connection, before, self._database.shards)
            now = [guild for guild in guilds if guild not in waiting and guild not in self._days_later]
            await self._tell_days(now, before, self._days_until)
            self._days_until = before
        self._days_later.update(waiting)
        late = sorted(self._days_later.difference(waiting))
        await self._tell_days(late, before, None)
        self._days_later.difference_update(late)

    async def _tell_days(self, guilds: Sequence[int], before: int, since: int | None) -> None:
        for start in range(0, len(guilds), _GUILDS):
            async with self._database.write(own=True) as connection:
                await tell_days(connection, guilds[start : start + _GUILDS], before, self._rng, since)
