"""`/monitor doctor`: what keeps the bot from doing what it is to do, and what to click."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import discord

from bot.audience import can_see, channel_of
from bot.channels import WithMessages, place_of
from bot.commands.monitor.learning_line import learning_line
from bot.commands.monitor.pinging import role_warning
from bot.commands.monitor.status import UNREAD_DAYS, unread_lately
from bot.commands.monitor.visible import left_out, readable_by
from bot.domain.records import GuildSettings
from bot.i18n import gettext, ngettext
from bot.i18n.formats import capitalised
from bot.link.failures import REQUEST_FAILURES
from bot.mod_channel import look_up
from bot.monitoring.clock_watch import clock_in_words
from bot.monitoring.monitoring import Monitoring
from bot.monitoring.watched_channels import Watched, watched
from bot.permissions import NO_CONTENT, VIEW, for_reporting, for_watching, missing, what_to_click
from bot.presentation import palette
from bot.presentation.language_words import languages_of
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
        lines = []
        if self.well:
            lines.append(
                ngettext("✅ {count} watched channel is fine.", "✅ {count} watched channels are fine.", self.well)
            )
        if self.retried:
            lines.append(
                ngettext(
                    "↻ Discord refused me something in {count} of them before; I'll try again now.",
                    "↻ Discord refused me something in {count} of them before; I'll try again now.",
                    self.retried,
                )
            )
        if self.resumed:
            lines.append(
                ngettext(
                    "↻ My notice was deleted again and again in {count} of them; I'll post it again.",
                    "↻ My notice was deleted again and again in {count} of them; I'll post it again.",
                    self.resumed,
                )
            )
        if forgotten:
            lines.append(
                ngettext(
                    "✅ {count} rule was about deleted channels or roles; removed.",
                    "✅ {count} rules were about deleted channels or roles; removed.",
                    forgotten,
                )
            )
        return lines


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
    ailments += role_warning(admin.guild, settings.alert_role_id)
    if looked.unseen:
        ailments.append(
            ngettext(
                "{count} more, in channels you can't see: I'm missing permissions there; an admin who can see them "
                "gets details.",
                "{count} more, in channels you can't see: I'm missing permissions there; an admin who can see them "
                "gets details.",
                looked.unseen,
            )
        )
    if settings.mod_channel_id is not None:
        ailments += await _mod_channel(monitoring, admin, settings.mod_channel_id)
    lines = [f"❌ {capitalised(ailment)}" for ailment in ailments]
    foreign = await _foreign(monitoring, admin, settings, there)
    lines += foreign
    lines += await _left_out(monitoring, admin, settings, there)
    lines += looked.in_words(forgotten)
    lines += [f"🔔 {line}" for line in [await learning_line(monitoring, admin, settings)] if line]
    if not ailments and settings.mod_channel_id is not None:
        lines.append(_mod_channel_is_fine(admin, settings.mod_channel_id))
    if not lines:
        lines.append(gettext("✅ I'm not watching anything yet. Use `/setup` to start."))
    title, colour = gettext("Everything works"), palette.GOOD
    if foreign:
        title, colour = gettext("Good to know"), palette.CAUTION
    if ailments:
        title, colour = gettext("Needs fixing"), palette.BAD
    return discord.Embed(title=title, description=cut(lines, _LIST), colour=colour)


def _of_the_bot(monitoring: Monitoring, settings: GuildSettings) -> list[str]:
    """What is wrong wherever it watches: no words to read, a time zone that is lost, a clock that is off."""
    ailments = [] if monitoring.content_seen else [gettext(NO_CONTENT)]
    if settings.lost_zone:
        ailments.append(
            gettext(
                "This machine doesn't know the time zone {zone} any more, so I use UTC. Pick another with `/monitor "
                "settings`.",
                zone=settings.timezone,
            )
        )
    if monitoring.clock.off:
        ailments.append(" ".join((clock_in_words(monitoring.clock.off), gettext("My operator should fix that."))))
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


async def _foreign(
    monitoring: Monitoring, admin: discord.Member, settings: GuildSettings, there: Sequence[Watched]
) -> list[str]:
    """The channels of which much cannot be read."""
    storage = monitoring.storage
    unread = await unread_lately(storage.moods, admin.guild.id, readable_by(admin), storage.clock.now())
    shares = {one.counting: unread.share_of(one.counting) for one in there}
    english = settings.english_only(languages_of(monitoring.services.classifier.info))
    when = ngettext("That's over the last {count} day.", "That's over the last {count} days.", UNREAD_DAYS)
    return [
        f"⚠️ {unread_in_words(share, number, english_only=english)} {when}"
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
        return [gettext("I can't check the mod channel because Discord isn't responding. Please ask me again.")]
    if channel is None:
        return [gettext("I can't see the mod channel, or it was deleted. Pick another with `/monitor settings`.")]
    lacking = missing(channel, for_reporting(channel)) if channel_of(channel) is not None else [VIEW]
    if lacking and not can_see(admin, channel):
        return [gettext("The mod channel: I'm missing permissions there, and you can't see it. Ask an admin who can.")]
    if lacking:
        return [gettext("The mod channel: {problem}", problem=what_to_click(channel, lacking))]
    monitoring.backoff.reopen(channel.id)
    monitoring.services.mod_channels.reopen(channel.id)
    return []


def _mod_channel_is_fine(admin: discord.Member, channel_id: int) -> str:
    """With its mention, unless the admin cannot see it."""
    known, mention = admin.guild.get_channel_or_thread(channel_id), f"<#{channel_id}>"
    if known is None or can_see(admin, known):
        return gettext("✅ The mod channel {channel} is fine.", channel=mention)
    return gettext("✅ The mod channel is fine.")


async def _left_out(
    monitoring: Monitoring, admin: discord.Member, settings: GuildSettings, there: Sequence[Watched]
) -> list[str]:
    """Of which channels alerts and digests say nothing, and why; those that the admin cannot see are only counted."""
    mod_channels = monitoring.services.mod_channels
    counting, now = {one.counting for one in there}, monitoring.storage.clock.now()
    silent = await left_out(mod_channels, admin.guild, settings, counting, now)
    seen = [f"<#{number}>" for number in sorted(silent) if can_see(admin, admin.guild.get_channel(number))]
    lines = [
        gettext(
            "🔇 Alerts and digests leave out {channel}: not everyone in the mod channel can read it there.",
            channel=channel,
        )
        for channel in seen
    ]
    if hidden := len(silent) - len(seen):
        lines.append(
            ngettext(
                "🔇 {count} more, in channels you can't see: alerts and digests leave them out.",
                "🔇 {count} more, in channels you can't see: alerts and digests leave them out.",
                hidden,
            )
        )
    return lines
