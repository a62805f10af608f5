"""The languages of texts, as people call them: the model tells them by codes, and by English names."""

from __future__ import annotations

from collections.abc import Iterable

from bot.i18n import gettext
from bot.i18n.formats import language_name, listed
from model import ModelInfo, Verdict
from model.text import languages
from model.text.languages import ENGLISH

NAMES = {code: name for code, name in sorted(languages.NAMES.items()) if code not in {"nb", "nn"}}
"""English names by the codes of ISO 639, each of them once."""


def languages_of(info: ModelInfo) -> tuple[str, ...]:
    """The codes of the languages that the model reads, English first."""
    return (
        tuple(dict.fromkeys((ENGLISH, *info.languages))) if ENGLISH in info.languages else info.languages or (ENGLISH,)
    )


def english_name(code: str) -> str:
    """What the language of that code is called in English; the code itself where no name is known."""
    return NAMES.get(code, code)


def named(code: str) -> str:
    """The same in the language of whoever reads it."""
    return language_name(english_name(code))


def named_all(codes: Iterable[str]) -> str:
    """As in "English, Spanish and French"."""
    return listed([named(code) for code in codes])


def read_as(verdict: Verdict, running: ModelInfo | None = None) -> str:
    """As which language a text was read where that isn't English, and by which model where `running` is several."""
    several = running is not None and len(running.versions) > 1
    if verdict.language in {"", ENGLISH}:
        return gettext("Read by model {model}.", model=verdict.model) if several else ""
    language = named(verdict.language)
    if several:
        return gettext("Read as {language} by model {model}.", language=language, model=verdict.model)
    return gettext("Read as {language}.", language=language)
