"""Reads some hours of a channel and its threads from the history, page by page, back from their end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import discord

from bot.domain.snowflake import first_id_of, hour_of
from bot.monitoring.backfill.members import Members
from bot.monitoring.backfill.pace import Pace
from bot.monitoring.backfill.places import HistoryPlace, can_read
from bot.monitoring.backfill.reading import HistoryReading, Read
from bot.storage.backfill_repository import Held, Window

PAGE = 100
"""Messages that Discord gives at once, at most."""

AT_ONCE = 20
"""Messages that wait for the model together."""


class NoHistory(Exception):
    """The channel or one of its threads can't be read any more."""


class WindowReader:
    """What is read so far is in `found`; `step` goes on, one page at a time.

    A page counts as read when all of it is: one that is broken off is asked for again.
    """

    def __init__(
        self,
        window: Window,
        places: Sequence[HistoryPlace],
        held: Held,
        *,
        reading: HistoryReading,
        members: Members,
        pace: Pace,
    ) -> None:
        self.window = window
        self.found: dict[int, Read] = {}
        self._first, self._end = first_id_of(window.start), first_id_of(window.end)
        self._held = held
        self._reading = reading
        self._members = members
        self._pace = pace
        self._left = [place for place in places if place.older is None or place.older >= self._first]
        self._before = self._end

    @property
    def is_done(self) -> bool:
        """Whether everything is read."""
        return not self._left

    async def step(self, *, exact_roles: bool) -> None:
        """Reads the next page. Raises NoHistory, NotNow and what a request raises."""
        place = self._left[0]
        if not can_read(place.channel):
            raise NoHistory
        page = await self._pace.all(place.channel.history(limit=PAGE, before=discord.Object(self._before)))
        if not page and not can_read(place.channel):
            raise NoHistory  # Discord gives nothing to whom it does not let read
        inside = [message for message in page if message.id >= self._first]
        found = await self._read(inside, exact_roles=exact_roles)
        self.found.update((one.scored.message_id, one) for one in found)
        older = [message.id for message in page if message.id < self._first]
        if older or len(page) < PAGE:
            place.older = max(older, default=0)
            self._left.pop(0)
            self._before = self._end
        else:
            self._before = page[-1].id

    async def _read(self, page: Sequence[discord.Message], *, exact_roles: bool) -> list[Read]:
        wanted = [message for message in page if self._is_new(message.id) and self._reading.wants(message)]
        found: list[Read] = []
        for start in range(0, len(wanted), AT_ONCE):
            some = wanted[start : start + AT_ONCE]
            roles = [await self._roles(message, exact=exact_roles) for message in some]
            tasks = [self._reading.read(message, theirs) for message, theirs in zip(some, roles, strict=True)]
            done = await asyncio.gather(*tasks, return_exceptions=True)
            for one in done:
                if isinstance(one, BaseException):
                    raise one
                if one is not None:
                    found.append(one)
        return found

    def _is_new(self, message_id: int) -> bool:
        return message_id not in self._held.messages and hour_of(message_id) not in self._held.decided

    async def _roles(self, message: discord.Message, *, exact: bool) -> frozenset[int] | None:
        assert message.guild is not None, "watched channels are in servers"
        return await self._members.roles(message.guild, message.author.id, exact=exact)
