"""Whether a notice still stands, asked of Discord: it may have been deleted while the bot saw nothing."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime
from enum import Enum, auto

import discord

from bot.channels import Watchable, WithMessages
from bot.connection import Connection
from bot.domain.notice import Notice
from bot.domain.snowflake import first_id_at, written_at
from bot.i18n import gettext, speaking
from bot.link.brake import KeptOut
from bot.link.failures import REQUEST_FAILURES, is_refusal, kind_of_failure
from bot.link.spoken import server_language
from bot.monitoring.notice_button import details_view, has_details_button
from bot.monitoring.notice_post import FORUM_TITLE, Posted, is_title
from bot.monitoring.notice_words import notice
from bot.monitoring.rule_cache import RuleCache
from bot.storage.errors import DatabaseUnavailable

_log = logging.getLogger(__name__)

AT_ONCE = 3
"""Notices that are asked for at the same time."""

SPACING = 0.05
"""Seconds between two such requests of all processes: at most 20 of the 50 that Discord allows in a second."""

LONGEST_SECONDS = 10.0
"""How long one request may take."""

LATELY = 900.0
"""Seconds in which a notice may have been posted of which nothing is noted: its process ended before it could."""

MOST_LATELY = 300
"""The messages before that among which such a notice is looked for, the newest first, at most."""

LOOKED_AT = 50
"""Messages around the time of a notice in which one is looked for of which only the time is known."""

_BEGAN = ("**From now on I read the mood", "**Heads-up: I measure the mood here")
"""How notices of earlier versions begin, in English: not all of them have the button by which a notice is known."""

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

    One that stands and says something else than it would say today is edited: it is in another language than what is
    posted there now, or the operator has changed how long is kept. It stays the same message, and is never posted again
    for that.
    """

    def __init__(self, connection: Connection, rules: RuleCache, retention_days: int, processes: int = 1) -> None:
        """`processes` share what Discord takes from one bot."""
        self._connection = connection
        self._rules = rules
        self._retention_days = retention_days
        self._places = asyncio.Semaphore(AT_ONCE)
        self._next = 0.0
        self._spacing = SPACING * processes
        self.kept_out = False
        """Whether the last notice could not be asked for because nothing may be asked of Discord now."""

    async def ask(self, known: Notice) -> tuple[Found, int | None]:
        """Whether a notice stands, and the message that it is, if that is known. Raises nothing of Discord's."""
        if self._is_hidden(known):
            return Found.HIDDEN, known.message_id
        async with self._places:
            await self._pace()
            try:
                async with asyncio.timeout(LONGEST_SECONDS):
                    if known.message_id is None:
                        return await self._search(known)
                    message = await self._channel_of(known).fetch_message(known.message_id)
            except REQUEST_FAILURES as error:
                self.kept_out = isinstance(error, KeptOut)
                _log.info("the notice of channel %d was not found (%s)", known.channel_id, kind_of_failure(error))
                return _meaning(error), known.message_id
        self.kept_out = False
        await self._renew(known, message)
        return Found.STANDS, known.message_id

    async def _renew(self, known: Notice, message: discord.Message) -> None:
        """Has a notice say what is so today. Where that fails it is tried again when it is asked for the next time."""
        if not self._is_notice(message):
            return
        guild = self._connection.get_guild(known.guild_id)
        try:
            settings = await self._rules.settings(known.guild_id)
        except DatabaseUnavailable:
            return
        with speaking(server_language(guild, settings)):
            words, title, view = notice(self._retention_days), gettext(FORUM_TITLE), details_view()
        post = guild.get_thread(message.id) if guild is not None else None
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                if message.content != words:
                    await message.edit(content=words, view=view)
                if post is not None and post.name != title and is_title(post.name):
                    await post.edit(name=title)
        except REQUEST_FAILURES as error:
            _log.info("the notice of channel %d stays as it was (%s)", message.channel.id, kind_of_failure(error))

    async def posted_before(self, channel: Watchable, words: str, began: float) -> Posted | None:
        """A notice with these words that another process had just posted when this one began, and had not noted yet.

        None where there is none, or where the bot is shown no earlier messages. Raises what the library raises.
        """
        me, since = channel.guild.me, began - LATELY
        if written_at(channel.id) > began or not channel.permissions_for(me).read_message_history:
            return None
        if isinstance(channel, discord.ForumChannel):
            for post in channel.threads:
                if post.owner_id == me.id and since <= written_at(post.id) <= began and is_title(post.name):
                    with suppress(discord.NotFound):  # its first message, which is the notice, was deleted
                        if (await post.fetch_message(post.id)).content == words:
                            return Posted(post.id, post.delete)
            return None
        if not isinstance(channel, WithMessages):
            return None
        last, first = discord.Object(first_id_at(began)), first_id_at(since)
        async for message in channel.history(limit=MOST_LATELY, before=last):  # the latest first
            if message.id < first:
                break
            if message.author.id == me.id and message.content == words:
                return Posted(message.id, message.delete)
        return None

    def _is_notice(self, message: discord.Message) -> bool:
        """Whether the bot has posted it, in whatever language, to tell people that they are watched."""
        me = self._connection.user
        ours = me is not None and message.author.id == me.id
        return ours and (has_details_button(message) or message.content.startswith(_BEGAN))

    async def _pace(self) -> None:
        clock = asyncio.get_running_loop().time
        wait, self._next = self._next - clock(), max(self._next, clock()) + self._spacing
        if wait > 0:
            await asyncio.sleep(wait)

    def _is_hidden(self, known: Notice) -> bool:
        """Whether Discord would refuse to show it, as far as is known here: then it need not be asked."""
        guild = self._connection.get_guild(known.guild_id)
        channel = guild.get_channel_or_thread(known.channel_id) if guild is not None else None
        if guild is None or channel is None or known.message_id is None:
            return False
        if isinstance(channel, discord.Thread) and channel.parent is None:
            return False
        return not channel.permissions_for(guild.me).read_message_history

    def _channel_of(self, known: Notice) -> discord.PartialMessageable:
        """Where the message stands: a forum's notice is the first message of its post, and has the post's id."""
        guild = self._connection.get_guild(known.guild_id)
        channel = guild.get_channel_or_thread(known.channel_id) if guild is not None else None
        inside = isinstance(channel, discord.ForumChannel) and known.message_id is not None
        number = known.message_id if inside else known.channel_id
        assert number is not None
        return self._connection.get_partial_messageable(number, guild_id=known.guild_id)

    async def _search(self, known: Notice) -> tuple[Found, int | None]:
        """Looks for a notice of before notices' messages were noted. A forum's is not found, and counts as it did."""
        guild, me = self._connection.get_guild(known.guild_id), self._connection.user
        channel = guild.get_channel_or_thread(known.channel_id) if guild is not None else None
        if guild is None or me is None or channel is None or known.posted is None:
            return Found.HIDDEN, None
        if isinstance(channel, discord.ForumChannel) or not channel.permissions_for(guild.me).read_message_history:
            return Found.HIDDEN, None  # Discord would not refuse, but answer that there are no messages
        moment = discord.Object(discord.utils.time_snowflake(datetime.fromtimestamp(known.posted, UTC)))
        messages = self._connection.get_partial_messageable(known.channel_id, guild_id=known.guild_id)
        async for message in messages.history(limit=LOOKED_AT, around=moment):
            if self._is_notice(message):
                await self._renew(known, message)
                return Found.STANDS, message.id
        return Found.GONE, None


def _meaning(error: BaseException) -> Found:
    if isinstance(error, discord.NotFound) and error.code in {_UNKNOWN_CHANNEL, _UNKNOWN_MESSAGE}:
        return Found.GONE
    return Found.HIDDEN if is_refusal(error) else Found.UNKNOWN
