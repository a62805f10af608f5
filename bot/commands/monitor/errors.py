"""What an admin reads when something cannot be done."""

from __future__ import annotations

from typing import Any

import discord

from bot.i18n import N_, gettext

NOT_ALLOWED = N_("Only people with the permission **Manage Server** can do that.")
STORE_AWAY = N_("My database isn't responding. Please try again in a minute; `/monitor status` shows what's set.")
STARTING = N_("I've only just started. Please try again in a few seconds.")
UNKNOWN_CHANNEL = N_(
    "I can't find that channel: it was deleted, or I can't see it. Give me **View Channel** there first."
)
NOT_SEEN = N_("You can't see that channel yourself, so I won't change anything there. Ask an admin who can.")
DISCORD_FAILS = N_("Discord isn't responding, so nothing was changed. Please try again in a minute.")
PRIVATE_THREAD = N_("That's a private thread. I never read those, because only invited people can see them.")


class Refused(Exception):
    """Nothing was done; the message says why and what would help, in the language of whoever asked."""


async def may_manage(interaction: discord.Interaction[Any]) -> bool:
    """Whether somebody may manage this server, whatever its settings for the command say; if not, it is said."""
    if interaction.permissions.manage_guild or interaction.permissions.administrator:
        return True
    await interaction.response.send_message(gettext(NOT_ALLOWED), ephemeral=True)
    return False
