"""Discord's events, on their way to the reader, the buffer and the absences."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from bot.monitoring.admin_notifier import AdminNotifier
from bot.monitoring.downtime import EVERYWHERE, Downtime
from bot.monitoring.ingest import Reader
from bot.monitoring.notice import Notices
from bot.monitoring.reactions import Reactions
from bot.monitoring.rule_cache import RuleCache
from bot.refusal_backoff import RefusalBackoff
from bot.storage.errors import DatabaseUnavailable
from bot.storage.maintenance import Daily, Hourly, carry_over, purge_what_is_old
from bot.storage.open_storage import Storage

if TYPE_CHECKING:
    from bot.client import Vibecheck

_log = logging.getLogger(__name__)

_CONTENT = "message content"
"""The absence of a bot that is not shown what messages say; the others are under their shard's number."""


class EventsCog(commands.Cog):
    """Reads what is watched, corrects what was deleted, and notes when nothing could be seen."""

    def __init__(self, bot: Vibecheck, mood: Storage) -> None:
        self.bot = bot
        self.mood = mood
        self.content_seen = bot.intents.message_content
        self.register = RuleCache(mood.store)
        self.outlets = RefusalBackoff()
        admins = AdminNotifier(bot, self.register)
        self.notices = Notices(self.register, self.outlets, admins, bot.settings.retention_days)
        self.tagger = Reactions(self.outlets, admins)
        self.reader = Reader(bot, mood, self.register, self.notices, self.tagger, content_seen=self.content_seen)
        self.absences = Downtime(mood.store)
        self.started = False
        bot.upkeep.add("purging", Hourly(partial(purge_what_is_old, mood, bot.settings.retention_days)))
        bot.upkeep.add("carrying over opt-outs", Daily(partial(carry_over, mood)))
        bot.upkeep.add("noting gaps", self.absences.note)

    async def cog_load(self) -> None:
        """Reads what is watched, before the gateway connects."""
        await self.register.load()

    async def cog_unload(self) -> None:
        """The bot stops: what is away is noted, and no reaction is sent any more."""
        await self.tagger.close()
        await self.absences.close()

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Somebody wrote."""
        await self.reader.created(message)

    @commands.Cog.listener()
    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """A message has changed."""
        await self.reader.edited(payload.message)

    @commands.Cog.listener()
    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        """A message is gone."""
        if self.register.knows(payload.guild_id):
            self.mood.buffer.deleted((payload.message_id,))

    @commands.Cog.listener()
    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        """Many messages of a channel are gone."""
        if self.register.knows(payload.guild_id):
            self.mood.buffer.deleted(payload.message_ids)

    @commands.Cog.listener()
    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """A channel or category is gone."""
        self.channel_gone(channel.guild.id, channel.id)

    @commands.Cog.listener()
    async def on_raw_thread_delete(self, payload: discord.RawThreadDeleteEvent) -> None:
        """A thread is gone, known to the bot or not."""
        self.channel_gone(payload.guild_id, payload.thread_id)

    @commands.Cog.listener()
    async def on_guild_role_delete(self, role: discord.Role) -> None:
        """A role is gone, and with it that it was exempt."""
        await self.register.role_gone(role.guild.id, role.id)

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """The bot has left, was removed, or the server was deleted; an outage is another event."""
        self.absences.caught_up(_outage(guild))
        self._guild_gone(guild.id)

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """The bot was added to a server, perhaps again."""
        await self.mood.buffer.guild_joined(guild.id)

    @commands.Cog.listener()
    async def on_guild_available(self, guild: discord.Guild) -> None:
        """A server is there, after the start or after an outage; one that was left is so again after all."""
        await self.absences.over(_outage(guild))
        await self.mood.buffer.guild_joined(guild.id)

    @commands.Cog.listener()
    async def on_guild_unavailable(self, guild: discord.Guild) -> None:
        """Discord has an outage of this server."""
        if self.register.knows(guild.id):
            self.absences.away(_outage(guild), lambda: (guild.id,))

    @commands.Cog.listener()
    async def on_shard_disconnect(self, shard_id: int) -> None:
        """A connection is gone; one that Discord refused at once never saw anything."""
        if self.started:
            self.absences.away(shard_id, partial(self._guilds_of, shard_id))

    @commands.Cog.listener()
    async def on_shard_resumed(self, shard_id: int) -> None:
        """It is back, and everything of the meantime has been delivered."""
        self.absences.caught_up(shard_id)

    @commands.Cog.listener()
    async def on_shard_connect(self, shard_id: int) -> None:
        """There is a new session; the library says this of no resumed one."""
        if not self.started:
            self.started = True
            await self.absences.started(self.mood.last_alive)
            self.mood.buffer.sees = True
            if not self.content_seen:
                self.absences.away(_CONTENT)
        await self.absences.over(shard_id)

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """All servers are known: those that the bot has left in the meantime are forgotten."""
        known = self.register.guild_ids()
        with suppress(DatabaseUnavailable):  # then those that have no rule any more are found at the next session
            known |= await self.mood.store.guild_ids()
        here = {guild.id for guild in self.bot.guilds}
        left = known - here
        if left and not here & known:
            _log.warning("of the servers in the store this bot is in none; is it the right token, or the right store?")
            return
        for guild_id in left:
            self._guild_gone(guild_id)

    def channel_gone(self, guild_id: int, channel_id: int) -> None:
        """Forgets a channel, category or thread that was deleted, with everything that was in it."""
        self.mood.buffer.channel_gone(channel_id)
        self.register.channel_gone(guild_id, channel_id)
        self.outlets.reopen(channel_id)

    def _guild_gone(self, guild_id: int) -> None:
        self.mood.buffer.guild_gone(guild_id)
        self.register.guild_gone(guild_id)
        self.reader.counts.pop(guild_id, None)

    def _guilds_of(self, shard_id: int) -> Iterable[int | None]:
        """The servers with monitoring that a shard serves; all of them when there is no other shard."""
        shards = self.bot.shard_count or 1
        if shards == 1:
            return EVERYWHERE
        return [guild for guild in self.register.guild_ids() if (guild >> 22) % shards == shard_id]


def _outage(guild: discord.Guild) -> object:
    """The key of an absence of one server."""
    return "server", guild.id
