"""The channels of a server in which people are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import discord

from bot.channels import WithMessages, is_private_thread, place_of
from bot.domain.records import Rule, TargetKind
from bot.monitoring.rule_cache import RuleCache


class Watched(NamedTuple):
    """A channel, the rule that has it watched, whether its notice stands, and whether people have deleted it twice."""

    channel: WithMessages | discord.ForumChannel
    rule: Rule
    told: bool
    stopped: bool

    @property
    def counting(self) -> int:
        """The channel that counts what is written there."""
        return self.channel.parent_id if isinstance(self.channel, discord.Thread) else self.channel.id


def watched(cache: RuleCache, guild: discord.Guild) -> Iterator[Watched]:
    """The channels in the order of the server's list, then the threads that have a rule of their own.

    Private threads are never watched, whatever a rule of former days says.
    """
    rules = cache.rules(guild.id)
    own = [thread for thread in guild.threads if (TargetKind.THREAD, thread.id) in rules]
    channels = sorted(guild.channels, key=lambda channel: (channel.category is not None, channel.position))
    for channel in (*channels, *own):
        place = place_of(channel)
        if place is None or is_private_thread(channel):
            continue
        if not isinstance(channel, WithMessages | discord.ForumChannel):
            continue
        decision = cache.decide(place)
        if decision.watched and decision.rule is not None:
            known = cache.notice_of(guild.id, channel.id)
            stopped = known is not None and known.stopped
            yield Watched(channel, decision.rule, cache.stands(place), stopped)
