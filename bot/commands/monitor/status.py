"""`/monitor status`: what is watched, by which rule, and what has become of it."""

from __future__ import annotations

import time
from collections.abc import Sequence

import discord

from bot.commands.monitor.targets import named
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
from bot.storage.write_buffer import Counts as Written

_LIST, _FIELD = 3000, 1024

_WIDTH = tuple(TargetKind)
"""The kinds of rules, the widest first; roles come last, for they stand beside the others."""


UNREAD_DAYS = 7
"""The days of which it is said how much could not be read."""


async def unread_lately(moods: MoodRepository, guild_id: int) -> Unread:
    """How much of what was written in a server in the last days could not be read; nothing when the store is away."""
    now = int(time.time() // SECONDS)
    try:
        return await moods.unread(guild_id, now - UNREAD_DAYS * 24 + 1, now)
    except DatabaseUnavailable:
        return Unread({})


def status(
    monitoring: Monitoring,
    written: Written,
    guild: discord.Guild,
    settings: GuildSettings,
    *,
    unread: int | None,
    unseen: Sequence[str] = (),
) -> discord.Embed:
    """Everything an admin may want to know of the monitoring in their server.

    `unread` is that of `unread_lately`, and `unseen` that of `blindness`.
    """
    rules = monitoring.rules.rules(guild.id)
    lines = [_watched_in_words(monitoring.backoff, guild, one) for one in watched(monitoring.rules, guild)]
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
    embed.add_field(name="Since my last start", value=_since_start(counts, written), inline=False)
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
        mod_channel = trouble or f"<#{settings.mod_channel_id}>"
    embed.add_field(name="Mod channel", value=mod_channel)
    embed.set_footer(text="/monitor doctor checks the permissions.")
    return embed


def rule_in_words(guild: discord.Guild, rule: Rule) -> str:
    """A rule in one line."""
    what = named(guild, rule)
    if rule.mode is Mode.EXEMPT:
        return f"🚫 {what}: never read"
    tagging = "on" if rule.tagging else "off"
    return f"👁️ {what}: watched, tagging {tagging}, sensitivity {rule.sensitivity}"


def _watched_in_words(backoff: RefusalBackoff, guild: discord.Guild, one: Watched) -> str:
    own = one.rule.target_id == one.channel.id
    by = "by its own rule" if own else f"by the rule for {named(guild, one.rule)}"
    tagged = ", tagged" if one.rule.tagging else ""
    if tagged and Purpose.TAG in backoff.closed(one.channel.id):
        tagged = ", **but my tags are refused there**: `/monitor doctor`"
    untold = "" if one.told else "; my notice comes before the first message is read"
    if not one.told and Purpose.NOTICE in backoff.closed(one.channel.id):
        untold = "; **nothing is read, for my notice is refused there**: `/monitor doctor`"
    return f"{one.channel.mention} {by}{tagged}{untold}"


def _since_start(counts: Counts, written: Written) -> str:
    lines = [f"Read: {counts.read:,}. Not read, for too much was waiting: {counts.shed:,}."]
    if counts.unread:
        lines.append(f"Not in English, so not counted in the mood: {counts.unread:,}.")
    if counts.failed:
        lines.append(f"The model failed on: {counts.failed:,}.")
    dropped = written.dropped + written.dropped_deletions
    lines.append(f"In all servers: {dropped:,} dropped, for the database was away; {written.late:,} came too late.")
    return "\n".join(lines)
