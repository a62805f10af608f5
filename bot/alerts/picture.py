"""The chart in an alert: the week before it, of the hours that everybody may be told of, and nothing later."""

from __future__ import annotations

import asyncio
import io
import logging

import discord

from bot.analytics.baseline import WEEKS, learn
from bot.analytics.buckets import edges, size_for, timeline
from bot.channels import WithMessages
from bot.charts.drawing import Line, draw
from bot.charts.executor import ChartExecutor
from bot.charts.summary import alternative_text
from bot.domain.records import Alert, GuildSettings
from bot.domain.snowflake import SECONDS
from bot.mod_channel import look_up
from bot.permissions import ATTACH, missing
from bot.storage.mood_repository import MoodRepository

_log = logging.getLogger(__name__)

HOURS = 3 * 24
"""How far back it reaches: a day of storm beside two that were none."""

LONGEST = 10.0
"""Seconds that an alert waits for its picture; then it goes without."""


async def picture_for(
    alert: Alert, guild: discord.Guild | None, settings: GuildSettings, moods: MoodRepository, charts: ChartExecutor
) -> discord.File | None:
    """The chart as a file; None where it cannot be had in time, or not be attached."""
    channel = guild.get_channel(alert.channel_id) if guild is not None else None
    if guild is None or channel is None or settings.mod_channel_id is None:
        return None
    try:
        async with asyncio.timeout(LONGEST):
            here = await look_up(guild, settings.mod_channel_id)
            if not isinstance(here, WithMessages) or missing(here, [ATTACH]):
                return None
            return await _draw(alert, f"#{channel.name}", settings, moods, charts)
    except Exception as error:  # whatever is wrong with the picture, the alert is worth more
        _log.warning("an alert of server %d goes without its chart (%s)", guild.id, type(error).__name__)
        return None


async def _draw(
    alert: Alert, name: str, settings: GuildSettings, moods: MoodRepository, charts: ChartExecutor
) -> discord.File | None:
    end, zone = alert.started // SECONDS + 1, settings.zone
    size = size_for(HOURS)
    bounds = edges(end - HOURS, end, size, zone)
    mood = await moods.mood(alert.guild_id, alert.channel_id, bounds[0], end - 1)
    if not mood.hours:
        return None
    past = await moods.mood(alert.guild_id, alert.channel_id, bounds[0] - WEEKS * 7 * 24, bounds[0] - 1)

    def drawn() -> tuple[bytes, str]:
        shown = timeline(mood, size, bounds, until=alert.started)
        baseline = learn(past.hours, zone)
        inside = [[hour for hour in mood.hours if part.start <= hour.hour < part.end] for part in shown.buckets]
        usual = [baseline.expected(hours) if baseline is not None and hours else None for hours in inside]
        line = Line(name, shown, tuple(usual) if baseline is not None else ())
        return draw([line], zone), alternative_text([line], zone)

    png, alt = await charts.run(drawn)
    return discord.File(io.BytesIO(png), "mood.png", description=alt)
