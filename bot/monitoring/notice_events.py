"""What Discord says of notices: that one is gone, or that one may have gone unseen."""

from __future__ import annotations

import discord
from discord.ext import commands

from bot.connection import Connection
from bot.i18n import language_of
from bot.monitoring.notice import Notices

_SIGHT = discord.Permissions(administrator=True, view_channel=True, read_message_history=True, connect=True).value
"""What a role may show of a channel, or of what was written there."""

_TELL_OF_NO_DELETION = ("MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_REACTION", "INTERACTION")
"""How events begin that neither delete anything nor change what the bot sees."""


class NoticeEvents(commands.Cog):
    """Hears of everything after which people may not have been told any more."""

    def __init__(self, notices: Notices, connection: Connection) -> None:
        self._notices = notices
        self._connection = connection

    @commands.Cog.listener()
    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        """A message is gone."""
        if payload.guild_id is not None:
            await self._notices.deleted(payload.guild_id, (payload.message_id,))

    @commands.Cog.listener()
    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        """Many messages of a channel are gone, as when it is cleaned up or somebody is banned."""
        if payload.guild_id is not None:
            await self._notices.deleted(payload.guild_id, payload.message_ids)

    @commands.Cog.listener()
    async def on_raw_thread_delete(self, payload: discord.RawThreadDeleteEvent) -> None:
        """A thread is gone; in a forum it may be the post that was the notice."""
        await self._notices.deleted(payload.guild_id, (payload.thread_id,))

    @commands.Cog.listener()
    async def on_unparsed(self, event: str, guild_id: int | None) -> None:
        """An event could not be read, which may have said that something is gone or hidden."""
        if not event.startswith(_TELL_OF_NO_DELETION):
            self._notices.doubt(None if guild_id is None else (guild_id,))

    @commands.Cog.listener()
    async def on_shard_connect(self, shard_id: int) -> None:
        """There is a new session; what was deleted before it is not told."""
        shards = self._connection.shard_count or 1
        here = None if shards == 1 else [one.id for one in self._connection.guilds if one.shard_id == shard_id]
        self._notices.doubt(here)

    @commands.Cog.listener()
    async def on_guild_unavailable(self, guild: discord.Guild) -> None:
        """A server is away. That it is there again the library may say only after the first message from it."""
        self._notices.doubt((guild.id,))

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """The bot was removed from a server, to which it may be added again; that, too, may be said late."""
        self._notices.doubt((guild.id,))

    @commands.Cog.listener()
    async def on_guild_update(self, before: discord.Guild, after: discord.Guild) -> None:
        """A server may have another language at Discord now, in which its notices are to be."""
        if language_of(before.preferred_locale) != language_of(after.preferred_locale):
            self._notices.language_changed(after.id)

    @commands.Cog.listener()
    async def on_guild_available(self, guild: discord.Guild) -> None:
        """A server is there again; what was deleted while it was not is not told."""
        self._notices.doubt((guild.id,))

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """The bot was added to a server, perhaps again within the day for which its notices are remembered."""
        self._notices.doubt((guild.id,))

    @commands.Cog.listener()
    async def on_guild_channel_create(self, channel: discord.abc.GuildChannel) -> None:
        """A channel is new to the bot: what is remembered of it is from a time of which nothing was told."""
        self._notices.doubt((channel.guild.id,), channel.id)

    @commands.Cog.listener()
    async def on_thread_join(self, thread: discord.Thread) -> None:
        """A thread is there again: it was archived, or in a channel that the bot could not see."""
        self._notices.doubt((thread.guild.id,), thread.id)

    @commands.Cog.listener()
    async def on_guild_channel_update(self, before: discord.abc.GuildChannel, after: discord.abc.GuildChannel) -> None:
        """Who may see a channel has changed: while the bot could not, a notice may have been deleted."""
        if before.overwrites != after.overwrites:
            self._notices.doubt((after.guild.id,), after.id)

    @commands.Cog.listener()
    async def on_guild_role_update(self, before: discord.Role, after: discord.Role) -> None:
        """What a role may see has changed, perhaps one of the bot's."""
        if (before.permissions.value ^ after.permissions.value) & _SIGHT:
            self._notices.doubt((after.guild.id,))

    @commands.Cog.listener()
    async def on_guild_role_delete(self, role: discord.Role) -> None:
        """A role is gone, and with it what it hid or showed."""
        self._notices.doubt((role.guild.id,))

    @commands.Cog.listener()
    async def on_member_update(self, _before: discord.Member, after: discord.Member) -> None:
        """The bot itself has other roles, with which it sees less or more; of other people Discord does not tell it."""
        if after == after.guild.me:
            self._notices.doubt((after.guild.id,))
