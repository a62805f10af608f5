"""What is for the asker alone, also where "is thinking…" is public already."""

from __future__ import annotations

import logging
from typing import Any

import discord

from bot.i18n import N_, gettext
from bot.link.failures import REQUEST_FAILURES

_log = logging.getLogger(__name__)

ASIDE = N_("I've answered this one privately.")
"""What is public for a moment where an answer took longer than Discord waits."""

_PUBLIC = "thinking in public"


async def think_in_public(interaction: discord.Interaction[Any]) -> None:
    """Shows everybody "is thinking…", and remembers that everybody sees it."""
    await interaction.response.defer(thinking=True)
    interaction.extras[_PUBLIC] = True


def thinks_in_public(interaction: discord.Interaction[Any]) -> bool:
    """Whether everybody was shown "is thinking…": Discord's answers do not say it."""
    return bool(interaction.extras.get(_PUBLIC))


async def step_aside(interaction: discord.Interaction[Any], words: str) -> None:
    """Says `words` to the asker alone although "is thinking…" is public already, and takes that away.

    What first follows a deferred answer is that answer, as public as it was: so it must have become one before.
    """
    await interaction.edit_original_response(content=gettext(ASIDE))
    await interaction.followup.send(words, ephemeral=True)
    try:
        await interaction.delete_original_response()
    except REQUEST_FAILURES as error:
        _log.info("a word in public stays: %s", getattr(error, "code", type(error).__name__))
