"""`/monitor preview`: what the tags would have been, for whoever asks alone. Nothing of it is kept."""

from __future__ import annotations

import discord

from bot.audience import can_read
from bot.channels import WithMessages
from bot.commands.monitor.errors import DISCORD_FAILS, PRIVATE_THREAD, UNKNOWN_CHANNEL, Refused
from bot.commands.monitor.recent import RecentMessage, recent_messages
from bot.commands.monitor.targets import RuleTarget
from bot.domain.records import GuildSettings
from bot.link.failures import REQUEST_FAILURES, is_refusal
from bot.monitoring.monitoring import Monitoring
from bot.monitoring.reactions import tag_for
from bot.monitoring.reading_gate import Barred
from bot.permissions import HISTORY, NO_CONTENT, VIEW, missing, what_to_click
from bot.presentation import palette
from bot.presentation.lists import cut
from bot.presentation.quoting import excerpt
from bot.presentation.verdict_words import EMOJI, confidence_in_words
from model import ModelError, Unreadable, Verdict

MESSAGES = 20
_EXCERPT, _LIST = 60, 4000

_NOT_SHOWN = {
    Barred.NO_CONTENT: NO_CONTENT,
    Barred.UNKNOWN_CHANNEL: UNKNOWN_CHANNEL,
    Barred.PRIVATE_THREAD: PRIVATE_THREAD,
    Barred.EXEMPT_PLACE: "Nobody is read there: it is exempt. `/monitor include` undoes that.",
}


async def preview(
    monitoring: Monitoring, member: discord.Member, what: RuleTarget, settings: GuildSettings
) -> discord.Embed:
    """Reads a channel's last messages and says what each would have been. Raises Refused."""
    channel = what.channel
    if not isinstance(channel, WithMessages):
        raise Refused("Choose one channel or thread in which messages stand.")
    barred = monitoring.gate.bars_channel(channel)
    if barred is not None:
        raise Refused(_NOT_SHOWN[barred])
    if not can_read(member, channel):
        raise Refused(f"You may not read {what.name} yourself, so I do not show you what is written there.")
    lacking = missing(channel, (VIEW, HISTORY))
    if lacking:
        raise Refused(f"There is nothing to show: {what_to_click(channel, lacking)}")
    try:
        messages = await recent_messages(monitoring, channel, MESSAGES)
    except REQUEST_FAILURES as error:
        if isinstance(error, discord.HTTPException) and is_refusal(error):
            raise Refused(f"I could not read {channel.mention} (Discord says: {error.text}).") from None
        raise Refused(DISCORD_FAILS) from None
    verdicts = await monitoring.services.classifier.classify_many(
        [recent.words for recent in messages], origin=channel.guild.id
    )
    pairs = [pair for pair in zip(messages, verdicts, strict=True) if pair[0].may_be_shown(monitoring.gate)]
    lines = [_line(recent, verdict, settings) for recent, verdict in pairs]
    tagged = sum(isinstance(verdict, Verdict) and tag_for(verdict, settings) is not None for _, verdict in pairs)
    embed = discord.Embed(
        title=f"The last messages in #{channel.name}"[:256],
        description=cut(lines, _LIST) or "There is no message here that I would read.",
        colour=palette.PLAIN,
    )
    embed.add_field(
        name=f"{tagged} of {len(lines)} would have been tagged",
        value=f"{settings.positive_reaction} and {settings.negative_reaction}, from {settings.reaction_floor / 10:g} % "
        "on. Left out: bots and commands for them, exempt roles and people who opted out. Nothing of this is kept.",
        inline=False,
    )
    return embed


def _line(recent: RecentMessage, verdict: Verdict | ModelError, settings: GuildSettings) -> str:
    message, words = recent.message, excerpt(recent.words, _EXCERPT)
    if isinstance(verdict, Unreadable):
        likely = f" (looks like {verdict.language})" if verdict.language else ""
        return f"▫️ [can't read]({message.jump_url}){likely}: {words}"
    if not isinstance(verdict, Verdict):
        return f"▫️ [not read]({message.jump_url}): {words}"
    if verdict.danger:
        return f"▫️ [not rated]({message.jump_url}): {words}"
    tag = tag_for(verdict, settings)
    sure = f"{confidence_in_words(verdict.confidence)}, {verdict.confidence:.0%}"
    found = f"{EMOJI[verdict.sentiment]} [{verdict.sentiment}]({message.jump_url}) ({sure})"
    return f"{found} → {tag}: {words}" if tag else f"{found}: {words}"
