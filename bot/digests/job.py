"""Sends each digest once: it is claimed in the database first, and marked as sent when Discord has taken it."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import discord

from bot.analytics.baseline import AT_ONCE, WEEKS, Baseline, learn
from bot.background_jobs import SERVER_SECONDS, TICK_SECONDS, ServerTurns
from bot.channels import place_of
from bot.digests.embed import ChannelPart, digest_embed, footer
from bot.digests.periods import LATEST, Period, latest_due
from bot.domain.records import DigestKind, GuildSettings, HourMood, TargetKind
from bot.domain.rules import decide
from bot.domain.snowflake import SECONDS
from bot.domain.spread import place_in
from bot.i18n import in_every_language, speaking
from bot.learning import in_words, progress
from bot.link.spoken import server_language
from bot.mod_channel import NotPosted, Unreadable
from bot.presentation.language_words import languages_of
from bot.services import Services
from bot.storage.chunks import chunks
from bot.ui.happened_button import HappenedButton

_Key = tuple[int, DigestKind, str]

_ALERTS_LOOKED_AT = 200

SECONDS_EACH, LONGEST_SPREAD = 0.5, float(SECONDS)
"""How far apart digests are that are due at the same time: with up to 120 servers they come within a minute."""

_SOONEST_NEXT = 22 * SECONDS
"""From one instant at which a digest is due to the next, at the least: the clocks may be put forward in between."""

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
        self._classifier = services.classifier
        self._turns = ServerTurns("digests")
        self._settled: dict[int, _Key] = {}
        """By server, the latest digest that was sent or is somebody else's, so that it is not asked for again."""
        self._done: dict[GuildSettings, tuple[float, float]] = {}
        """From when until when nothing is due of what a server has chosen: it is not worked out every minute."""

    async def tick(self, now: float) -> None:
        """Sends what is due and not too old."""
        if not self._connection.is_ready():
            return
        unfinished: defaultdict[int, list[tuple[DigestKind, str]]] = defaultdict(list)
        for guild_id, kind, period in await self._storage.alerts.unfinished_digests():
            unfinished[guild_id].append((kind, period))
        all_wanted = await self._storage.guilds.digest_settings()
        # From some servers on not all in the minute that many have chosen: whoever posts is slowed down by Discord.
        spread = min(LONGEST_SPREAD, max(0.0, len(all_wanted) * SECONDS_EACH - TICK_SECONDS))
        wanted = {
            settings.guild_id: settings
            for part in chunks(list(all_wanted))
            for settings in await self._begun(part, spread, now)
        }
        self._done = {settings: time for settings, time in self._done.items() if self._is_done(settings, now)}

        async def turn(guild_id: int) -> None:
            async with asyncio.timeout(SERVER_SECONDS):
                for kind, period in unfinished.get(guild_id, ()):
                    await self._finish(guild_id, kind, period, now)
            if guild_id in wanted:
                await self._send_if_due(wanted[guild_id], now)

        await self._turns.take(unfinished.keys() | wanted.keys(), turn)

    async def _begun(self, part: Sequence[GuildSettings], spread: float, now: float) -> list[GuildSettings]:
        """Those of which a digest may be due and whose turn within `spread` has come."""
        await asyncio.sleep(0)
        return [
            settings
            for settings in part
            if not self._is_done(settings, now)
            and now - _period(settings, now).due >= place_in(settings.guild_id, spread)
        ]

    def _is_done(self, settings: GuildSettings, now: float) -> bool:
        """Not either when the clock was put back since that was found."""
        since, until = self._done.get(settings, (0.0, 0.0))
        return since <= now < until

    async def _send_if_due(self, settings: GuildSettings, now: float) -> None:
        period = _period(settings, now)
        key = (settings.guild_id, settings.digest, period.key)
        channel_id = settings.mod_channel_id
        assert channel_id is not None
        late = now - period.due > LATEST[settings.digest]
        if late or self._settled.get(settings.guild_id) == key:
            self._done[settings] = now, period.due + _SOONEST_NEXT
            return
        if self._mod_channels.paused(channel_id, now):
            return
        if not await self._storage.publication.all_told(settings.guild_id, period.end):
            return  # at the next tick
        try:
            async with asyncio.timeout(_WRITING_SECONDS):
                with speaking(server_language(self._connection.get_guild(settings.guild_id), settings)):
                    embed = await self._embed(settings, channel_id, period, now)
                    under = _under(settings, period)
        except NotPosted:
            return
        async with asyncio.timeout(SERVER_SECONDS):
            if await self._storage.alerts.claim_digest(*key):
                try:
                    await self._mod_channels.post(settings.guild_id, channel_id, now, embed=embed, **under)
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
                footers = in_every_language(lambda: footer(period))
                found = await self._mod_channels.find(guild_id, channel_id, footers)
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
        if settings.digest is DigestKind.WEEKLY:
            for channel in watched & told_of:
                by_channel.setdefault(channel, [])
        parts = []
        for some in chunks(list(by_channel), AT_ONCE):
            usual = await self._usual(settings, period, some)
            for one in some:
                days = await self._quiet_days(settings, period, one)
                parts.append(ChannelPart(one, by_channel[one], usual[one], alerts[one], days))
        unread = (await moods.unread(guild_id, period.first_hour, period.end - 1, told_of)).share
        found = await progress(moods, guild_id, watched & told_of, now)
        learning = in_words(found, settings) if found.first is not None else ""
        left_out = not watched <= told_of
        return digest_embed(
            period,
            parts,
            gaps,
            settings.digest_messages,
            unread,
            english_only=settings.english_only(languages_of(self._classifier.info)),
            left_out=left_out,
            learning=learning,
        )

    async def _watched(self, guild: discord.Guild | None) -> set[int]:
        """The channels in which a rule has something read, busy or not: what is left out must not tell which are."""
        if guild is None:
            return set()
        rules = {(rule.target_kind, rule.target_id): rule for rule in await self._storage.guilds.rules(guild.id)}
        threads = {number for kind, number in rules if kind is TargetKind.THREAD}
        places = [place_of(thread) for thread in guild.threads if thread.id in threads]
        places += [place_of(channel) for channel in guild.channels]
        return {place.channel_id for place in places if place is not None and decide(rules, place).watched}

    async def _usual(
        self, settings: GuildSettings, period: Period, channels: Sequence[int]
    ) -> dict[int, Baseline | None]:
        """What was usual in these channels in the weeks before."""
        first = period.first_hour - WEEKS * 7 * 24
        pasts = await self._storage.moods.pasts(channels, first, period.first_hour - 1)
        zone = settings.zone
        return await self._learning.run(lambda: {channel: learn(past, zone) for channel, past in pasts.items()})

    async def _quiet_days(self, settings: GuildSettings, period: Period, channel_id: int) -> tuple[HourMood, ...]:
        """Days of a week in which too few people wrote in any one hour."""
        if settings.digest is not DigestKind.WEEKLY:
            return ()
        moods = self._storage.moods
        return await moods.quiet_days(settings.guild_id, channel_id, period.first_hour, period.end)


def _under(settings: GuildSettings, period: Period) -> dict[str, Any]:
    """What can be pressed under a digest; whoever presses it is shown channels that they moderate, and no others."""
    if not settings.links:
        return {}
    view = discord.ui.View(timeout=None)
    view.add_item(HappenedButton(0, period.first_hour, period.end))
    return {"view": view}


def _period(settings: GuildSettings, now: float) -> Period:
    return latest_due(settings.digest, settings.digest_hour, settings.zone, now)
