"""How an answer gets to people, and to whom: to everybody, or to the one who asked."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import discord

from bot.link.aside import step_aside, think_in_public

UNDECIDED_SECONDS = 1.0
"""So long nothing is public while it is not known whether it may be; Discord wants to hear something within three."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: a card, or words, or an embed and what goes under it.

    One that is `aside` is words for the one who asked alone, always.
    """

    content: str | None = None
    embed: discord.Embed | None = None
    view: discord.ui.View | discord.ui.LayoutView | None = None
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
        await think_in_public(interaction)
        reply = await task
        if reply.aside:
            await step_aside(interaction, reply.content or "")
        else:
            await _fill(interaction, reply)
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
