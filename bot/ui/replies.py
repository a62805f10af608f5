"""How an answer gets to people, and to whom: to everybody, or to the one who asked."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import discord

from bot.link.failures import REQUEST_FAILURES

_log = logging.getLogger(__name__)

UNDECIDED_SECONDS = 1.0
"""So long nothing is public while it is not known whether it may be; Discord wants to hear something within three."""

ASIDE = "I've answered this one privately."
"""What is public for a moment where that took longer."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: words, or an embed, and what goes under it. One that is `aside` is for the one who asked, always."""

    content: str | None = None
    embed: discord.Embed | None = None
    view: discord.ui.View | None = None
    file: discord.File | None = None
    aside: bool = False


def origin_of(interaction: discord.Interaction[Any]) -> int:
    """Whose share of the model an answer takes: the server's id, elsewhere the person's."""
    return interaction.guild_id or interaction.user.id


async def reply_to_asker(interaction: discord.Interaction[Any], reading: Coroutine[Any, Any, Reply]) -> None:
    """Shows what `reading` comes to, to the asker alone."""
    try:
        await interaction.response.defer(thinking=True, ephemeral=True)
    except BaseException:
        reading.close()
        raise
    await _fill(interaction, await reading)


async def reply_to_all(interaction: discord.Interaction[Any], reading: Coroutine[Any, Any, Reply]) -> None:
    """Shows what `reading` comes to, to everybody unless it is `aside`.

    Who may see a message is settled with Discord's first sight of it, "is thinking…" included.
    """
    task = asyncio.ensure_future(reading)
    task.add_done_callback(_seen)
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(UNDECIDED_SECONDS):
                await asyncio.wait([task])
        if task.done():
            await _send(interaction, task.result())
            return
        await interaction.response.defer(thinking=True)
        reply = await task
        await (_step_aside if reply.aside else _fill)(interaction, reply)
    finally:
        task.cancel()


def _seen(task: asyncio.Task[Reply]) -> None:
    """Takes note of an error after which nobody may ask: asyncio would log it in full, with somebody's words in it."""
    if not task.cancelled():
        task.exception()


async def _send(interaction: discord.Interaction[Any], reply: Reply) -> None:
    parts: dict[str, Any] = {"embed": reply.embed, "view": reply.view, "file": reply.file}
    await interaction.response.send_message(
        reply.content, ephemeral=reply.aside, **{name: part for name, part in parts.items() if part is not None}
    )


async def _fill(interaction: discord.Interaction[Any], reply: Reply) -> None:
    files = [reply.file] if reply.file is not None else []
    await interaction.edit_original_response(
        content=reply.content, embed=reply.embed, view=reply.view, attachments=files
    )


async def _step_aside(interaction: discord.Interaction[Any], reply: Reply) -> None:
    """Answers the asker alone although "is thinking…" is public already, and takes that away.

    What first follows a deferred answer is that answer, as public as it was: so it must have become one before.
    """
    await interaction.edit_original_response(content=ASIDE)
    await interaction.followup.send(reply.content or "", ephemeral=True)
    try:
        await interaction.delete_original_response()
    except REQUEST_FAILURES as error:
        _log.info("a word in public stays: %s", getattr(error, "code", type(error).__name__))
