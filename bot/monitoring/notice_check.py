"""Whether a notice still stands, asked of Discord: it may have been deleted while the bot saw nothing."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from enum import Enum, auto

import discord

from bot.connection import Connection
from bot.domain.notice import Notice
from bot.link.failures import REQUEST_FAILURES, is_refusal, kind_of_failure

_log = logging.getLogger(__name__)

AT_ONCE = 3
"""Notices that are asked for at the same time."""

SPACING = 0.05
"""Seconds between two such requests: at most 20 of the 50 requests that Discord allows in a second."""

LONGEST_SECONDS = 10.0
"""How long one request may take."""

LOOKED_AT = 50
"""Messages around the time of a notice in which one is looked for of which only the time is known."""

_UNKNOWN_CHANNEL, _UNKNOWN_MESSAGE = 10003, 10008


class Found(Enum):
    """What Discord says of a notice."""

    STANDS = auto()
    GONE = auto()
    HIDDEN = auto()
    """The bot may not look: the notice counts as it did, and asking again would change nothing."""
    UNKNOWN = auto()
    """Discord did not answer: the notice counts as it did, and is asked for again."""


class NoticeCheck:
    """Asks for notices at a pace that leaves Discord's limits alone.

    `begins` is how a notice's text begins, and `text` what it says today: one that stands and says something else, such
    as how long was kept before the operator changed that, is edited.
    """

    def __init__(self, connection: Connection, begins: str, text: str) -> None:
        self._connection = connection
        self._begins = begins
        self._text = text
        self._places = asyncio.Semaphore(AT_ONCE)
        self._next = 0.0

    async def ask(self, notice: Notice) -> tuple[Found, int | None]:
        """Whether a notice stands, and the message that it is, if that is known. Raises nothing of Discord's."""
        async with self._places:
            await self._pace()
            try:
                async with asyncio.timeout(LONGEST_SECONDS):
                    if notice.message_id is None:
                        return await self._search(notice)
                    message = await self._channel_of(notice).fetch_message(notice.message_id)
            except REQUEST_FAILURES as error:
                _log.info("the notice of channel %d was not found (%s)", notice.channel_id, kind_of_failure(error))
                return _meaning(error), notice.message_id
        await self._renew(message)
        return Found.STANDS, notice.message_id

    async def _renew(self, message: discord.Message) -> None:
        """Has a notice say what is so today. Where that fails it is tried again when it is asked for the next time."""
        me = self._connection.user
        if me is None or message.author.id != me.id or message.content == self._text:
            return
        if not message.content.startswith(self._begins):
            return
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                await message.edit(content=self._text)
        except REQUEST_FAILURES as error:
            _log.info("the notice of channel %d stays as it was (%s)", message.channel.id, kind_of_failure(error))

    async def _pace(self) -> None:
        clock = asyncio.get_running_loop().time
        wait, self._next = self._next - clock(), max(self._next, clock()) + SPACING
        if wait > 0:
            await asyncio.sleep(wait)

    def _channel_of(self, notice: Notice) -> discord.PartialMessageable:
        """Where the message stands: a forum's notice is the first message of its post, and has the post's id."""
        guild = self._connection.get_guild(notice.guild_id)
        channel = guild.get_channel_or_thread(notice.channel_id) if guild is not None else None
        inside = isinstance(channel, discord.ForumChannel) and notice.message_id is not None
        number = notice.message_id if inside else notice.channel_id
        assert number is not None
        return self._connection.get_partial_messageable(number, guild_id=notice.guild_id)

    async def _search(self, notice: Notice) -> tuple[Found, int | None]:
        """Looks for a notice of before notices' messages were noted. A forum's is not found, and counts as it did."""
        guild, me = self._connection.get_guild(notice.guild_id), self._connection.user
        channel = guild.get_channel_or_thread(notice.channel_id) if guild is not None else None
        if guild is None or me is None or channel is None or notice.posted is None:
            return Found.HIDDEN, None
        if isinstance(channel, discord.ForumChannel) or not channel.permissions_for(guild.me).read_message_history:
            return Found.HIDDEN, None  # Discord would not refuse, but answer that there are no messages
        moment = discord.Object(discord.utils.time_snowflake(datetime.fromtimestamp(notice.posted, UTC)))
        messages = self._connection.get_partial_messageable(notice.channel_id, guild_id=notice.guild_id)
        async for message in messages.history(limit=LOOKED_AT, around=moment):
            if message.author.id == me.id and message.content.startswith(self._begins):
                await self._renew(message)
                return Found.STANDS, message.id
        return Found.GONE, None


def _meaning(error: BaseException) -> Found:
    if isinstance(error, discord.NotFound) and error.code in {_UNKNOWN_CHANNEL, _UNKNOWN_MESSAGE}:
        return Found.GONE
    return Found.HIDDEN if is_refusal(error) else Found.UNKNOWN
