"""Who is spoken to in which language.

Whoever clicks or types a command is answered in the language of their client: one place that nothing goes around. What
is posted for everybody is in the language of the server.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from contextvars import copy_context
from typing import Any

import discord

from bot.domain.records import GuildSettings
from bot.i18n import LANGUAGES, language_of, speak
from bot.i18n.languages import ENGLISH
from bot.link.unparsed_events import Parser

_INTERACTION = "INTERACTION_CREATE"


def speak_to_each(parsers: MutableMapping[str, Parser]) -> None:
    """Has the tasks that the library begins for a command, a button or a form speak its user's language.

    Changes the parser in its place. Discord tells the language with each interaction.
    """
    parse = parsers[_INTERACTION]

    def in_their_language(data: Any) -> None:
        locale = data.get("locale") if isinstance(data, dict) else None

        def spoken_to() -> None:
            speak(language_of(locale))
            parse(data)

        copy_context().run(spoken_to)

    parsers[_INTERACTION] = in_their_language


def server_language(guild: discord.Guild | None, settings: GuildSettings | None = None) -> str:
    """What its admins have chosen for posts, or else the language that the server has at Discord.

    Discord has one only for servers with Community on; for others it says English.
    """
    if settings is not None and settings.language in LANGUAGES:
        return settings.language
    return language_of(guild.preferred_locale) if guild is not None else ENGLISH
