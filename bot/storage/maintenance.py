"""What is done at the start, and then once an hour or once a day."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from math import inf

from bot.domain.snowflake import SECONDS
from bot.storage.open_storage import Storage
from bot.storage.retention import purge

_log = logging.getLogger(__name__)

DAY = 86_400.0


class Daily:
    """A job of the upkeep that does its work at the first tick and then daily; when it fails, at the next tick."""

    def __init__(self, work: Callable[[float], Awaitable[None]]) -> None:
        self._work = work
        self._done = -inf

    async def __call__(self, now: float) -> None:
        """`now` is in seconds since the Unix epoch; a clock that was put back does not put the work off."""
        if 0 <= now - self._done < DAY:
            return
        await self._work(now)
        self._done = now


class Hourly:
    """A job that does its work at the first tick of each hour of the clock; when it fails, at the next tick."""

    def __init__(self, work: Callable[[float], Awaitable[None]]) -> None:
        self._work = work
        self._hour: int | None = None

    async def __call__(self, now: float) -> None:
        """`now` is in seconds since the Unix epoch."""
        hour = int(now // SECONDS)
        if hour != self._hour:
            await self._work(now)
            self._hour = hour


async def purge_what_is_old(mood: Storage, days: int, now: float) -> None:
    """Removes what would soon be older than it may be."""
    purged = await purge(mood.database, days, now)
    if purged.messages:
        _log.info("purged the scores of %d messages of %d days ago", purged.messages, days)


async def carry_over(mood: Storage, _now: float) -> None:
    """Keeps opt-outs readable under today's key."""
    await mood.opt_outs.carry_over()
