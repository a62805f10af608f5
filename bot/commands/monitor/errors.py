"""What an admin reads when something cannot be done."""

from __future__ import annotations

from typing import Any

import discord

NOT_ALLOWED = "Only people with the permission **Manage Server** can do that."
STORE_AWAY = (
    "My notes cannot be read or written just now. Please try again in a minute; `/monitor status` says what counts."
)
STARTING = "I have only just started and do not know this server yet. Please try again in a few seconds."
UNKNOWN_CHANNEL = (
    "I cannot find that channel: it was deleted, or I may not see it. Allow me **View Channel** there first."
)
NOT_SEEN = "You cannot see that channel yourself, so I do nothing there: ask an admin who can see it."
DISCORD_FAILS = "Discord does not answer just now, so nothing was changed. Please try again in a minute."


PRIVATE_THREAD = (
    "That is a private thread, and what is written in those is never read: only those who were invited can see it."
)


class Refused(Exception):
    """Nothing was done; the message is one sentence that says why and what would help."""


async def may_manage(interaction: discord.Interaction[Any]) -> bool:
    """Whether somebody may manage this server, whatever its settings for the command say; if not, it is said."""
    if interaction.permissions.manage_guild or interaction.permissions.administrator:
        return True
    await interaction.response.send_message(NOT_ALLOWED, ephemeral=True)
    return False
