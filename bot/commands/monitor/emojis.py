"""An emoji that an admin typed, as Discord's reactions want it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

import discord
import emoji

from bot.commands.monitor.errors import Refused
from bot.i18n import gettext, spoken
from bot.i18n.languages import ENGLISH

_OFTEN = ("🌟", "🌧️", "👍", "👎", "💚", "❤️", "😊", "😞", "🎉", "🔥", "☀️", "⛈️")
_SUGGESTIONS = 25
"""As many as Discord shows."""

_NAMED_IN = {ENGLISH: "en", "de": "de", "es": "es", "fr": "fr", "ja": "ja", "pt_BR": "pt", "tr": "tr"}
"""The languages in which the library names emoji, by ours; in others they are named in English."""

_CUSTOM = re.compile(r"<a?:\w{1,32}:(\d{15,20})>")
_LONGEST = 64


def emojis_like(typed: str, own: Iterable[discord.Emoji]) -> list[tuple[str, str]]:
    """Names and values of emoji whose names hold what was typed; a server's `own` come first, then usual ones.

    They are named in the language that is spoken, which takes a moment the first time, and found in English as well.
    """
    wanted = typed.strip().strip(":").replace(" ", "_").casefold()
    found = [(f":{one.name}:", str(one)) for one in own if one.is_usable() and wanted in one.name.casefold()]
    if wanted:
        names, english = _names(_NAMED_IN.get(spoken(), "en")), _names("en")
        found += [
            (f"{sign} {name}", sign)
            for sign, name in names.items()
            if wanted in name or wanted in english[sign] or wanted == sign
        ]
    else:
        found += [(sign, sign) for sign in _OFTEN]
    return found[:_SUGGESTIONS]


@cache
def _names(language: str) -> dict[str, str]:
    """Every ordinary emoji with its name, the shortest names first, without those that only differ by skin."""
    if language != "en":
        emoji.config.load_language(language)
    plain = (sign for sign in emoji.EMOJI_DATA if "skin_tone" not in emoji.demojize(sign))
    names = ((sign, emoji.demojize(sign, language=language).strip(":").casefold()) for sign in plain)
    return dict(sorted(names, key=lambda pair: len(pair[1])))


async def usable(guild: discord.Guild, text: str) -> str:
    """The emoji in `text`. Raises Refused for what is no emoji, or a custom one that the bot cannot use here."""
    text = text.strip()
    custom = _CUSTOM.fullmatch(text)
    if custom is None:
        if not emoji.is_emoji(text) or len(text) > _LONGEST:
            raise Refused(
                gettext("That's not an emoji. Pick one from Discord's list, such as 🌟, or one of this server's.")
            )
        return text
    try:
        found = await guild.fetch_emoji(int(custom[1]))
    except discord.NotFound:
        raise Refused(
            gettext(
                "That emoji is from another server, so I can't use it. Pick an ordinary one, or one of this server's."
            )
        ) from None
    if not found.is_usable():
        raise Refused(
            gettext("I can't use :{name}: here: it's only for certain roles, or switched off.", name=found.name)
        )
    return str(found)
