"""`/monitor doctor`: what keeps the bot from doing what it is to do, and what to click."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import discord

from bot.audience import can_see, channel_of
from bot.channels import WithMessages, place_of
from bot.commands.monitor.status import UNREAD_DAYS, unread_lately
from bot.commands.monitor.visible import left_out, readable_by, unseen_in_words
from bot.domain.records import GuildSettings
from bot.link.failures import REQUEST_FAILURES
from bot.mod_channel import look_up
from bot.monitoring.clock_watch import clock_in_words
from bot.monitoring.monitoring import Monitoring
from bot.monitoring.watched_channels import Watched, watched
from bot.permissions import NO_CONTENT, VIEW, for_reporting, for_watching, missing, what_to_click
from bot.presentation import palette
from bot.presentation.lists import cut
from bot.presentation.text import unread_in_words

_LIST = 4000
UNREAD_FROM = 25
"""Percent of a channel's messages that cannot be read from which on the doctor says so."""


@dataclass(slots=True)
class _Looked:
    """What came of looking at the watched channels: sentences about what is wrong, and how many are in which state."""

    ailments: list[str] = field(default_factory=list)
    well: int = 0
    retried: int = 0
    resumed: int = 0
    unseen: int = 0

    def in_words(self, forgotten: int) -> list[str]:
        """What is in order, or is so again."""
        channels = "channel is" if self.well == 1 else "channels are"
        rules = "rule was" if forgotten == 1 else "rules were"
        said = (
            (self.well, f"✅ {self.well} watched {channels} in order."),
            (self.retried, f"↻ In {self.retried} of them Discord has refused me something before; I try again now."),
            (self.resumed, f"↻ In {self.resumed} of them my notice was deleted again and again; I post it again."),
            (forgotten, f"✅ {forgotten} {rules} about what is deleted; removed."),
        )
        return [line for count, line in said if count]


async def doctor(monitoring: Monitoring, admin: discord.Member, settings: GuildSettings) -> discord.Embed:
    """Looks at the intent, every watched channel and the mod channel. What is in order is tried again from now on.

    Where much of what is written cannot be read, that is said as well: nothing is broken then, but the mood tells less.
    Nothing is said of channels that the admin cannot see. Rules about what was deleted while the bot was off are
    removed. Raises DatabaseUnavailable.
    """
    forgotten = await _forget_the_deleted(monitoring, admin.guild)
    there = list(watched(monitoring.rules, admin.guild))
    looked = await _look(monitoring, admin, there)
    ailments = _of_the_bot(monitoring, settings) + looked.ailments
    ailments += unseen_in_words(looked.unseen, "I lack permissions there, and an admin who can see them is told which")
    if settings.mod_channel_id is not None:
        ailments += await _mod_channel(monitoring, admin, settings.mod_channel_id)
    lines = [f"❌ {ailment[:1].upper()}{ailment[1:]}" for ailment in ailments]
    foreign = await _foreign(monitoring, admin, there)
    lines += foreign
    lines += await _left_out(monitoring, admin, settings, there)
    lines += looked.in_words(forgotten)
    if not ailments and settings.mod_channel_id is not None:
        lines.append(f"✅ The mod channel {_mod_channel_to(admin, settings.mod_channel_id)}is in order.")
    if not lines:
        lines.append("✅ Nothing is watched, and nothing is wrong. `/monitor enable` starts watching.")
    title, colour = ("Good to know", palette.CAUTION) if foreign else ("All well", palette.GOOD)
    if ailments:
        title, colour = "What needs doing", palette.BAD
    return discord.Embed(title=title, description=cut(lines, _LIST), colour=colour)


def _of_the_bot(monitoring: Monitoring, settings: GuildSettings) -> list[str]:
    """What is wrong wherever it watches: no words to read, a time zone that is lost, a clock that is off."""
    ailments = [] if monitoring.content_seen else [NO_CONTENT]
    if settings.lost_zone:
        ailments.append(
            f"this machine doesn't know the time zone {settings.timezone} any more, so everything is told in UTC: "
            "choose another with `/monitor settings`."
        )
    if monitoring.clock.off:
        ailments.append(f"{clock_in_words(monitoring.clock.off)} Whoever runs this bot should set it right.")
    return ailments


