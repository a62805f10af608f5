"""What is pressed and is none of our buttons: of a former version, of a post that has changed since, or forged."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import discord

from bot.i18n import gettext
from bot.link.failures import REQUEST_FAILURES, kind_of_failure
from bot.presentation.error_words import GONE
from bot.ui.components import parts

_log = logging.getLogger(__name__)

_Button = type[discord.ui.DynamicItem[Any]]


def is_known(interaction: discord.Interaction[Any], buttons: Iterable[_Button]) -> bool:
    """Whether one of `buttons` answers it: its id is theirs, and it is in the message that it is said to be in.

    By the same two things the library decides whether it calls one; otherwise it says nothing to anybody.
    """
    data: Any = interaction.data or {}
    custom_id, kind = data.get("custom_id", ""), data.get("component_type")
    templates = (button.__discord_ui_compiled_template__ for button in buttons)
    if interaction.message is None or not any(template.fullmatch(custom_id) for template in templates):
        return False
    there = parts(interaction.message.components)
    return any(part.type.value == kind and getattr(part, "custom_id", None) == custom_id for part in there)


async def answer_unknown(interaction: discord.Interaction[Any]) -> None:
    """Says once, to whoever pressed it alone, that nothing came of it."""
    try:
        await interaction.response.send_message(gettext(GONE), ephemeral=True)
    except REQUEST_FAILURES as error:
        _log.info("what nobody knows was not answered (%s)", kind_of_failure(error))
