"""Which languages there are, and which one is spoken here and now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

ENGLISH = "en"

LANGUAGES = {
    ENGLISH: "English",
    "de": "Deutsch",
    "es": "Español",
    "fr": "Français",
    "ja": "日本語",
    "pl": "Polski",
    "pt_BR": "Português do Brasil",
    "tr": "Türkçe",
}
"""The languages the bot speaks, by their catalogues' names, with what they call themselves."""

DISCORD = {
    "de": ("de",),
    "es": ("es-ES", "es-419"),
    "fr": ("fr",),
    "ja": ("ja",),
    "pl": ("pl",),
    "pt_BR": ("pt-BR",),
    "tr": ("tr",),
}
"""What Discord calls them (https://discord.com/developers/docs/reference#locales); English is what is left."""

_BY_LOCALE = {locale: language for language, locales in DISCORD.items() for locale in locales}

_spoken: ContextVar[str] = ContextVar("language", default=ENGLISH)


def language_of(locale: object) -> str:
    """The language for one of Discord's locales, such as "es-419"; English for every other, and for none."""
    return _BY_LOCALE.get(str(locale), ENGLISH)


def spoken() -> str:
    """The language of whoever will read what is said in this task."""
    return _spoken.get()


def speak(language: str) -> None:
    """From now on that language is spoken in this task and those that it begins."""
    _spoken.set(language)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Meanwhile that language is spoken, as where one person's command posts what a whole server reads."""
    token = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(token)


def in_every_language(say: Callable[[], str]) -> frozenset[str]:
    """A text in each of the languages, by which what was posted in any of them is known again."""
    said = set[str]()
    for language in LANGUAGES:
        with speaking(language):
            said.add(say())
    return frozenset(said)
