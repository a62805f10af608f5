"""Takes tags back: when what a message said is gone, or its author wants nothing kept of it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from math import inf

import discord

from bot.connection import Connection
from bot.domain.records import Tag
from bot.link.failures import REQUEST_FAILURES, is_refusal, kind_of_failure
from bot.refusal_backoff import LATER
from bot.storage.errors import DatabaseUnavailable
from bot.storage.tag_repository import TagRepository

_log = logging.getLogger(__name__)

TAGS_SECONDS = 15.0
"""How often the job looks for tags that are to go."""

SPACING = 0.25
"""Seconds between two of them, which is what Discord allows in a channel."""

PORTION = 40
"""Tags that one run takes back, so that it is over before the next."""

ARCHIVED_SECONDS = 3600.0
"""After which a tag in an archived thread, where nothing can be changed, is tried again."""

_ARCHIVED = 50083

_MOST_UNWRITTEN = 10_000


class TagRemoval:
    """Knows which tags are to go, over restarts, and has them go one after the other."""

    def __init__(
        self,
        tags: TagRepository,
        connection: Connection,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tags = tags
        self._connection = connection
        self._pause = pause
        self._clock = clock
        self._unwritten: dict[int, str | None] = {}
        self._not_before: dict[tuple[int, str], float] = {}
        self._failures = 0
        self._paused = -inf
        self._running = asyncio.Lock()

    async def release(self, message_id: int, but: str | None = None) -> bool:
        """The tags of a message are to go, except this emoji; whether that one is there. Raises nothing.

        While the database is away it is remembered, and said to be there: what cannot be noted is not tagged.
        """
        try:
            there = [tag.emoji for tag in await self._tags.of(message_id) if tag.author is not None]
            if any(emoji != but for emoji in there):
                await self._tags.release(message_id, but=but)
        except DatabaseUnavailable:
            if len(self._unwritten) < _MOST_UNWRITTEN:
                self._unwritten[message_id] = but
            return True
        self._unwritten.pop(message_id, None)
        return but in there

    async def run_now(self) -> None:
        """The same, besides the job; what it cannot do is left to that. Raises nothing."""
        with suppress(DatabaseUnavailable):
            await self.run(0.0)

    async def run(self, _now: float) -> None:
        """Takes back what is to go, unless that is under way. A job; raises DatabaseUnavailable."""
        if not self._running.locked():
            async with self._running:
                await self._run()

    async def _run(self) -> None:
        for message_id, but in tuple(self._unwritten.items()):
            await self.release(message_id, but)
        clock = self._clock
        if not self._connection.is_ready() or clock() < self._paused:
            return
        due = await self._tags.due(PORTION + len(self._not_before))
        self._not_before = {(tag.message_id, tag.emoji): self._waits(tag) for tag in due if self._waits(tag) > clock()}
        for tag in [tag for tag in due if self._waits(tag) <= clock()][:PORTION]:
            try:
                await self._take_back(tag)
            except REQUEST_FAILURES as error:
                if not is_refusal(error):
                    _log.info("a tag could not be taken back yet (%s)", kind_of_failure(error))
                    self._paused = clock() + LATER[min(self._failures, len(LATER) - 1)]
                    self._failures += 1
                    return
                if isinstance(error, discord.HTTPException) and error.code == _ARCHIVED:
                    self._not_before[tag.message_id, tag.emoji] = clock() + ARCHIVED_SECONDS
                    continue
                # The message, its channel or the emoji is gone, or the bot may not look at it any more.
            self._failures = 0
            await self._tags.remove_released(tag.message_id, tag.emoji)
            await self._pause(SPACING)

    def _waits(self, tag: Tag) -> float:
        return self._not_before.get((tag.message_id, tag.emoji), -inf)

    async def _take_back(self, tag: Tag) -> None:
        me = self._connection.user
        assert me is not None, "it is ready"
        place = tag.thread_id if tag.thread_id is not None else tag.channel_id
        channel = self._connection.get_partial_messageable(place, guild_id=tag.guild_id)
        await channel.get_partial_message(tag.message_id).remove_reaction(tag.emoji, discord.Object(me.id))
