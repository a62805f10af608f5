"""A reaction on strongly positive and strongly negative messages, where admins have switched that on."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

import discord

from bot.domain.records import GuildSettings
from bot.monitoring.admin_notifier import AdminNotifier
from bot.refusal_backoff import Purpose, RefusalBackoff
from model import Sentiment, Verdict

_log = logging.getLogger(__name__)

SPACING = 0.25
"""Seconds between two reactions in a channel, which is what Discord allows."""

WAITING = 5
"""Reactions that may wait in a channel: in a busy one the newest messages are tagged, for those are looked at."""

_UNKNOWN_MESSAGE, _UNKNOWN_EMOJI = 10008, 10014
_BLOCKED, _TOO_MANY_REACTIONS = 90001, 30010
_NORMAL_LIFE = {_UNKNOWN_MESSAGE, _BLOCKED, _TOO_MANY_REACTIONS}
"""The message is gone, its author has blocked the bot, or it has 20 different reactions: nothing is wrong here."""

_Lane = deque[tuple[discord.Message, str, int]]


def tag_for(verdict: Verdict, settings: GuildSettings) -> str | None:
    """The reaction that a message gets; None for a neutral one, or when the model is not sure enough.

    None as well where somebody may be in danger: such a text is not rated.
    """
    if verdict.danger or verdict.sentiment is Sentiment.NEUTRAL:
        return None
    if round(verdict.confidence * 1000) < settings.reaction_floor:
        return None
    positive = verdict.sentiment is Sentiment.POSITIVE
    return settings.positive_reaction if positive else settings.negative_reaction


class Reactions:
    """Reacts in every channel at its own pace. A channel takes up room only while something waits in it."""

    def __init__(
        self, backoff: RefusalBackoff, admins: AdminNotifier, pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self.tagged = 0
        self.dropped = 0
        self._backoff = backoff
        self._admins = admins
        self._pause = pause
        self._lanes: dict[int, _Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def offer(self, message: discord.Message, emoji: str, refusing: int) -> None:
        """Lines up a reaction; the channel's oldest makes room when too many wait.

        `refusing` is the channel whose permissions decide: for a message in a thread, the one the thread is in.
        """
        if not self._backoff.is_open(refusing, Purpose.TAG):
            return
        lane = self._lanes.get(message.channel.id)
        if lane is None:
            lane = self._lanes[message.channel.id] = deque(maxlen=WAITING)
            task = asyncio.get_running_loop().create_task(self._work_off(message.channel.id, lane), name="tagging")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self.dropped += len(lane) == WAITING
        lane.append((message, emoji, refusing))

    async def close(self) -> None:
        """Gives up what waits."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _work_off(self, channel_id: int, lane: _Lane) -> None:
        """Ends when nothing waits any more; the pause after the last reaction keeps the next one at its distance."""
        try:
            while lane:
                message, emoji, refusing = lane.popleft()
                if self._backoff.is_open(refusing, Purpose.TAG):
                    await self._react(message, emoji, refusing)
                await self._pause(SPACING)
        finally:
            del self._lanes[channel_id]

    async def _react(self, message: discord.Message, emoji: str, refusing: int) -> None:
        try:
            await message.add_reaction(emoji)
        except discord.HTTPException as error:
            if error.code in _NORMAL_LIFE:
                return
            if error.status in {403, 404} or error.code == _UNKNOWN_EMOJI:
                await self._refused(message, refusing, error)
            else:
                _log.info("a reaction failed in channel %d (%s)", refusing, error.status)
        except Exception as error:  # a network that breaks, say: the other reactions still wait
            _log.info("a reaction failed in channel %d (%s)", refusing, type(error).__name__)
        else:
            self.tagged += 1
            self._backoff.worked(refusing, Purpose.TAG)

    async def _refused(self, message: discord.Message, refusing: int, error: discord.HTTPException) -> None:
        first = self._backoff.refused(refusing, Purpose.TAG)
        _log.info("reactions are refused in channel %d (%s)", refusing, error.code)
        if not first or message.guild is None:
            return
        why = "my emoji is gone; choose another with `/monitor settings`"
        if error.code != _UNKNOWN_EMOJI:
            why = "`/monitor doctor` says what to click"
        await self._admins.tell(
            message.guild, f"I may not tag messages in <#{refusing}>, so I stop that for now: {why}."
        )
