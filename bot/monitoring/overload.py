"""A channel whose messages mostly could not be read, for too much waited for the model, was not quiet."""

from __future__ import annotations

from collections import defaultdict

import discord

from bot.channels import place_of
from bot.domain.discord_clock import DiscordClock
from bot.domain.records import Absence, GapCause
from bot.domain.snowflake import written_at
from bot.monitoring.downtime import Downtime

WINDOW_SECONDS = 300.0
FEWEST = 5
"""Messages of a channel that must be lost in a window: of fewer nothing can be said."""


class Overload:
    """Counts, window by window, what was read and what was not; a channel of which more was not is not seen."""

    def __init__(self, downtime: Downtime, clock: DiscordClock) -> None:
        self._downtime = downtime
        self._clock = clock
        self._begun = clock.steady()
        self._counts: defaultdict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
        self._lasting: set[Absence] = set()

    def answered(self, message: discord.Message, *, read: bool) -> None:
        """The model has answered to a watched message, or was never asked. Those of the past say nothing of now."""
        place = place_of(message.channel)
        if place is not None and self._clock.now() - written_at(message.id) < WINDOW_SECONDS:
            self._counts[place.guild_id, place.channel_id][read] += 1

    async def look(self, _now: float) -> None:
        """A window is over. A job, for every `WINDOW_SECONDS`."""
        counts, begun = dict(self._counts), self._begun
        self._counts.clear()
        self._begun = self._clock.steady()
        overloaded = {
            Absence(GapCause.OVERLOAD, guild, channel)
            for (guild, channel), (lost, read) in counts.items()
            if lost >= FEWEST and lost > read
        }
        for absence in overloaded - self._lasting:
            self._downtime.away(absence, begun)
        ended, self._lasting = self._lasting - overloaded, overloaded
        for absence in ended:
            await self._downtime.over(absence)
