"""Whether a channel that is to be watched is written in a language that cannot be read."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

import aiohttp
import discord

from bot.audience import can_read
from bot.channels import Watchable, WithMessages
from bot.commands.monitor.recent import recent_messages
from bot.i18n import gettext
from bot.i18n.formats import language_name
from bot.monitoring.monitoring import Monitoring
from bot.permissions import HISTORY, VIEW, missing
from bot.presentation.language_words import languages_of
from model import ModelError, Priority, Unreadable, Verdict
from model.text.languages import ENGLISH

MESSAGES = 50
"""How many of a channel's last messages are looked at."""

FEWEST = 10
"""Messages, readable or not, under which nothing is said of a channel's language."""

MOST_SECONDS = 3.0
"""How long whoever enabled something waits for this."""


async def language_warning(monitoring: Monitoring, member: discord.Member, channel: Watchable | None) -> str:
    """One sentence where most of a channel's last messages cannot be read; empty otherwise.

    Empty as well where that cannot be found out: the bot or whoever asks may not read the channel's past, Discord or
    the model does not answer in time, or the channel holds no messages itself. Nothing is kept, nothing is raised.
    """
    if not isinstance(channel, WithMessages) or not monitoring.content_seen or missing(channel, (VIEW, HISTORY)):
        return ""
    if not can_read(member, channel):
        return ""
    try:
        async with asyncio.timeout(MOST_SECONDS):
            messages = await recent_messages(monitoring, channel, MESSAGES)
            texts, guild_id = [recent.words for recent in messages], channel.guild.id
            answers = await monitoring.services.classifier.classify_many(texts, Priority.PASSIVE, origin=guild_id)
    except (TimeoutError, ModelError, discord.HTTPException, aiohttp.ClientError, OSError):
        return ""
    read = [
        code for code in languages_of(monitoring.services.classifier.info) if monitoring.rules.wants(guild_id, code)
    ]
    wanted = [monitoring.gate.wanted(guild_id, answer, text) for answer, text in zip(answers, texts, strict=True)]
    return in_words(wanted, english_only=read == [ENGLISH])


def in_words(answers: Sequence[Verdict | ModelError], *, english_only: bool = True) -> str:
    """What is said of a channel with these answers to its last messages. `english_only`: nothing else is read there."""
    unreadable = [answer for answer in answers if isinstance(answer, Unreadable)]
    readable = sum(isinstance(answer, Verdict) for answer in answers)
    if len(unreadable) <= readable or len(unreadable) + readable < FEWEST:
        return ""
    language, times = Counter(answer.language for answer in unreadable).most_common(1)[0]
    named = language if language and 2 * times > len(unreadable) else ""
    if not english_only:
        return _not_read(named)
    if not named:
        return gettext(
            "Most recent messages here don't look like English; I only read English, so the mood will leave them out."
        )
    return gettext(
        "Most recent messages here look like {language}; I only read English, so the mood will leave them out.",
        language=language_name(named),
    )


def _not_read(language: str) -> str:
    if not language:
        return gettext(
            "Most recent messages here are in languages I don't read in this server, so the mood will leave them out."
        )
    return gettext(
        "Most recent messages here look like {language}; I don't read that in this server, so the mood will leave them "
        "out.",
        language=language_name(language),
    )
