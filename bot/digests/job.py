"""Sends each digest once: it is claimed in the database first, and marked as sent when Discord has taken it."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from contextlib import suppress

import discord

from bot.analytics.baseline import WEEKS, learn
from bot.background_jobs import SERVER_SECONDS, ServerTurns
from bot.channels import place_of
from bot.digests.embed import ChannelPart, digest_embed, footer
from bot.digests.periods import LATEST, Period, latest_due
from bot.domain.records import DigestKind, GuildSettings, HourMood, TargetKind
from bot.domain.rules import decide
from bot.domain.snowflake import SECONDS
from bot.mod_channel import NotPosted, Unreadable
from bot.services import Services

_Key = tuple[int, DigestKind, str]

_ALERTS_LOOKED_AT = 200

_WRITING_SECONDS = 120.0
"""How long reading eight weeks of every channel of a server may take, and learning from them."""


class DigestJob:
    """The job.

    A claim of which nobody said how it ended, because the process or the connection did before, is looked up in the
    channel: there, or not. Where the bot may not read the channel it counts as sent: rather none than two.
    """

    def __init__(self, services: Services) -> None:
        self._connection = services.connection
        self._mod_channels = services.mod_channels
        self._storage = services.storage
        self._learning = services.learning
        self._turns = ServerTurns("digests")
        self._settled: dict[int, _Key] = {}
        """By server, the latest digest that was sent or is somebody else's, so that it is not asked for again."""

    async def tick(self, now: float) -> None:
        """Sends what is due and not too old."""
        if not self._connection.is_ready():
            return
        unfinished: defaultdict[int, list[tuple[DigestKind, str]]] = defaultdict(list)
        for guild_id, kind, period in await self._storage.alerts.unfinished_digests():
            unfinished[guild_id].append((kind, period))
        wanted = {settings.guild_id: settings for settings in await self._storage.guilds.digest_settings()}

        async def turn(guild_id: int) -> None:
            async with asyncio.timeout(SERVER_SECONDS):
                for kind, period in unfinished.get(guild_id, ()):
                    await self._finish(guild_id, kind, period, now)
            if guild_id in wanted:
                await self._send_if_due(wanted[guild_id], now)

        await self._turns.take(unfinished.keys() | wanted.keys(), turn)

    async def _send_if_due(self, settings: GuildSettings, now: float) -> None:
        period = latest_due(settings.digest, settings.digest_hour, settings.zone, now)
        key = (settings.guild_id, settings.digest, period.key)
        channel_id = settings.mod_channel_id
        assert channel_id is not None
        late = now - period.due > LATEST[settings.digest]
        if late or self._settled.get(settings.guild_id) == key or self._mod_channels.paused(channel_id, now):
            return
        if not await self._storage.publication.all_told(settings.guild_id, period.end):
            return  # at the next tick
        try:
            async with asyncio.timeout(_WRITING_SECONDS):
                embed = await self._embed(settings, channel_id, period, now)
        except NotPosted:
            return
        async with asyncio.timeout(SERVER_SECONDS):
            if await self._storage.alerts.claim_digest(*key):
                try:
                    await self._mod_channels.post(settings.guild_id, channel_id, now, embed=embed)
                except NotPosted:
                    await self._storage.alerts.release_digest(*key)
                    return
                await self._storage.alerts.digest_sent(*key)
        self._settled[settings.guild_id] = key

    async def _finish(self, guild_id: int, kind: DigestKind, period: str, now: float) -> None:
        """Finds out what became of a claim; the next tick does where Discord fails."""
        channel_id = (await self._storage.guilds.settings(guild_id)).mod_channel_id
        found: int | None = 0
        if channel_id is not None:
            with suppress(Unreadable):
                found = await self._mod_channels.find(guild_id, channel_id, footer(period))
        if found is None:
            await self._storage.alerts.release_digest(guild_id, kind, period)
        else:
            await self._storage.alerts.digest_sent(guild_id, kind, period)

    async def _embed(self, settings: GuildSettings, mod_channel_id: int, period: Period, now: float) -> discord.Embed:
        """The digest, of the channels of which everybody who reads the mod channel may be told. Raises NotPosted."""
        guild_id, moods = settings.guild_id, self._storage.moods
        watched = await self._watched(self._connection.get_guild(guild_id))
        hours = await moods.told_hours(period.first_hour, period.end - 1, (guild_id,))
        about = watched | {channel for _, channel, _ in hours}
        told_of = await self._mod_channels.told_of(guild_id, mod_channel_id, about, now)
        gaps = (await moods.guild_mood(guild_id, period.first_hour, period.end - 1, ())).gaps
        alerts = Counter(
            alert.channel_id
            for alert in await self._storage.alerts.alerts(guild_id, limit=_ALERTS_LOOKED_AT)
            if period.first_hour <= alert.started // SECONDS < period.end and alert.channel_id in told_of
        )
        by_channel: dict[int, list[HourMood]] = {channel: [] for channel in alerts}
        for _, channel, hour in hours:
            if channel in told_of:
                by_channel.setdefault(channel, []).append(hour)
        parts = [
            await self._part(settings, period, channel, hours, alerts[channel]) for channel, hours in by_channel.items()
        ]
        unread = (await moods.unread(guild_id, period.first_hour, period.end - 1, told_of)).share
        return digest_embed(period, parts, gaps, settings.digest_messages, unread, left_out=not watched <= told_of)

    async def _watched(self, guild: discord.Guild | None) -> set[int]:
        """The channels in which a rule has something read, busy or not: what is left out must not tell which are."""
        if guild is None:
            return set()
        rules = {(rule.target_kind, rule.target_id): rule for rule in await self._storage.guilds.rules(guild.id)}
        threads = {number for kind, number in rules if kind is TargetKind.THREAD}
        places = [place_of(thread) for thread in guild.threads if thread.id in threads]
        places += [place_of(channel) for channel in guild.channels]
        return {place.channel_id for place in places if place is not None and decide(rules, place).watched}

    async def _part(
        self, settings: GuildSettings, period: Period, channel_id: int, hours: list[HourMood], alerts: int
    ) -> ChannelPart:
        first = period.first_hour - WEEKS * 7 * 24
        past = (await self._storage.moods.mood(settings.guild_id, channel_id, first, period.first_hour - 1)).hours
        baseline = await self._learning.run(lambda: learn(past, settings.zone))
        return ChannelPart(channel_id, hours, baseline, alerts)
