"""Publication: when an hour is told. Everything that anybody is told of a mood was written by it, once.

An hour is told when it is over, and a little later; one that ended while the bot was off when it is back. Whoever still
fills hours, as by reading what was written meanwhile, holds it back until that is done.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Hashable

from sqlalchemy import false, select

from bot.domain.disclosure import Randomness, told_before
from bot.storage.chunks import CHUNK
from bot.storage.database import Database
from bot.storage.quiet_days import guilds_with_hidden_hours, tell_days
from bot.storage.schema import HourRow
from bot.storage.told_hours import tell_anew, tell_hours

_log = logging.getLogger(__name__)

HELD_SECONDS = 600.0
"""How long publication can be held back at most, by whomever: a mistake must not keep everything untold for ever."""

_PORTIONS = 20
"""Portions of hours in one run, each a transaction of its own; what is left comes a minute later."""

_GUILDS = 20
"""Servers of whose days one transaction decides."""


class Publication:
    """Tells hours and days. For one event loop, and safe beside other processes: a decision that is there stays."""

    def __init__(self, database: Database, rng: Randomness | None = None) -> None:
        self._database = database
        self._rng = random.SystemRandom() if rng is None else rng
        self._holders: set[Hashable] = set()
        self._waiting_since: float | None = None
        self._days_until: int | None = None

    @property
    def held(self) -> bool:
        """Whether somebody holds it back."""
        return bool(self._holders)

    def hold(self, holder: Hashable) -> None:
        """Nothing more is told until this holder and every other has released it, or for `HELD_SECONDS`."""
        self._holders.add(holder)

    def release(self, holder: Hashable) -> None:
        """This holder is done; one that did not hold it changes nothing."""
        self._holders.discard(holder)

    async def publish(self, now: float) -> None:
        """Tells what is over at `now`, in seconds since the Unix epoch. A job; raises DatabaseUnavailable.

        Doing it again at once tells nothing more. What is not written yet must have been flushed before.
        """
        if self._holders:
            if self._waiting_since is None or now < self._waiting_since:
                self._waiting_since = now
            if now - self._waiting_since < HELD_SECONDS:
                return
            _log.warning(
                "hours were held back for %.0f s by %d who did not say that they are done",
                HELD_SECONDS,
                len(self._holders),
            )
            self._holders.clear()
        self._waiting_since = None
        before = told_before(now)
        for _ in range(_PORTIONS):
            async with self._database.write() as connection:
                told = await tell_hours(connection, before, self._rng)
            if told < CHUNK:
                break
        else:
            return
        async with self._database.write() as connection:
            await tell_anew(connection, self._rng)
        await self._publish_days(before)

    async def all_told(self, guild_id: int, before: int) -> bool:
        """Whether everything that is stored of a server's hours before that one has been decided of."""
        if self.held:
            return False
        left = select(HourRow.hour).where(HourRow.told == false(), HourRow.hour < before, HourRow.guild_id == guild_id)
        async with self._database.read() as connection:
            return await connection.scalar(left.limit(1)) is None

    async def _publish_days(self, before: int) -> None:
        if self._days_until == before:
            return
        async with self._database.read() as connection:
            guilds = await guilds_with_hidden_hours(connection, before)
        for start in range(0, len(guilds), _GUILDS):
            async with self._database.write() as connection:
                await tell_days(connection, guilds[start : start + _GUILDS], before, self._rng, self._days_until)
        self._days_until = before
