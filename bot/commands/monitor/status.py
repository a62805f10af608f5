"""`/monitor status`: what is watched, by which rule, and what has become of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import discord

from bot.audience import can_see
from bot.channels import is_private_thread
from bot.commands.monitor.targets import named
from bot.commands.monitor.visible import mention_for, unseen_in_words
from bot.domain.disclosure import BASE
from bot.domain.records import GuildSettings, Mode, Rule, TargetKind
from bot.domain.snowflake import SECONDS
from bot.monitoring.ingest import Counts
from bot.monitoring.monitoring import Monitoring
from bot.monitoring.watched_channels import Watched, watched
from bot.permissions import NO_CONTENT
from bot.presentation import palette
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
) -> discord.Embed:
    """Everything an admin may want to know of the monitoring in their server, of channels that they can see.

    `unread` is the share of `unread_lately`, `left_out` are channels of which the mod channel is told nothing, and
    `unseen` that of `blindness`.
    """
    guild = admin.guild
    rules = {target: rule for target, rule in monitoring.rules.rules(guild.id).items() if _is_shown(admin, rule)}
    there = list(watched(monitoring.rules, guild))
    seen = [one for one in there if can_see(admin, one.channel)]
    lines = [_watched_in_words(monitoring.backoff, guild, one, left_out) for one in seen]
    lines += unseen_in_words(len(there) - len(seen), "an admin who can see them is told more")
    headline = "Nothing is watched. `/monitor enable` starts it, for a channel, a category or the whole server."
    if lines:
        headline = cut(lines, _LIST)
    if not monitoring.content_seen:
        headline = f"{NO_CONTENT}\n\n{headline}"
    colour = palette.PLAIN if monitoring.content_seen else palette.BAD
    embed = discord.Embed(title="What I watch here", description=headline, colour=colour)
    if rules:
        by_width = sorted(rules.values(), key=lambda rule: _WIDTH.index(rule.target_kind))
        in_words = cut((rule_in_words(guild, rule) for rule in by_width), _FIELD)
        embed.add_field(name="Rules: the narrower one wins", value=in_words, inline=False)
    counts = monitoring.ingest.counts.get(guild.id, Counts())
    embed.add_field(
        name="Since my last start", value=_since_start(counts, monitoring.storage.write_buffer), inline=False
    )
    if unseen:
        embed.add_field(name="What I did not see", value=cut(unseen, _FIELD), inline=False)
    if unread:
        embed.add_field(
            name=f"Language, last {UNREAD_DAYS} days", value=unread_in_words(unread, "in this server"), inline=False
        )
    days = monitoring.services.settings.retention_days
    kept = f"Scores of single messages: {days} d. After that only sums by hour."
    embed.add_field(name="How long I keep it", value=kept, inline=False)
    embed.add_field(name="Message Content Intent", value="on" if monitoring.content_seen else "off")
    mod_channel = "none: `/monitor settings`"
    if settings.mod_channel_id is not None:
        trouble = monitoring.services.mod_channels.trouble(settings.mod_channel_id)
        named_to_them = mention_for(admin, settings.mod_channel_id)
        mod_channel = (trouble or named_to_them).replace(f"<#{settings.mod_channel_id}>", named_to_them)
    embed.add_field(name="Mod channel", value=mod_channel)
    embed.set_footer(text="/monitor doctor checks the permissions.")
    return embed


def rule_in_words(guild: discord.Guild, rule: Rule) -> str:
    """A rule in one line."""
    what = named(guild, rule)
    if rule.mode is Mode.EXEMPT:
        return f"🚫 {what}: never read"
    if is_private_thread(guild.get_channel_or_thread(rule.target_id)):
        return f"🚫 {what}: never read, for it is a private thread; `/monitor disable` there removes this rule"
    tagging = "on" if rule.tagging else "off"
    return f"👁️ {what}: watched, tagging {tagging}, sensitivity {rule.sensitivity}"


def _is_shown(admin: discord.Member, rule: Rule) -> bool:
    """Not a rule about a channel that they cannot see."""
    known = admin.guild.get_channel_or_thread(rule.target_id)
    return known is None or can_see(admin, known)


def _watched_in_words(backoff: RefusalBackoff, guild: discord.Guild, one: Watched, left_out: Collection[int]) -> str:
    own = one.rule.target_id == one.channel.id
    by = "by its own rule" if own else f"by the rule for {named(guild, one.rule)}"
    tagged = ", tagged" if one.rule.tagging else ""
    if tagged and Purpose.TAG in backoff.closed(one.channel.id):
        tagged = ", **but my tags are refused there**: `/monitor doctor`"
    untold = "" if one.told else "; my notice comes before the first message is read"
    if one.stopped:
        untold = "; **nothing is read, for my notice was deleted there twice**: `/monitor doctor`"
    elif not one.told and Purpose.NOTICE in backoff.closed(one.channel.id):
        untold = "; **nothing is read, for my notice is refused there**: `/monitor doctor`"
    elif not one.told and Purpose.NOTICE in backoff.failing(one.channel.id):
        untold = "; nothing is read, for Discord did not take my notice just now; I try again soon"
    silent = "; **alerts and digests leave it out**: `/monitor doctor`" if one.counting in left_out else ""
    return f"{one.channel.mention} {by}{tagged}{untold}{silent}"


def _since_start(counts: Counts, buffer: WriteBuffer) -> str:
    """In steps of `BASE`: exact counts would tell, of the last message, whether its author is read, and in English."""
    read, shed, failed = (count // BASE * BASE for count in (counts.read + counts.unread, counts.shed, counts.failed))
    written = buffer.counts
    lines = [f"Read: about {read:,}. Not read, for too much was waiting: about {shed:,}."]
    if failed:
        lines.append(f"The model failed on: about {failed:,}.")
    lines.append(
        f"In all servers: {written.dropped:,} dropped, for the database was away; {written.late:,} came too late."
    )
    if buffer.backlog.trouble:
        lines.append(
            f"In all servers: {len(buffer):,} wait to be written, for the database does not take them. Whoever runs "
            "this bot finds the cause in its log."
        )
    if written.dropped_deletions:
        lines.append(
            f"In all servers: {written.dropped_deletions:,} deletions of messages were missed, for the database was "
            "away; their scores stay until they are looked for, or until they are too old."
        )
    return "\n".join(lines)
