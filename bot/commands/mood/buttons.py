"""What can be pressed under a chart: its worst hour, for everybody, and what happened, for moderators."""

from __future__ import annotations

import discord

from bot.commands.mood.query import Asked, Reading
from bot.domain.snowflake import SECONDS
from bot.ui.happened_button import JUMP_TO_WORST, HappenedButton, jump_button


def under_chart(reading: Reading, asked: Asked, channel_id: int, *, links: bool) -> discord.ui.View | None:
    """The buttons of one channel, or of the server (0), whose hours are in no one channel; None: there are none."""
    view = discord.ui.View(timeout=None)
    if links:
        first = int(reading.timeline.buckets[0].start)
        view.add_item(HappenedButton(channel_id, first, int(asked.now // SECONDS) + 1))
    if channel_id and reading.hours:
        worst = min(reading.hours, key=lambda hour: (hour.mean, hour.hour))
        view.add_item(jump_button(asked.guild_id, channel_id, worst.hour, JUMP_TO_WORST))
    return view if view.children else None
