"""Names and descriptions of commands, options and choices in the languages of the bot."""

from __future__ import annotations

import re

import discord
from discord import app_commands
from discord.app_commands import TranslationContextLocation as Where
from discord.app_commands import TranslationContextTypes, locale_str

from bot.i18n import gettext, language_of, pgettext, speaking
from bot.i18n.languages import ENGLISH

_NAMES = {Where.command_name: "command", Where.group_name: "command", Where.parameter_name: "option"}
"""The contexts in the catalogues under which names stand: a name alone says too little to be translated."""

_MENU = "menu"

_NAME = re.compile(r"[-_\w]{1,32}")
"""What Discord takes as a name, besides that nothing in it may be upper case
(https://discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-naming)."""

LONGEST = 100
"""Characters of a description or a choice."""


class CommandTranslator(app_commands.Translator):
    """Asked by discord.py for every text of every command in every language that Discord knows."""

    async def translate(
        self, string: locale_str, locale: discord.Locale, context: TranslationContextTypes
    ) -> str | None:
        """The text in that language; None, which leaves it in English, where there is none that Discord would take."""
        language = language_of(locale)
        if language == ENGLISH:
            return None
        with speaking(language):
            text = self._translated(string.message, context)
        return text if text != string.message else None

    def _translated(self, message: str, context: TranslationContextTypes) -> str:
        kind = name_kind(context)
        if kind is None:
            text = gettext(message)
            return text if len(text) <= LONGEST else message
        text = pgettext(kind, message)
        fits = len(text) <= 32 if kind == _MENU else _NAME.fullmatch(text) and text == text.lower()
        return text if fits else message


def name_kind(context: TranslationContextTypes) -> str | None:
    """The catalogues' context for a name; None for what is a text of its own."""
    if context.location is Where.command_name and isinstance(context.data, app_commands.ContextMenu):
        return _MENU
    return _NAMES.get(context.location)
