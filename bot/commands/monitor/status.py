"""`/monitor status`: what is watched, by which rule, and what has become of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import discord

from bot.audience import can_see
from bot.channels import is_private_thread
from bot.commands.monitor.rule_words import how_in_words
from bot.commands.monitor.targets import named
from bot.commands.monitor.visible import mention_for
from bot.commands.monitor.wanted_languages import languages_in_words, unread_by_language
from bot.domain.disclosure import BASE
from bot.domain.records import GuildSettings, Mode, Rule, TargetKind
from bot.domain.snowflake import SECONDS
from bot.i18n import N_, gettext, ngettext, pgettext, unmarked
from bot.monitoring.ingest import Counts
from bot.monitoring.monitoring import Monitoring
from bot.monitoring.watched_channels import Watched, watched
from bot.permissions import NO_CONTENT
from bot.presentation import palette
from bot.presentation.language_words import languages_of
from bot.presentation.lists import cut
from bot.presentation.text import unread_in_words
from bot.refusal_backoff import Purpose, RefusalBackoff
from bot.storage.errors import DatabaseUnavailable
from bot.storage.mood_repository import MoodRepository
from bot.storage.unread import Unread
from bot.storage.write_buffer import WriteBuffer

_LIST, _FIELD = 3000, 1024

_WIDTH = tuple(TargetKind)
"""The kinds of rules, the widest first; roles come last, for they stand beside the others."""


UNREAD_DAYS = 7
"""The days of which it is said how much could not be read."""


async def unread_lately(moods: MoodRepository, guild_id: int, channels: Collection[int], now: float) -> Unread:
    """How much of what was written in these channels lately could not be read; nothing when the store is away.

    `now` is in seconds since the Unix epoch, by Discord's clock.
    """
    hour = int(now // SECONDS)
    try:
        return await moods.unread(guild_id, hour - UNREAD_DAYS * 24 + 1, hour, channels)
    except DatabaseUnavailable:
        return Unread({})


def status(
    monitoring: Monitoring,
    admin: discord.Member,
    settings: GuildSettings,
    *,
    unread: int | None,
    left_out: Collection[int],
    unseen: Sequence[str] = (),
    learning: str = "",
    alerts: Sequence[str] = (),
) -> discord.Embed:
    """Everything an admin may want to know of the monitoring in their server, of channels that they can see.

    `unread` is the share of `unread_lately`, `left_out` are channels of which the mod channel is told nothing, and
    `unseen` that of `blindness`, `learning` that of `learning_line`, and `alerts` that of `alert_state`.
    """
    guild = admin.guild
    rules = {target: rule for target, rule in monitoring.rules.rules(guild.id).items() if _is_shown(admin, rule)}
    there = list(watched(monitoring.rules, guild))
    seen = [one for one in there if can_see(admin, one.channel)]
    lines = [_watched_in_words(monitoring.backoff, guild, one, left_out) for one in seen]
    if hidden := len(there) - len(seen):
        lines.append(
            ngettext(
                "{count} more, in channels you can't see: an admin who can see them gets details.",
                "{count} more, in channels you can't see: an admin who can see them gets details.",
                hidden,
            )
        )
    headline = gettext("I'm not watching anything yet. Use `/setup` to start.")
    if lines:
        headline = cut([learning, *lines] if learning else lines, _LIST)
    if not monitoring.content_seen:
        headline = f"{gettext(NO_CONTENT)}\n\n{headline}"
    colour = palette.PLAIN if monitoring.content_seen else palette.BAD
    embed = discord.Embed(title=gettext("What I'm watching"), description=headline, colour=colour)
    if rules:
        by_width = sorted(rules.values(), key=lambda rule: _WIDTH.index(rule.target_kind))
        in_words = cut((rule_in_words(guild, rule) for rule in by_width), _FIELD)
        embed.add_field(name=gettext("More specific rules win"), value=in_words, inline=False)
    counts = monitoring.ingest.counts.get(guild.id, Counts())
    embed.add_field(
        name=gettext("Since my last start"), value=_since_start(counts, monitoring.storage.write_buffer), inline=False
    )
    if alerts:
        embed.add_field(name=gettext("Alerts"), value=cut(alerts, _FIELD), inline=False)
    if unseen:
        embed.add_field(name=gettext("What I missed"), value=cut(unseen, _FIELD), inline=False)
    info = monitoring.services.classifier.info
    if settings.languages or info.languages:
        embed.add_field(name=gettext("Languages I read"), value=languages_in_words(settings, info), inline=False)
    language = gettext("Language")
    not_read = unread_by_language(monitoring.ingest.unread_languages.told_of(guild.id), _written(counts))
    if unread:
        language = ngettext("Language, last {count} day", "Language, last {count} days", UNREAD_DAYS)
        lately = unread_in_words(unread, server=True, english_only=settings.english_only(languages_of(info)))
        not_read = f"{lately}\n{not_read}"
    if not_read:
        embed.add_field(name=language, value=not_read.strip(), inline=False)
    kept = ngettext(
        "Per-message scores: {count} d. After that only hourly totals.",
        "Per-message scores: {count} d. After that only hourly totals.",
        monitoring.services.settings.retention_days,
    )
    embed.add_field(name=gettext("How long I keep it"), value=kept, inline=False)
    intent = pgettext("an intent is", "on") if monitoring.content_seen else pgettext("an intent is", "off")
    embed.add_field(name=gettext("Message Content Intent"), value=intent)
    mod_channel = gettext("not set: `/setup`")
    if settings.mod_channel_id is not None:
        trouble = monitoring.services.mod_channels.trouble(settings.mod_channel_id)
        named_to_them = mention_for(admin, settings.mod_channel_id)
        mod_channel = (trouble or named_to_them).replace(f"<#{settings.mod_channel_id}>", named_to_them)
    embed.add_field(name=gettext("Mod channel"), value=mod_channel)
    embed.set_footer(text=unmarked(gettext("`/monitor doctor` checks my permissions.")))
    return embed


def rule_in_words(guild: discord.Guild, rule: Rule) -> str:
    """A rule in one line."""
    what = named(guild, rule)
    if rule.mode is Mode.EXEMPT:
        return gettext("🚫 {what}: never read", what=what)
    if is_private_thread(guild.get_channel_or_thread(rule.target_id)):
        return gettext(
            "🚫 {what}: never read, because it's a private thread; `/monitor disable` there removes this rule",
            what=what,
        )
    return gettext("👁️ {what}: watched, {how}", what=what, how=how_in_words(rule))


def _is_shown(admin: discord.Member, rule: Rule) -> bool:
    """Not a rule about a channel that they cannot see."""
    known = admin.guild.get_channel_or_thread(rule.target_id)
    return known is None or can_see(admin, known)


_BY_ITS_OWN_RULE = {
    None: N_("{channel} (set for this channel)"),
    True: N_("{channel} (set for this channel), tagged"),
    False: N_("{channel} (set for this channel), **but my tags are refused there**: `/monitor doctor`"),
}
_BY_ANOTHER_RULE = {
    None: N_("{channel} (set for {what})"),
    True: N_("{channel} (set for {what}), tagged"),
    False: N_("{channel} (set for {what}), **but my tags are refused there**: `/monitor doctor`"),
}
"""Which rule watches a channel, by whether tags work there; None where it is not tagged."""


def _watched_in_words(backoff: RefusalBackoff, guild: discord.Guild, one: Watched, left_out: Collection[int]) -> str:
    tags = None if not one.rule.tagging else Purpose.TAG not in backoff.closed(one.channel.id)
    if one.rule.target_id == one.channel.id:
        said = [gettext(_BY_ITS_OWN_RULE[tags], channel=one.channel.mention)]
    else:
        said = [gettext(_BY_ANOTHER_RULE[tags], channel=one.channel.mention, what=named(guild, one.rule))]
    if one.stopped:
        said.append(gettext("**paused, my notice was deleted there twice**: `/monitor doctor`"))
    elif not one.told and Purpose.NOTICE in backoff.closed(one.channel.id):
        said.append(gettext("**paused, I can't post my notice there**: `/monitor doctor`"))
    elif not one.told and Purpose.NOTICE in backoff.failing(one.channel.id):
        said.append(gettext("paused, Discord didn't take my notice; I'll try again soon"))
    elif not one.told:
        said.append(gettext("I'll post my notice before I keep anything"))
    if one.counting in left_out:
        said.append(gettext("**alerts and digests leave it out**: `/monitor doctor`"))
    return pgettext("between remarks about a channel", "; ").join(said)


def _written(counts: Counts) -> int:
    return (counts.read + counts.unread) // BASE * BASE


def _since_start(counts: Counts, buffer: WriteBuffer) -> str:
    """In steps of `BASE`: exact counts would tell, of the last message, whether its author is read, and in English."""
    read, shed, failed = _written(counts), counts.shed // BASE * BASE, counts.failed // BASE * BASE
    written = buffer.counts
    lines = [gettext("Read: about {read:,}. Skipped (too busy): about {skipped:,}.", read=read, skipped=shed)]
    if failed:
        lines.append(gettext("The model failed on: about {number:,}.", number=failed))
    lines.append(
        gettext(
            "In all servers: {lost:,} lost (database down), {late:,} too late.", lost=written.dropped, late=written.late
        )
    )
    if buffer.backlog.trouble:
        lines.append(
            ngettext(
                "In all servers: {count:,} is waiting because my database isn't responding. My log says why.",
                "In all servers: {count:,} are waiting because my database isn't responding. My log says why.",
                len(buffer),
            )
        )
    if written.dropped_deletions:
        lines.append(
            ngettext(
                "In all servers: {count:,} deleted message was missed while my database was down. Its score stays "
                "until I find it, or until it expires.",
                "In all servers: {count:,} deleted messages were missed while my database was down. Their scores stay "
                "until I find them, or until they expire.",
                written.dropped_deletions,
            )
        )
    return "\n".join(lines)
