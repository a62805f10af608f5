"""An emoji that an admin typed, as Discord's reactions want it."""

from __future__ import annotations

import re

import discord
import emoji

from bot.commands.monitor.errors import Refused

_CUSTOM = re.compile(r"<a?:\w{1,32}:(\d{15,20})>")
_LONGEST = 64


async def usable(guild: discord.Guild, text: str) -> str:
    """The emoji in `text`. Raises Refused for what is no emoji, or a custom one that the bot cannot use here."""
    text = text.strip()
    custom = _CUSTOM.fullmatch(text)
    if custom is None:
        if not emoji.is_emoji(text) or len(text) > _LONGEST:
            raise Refused(
                "That is not one emoji; pick one from Discord's emoji list, such as 🌟, or one of this server."
            )
        return text
    try:
        found = await guild.fetch_emoji(int(custom[1]))
    except discord.NotFound:
        raise Refused(
            "That emoji is not of this server, so I cannot use it; pick an ordinary one or one of this server."
        ) from None
    if not found.is_usable():
        raise Refused(f"I may not use :{found.name}: here: Discord keeps it for certain roles, or has switched it off.")
    return str(found)
