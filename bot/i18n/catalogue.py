"""Texts in the language that is spoken, out of gettext catalogues."""

from __future__ import annotations

import logging
import re
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from bot.i18n.formats import fill
from bot.i18n.languages import ENGLISH, spoken

_log = logging.getLogger(__name__)

DOMAIN = "vibecheck"
FOLDER = Path(__file__).parent / "locales"
"""Holds `<language>/LC_MESSAGES/vibecheck.po`, which people edit, and the `.mo` made of it, which is read."""


@cache
def catalogue(language: str) -> NullTranslations:
    """The catalogue of a language; English has none, for its texts are in the code.

    Without its file, which every wheel and checkout has, the language is English.
    """
    if language == ENGLISH:
        return NullTranslations()
    try:
        with (FOLDER / language / "LC_MESSAGES" / f"{DOMAIN}.mo").open("rb") as file:
            return GNUTranslations(file)
    except OSError as error:
        _log.warning("the catalogue of %s cannot be read (%s): it is English", language, error.strerror)
        return NullTranslations()


def gettext(message: str, /, **values: object) -> str:
    """The text in the language that is spoken, with `values` put in where it names them in braces.

    Nothing is nothing in every language; a catalogue has its own head there.
    """
    return _said(catalogue(spoken()).gettext(message), values) if message else ""


def pgettext(context: str, message: str, /, **values: object) -> str:
    """The same for a text that alone says too little to be translated; `context` tells translators where it is."""
    return _said(catalogue(spoken()).pgettext(context, message), values)


def ngettext(singular: str, plural: str, count: int, /, **values: object) -> str:
    """The text for so many of a thing; it may name the number as `{count}`."""
    return _said(catalogue(spoken()).ngettext(singular, plural, count), {"count": count, **values})


def npgettext(context: str, singular: str, plural: str, count: int, /, **values: object) -> str:
    """As `ngettext`, with a context for translators."""
    return _said(catalogue(spoken()).npgettext(context, singular, plural, count), {"count": count, **values})


def N_(message: str, /) -> str:  # noqa: N802 -- what gettext calls it, and its tools look for
    """Marks a text that is kept now and handed to `gettext` where it is said."""
    return message


def unmarked(text: str) -> str:
    """A text for where Discord shows no Markdown, such as a button or a footer: without its backticks."""
    return text.replace("`", "")


def _said(text: str, values: dict[str, object]) -> str:
    """What is shown: commands as the reader's Discord calls them, and the values put in."""
    if spoken() != ENGLISH:
        text = _PART.sub(_part_as_called, _COMMAND.sub(_as_called, text))
    return fill(text, values) if values else text


_COMMAND = re.compile(r"`/([a-z_-]+(?: [a-z_-]+)*)((?: [a-z_]+:[^` ]*)*)`")
"""A command in a text, such as `/monitor backfill days:14`: its names, and its options."""

_OPTION = re.compile(r" ([a-z_]+):([^` ]*)")

_PART = re.compile(r"`([a-z_-]+)(?::([^` ]*))?`")
"""An option alone, such as `days` or `do:pause`, or a command of those that a text is about."""


def _as_called(match: re.Match[str]) -> str:
    names = " ".join(catalogue(spoken()).pgettext("command", name) for name in match[1].split())
    return f"`/{names}{_OPTION.sub(_as_chosen, match[2])}`"


def _as_chosen(match: re.Match[str]) -> str:
    option, choice = match.groups()
    choice = catalogue(spoken()).gettext(choice) if choice.isalpha() else choice
    return f" {catalogue(spoken()).pgettext('option', option)}:{choice}"


def _part_as_called(match: re.Match[str]) -> str:
    known = catalogue(spoken())
    option = known.pgettext("option", match[1])
    if match[2] is not None:
        return f"`{_as_chosen(match)[1:]}`"
    return f"`{option if option != match[1] else known.pgettext('command', match[1])}`"
