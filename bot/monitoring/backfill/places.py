"""Where the messages of a channel stand: in itself and in its threads, archived ones too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import discord

from bot.channels import WithMessages, is_private_thread, place_of
from bot.domain.rules import Place
from bot.domain.snowflake import SECONDS
from bot.monitoring.backfill.pace import Pace
from bot.monitoring.blind_spots import sees
from bot.monitoring.rule_cache import RuleCache
from bot.monitoring.watched_channels import watched

MOST_ARCHIVED = 500
"""Archived threads of a channel that are looked for."""


@dataclass(slots=True, eq=False)
class HistoryPlace:
    """A channel or thread; `older` is its newest message that was not dealt with, None where that is not known."""

    channel: WithMessages
    place: Place
    older: int | None = None


def channels_to_read(rules: RuleCache, guild: discord.Guild) -> list[int]:
    """The channels that count what is watched now, in the order in which they are read."""
    return sorted({one.counting for one in watched(rules, guild)})


def can_read(channel: object) -> bool:
    """Whether Discord gives the bot its history."""
    if not isinstance(channel, WithMessages | discord.ForumChannel) or is_private_thread(channel):
        return False
    return sees(channel) and channel.permissions_for(channel.guild.me).read_message_history


async def places_of(
    rules: RuleCache, guild: discord.Guild, channel_id: int, pace: Pace, since: int
) -> list[HistoryPlace]:
    """Those of a channel in which somebody may have written since that hour, and which may be read.

    Raises what a request raises.
    """
    channel = guild.get_channel(channel_id)
    found = [channel] if isinstance(channel, WithMessages) else []
    threads = {thread.id: thread for thread in guild.threads if thread.parent_id == channel_id}
    if isinstance(channel, discord.TextChannel | discord.ForumChannel) and can_read(channel):
        for thread in await pace.all(channel.archived_threads(limit=MOST_ARCHIVED)):
            if thread.archive_timestamp.timestamp() >= since * SECONDS:
                threads[thread.id] = thread
    return list(_open(rules, [*found, *threads.values()]))


def _open(rules: RuleCache, channels: list[WithMessages]) -> Iterator[HistoryPlace]:
    for channel in channels:
        place = place_of(channel)
        if place is not None and can_read(channel) and rules.decide(place).watched and rules.stands(place):
            yield HistoryPlace(channel, place, channel.last_message_id)
