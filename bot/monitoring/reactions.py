"""A reaction on strongly positive and strongly negative messages, where admins have switched that on."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Container, Sequence
from dataclasses import dataclass, replace
from functools import partial

import discord
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.records import GuildSettings, Tag
from bot.domain.rules import Place
from bot.i18n import gettext
from bot.i18n.formats import listed
from bot.link.failures import REQUEST_FAILURES, is_refusal, kind_of_failure
from bot.monitoring.admin_notifier import AdminNotifier
from bot.monitoring.tag_removal import TagRemoval
from bot.permissions import HISTORY, REACT, Need
from bot.refusal_backoff import Purpose, RefusalBackoff
from bot.storage.errors import DatabaseUnavailable
from bot.storage.pseudonyms import in_server
from bot.storage.tag_repository import TagRepository, release_tags
from model import Sentiment, Verdict

_log = logging.getLogger(__name__)

SPACING = 0.25
"""Seconds between two reactions in a channel, which is what Discord allows."""

WAITING = 5
"""Reactions that may wait in a channel: in a busy one the newest messages are tagged, for those are looked at."""

_UNKNOWN_MESSAGE, _UNKNOWN_EMOJI = 10008, 10014
_BLOCKED, _TOO_MANY_REACTIONS, _ARCHIVED = 90001, 30010, 50083
_NORMAL_LIFE = {_UNKNOWN_MESSAGE, _BLOCKED, _TOO_MANY_REACTIONS, _ARCHIVED}
"""The message is gone, its author has blocked the bot, it has 20 different reactions, or its thread is archived by now:
nothing is wrong here."""


@dataclass(slots=True, eq=False)
class _Wanted:
    """A tag that is to be given; `cancelled` once it must not, or must go again if it was given just now."""

    message: discord.Message
    tag: Tag
    cancelled: bool = False


_Lane = deque[_Wanted]


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
    """Reacts in every channel at its own pace. A channel takes up room only while something waits in it.

    Each tag is noted before it is given: what could not be noted could not be taken back. `opted_out` are the hashes of
    those whose messages get none.
    """

    def __init__(
        self,
        backoff: RefusalBackoff,
        admins: AdminNotifier,
        tags: TagRepository,
        removal: TagRemoval,
        *,
        opted_out: Container[bytes] = (),
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.tagged = 0
        self.dropped = 0
        self._backoff = backoff
        self._admins = admins
        self._tags = tags
        self._removal = removal
        self._opted_out = opted_out
        self._pause = pause
        self._lanes: dict[int, _Lane] = {}
        self._at_work: set[_Wanted] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def offer(self, message: discord.Message, place: Place, author: bytes, emoji: str) -> None:
        """Lines up a reaction on a message of the person with this hash; the oldest makes room when too many wait."""
        if not self._backoff.is_open(message.channel.id, Purpose.TAG):
            return
        lane = self._lanes.get(message.channel.id)
        if lane is None:
            lane = self._lanes[message.channel.id] = deque(maxlen=WAITING)
            task = asyncio.get_running_loop().create_task(self._work_off(message.channel.id, lane), name="tagging")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self.dropped += len(lane) == WAITING
        lane.append(_Wanted(message, Tag(message.id, emoji, place.guild_id, place.channel_id, place.thread_id, author)))

    async def settle(self, message: discord.Message, place: Place, author: bytes, emoji: str | None) -> None:
        """A message says something else now: another tag that it has goes, and it gets this one."""
        waiting = [one for one in self._waiting() if one.tag.message_id == message.id and not one.cancelled]
        for one in waiting:
            one.cancelled = one.tag.emoji != emoji
        there = await self._removal.release(message.id, but=emoji)
        if emoji is not None and not there and all(one.cancelled for one in waiting):
            self.offer(message, place, author, emoji)

    async def text_gone(self, message_id: int) -> None:
        """What a message said is gone, and so are its tags."""
        for one in self._waiting():
            one.cancelled |= one.tag.message_id == message_id
        await self._removal.release(message_id)

    async def erase(self, connection: AsyncConnection, authors: Sequence[bytes]) -> int:
        """The tags on a person's messages are to go, those that are just being given as well. An `Eraser`."""
        for one in self._waiting():
            one.cancelled |= one.tag.author in authors
        return await release_tags(connection, authors)

    def take_back_soon(self) -> None:
        """Begins to take back what is to go, without waiting for the job."""
        task = asyncio.get_running_loop().create_task(self._removal.run_now(), name="taking tags back")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Gives up what waits."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _waiting(self) -> list[_Wanted]:
        return [*(one for lane in self._lanes.values() for one in lane), *self._at_work]

    async def _work_off(self, channel_id: int, lane: _Lane) -> None:
        """Ends when nothing waits any more; the pause after the last reaction keeps the next one at its distance."""
        try:
            while lane:
                one = lane.popleft()
                if self._backoff.is_open(channel_id, Purpose.TAG):
                    self._at_work.add(one)
                    try:
                        await self._give(one, channel_id)
                    finally:
                        self._at_work.discard(one)
                await self._pause(SPACING)
        finally:
            del self._lanes[channel_id]

    def _is_out(self, tag: Tag) -> bool:
        author = tag.author
        return author is not None and (author in self._opted_out or in_server(author, tag.guild_id) in self._opted_out)

    async def _give(self, one: _Wanted, channel_id: int) -> None:
        """Notes a tag and gives it; what went wrong is logged, and the other reactions still wait."""
        if one.cancelled or self._is_out(one.tag):
            return
        try:
            if not await self._tags.add(one.tag):
                return
            if one.cancelled or not await self._react(one, channel_id):
                await self._tags.remove(one.tag.message_id, one.tag.emoji)
            elif one.cancelled:
                await self._tags.add(replace(one.tag, author=None))
        except DatabaseUnavailable:
            _log.info("a message of channel %d was not tagged, for that could not be noted", channel_id)
            if one.cancelled:
                await self._removal.release(one.tag.message_id)

    async def _react(self, one: _Wanted, channel_id: int) -> bool:
        """Reacts; False when it is certain that there is no reaction."""
        try:
            await one.message.add_reaction(one.tag.emoji)
        except REQUEST_FAILURES as error:
            if isinstance(error, discord.HTTPException) and error.code in _NORMAL_LIFE:
                return False
            if is_refusal(error):
                self._refused(one, channel_id, error)
                return False
            _log.info("a reaction failed in channel %d (%s)", channel_id, kind_of_failure(error))
            self._backoff.failed(channel_id, Purpose.TAG)
            return True
        self.tagged += 1
        self._backoff.worked(channel_id, Purpose.TAG)
        return True

    def _refused(self, one: _Wanted, channel_id: int, error: BaseException) -> None:
        first = self._backoff.refused(channel_id, Purpose.TAG)
        _log.info("reactions are refused in channel %d (%s)", channel_id, kind_of_failure(error))
        guild = one.message.guild
        if not first or guild is None:
            return
        place, emoji = f"<#{channel_id}>", one.tag.emoji
        lacking = [need for need in (REACT, HISTORY) if not getattr(guild.me.guild_permissions, need.flag)]
        if isinstance(error, discord.HTTPException) and error.code == _UNKNOWN_EMOJI:
            self._admins.report(guild, f"emoji {emoji}", place, partial(_emoji_is_gone, emoji), once=True)
        elif lacking:
            self._admins.report(guild, "tag permissions", place, partial(_role_lacks, lacking), once=True)
        else:
            self._admins.report(guild, "tags refused", place, _places_refuse)


def _emoji_is_gone(emoji: str, places: str) -> str:
    return gettext(
        "My emoji {emoji} is gone or I can't use it, so I've stopped tagging with it; I noticed in {places}. Pick "
        "another with `/monitor settings`.",
        emoji=emoji,
        places=places,
    )


def _role_lacks(lacking: Sequence[Need], places: str) -> str:
    return gettext(
        "My role in this server is missing {permissions}, so I've stopped tagging messages; I noticed in {places}. "
        "Allow it in **Server Settings** → **Roles**, then use `/monitor doctor` and I'll try again.",
        permissions=listed([f"**{gettext(need.name)}**" for need in lacking]),
        places=places,
    )


def _places_refuse(places: str) -> str:
    return gettext(
        "I'm not allowed to tag messages in {places}, so I've stopped. `/monitor doctor` says what to click.",
        places=places,
    )
