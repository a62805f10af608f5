"""Sends each digest once: it is claimed in the database first, and marked as sent when Discord has taken it."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import suppress

import discord

from bot.analytics.baseline import WEEKS, learn
from bot.background_jobs import SERVER_SECONDS, in_turn
from bot.charts.executor import TooBusy
from bot.digests.embed import ChannelPart, digest_embed, footer
from bot.digests.periods import LATEST, Period, latest_due
from bot.domain.records import DigestKind, GuildSettings, HourMood
from bot.domain.snowflake import SECONDS
from bot.mod_channel import NotPosted, Unreadable
from bot.services import Services

_log = logging.getLogger(__name__)

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
        self._reached = 0
        self._settled: dict[int, _Key] = {}
        """By server, the latest digest that was sent or is somebody else's, so that it is not asked for again."""

    async def tick(self, now: float) -> None:
        """Sends what is due and not too old."""
        if not self._connection.is_ready():
            return
        for unfinished in await self._storage.alerts.unfinished_digests():
            with suppress(TimeoutError):  # it is looked up again at the next tick
                async with asyncio.timeout(SERVER_SECONDS):
                    await self._finish(*unfinished)
        wanted = {settings.guild_id: settings for settings in await self._storage.guilds.digest_settings()}
        for guild_id, settings in in_turn(wanted.items(), self._reached):
            self._reached = guild_id
            try:
                await self._send_if_due(settings, now)
            except (
                discord.HTTPException,
                OSError,
                TooBusy,
            ) as error:  # of this server only; it is looked up at the next tick
                _log.warning("a digest of server %d may not be posted (%s)", settings.guild_id, type(error).__name__)

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
        async with asyncio.timeout(_WRITING_SECONDS):
            embed = await self._embed(settings, period)
        async with asyncio.timeout(SERVER_SECONDS):
            if await self._storage.alerts.claim_digest(*key):
                try:
                    await self._mod_channels.post(settings.guild_id, channel_id, now, embed=embed)
                except NotPosted:
                    await self._storage.alerts.release_digest(*key)
                    return
                await self._storage.alerts.digest_sent(*key)
        self._settled[settings.guild_id] = key

    async def _finish(self, guild_id: int, kind: DigestKind, period: str) -> None:
        channel_id = (await self._storage.guilds.settings(guild_id)).mod_channel_id
        found: int | None = 0
        if channel_id is not None:
            try:
                found = await self._mod_channels.find(guild_id, channel_id, footer(period))
            except (Unreadable, discord.Forbidden, discord.NotFound):
                pass
            except (discord.HTTPException, OSError):
                return  # at the next tick
        if found is None:
            await self._storage.alerts.release_digest(guild_id, kind, period)
        else:
            await self._storage.alerts.digest_sent(guild_id, kind, period)

    async def _embed(self, settings: GuildSettings, period: Period) -> discord.Embed:
        guild_id, moods = settings.guild_id, self._storage.moods
        told = await moods.told_hours(period.first_hour, period.end - 1, (guild_id,))
        gaps = (await moods.guild_mood(guild_id, period.first_hour, period.end - 1)).gaps
        alerts = Counter(
            alert.channel_id
            for alert in await self._storage.alerts.alerts(guild_id, limit=_ALERTS_LOOKED_AT)
            if period.first_hour <= alert.started // SECONDS < period.end
        )
        by_channel: dict[int, list[HourMood]] = {channel: [] for channel in alerts}
        for _, channel, hour in told:
            by_channel.setdefault(channel, []).append(hour)
        parts = [
            await self._part(settings, period, channel, hours, alerts[channel]) for channel, hours in by_channel.items()
        ]
        unread = (await moods.unread(guild_id, period.first_hour, period.end - 1)).share
        return digest_embed(period, parts, gaps, settings.digest_messages, unread)

    async def _part(
        self, settings: GuildSettings, period: Period, channel_id: int, hours: list[HourMood], alerts: int
    ) -> ChannelPart:
        first = period.first_hour - WEEKS * 7 * 24
        past = (await self._storage.moods.mood(settings.guild_id, channel_id, first, period.first_hour - 1)).hours
        baseline = await self._learning.run(lambda: learn(past, settings.zone))
        return ChannelPart(channel_id, hours, baseline, alerts)
