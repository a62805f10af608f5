"""`/monitor doctor`: what keeps the bot from doing what it is to do, and what to click."""

from __future__ import annotations

import discord

from bot.channels import Watchable, WithMessages, place_of
from bot.commands.monitor.status import UNREAD_DAYS, unread_lately
from bot.domain.records import GuildSettings, TargetKind
from bot.link.limits import FAILED
from bot.monitoring.monitoring import Monitoring
from bot.monitoring.watched_channels import watched
from bot.permissions import NO_CONTENT, REPORTING, for_watching, missing, what_to_click
from bot.presentation import palette
from bot.presentation.lists import cut
from bot.presentation.text import unread_in_words

_LIST = 4000
UNREAD_FROM = 25
"""Percent of a channel's messages that cannot be read from which on the doctor says so."""
_CHANNELS = (TargetKind.CATEGORY, TargetKind.CHANNEL, TargetKind.THREAD)


async def doctor(monitoring: Monitoring, guild: discord.Guild, settings: GuildSettings) -> discord.Embed:
    """Looks at the intent, every watched channel and the mod channel. What is in order is tried again from now on.

    Where much of what is written cannot be read, that is said as well: nothing is broken then, but the mood tells less.
    Rules about what was deleted while the bot was off are removed. Raises DatabaseUnavailable.
    """
    forgotten = await _forget_the_deleted(monitoring, guild)
    unread = await unread_lately(monitoring.storage.moods, guild.id)
    ailments = [] if monitoring.content_seen else [NO_CONTENT]
    if settings.lost_zone:
        ailments.append(
            f"this machine doesn't know the time zone {settings.timezone} any more, so everything is told in UTC: "
            "choose another with `/monitor settings`."
        )
    foreign: dict[int, int] = {}
    well = retried = 0
    for channel, rule, _ in watched(monitoring.rules, guild):
        counting = channel.parent_id if isinstance(channel, discord.Thread) else channel.id
        share = unread.share_of(counting)
        if share is not None and share >= UNREAD_FROM:
            foreign[counting] = share
        lacking = missing(channel, for_watching(channel, tagging=rule.tagging))
        if lacking:
            ailments.append(what_to_click(channel, lacking))
        else:
            well += 1
            retried += _reopen(monitoring, channel)
    if settings.mod_channel_id is not None:
        ailments += _mod_channel(monitoring, guild, settings.mod_channel_id)
    lines = [f"❌ {ailment[:1].upper()}{ailment[1:]}" for ailment in ailments]
    lines += [
        f"⚠️ {unread_in_words(share, f'in <#{number}>')} That's over the last {UNREAD_DAYS} days."
        for number, share in foreign.items()
    ]
    if well:
        lines.append(f"✅ {well} watched channel{' is' if well == 1 else 's are'} in order.")
    if retried:
        lines.append(f"↻ In {retried} of them Discord has refused me something before; I try again from now on.")
    if forgotten:
        lines.append(f"✅ {forgotten} rule{' was' if forgotten == 1 else 's were'} about what is deleted; removed.")
    if not ailments and settings.mod_channel_id is not None:
        lines.append(f"✅ The mod channel <#{settings.mod_channel_id}> is in order.")
    if not lines:
        lines.append("✅ Nothing is watched, and nothing is wrong. `/monitor enable` starts watching.")
    title, colour = ("Good to know", palette.CAUTION) if foreign else ("All well", palette.GOOD)
    if ailments:
        title, colour = "What needs doing", palette.BAD
    return discord.Embed(title=title, description=cut(lines, _LIST), colour=colour)


async def _forget_the_deleted(monitoring: Monitoring, guild: discord.Guild) -> int:
    """How many rules were about roles, channels or threads that are no more."""
    forgotten = 0
    for kind, number in tuple(monitoring.rules.rules(guild.id)):
        if kind is TargetKind.ROLE and guild.get_role(number) is None:
            await monitoring.rules.role_gone(guild.id, number)
            forgotten += 1
        elif kind in _CHANNELS and guild.get_channel_or_thread(number) is None:
            try:
                await guild.fetch_channel(number)  # it may be hidden, or a thread that is archived
            except discord.NotFound:
                monitoring.channel_gone(guild.id, number)
                forgotten += 1
            except FAILED:
                continue
    return forgotten


def _reopen(monitoring: Monitoring, channel: WithMessages | discord.ForumChannel) -> bool:
    """Lets everything be tried again in a channel, a thread's own channel included; whether anything was refused."""
    place = place_of(channel)
    places = {channel.id} if place is None else {channel.id, place.channel_id}
    refused = any(monitoring.backoff.closed(number) for number in places)
    for number in places:
        monitoring.backoff.reopen(number)
    return refused


def _mod_channel(monitoring: Monitoring, guild: discord.Guild, channel_id: int) -> list[str]:
    channel = guild.get_channel_or_thread(channel_id)
    if not isinstance(channel, Watchable):
        return ["I cannot see the mod channel, or it was deleted; choose another with `/monitor settings`."]
    lacking = missing(channel, REPORTING)
    if lacking:
        return [f"The mod channel: {what_to_click(channel, lacking)}"]
    monitoring.backoff.reopen(channel.id)
    monitoring.services.mod_channels.reopen(channel.id)
    return []
