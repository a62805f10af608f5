"""Discord's events, on their way to the ingest, the write buffer and the downtime."""

from __future__ import annotations

from collections.abc import Sequence

import discord
from discord.ext import commands

from bot.domain.records import Absence, GapCause
from bot.monitoring.downtime import SHORTEST_DOWNTIME
from bot.monitoring.heartbeats import Heartbeats
from bot.monitoring.monitoring import Monitoring

_SLOW_SECONDS = 5.0
"""A server that comes that soon after its shard's others was slow, not away."""


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
        self._connected: dict[int, float] = {}
        self._clock = monitoring.clock
        self.heartbeats = Heartbeats(lambda: self._connection.latencies, self._clock.steady)

    async def cog_load(self) -> None:
        """Reads what is watched, before the gateway connects."""
        await self._rules.load()
        await self._downtime.load()

    async def cog_unload(self) -> None:
        """The bot stops: what is away is noted, and no reaction is sent any more."""
        self._write_buffer.sees = False  # what is written from now on is no sign that anything was seen
        self.monitoring.catch_up.close()
        await self.monitoring.reactions.close()
        await self.monitoring.admins.close()
        await self._downtime.close()

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Somebody wrote."""
        await self.monitoring.ingest.created(message)

    @commands.Cog.listener()
    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """A message has changed; what it said before is forgotten where somebody has asked about it."""
        if payload.message.edited_at is not None:
            self.monitoring.services.recent_texts.forget_messages((payload.message_id,))
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
        self._look_soon(role.guild)

    @commands.Cog.listener()
    async def on_guild_role_update(self, _before: discord.Role, after: discord.Role) -> None:
        """A role may see less, or more."""
        self._look_soon(after.guild)

    @commands.Cog.listener()
    async def on_guild_channel_update(self, _before: discord.abc.GuildChannel, after: discord.abc.GuildChannel) -> None:
        """A channel or category was hidden, shown or moved, or only renamed."""
        self._look_soon(after.guild)

    @commands.Cog.listener()
    async def on_member_update(self, _before: discord.Member, after: discord.Member) -> None:
        """The bot has other roles; of other people Discord does not tell it."""
        self._look_soon(after.guild)

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """The bot has left, was removed, or the server was deleted, if Discord is right; an outage is another event."""
        self._reconciliation.left(guild.id)
        self.monitoring.admins.forget(guild.id)

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """The bot was added to a server, perhaps again, or a server is there after an outage that began before us."""
        await self._is_there(guild)

    @commands.Cog.listener()
    async def on_guild_available(self, guild: discord.Guild) -> None:
        """A server is there, after the start or after an outage; one that was left is so again after all."""
        await self._is_there(guild)

    @commands.Cog.listener()
    async def on_guild_unavailable(self, guild: discord.Guild) -> None:
        """Discord has an outage of this server."""
        if self._rules.knows(guild.id):
            self._downtime.away(_outage(guild))

    @commands.Cog.listener()
    async def on_shard_disconnect(self, shard_id: int) -> None:
        """A connection is gone, since its last heartbeat or so; one that Discord refused at once never saw anything."""
        if self._started and not self._downtime.knows(self._all_of(shard_id, GapCause.OFF)):
            connection = self._all_of(shard_id, GapCause.CONNECTION)
            self._downtime.away(connection, self.heartbeats.worked_until(shard_id))

    @commands.Cog.listener()
    async def on_shard_resumed(self, shard_id: int) -> None:
        """It is back, and everything of the meantime has been delivered."""
        self._downtime.caught_up(self._all_of(shard_id, GapCause.CONNECTION))

    @commands.Cog.listener()
    async def on_shard_connect(self, shard_id: int) -> None:
        """There is a new session; the library says this of no resumed one."""
        self._reconciliation.session_began(shard_id)
        if not self._started:
            self._started = True
            await self._start_seeing()
        self._connected[shard_id] = self._clock.steady()
        self.heartbeats.connected(shard_id)
        for cause in (GapCause.OFF, GapCause.CONNECTION):
            await self._over(self._all_of(shard_id, cause))

    @commands.Cog.listener()
    async def on_shard_ready(self, shard_id: int) -> None:
        """All servers of a connection are there, but for those that have had an outage since before it stood.

        What the store knows besides is asked for.
        """
        self._reconciliation.session_ready(shard_id)
        since = self._connected.get(shard_id)
        for guild in self._connection.guilds:
            if guild.shard_id != shard_id:
                continue
            if guild.unavailable and self._rules.knows(guild.id):
                self._downtime.away(_outage(guild), since, shortest=_SLOW_SECONDS)
            else:
                self._look_soon(guild)

    async def _is_there(self, guild: discord.Guild) -> None:
        self._reconciliation.present(guild.id)
        await self._over(_outage(guild))
        self._look_soon(guild)
        await self._write_buffer.guild_joined(guild.id)

    async def _over(self, absence: Absence) -> None:
        """Something is seen again; what was missed is read afterwards."""
        missed = await self._downtime.over(absence, is_read=self.monitoring.catch_up.wants(absence))
        if missed is not None:
            self.monitoring.catch_up.missed(missed)

    def _look_soon(self, guild: discord.Guild) -> None:
        self.monitoring.blind_spots.look_soon(guild.id)

    async def _start_seeing(self) -> None:
        """The first connection stands; of the servers of the others nothing is seen until theirs do, too.

        The others usually take some seconds each, as a restart does: that is no gap.
        """
        last_alive = self.monitoring.storage.last_alive
        await self._downtime.started(last_alive, self.monitoring.storage.shards_alive)
        self.monitoring.blind_spots.last_alive = last_alive
        now = self._clock.steady()
        ours = self.monitoring.storage.database.shards.of(self._connection.shard_count or 1)
        for shard_id in ours:
            absence, since = self._all_of(shard_id, GapCause.OFF), now
            if last_alive is not None:
                since -= max(0.0, self._clock.now() - self._downtime.was_alive(absence, last_alive))
            self._downtime.away(absence, since, shortest=SHORTEST_DOWNTIME)
        self._write_buffer.sees = True
        if not self.monitoring.content_seen:
            for absence in self._without_content(ours):
                self._downtime.away(absence)
        self._downtime.settled(None, last_alive)

    def _without_content(self, ours: Sequence[int]) -> list[Absence]:
        """Of every server of this process Discord does not show what messages say."""
        if self.monitoring.storage.database.shards.are_all:
            return [Absence(GapCause.CONTENT)]
        return [self._all_of(shard_id, GapCause.CONTENT) for shard_id in ours]

    def _all_of(self, shard_id: int, cause: GapCause) -> Absence:
        """Every server that a shard serves."""
        shards = self._connection.shard_count or 1
        return Absence(cause) if shards == 1 else Absence(cause, shard=shard_id, shards=shards)


def _outage(guild: discord.Guild) -> Absence:
    return Absence(GapCause.OUTAGE, guild.id)
