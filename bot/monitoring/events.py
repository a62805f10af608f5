"""Discord's events, on their way to the ingest, the write buffer and the downtime."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import discord
from discord.ext import commands

from bot.monitoring.downtime import EVERYWHERE, SHORTEST_DOWNTIME, outage_of
from bot.monitoring.monitoring import Monitoring

_CONTENT = "message content"
"""The absence of a bot that is not shown what messages say; the others are under their shard's number."""


class EventsCog(commands.Cog):
    """Reads what is watched, corrects what was deleted, and notes when nothing could be seen."""

    def __init__(self, monitoring: Monitoring) -> None:
        self.monitoring = monitoring
        self._rules = monitoring.rules
        self._downtime = monitoring.downtime
        self._write_buffer = monitoring.storage.write_buffer
        self._reconciliation = monitoring.reconciliation
        self._connection = monitoring.services.connection
        self._started = False

    async def cog_load(self) -> None:
        """Reads what is watched, before the gateway connects."""
        await self._rules.load()

    async def cog_unload(self) -> None:
        """The bot stops: what is away is noted, and no reaction is sent any more."""
        await self.monitoring.reactions.close()
        await self.monitoring.admins.close()
        await self._downtime.close()

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Somebody wrote."""
        await self.monitoring.ingest.created(message)

    @commands.Cog.listener()
    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """A message has changed."""
        await self.monitoring.ingest.edited(payload.message)

    @commands.Cog.listener()
    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        """A message is gone, also one of a server in which nothing is watched any more."""
        self.monitoring.services.recent_texts.forget_messages((payload.message_id,))
        self._write_buffer.deleted((payload.message_id,))

    @commands.Cog.listener()
    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        """Many messages of a channel are gone."""
        self.monitoring.services.recent_texts.forget_messages(payload.message_ids)
        self._write_buffer.deleted(payload.message_ids)

    @commands.Cog.listener()
    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """A channel or category is gone."""
        self.monitoring.channel_gone(channel.guild.id, channel.id)

    @commands.Cog.listener()
    async def on_raw_thread_delete(self, payload: discord.RawThreadDeleteEvent) -> None:
        """A thread is gone, known to the bot or not."""
        self.monitoring.channel_gone(payload.guild_id, payload.thread_id)

    @commands.Cog.listener()
    async def on_thread_create(self, thread: discord.Thread) -> None:
        """There is a new thread; its first message may have come before it."""
        self.monitoring.ingest.threads.appeared(thread.id)

    @commands.Cog.listener()
    async def on_thread_join(self, thread: discord.Thread) -> None:
        """The bot has come to know a thread that was there before."""
        self.monitoring.ingest.threads.appeared(thread.id)

    @commands.Cog.listener()
    async def on_guild_role_delete(self, role: discord.Role) -> None:
        """A role is gone, and with it that it was exempt."""
        await self._rules.role_gone(role.guild.id, role.id)

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """The bot has left, was removed, or the server was deleted, if Discord is right; an outage is another event."""
        self._reconciliation.left(guild.id)

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """The bot was added to a server, perhaps again."""
        self._reconciliation.present(guild.id)
        await self._write_buffer.guild_joined(guild.id)

    @commands.Cog.listener()
    async def on_guild_available(self, guild: discord.Guild) -> None:
        """A server is there, after the start or after an outage; one that was left is so again after all."""
        self._reconciliation.present(guild.id)
        await self._downtime.over(outage_of(guild.id))
        await self._write_buffer.guild_joined(guild.id)

    @commands.Cog.listener()
    async def on_guild_unavailable(self, guild: discord.Guild) -> None:
        """Discord has an outage of this server."""
        if self._rules.knows(guild.id):
            self._downtime.away(outage_of(guild.id), lambda: (guild.id,))

    @commands.Cog.listener()
    async def on_shard_disconnect(self, shard_id: int) -> None:
        """A connection is gone; one that Discord refused at once never saw anything."""
        if self._started:
            self._downtime.away(shard_id, partial(self._guilds_of, shard_id))

    @commands.Cog.listener()
    async def on_shard_resumed(self, shard_id: int) -> None:
        """It is back, and everything of the meantime has been delivered."""
        self._downtime.caught_up(shard_id)

    @commands.Cog.listener()
    async def on_shard_connect(self, shard_id: int) -> None:
        """There is a new session; the library says this of no resumed one."""
        self._reconciliation.session_began(shard_id)
        if not self._started:
            self._started = True
            await self._start_seeing(shard_id)
        await self._downtime.over(shard_id)

    @commands.Cog.listener()
    async def on_shard_ready(self, shard_id: int) -> None:
        """All servers of a new session are known: what the store knows besides is asked for."""
        self._reconciliation.session_ready(shard_id)

    async def _start_seeing(self, first_shard: int) -> None:
        """The first connection stands; of the servers of the others nothing is seen until theirs do, too."""
        for shard_id in range(self._connection.shard_count or 1):
            if shard_id != first_shard:  # which usually takes some seconds each, as a restart does
                guilds = partial(self._guilds_of, shard_id)
                self._downtime.away(shard_id, guilds, shortest=SHORTEST_DOWNTIME)
        await self._downtime.started(self.monitoring.storage.last_alive)
        self._write_buffer.sees = True
        if not self.monitoring.content_seen:
            self._downtime.away(_CONTENT)

    def _guilds_of(self, shard_id: int) -> Iterable[int | None]:
        """The servers with monitoring that a shard serves; all of them when there is no other shard."""
        shards = self._connection.shard_count or 1
        if shards == 1:
            return EVERYWHERE
        return [guild for guild in self._rules.guild_ids() if (guild >> 22) % shards == shard_id]
