"""Sends each digest once: it is claimed in the database first, and marked as sent when Discord has taken it."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING

import discord

from bot.analytics.baseline import WEEKS, learn
from bot.charts.executor import ChartExecutor
from bot.digests.embed import ChannelPart, digest_embed, footer
from bot.digests.periods import LATEST, Period, latest_due
from bot.domain.records import DigestKind, GuildSettings, HourMood
from bot.domain.snowflake import SECONDS
from bot.mod_channel import NotPosted, Unreadable
from bot.storage.open_storage import Storage

if TYPE_CHECKING:
    from bot.client import Vibecheck

_log = logging.getLogger(__name__)

_Key = tuple[int, DigestKind, str]

_ALERTS_LOOKED_AT = 200


class DigestJob:
    """The job of `bot.background_jobs`.

    A claim of which nobody said how it ended, because the process or the connection did before, is looked up in the
    channel: there, or not. Where the bot may not read the channel it counts as sent: rather none than two.
    """

    def __init__(self, bot: Vibecheck, mood: Storage) -> None:
        self._bot = bot
        self._mood = mood
        self._studio = ChartExecutor()
        self._settled: dict[int, _Key] = {}
        """By server, the latest digest that was sent or is somebody else's, so that it is not asked for again."""

    async def tick(self, now: float) -> None:
        """Sends what is due and not too old."""
        if not self._bot.is_ready():
            return
        for unfinished in await self._mood.posts.unfinished_digests():
            await self._finish(*unfinished)
        for settings in await self._mood.store.digest_settings():
            try:
                await self._send_if_due(settings, now)
            except (discord.HTTPException, OSError) as error:  # of this server only; it is looked up at the next tick
                _log.warning("a digest of server %d may not be posted (%s)", settings.guild_id, type(error).__name__)

    async def _send_if_due(self, settings: GuildSettings, now: float) -> None:
        period = latest_due(settings.digest, settings.digest_hour, settings.zone, now)
        key = (settings.guild_id, settings.digest, period.key)
        channel_id = settings.mod_channel_id
        assert channel_id is not None
        late = now - period.due > LATEST[settings.digest]
        if late or self._settled.get(settings.guild_id) == key or self._bot.mod_channels.paused(channel_id, now):
            return
        embed = await self._embed(settings, period)
        if await self._mood.posts.claim_digest(*key):
            try:
                await self._bot.mod_channels.post(settings.guild_id, channel_id, now, embed=embed)
            except NotPosted:
                await self._mood.posts.release_digest(*key)
                return
            await self._mood.posts.digest_sent(*key)
        self._settled[settings.guild_id] = key

    async def _finish(self, guild_id: int, kind: DigestKind, period: str) -> None:
        channel_id = (await self._mood.store.settings(guild_id)).mod_channel_id
        found: int | None = 0
        if channel_id is not None:
            try:
                found = await self._bot.mod_channels.find(guild_id, channel_id, footer(period))
            except (Unreadable, discord.Forbidden, discord.NotFound):
                pass
            except (discord.HTTPException, OSError):
                return  # at the next tick
        if found is None:
            await self._mood.posts.release_digest(guild_id, kind, period)
        else:
            await self._mood.posts.digest_sent(guild_id, kind, period)

    async def _embed(self, settings: GuildSettings, period: Period) -> discord.Embed:
        guild_id, store = settings.guild_id, self._mood.store
        told = await store.told_hours(period.first_hour, period.end - 1, (guild_id,))
        gaps = (await store.guild_mood(guild_id, period.first_hour, period.end - 1)).gaps
        alerts = Counter(
            alert.channel_id
            for alert in await self._mood.posts.alerts(guild_id, limit=_ALERTS_LOOKED_AT)
            if period.first_hour <= alert.started // SECONDS < period.end
        )
        by_channel: dict[int, list[HourMood]] = {channel: [] for channel in alerts}
        for _, channel, hour in told:
            by_channel.setdefault(channel, []).append(hour)
        parts = [
            await self._part(settings, period, channel, hours, alerts[channel]) for channel, hours in by_channel.items()
        ]
        unread = (await store.unread(guild_id, period.first_hour, period.end - 1)).share
        return digest_embed(period, parts, gaps, settings.digest_messages, unread)

    async def _part(
        self, settings: GuildSettings, period: Period, channel_id: int, hours: list[HourMood], alerts: int
    ) -> ChannelPart:
        first = period.first_hour - WEEKS * 7 * 24
        past = (await self._mood.store.mood(settings.guild_id, channel_id, first, period.first_hour - 1)).hours
        baseline = await self._studio.do(lambda: learn(past, settings.zone))
        return ChannelPart(channel_id, hours, baseline, alerts)
