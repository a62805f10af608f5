"""The button under a notice: what is kept of people there, in full and to whoever presses it alone."""

from __future__ import annotations

from typing import Any

import discord

from bot.error_handler import apologising
from bot.i18n import gettext
from bot.monitoring.notice_words import details
from bot.presentation.lists import in_messages
from bot.services import languages_read, services_of
from bot.ui.static_item import StaticItem

_ID = "notice:details"


class DetailsButton(StaticItem, discord.ui.DynamicItem[discord.ui.Button[Any]], template=_ID):
    """Says the rest, in the language of whoever presses it; it works after a restart, too."""

    def __init__(self) -> None:
        # Translators: A button, at most 80 characters: what does the bot keep about people here?
        super().__init__(discord.ui.Button(label=gettext("What do you keep?"), custom_id=_ID))

    @apologising("the button under a notice")
    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """To whoever pressed it, and nobody else."""
        settings, languages = services_of(interaction).settings, languages_read(interaction)
        said, *more = in_messages(
            details(
                settings.retention_days, settings.catch_up, elsewhere=settings.scores_elsewhere, languages=languages
            )
        )
        await interaction.response.send_message(said, ephemeral=True)
        for part in more:
            await interaction.followup.send(part, ephemeral=True)


def details_view() -> discord.ui.View:
    """The button, as it goes under a notice."""
    view = discord.ui.View(timeout=None)
    view.add_item(DetailsButton())
    return view


def has_details_button(message: discord.Message) -> bool:
    """Whether a message has that button: only a notice does, in whatever language it is."""
    rows = [row for row in message.components if isinstance(row, discord.ActionRow)]
    return any(isinstance(item, discord.Button) and item.custom_id == _ID for row in rows for item in row.children)
