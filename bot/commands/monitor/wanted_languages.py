"""In which languages a server wants messages read: as admins type it in `/monitor settings`, and as it is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from bot.commands.monitor.errors import Refused
from bot.domain.records import GuildSettings
from bot.i18n import gettext, ngettext, pgettext
from bot.i18n.formats import language_name, language_names, listed, percent, series
from bot.monitoring.unread_languages import OTHER
from bot.presentation.language_words import english_name, languages_of, named, named_all
from bot.presentation.quoting import escape, shorten
from model import ModelInfo
from model.text.languages import ENGLISH

EVERYTHING = "all"
"""What stands for every language that the model reads."""

_EVERYTHING_TOO, _ANDS = "everything", ("and", "e")
"""Understood from everybody. The second is what Spanish says before an i; Unicode's lists only know "y"."""

MOST = 16
"""Languages that a server may choose: they fit in the store."""

_SUGGESTIONS, _LONGEST_CHOICE = 25, 100
"""As many as Discord shows, and as long."""

_SHOWN = 100
"""Characters of what was typed that are repeated."""


def folded(name: str) -> str:
    """The name in small letters, whichever i a Turkish keyboard has made of it."""
    return name.casefold().replace("\N{COMBINING DOT ABOVE}", "").replace("\N{LATIN SMALL LETTER DOTLESS I}", "i")


def wanted_languages(typed: str, info: ModelInfo) -> str:
    """What is kept of languages that somebody has typed, by code or by name, in any of the bot's languages or its own.

    Raises Refused for what the model does not read.
    """
    whole = folded(typed.strip())
    if whole in {EVERYTHING, _EVERYTHING_TOO, folded(_everything())}:
        return ""
    if whole == folded(_english_only()):
        return ENGLISH
    readable = languages_of(info)
    names = {name: _code_of(name, readable) for name in _names_in(typed, readable)}
    unknown = next((name for name, code in names.items() if code is None), None if names else typed.strip())
    if unknown is not None:
        raise Refused(
            gettext(
                "“{typed}” isn't a language I can read. I read {languages}.",
                typed=escape(shorten(unknown, _SHOWN)),
                languages=named_all(readable),
            )
        )
    found = dict.fromkeys(names.values())
    if len(found) > MOST:
        raise Refused(
            ngettext(
                "That's too much: choose {count} language, or everything I can read.",
                "That's too much: choose at most {count} languages, or everything I can read.",
                MOST,
            )
        )
    return " ".join(filter(None, found))


def languages_like(typed: str, info: ModelInfo) -> list[tuple[str, str]]:
    """What may be meant by what was typed so far, each with its value: whole choices, or one language more."""
    readable = languages_of(info)
    before, _, last = typed.rpartition(",")
    chosen = [_code_of(name, readable) for name in _names_in(before, readable)]
    said, wanted = [code for code in chosen if code is not None], folded(last.strip())
    more = [code for code in readable if code not in said and wanted in folded(named(code))]
    choices = [(series(map(named, (*said, code))), " ".join((*said, code))) for code in more]
    if not said:
        whole = ((_everything(), EVERYTHING), (_english_only(), ENGLISH))
        choices = [one for one in whole if wanted in folded(one[0])] + [one for one in choices if one[1] != ENGLISH]
    return [one for one in choices if len(one[0]) <= _LONGEST_CHOICE][:_SUGGESTIONS]


def languages_in_words(settings: GuildSettings, info: ModelInfo) -> str:
    """In which languages messages are read in a server, and which of them cannot be now."""
    readable, chosen = languages_of(info), settings.languages.split()
    if not chosen:
        return gettext("everything I can read ({languages})", languages=named_all(readable))
    if chosen == [ENGLISH]:
        return _english_only()
    lost = [code for code in chosen if code not in readable]
    if not lost:
        return named_all(chosen)
    return gettext(
        "{languages}, but the model that's running now can't read {lost}",
        languages=named_all(chosen),
        lost=named_all(lost),
    )


def unread_by_language(counts: Mapping[str, int], written: int) -> str:
    """In which languages so many of the `written` messages were that were not read; "" where nothing may be told."""
    shares = {language: round(100 * count / max(1, written)) for language, count in counts.items()}
    said = [
        pgettext(
            "in a list of languages",
            "{language} about {percent}",
            language=pgettext("languages", "others") if language == OTHER else language_name(language),
            percent=percent(share),
        )
        for language, share in shares.items()
        if share
    ]
    return gettext("Since my last start I didn't read: {languages}.", languages=series(said)) if said else ""


def _everything() -> str:
    return pgettext("languages", "everything I can read")


def _english_only() -> str:
    return pgettext("languages", "English only")


def _names_in(typed: str, readable: Sequence[str]) -> Iterator[str]:
    """The names between commas, and an "and"; what is none as a whole may be several with spaces between."""
    words = "|".join(map(re.escape, (*_ANDS, listed(("a", "b"))[1:-1].strip())))
    between = rf"[,;\u3001\uff0c]|(?<!\S)(?:{words})(?!\S)"
    for part in filter(None, map(str.strip, re.split(between, typed, flags=re.IGNORECASE))):
        several = [] if _code_of(part, readable) is not None else part.split()
        yield from several if any(_code_of(name, readable) is not None for name in several) else (part,)


def _code_of(name: str, readable: Sequence[str]) -> str | None:
    wanted = folded(name.strip())
    found = (code for code in readable if wanted in {code, folded(english_name(code)), folded(named(code))})
    return next(found, None) or next((code for code in readable if wanted in _names_of(code)), None)


@cache
def _names_of(code: str) -> frozenset[str]:
    return frozenset(map(folded, language_names(code)))