async def _look(monitoring: Monitoring, admin: discord.Member, there: Sequence[Watched]) -> _Looked:
    looked = _Looked()
    for one in there:
        channel = one.channel
        lacking = missing(channel, for_watching(channel, tagging=one.rule.tagging))
        if not lacking:
            looked.well += 1
            looked.retried += _reopen(monitoring, channel)
            looked.resumed += await monitoring.notices.resume(admin.guild.id, _places(channel))
        elif can_see(admin, channel):
            looked.ailments.append(what_to_click(channel, lacking))
        else:
            looked.unseen += 1
    return looked


async def _foreign(monitoring: Monitoring, admin: discord.Member, there: Sequence[Watched]) -> list[str]:
    """The channels of which much cannot be read."""
    unread = await unread_lately(monitoring.storage.moods, admin.guild.id, readable_by(admin), monitoring.clock.now())
    shares = {one.counting: unread.share_of(one.counting) for one in there}
    return [
        f"⚠️ {unread_in_words(share, f'in <#{number}>')} That's over the last {UNREAD_DAYS} days."
        for number, share in shares.items()
        if share is not None and share >= UNREAD_FROM
    ]


async def _forget_the_deleted(monitoring: Monitoring, guild: discord.Guild) -> int:
    """Forgets what was deleted unseen; how many rules were about roles, channels or threads that are no more."""
    before = len(monitoring.rules.rules(guild.id))
    await monitoring.reconciliation.look(guild)
    return before - len(monitoring.rules.rules(guild.id))


def _reopen(monitoring: Monitoring, channel: WithMessages | discord.ForumChannel) -> bool:
    """Lets everything be tried again in a channel and its threads; whether anything was refused."""
    places = _places(channel)
    refused = any(monitoring.backoff.closed(number) for number in places)
    for number in places:
        monitoring.backoff.reopen(number)
    return refused


def _places(channel: WithMessages | discord.ForumChannel) -> set[int]:
    """A channel and those of its threads that are known; a thread's own channel included."""
    place = place_of(channel)
    threads = channel.threads if isinstance(channel, discord.TextChannel | discord.ForumChannel) else ()
    return {channel.id, *(thread.id for thread in threads)} | ({place.channel_id} if place is not None else set())


async def _mod_channel(monitoring: Monitoring, admin: discord.Member, channel_id: int) -> list[str]:
    try:
        channel = await look_up(admin.guild, channel_id)
    except REQUEST_FAILURES:
        return ["I cannot look at the mod channel, for Discord does not answer just now; please ask me again."]
    if channel is None:
        return ["I cannot see the mod channel, or it was deleted; choose another with `/monitor settings`."]
    lacking = missing(channel, for_reporting(channel)) if channel_of(channel) is not None else [VIEW]
    if lacking and not can_see(admin, channel):
        return ["The mod channel: I lack permissions there, and you cannot see it; ask an admin who can."]
    if lacking:
        return [f"The mod channel: {what_to_click(channel, lacking)}"]
    monitoring.backoff.reopen(channel.id)
    monitoring.services.mod_channels.reopen(channel.id)
    return []


def _mod_channel_to(admin: discord.Member, channel_id: int) -> str:
    """Its mention, and nothing for somebody who cannot see it."""
    known = admin.guild.get_channel_or_thread(channel_id)
    return f"<#{channel_id}> " if known is None or can_see(admin, known) else ""


async def _left_out(
    monitoring: Monitoring, admin: discord.Member, settings: GuildSettings, there: Sequence[Watched]
) -> list[str]:
    """Of which channels alerts and digests say nothing, and why; those that the admin cannot see are only counted."""
    mod_channels = monitoring.services.mod_channels
    silent = await left_out(
        mod_channels, admin.guild, settings, {one.counting for one in there}, monitoring.clock.now()
    )
    seen = [number for number in sorted(silent) if can_see(admin, admin.guild.get_channel(number))]
    why = "not everybody who reads the mod channel can read it there"
    lines = [f"🔇 Alerts and digests leave out <#{number}>: {why}." for number in seen]
    return lines + [
        f"🔇 {line}" for line in unseen_in_words(len(silent) - len(seen), "alerts and digests leave them out")
    ]
