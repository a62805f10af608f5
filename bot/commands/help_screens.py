"""`/help`: three screens, for everybody, for admins and about privacy, with a button to each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Self

import discord
from discord import app_commands
from discord.ext import commands

from bot.error_handler import apologising
from bot.i18n import N_, gettext, pgettext
from bot.presentation import palette
from bot.presentation.language_words import languages_of, named_all
from bot.services import Feature, languages_read, services_of
from model.text.languages import ENGLISH

SCREENS = (
    (
        N_("What you can do"),
        N_(
            "**`/sentiment`** How does a text sound? Press **Why?** under the answer to see which words did it.\n"
            "**Check sentiment** The same for a message: right-click or hold it, then **Apps**. Only you see it.\n"
            "**`/mood channel`** How a channel has felt lately, as a chart. There's also `server` and `compare`.\n"
            "**`/privacy`** What I keep about you, and how to opt out.\n"
            "**`/about`** Who runs me, and how good I am.\n\n"
            "I read English, and I get sarcasm wrong a lot."
        ),
    ),
    (
        N_("Running me (needs Manage Server)"),
        N_(
            "**`/setup`** Channels, mod channel, role to ping, time zone and digest, in one form.\n"
            "**`/monitor enable`**, **`disable`** Watch a channel, or stop. I post a notice before I keep anything.\n"
            "**`/monitor status`** What I'm watching, and when the first alert can come.\n"
            "**`/monitor doctor`** Which permissions I'm missing, and where to click.\n"
            "**`/monitor exempt`** Never read a role or a channel.\n"
            "**`/monitor settings`** Emoji, thresholds and the rest.\n\n"
            "**No alert yet?** I need about a week to learn what's normal in a channel. Until then I'd only guess.\n"
            "**Charts empty?** I only show hours in which 5 or more people wrote. A weekly digest suits small servers: "
            "it adds up whole days."
        ),
    ),
    (
        N_("What I keep"),
        N_(
            "**Never the text**, not on disk and not in a log.\n"
            "In watched channels I keep a score for each message for a few days, then only hourly totals, and nobody "
            "can tell who was in them.\n"
            "I don't rank people, and nobody can ask how someone else feels.\n"
            "**`/privacy opt-out`** and I won't read you in any server. **`/privacy delete`** removes what's there."
        ),
    ),
)
"""The title of each screen and its words; `_labels` are those of the buttons."""


_PARAGRAPH = "\n\n"


def setup() -> Feature:
    """The command and its buttons."""
    return Feature(name="/help", cogs=(HelpCog(),), buttons=(ScreenButton,))


class HelpCog(commands.Cog):
    """Says what can be done."""

    @app_commands.command(name="help", description="What I can do, in three short pages")
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.allowed_installs(guilds=True, users=True)
    async def show(self, interaction: discord.Interaction[Any]) -> None:
        """The first screen, to the asker alone."""
        await interaction.response.send_message(embed=_embed(0, interaction), view=_view(0), ephemeral=True)


class ScreenButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"help:(?P<screen>[0-2])"):
    """Turns to a screen."""

    def __init__(self, screen: int, *, here: bool = False) -> None:
        self.screen = screen
        style = discord.ButtonStyle.primary if here else discord.ButtonStyle.secondary
        label = _labels()[screen]
        super().__init__(discord.ui.Button(label=label, style=style, disabled=here, custom_id=f"help:{screen}"))

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction, _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Rebuilds the button from its id alone."""
        return cls(int(match["screen"]))

    @apologising("/help")
    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Shows it in the place of the one before."""
        await interaction.response.edit_message(embed=_embed(self.screen, interaction), view=_view(self.screen))


def _labels() -> tuple[str, str, str]:
    return (
        pgettext("page of /help", "Everyone"),
        pgettext("page of /help", "Admins"),
        pgettext("page of /help", "Privacy"),
    )


def _embed(screen: int, interaction: discord.Interaction[Any]) -> discord.Embed:
    title, words = map(gettext, SCREENS[screen])
    if screen == 0:
        words = _with_languages(
            words, languages_of(services_of(interaction).classifier.info), languages_read(interaction)
        )
    return discord.Embed(title=title, description=words, colour=palette.BRAND)


def _with_languages(words: str, readable: Sequence[str], here: Sequence[str]) -> str:
    """The first screen, whose last paragraph is of English alone, with what the model reads, and what of it `here`."""
    if {*readable, *here} == {ENGLISH}:
        return words
    said = gettext("I read {languages}, and I get sarcasm wrong a lot.", languages=named_all(readable))
    if {*here} != {*readable}:
        less = gettext("In this server's channels I only read {languages}.", languages=named_all(here))
        said = f"{said} {less}"
    return f"{words.rpartition(_PARAGRAPH)[0]}{_PARAGRAPH}{said}"


def _view(here: int) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    for screen in range(len(SCREENS)):
        view.add_item(ScreenButton(screen, here=screen == here))
    return view
