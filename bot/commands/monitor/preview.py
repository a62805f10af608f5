"""`/monitor preview`: what the tags would have been, for whoever asks alone. Nothing of it is kept."""

from __future__ import annotations

import discord

from bot.audience import can_read
from bot.channels import WithMessages
from bot.commands.monitor.errors import DISCORD_FAILS, PRIVATE_THREAD, UNKNOWN_CHANNEL, Refused
from bot.commands.monitor.recent import RecentMessage, recent_messages
from bot.commands.monitor.targets import RuleTarget
from bot.domain.records import GuildSettings
from bot.i18n import N_, gettext, ngettext
from bot.i18n.formats import language_name, percent
from bot.link.failures import REQUEST_FAILURES, is_refusal
from bot.monitoring.monitoring import Monitoring
from bot.monitoring.reactions import tag_for
from bot.monitoring.reading_gate import Barred
from bot.permissions import HISTORY, NO_CONTENT, VIEW, missing, what_to_click
from bot.presentation import palette
from bot.presentation.lists import cut
from bot.presentation.quoting import excerpt
from bot.presentation.verdict_words import EMOJI, printed_confidence, sureness
from model import ModelError, NothingToRead, Sentiment, Unreadable, Verdict

MESSAGES = 20
_EXCERPT, _LIST = 60, 4000

_NOT_SHOWN = {
    Barred.NO_CONTENT: NO_CONTENT,
    Barred.UNKNOWN_CHANNEL: UNKNOWN_CHANNEL,
    Barred.PRIVATE_THREAD: PRIVATE_THREAD,
    Barred.EXEMPT_PLACE: N_("I don't read anyone there, because it's exempt. `/monitor include` undoes that."),
}

_SENTIMENTS = {
    Sentiment.NEGATIVE: N_("negative"),
    Sentiment.NEUTRAL: N_("neutral"),
    Sentiment.POSITIVE: N_("positive"),
}


async def preview(
    monitoring: Monitoring, member: discord.Member, what: RuleTarget, settings: GuildSettings
) -> discord.Embed:
    """Reads a channel's last messages and says what each would have been. Raises Refused."""
    channel = what.channel
    if not isinstance(channel, WithMessages):
        raise Refused(gettext("Pick a channel or thread with messages in it."))
    barred = monitoring.gate.bars_channel(channel)
    if barred is not None:
        raise Refused(gettext(_NOT_SHOWN[barred]))
    if not can_read(member, channel):
        raise Refused(
            gettext("You can't read {channel} yourself, so I won't show you what's in there.", channel=what.name)
        )
    lacking = missing(channel, (VIEW, HISTORY))
    if lacking:
        raise Refused(gettext("Nothing to show: {problem}", problem=what_to_click(channel, lacking)))
    try:
        messages = await recent_messages(monitoring, channel, MESSAGES)
    except REQUEST_FAILURES as error:
        if isinstance(error, discord.HTTPException) and is_refusal(error):
            raise Refused(
                gettext(
                    "I couldn't read {channel} (Discord says: {reason}).", channel=channel.mention, reason=error.text
                )
            ) from None
        raise Refused(gettext(DISCORD_FAILS)) from None
    texts, guild_id = [recent.words for recent in messages], channel.guild.id
    answers = await monitoring.services.classifier.classify_many(texts, origin=guild_id)
    verdicts = [monitoring.gate.wanted(guild_id, answer, text) for answer, text in zip(answers, texts, strict=True)]
    pairs = [pair for pair in zip(messages, verdicts, strict=True) if pair[0].may_be_shown(monitoring.gate)]
    lines = [_line(recent, verdict, settings) for recent, verdict in pairs]
    said = sum(not isinstance(verdict, NothingToRead) for _, verdict in pairs)
    tagged = sum(isinstance(verdict, Verdict) and tag_for(verdict, settings) is not None for _, verdict in pairs)
    name = f"#{channel.name}"
    embed = discord.Embed(
        title=gettext("The last messages in {channel}", channel=name)[:256],
        description=cut(lines, _LIST) or gettext("There's no message here that I would read."),
        colour=palette.PLAIN,
    )
    embed.add_field(
        name=ngettext(
            "I'd have tagged {tagged} of {count}", "I'd have tagged {tagged} of {count}", said, tagged=tagged
        ),
        value=gettext(
            "{positive} / {negative} when at least {percent} sure. Skipped: bots and their commands, exempt roles and "
            "people who opted out. I don't keep any of this.",
            positive=settings.positive_reaction,
            negative=settings.negative_reaction,
            percent=percent(settings.reaction_floor / 10),
        ),
        inline=False,
    )
    return embed


def _line(recent: RecentMessage, verdict: Verdict | ModelError, settings: GuildSettings) -> str:
    link, words = recent.message.jump_url, excerpt(recent.words, _EXCERPT)
    if isinstance(verdict, Unreadable):
        if not verdict.language:
            return gettext("▫️ [can't read]({link}): {words}", link=link, words=words)
        language = language_name(verdict.language)
        return gettext(
            "▫️ [can't read]({link}) (looks like {language}): {words}", link=link, language=language, words=words
        )
    if isinstance(verdict, NothingToRead):
        return gettext("▫️ [only links, mentions or pictures]({link})", link=link)
    if not isinstance(verdict, Verdict):
        return gettext("▫️ [not read]({link}): {words}", link=link, words=words)
    if verdict.danger:
        return gettext("▫️ [not rated]({link}): {words}", link=link, words=words)
    tag = tag_for(verdict, settings)
    sure = f"{sureness(verdict)}, {percent(printed_confidence(verdict))}"
    found = f"{EMOJI[verdict.sentiment]} [{gettext(_SENTIMENTS[verdict.sentiment])}]({link}) ({sure})"
    return f"{found} → {tag}: {words}" if tag else f"{found}: {words}"
