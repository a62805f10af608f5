"""A thread's first message can arrive before Discord has told of the thread: a moment is given to it."""

from __future__ import annotations

import asyncio

import discord

SECONDS = 1.0
"""How long a message waits for its thread to become known."""

MOST_WAITING = 200
"""Messages that wait at once, of all servers; what comes on top is not read, and counted as shed."""


class UnknownThreads:
    """Messages that wait, in the order in which they came: what is done with one later comes after it."""

    def __init__(self) -> None:
        self._appeared: dict[int, asyncio.Event] = {}
        self._waiting: dict[int, int] = {}

    @property
    def full(self) -> bool:
        """Whether no further message can wait."""
        return sum(self._waiting.values()) >= MOST_WAITING

    async def known(self, guild: discord.Guild, channel_id: int) -> discord.abc.MessageableChannel | None:
        """The channel or thread, as soon as the bot knows it; None if it does not within about a second."""
        if guild.get_channel_or_thread(channel_id) is None and not self.full:
            appeared = self._appeared.setdefault(channel_id, asyncio.Event())
            self._waiting[channel_id] = self._waiting.get(channel_id, 0) + 1
            try:
                async with asyncio.timeout(SECONDS):
                    await appeared.wait()
            except TimeoutError:
                pass
            finally:
                self._leave(channel_id)
        found = guild.get_channel_or_thread(channel_id)
        return found if isinstance(found, discord.abc.Messageable) else None

    def appeared(self, channel_id: int) -> None:
        """Discord has told of a thread."""
        if event := self._appeared.get(channel_id):
            event.set()

    def _leave(self, channel_id: int) -> None:
        self._waiting[channel_id] -= 1
        if not self._waiting[channel_id]:
            del self._waiting[channel_id], self._appeared[channel_id]
