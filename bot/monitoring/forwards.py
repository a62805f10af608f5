"""What somebody forwards counts as theirs: they show it to others, often in the place of words of their own.

But somebody else wrote it, who may not want to be read. So it is read along only where the bot can tell who that was,
which means in the same server and where the bot may look, and only if that person's words may be read.
"""

from __future__ import annotations

from collections.abc import Callable

import aiohttp
import discord

from bot.channels import WithMessages, is_private_thread
from bot.monitoring.member_roles import MemberRoles
from bot.monitoring.message_words import words_forwarded, words_of_author
from bot.monitoring.reading_gate import Barred, ReadingFor, ReadingGate, Written


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
    except (discord.HTTPException, aiohttp.ClientError, OSError):
        return None


async def words_to_watch(gate: ReadingGate, message: discord.Message) -> str:
    """What its author said in a message, and what they forward if that may be read; "" where there is neither."""
    if not message.message_snapshots or message.guild is None:
        return words_of_author(message)
    original = await original_of(message.guild.get_channel_or_thread, message)
    if original is None or not await _may_be_read(gate, message.guild, original):
        return words_of_author(message)
    return words_forwarded(message)


async def _may_be_read(gate: ReadingGate, guild: discord.Guild, original: discord.Message) -> bool:
    if original.author.bot or original.webhook_id is not None or is_private_thread(original.channel):
        return False
    barred = gate.ruling(Written.of(original), ReadingFor.ASKED).barred
    if barred is Barred.ROLES_UNKNOWN:
        roles = await MemberRoles(guild, most=1).of(original.author)
        barred = gate.ruling(Written.of(original, roles=roles), ReadingFor.ASKED).barred
    return barred is None
