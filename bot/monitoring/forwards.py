"""What somebody forwards counts as theirs: they show it to others, often in the place of words of their own.

But somebody else wrote it, who may not want to be read. So it is read along only where the bot can tell who that was,
which means in the same server and where the bot may look, and only if that person's words may be read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import discord

from bot.channels import WithMessages, is_private_thread
from bot.link.failures import REQUEST_FAILURES
from bot.monitoring.member_roles import MemberRoles
from bot.monitoring.message_words import words_forwarded, words_of_author
from bot.monitoring.reading_gate import Barred, ReadingFor, ReadingGate, Written


@dataclass(frozen=True, slots=True)
class WatchedWords:
    """What a message says to watching; `original` is of whom the forwarded part is, None where there is none."""

    words: str
    original: Written | None = None

    def may_be_read(self, gate: ReadingGate) -> bool:
        """Asked again once the model has read it: whoever wrote the original may have opted out meanwhile."""
        return self.original is None or gate.ruling(self.original, ReadingFor.ASKED).barred is None


async def original_of(channel_by_id: Callable[[int], object], message: discord.Message) -> discord.Message | None:
    """The message that is forwarded in this one, where the bot may read it; by one request. Raises nothing."""
    reference = message.reference
    if not message.message_snapshots or reference is None or reference.message_id is None:
        return None
    channel = channel_by_id(reference.channel_id)
    if not isinstance(channel, WithMessages):
        return None
    try:
        return await channel.fetch_message(reference.message_id)
    except REQUEST_FAILURES:
        return None


async def words_to_watch(gate: ReadingGate, message: discord.Message) -> WatchedWords:
    """What its author said in a message, and what they forward if that may be read; no words where there is neither."""
    typed = WatchedWords(words_of_author(message))
    if not message.message_snapshots or message.guild is None:
        return typed
    original = await original_of(message.guild.get_channel_or_thread, message)
    if original is None or original.message_snapshots:  # that one is forwarded, too: of whom, nobody says
        return typed
    written = await _written(gate, message.guild, original)
    return typed if written is None else WatchedWords(words_forwarded(message), written)


async def _written(gate: ReadingGate, guild: discord.Guild, original: discord.Message) -> Written | None:
    """Who wrote the original, if their words may be read."""
    if original.author.bot or original.webhook_id is not None or is_private_thread(original.channel):
        return None
    written = Written.of(original)
    barred = gate.ruling(written, ReadingFor.ASKED).barred
    if barred is Barred.ROLES_UNKNOWN:
        written = Written.of(original, roles=await MemberRoles(guild, most=1).of(original.author))
        barred = gate.ruling(written, ReadingFor.ASKED).barred
    return written if barred is None else None
