"""The channel in which a server's moderators read what the bot has to say, and what happens when it cannot be used.

Ten thousand refused requests in ten minutes block a bot's address, so a channel that refuses is left alone: after
three refusals in a row it is tried again after an hour, then after two, and so on up to a day. The server's owner is
told once. What passes by itself, such as an answer of 500 or a connection that breaks, is no refusal: it is tried
again after a minute, then after two, and so on up to a quarter of an hour, for ever. Everybody else's posts go on.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any

import discord

from bot.audience import channel_of
from bot.connection import Connection
from bot.domain.records import GuildSettings
from bot.i18n import gettext, speaking
from bot.link.failures import REQUEST_FAILURES, is_refusal
from bot.link.spoken import server_language
from bot.mod_channel.readers import Readers, look_up
from bot.storage.errors import DatabaseUnavailable

_log = logging.getLogger(__name__)

MOST_REFUSALS = 3
FIRST_PAUSE, LONGEST_PAUSE = 3600.0, 24 * 3600.0
"""Seconds until a channel that has refused `MOST_REFUSALS` times is tried again; doubled at each further refusal."""

LATER, LONGEST_LATER = 60.0, 900.0
"""Seconds until a post is tried again that something in passing has kept back; doubled each time."""

_LOOKED_AT = 50
"""Messages in which an earlier post is looked for."""


class NotPosted(Exception):
    """Nothing was posted: the channel refused, or is left alone because it did."""


class Unreadable(Exception):
    """Discord shows the bot no earlier messages of the channel."""


@dataclass(slots=True)
class _Trouble:
    """What a channel has refused in a row, or what has gone wrong there in passing, and until when it is left alone."""

    refusals: int = 0
    failures: int = 0
    pause: float = 0.0
    until: float = 0.0
    told: bool = False


class ModChannels:
    """Posts to servers' mod channels. For one event loop; times are seconds since the Unix epoch.

    `settings` tells what a server has chosen, for the language of what its owner is told.
    """

    def __init__(
        self, connection: Connection, settings: Callable[[int], Awaitable[GuildSettings]] | None = None
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._trouble: dict[int, _Trouble] = {}
        self.readers = Readers()

    async def post(self, guild_id: int, channel_id: int, now: float, *, insist: bool = False, **message: Any) -> int:
        """Sends what `discord.abc.Messageable.send` takes, and returns the message's id.

        Whoever waits by themselves between tries may `insist`: only a refusal keeps them from trying.
        Raises NotPosted when it is certain that nothing was posted, and otherwise whatever the library raises: it may
        then have been posted or not.
        """
        if self.paused(channel_id, now) and (not insist or self.refuses(channel_id)):
            raise NotPosted
        channel = self._connection.get_partial_messageable(channel_id, guild_id=guild_id)
        try:
            sent = await channel.send(**message)
        except REQUEST_FAILURES as error:
            if isinstance(error, discord.HTTPException) and is_refusal(error):
                await self._refused(guild_id, channel_id, now, error.status)
                raise NotPosted from None
            self._failed(channel_id, now)
            raise
        self._trouble.pop(channel_id, None)
        return sent.id

    async def told_of(self, guild_id: int, channel_id: int, about: Collection[int], now: float) -> frozenset[int]:
        """Those of a server's channels of which everybody who reads the mod channel may be told (`bot.audience`).

        Of members with permissions of their own the roles are looked up, of a few; the others are taken for people who
        may not be told. Raises NotPosted when nobody can read the mod channel or the server is not known at the moment,
        and what the library raises when Discord fails.
        """
        guild = self._connection.get_guild(guild_id)
        if guild is None or self.paused(channel_id, now):
            raise NotPosted
        here = channel_of(await look_up(guild, channel_id))
        if here is None:
            await self._refused(guild_id, channel_id, now, 404)
            raise NotPosted
        return await self.readers.may_hear_of(here, about, now)

    async def find(self, guild_id: int, channel_id: int, footers: Collection[str]) -> int | None:
        """The id of a post of ours with one of these footers among the channel's latest messages; None: there is none.

        A footer is looked for in every language: the server's may be another one by now.
        Raises Unreadable when they cannot be read, and what the library raises when Discord fails.
        """
        guild = self._connection.get_guild(guild_id)
        known = channel_of(await look_up(guild, channel_id)) if guild is not None else None
        if guild is not None and known is not None and not known.permissions_for(guild.me).read_message_history:
            raise Unreadable  # Discord would not refuse, but answer that there are no messages
        channel = self._connection.get_partial_messageable(channel_id, guild_id=guild_id)
        try:
            async for message in channel.history(limit=_LOOKED_AT):
                ours = self._connection.user is not None and message.author.id == self._connection.user.id
                if ours and any(embed.footer.text in footers for embed in message.embeds):
                    return message.id
        except discord.HTTPException as error:
            if is_refusal(error):
                raise Unreadable from None
            raise
        return None

    def reopen(self, channel_id: int) -> None:
        """Somebody has looked at this channel: it may be tried again at once."""
        self._trouble.pop(channel_id, None)

    def paused(self, channel_id: int, now: float) -> bool:
        """Whether a post would not even be tried."""
        trouble = self._trouble.get(channel_id)
        return trouble is not None and now < trouble.until

    def trouble(self, channel_id: int) -> str | None:
        """One sentence for the server's status while the channel is left alone; None when all is well."""
        trouble = self._trouble.get(channel_id)
        if trouble is None or max(trouble.refusals, trouble.failures) < MOST_REFUSALS:
            return None
        values = {"channel": f"<#{channel_id}>", "time": f"<t:{int(trouble.until)}:R>"}
        if trouble.refusals >= MOST_REFUSALS:
            return gettext("I couldn't post to {channel}; I'll try again {time}.", **values)
        return gettext("I couldn't post to {channel}, because Discord has problems; I'll try again {time}.", **values)

    def refuses(self, channel_id: int) -> bool:
        """Whether the last that was heard of the channel is that it refuses."""
        trouble = self._trouble.get(channel_id)
        return trouble is not None and trouble.refusals > 0

    def _failed(self, channel_id: int, now: float) -> None:
        """Something has gone wrong in passing: it is tried again, however often that happens."""
        trouble = self._trouble.setdefault(channel_id, _Trouble())
        trouble.failures += 1
        trouble.until = max(trouble.until, now + min(LONGEST_LATER, LATER * 2 ** min(trouble.failures - 1, 10)))

    async def _refused(self, guild_id: int, channel_id: int, now: float, status: int) -> None:
        trouble = self._trouble.setdefault(channel_id, _Trouble())
        trouble.refusals += 1
        if trouble.refusals < MOST_REFUSALS:
            return
        trouble.pause = min(LONGEST_PAUSE, trouble.pause * 2 if trouble.pause else FIRST_PAUSE)
        trouble.until = now + trouble.pause
        _log.warning("mod channel %d of server %d refuses posts (%d); a pause", channel_id, guild_id, status)
        if not trouble.told:
            trouble.told = True  # already: somebody else's post may be refused meanwhile
            trouble.told = await self._tell_owner(guild_id, channel_id)

    async def _tell_owner(self, guild_id: int, channel_id: int) -> bool:
        """Whether there is nobody left to tell; False: it is tried again with the next refusal."""
        guild = self._connection.get_guild(guild_id)
        if guild is None or guild.owner_id is None:
            return False
        with speaking(await self._language(guild)):
            text = gettext(
                "I can't post alerts and digests of **{server}** to {channel}: the channel is gone or locked, or I'm "
                "not allowed to write there. `/monitor doctor` in the server says what to click. I'll only say this "
                "once.",
                server=discord.utils.escape_markdown(guild.name),
                channel=f"<#{channel_id}>",
            )
        try:
            owner = await self._connection.create_dm(discord.Object(guild.owner_id))
            await owner.send(text)
        except REQUEST_FAILURES as error:
            _log.info("nor could the owner of server %d be told (%s)", guild_id, type(error).__name__)
            return isinstance(error, discord.HTTPException) and is_refusal(error)
        return True

    async def _language(self, guild: discord.Guild) -> str:
        if self._settings is None:
            return server_language(guild)
        try:
            return server_language(guild, await self._settings(guild.id))
        except DatabaseUnavailable:
            return server_language(guild)
