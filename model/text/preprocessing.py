"""From a person's text to what the network reads, or to why it is not read."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from model.errors import NothingToRead
from model.text import danger
from model.text.cleaning import PIECE, clean, clean_in_steps, is_readable
from model.text.cost import estimated_tokens
from model.text.identification import Languages, language_at_once, language_of
from model.text.language import check_language, is_plainly_readable

QUICK_CHARACTERS = PIECE
"""Of a text up to so long it is found out within a millisecond or two, whatever it holds, what it says."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A text as the network reads it. `danger` is as in `Verdict`, `tokens` how many it has, guessed.

    `language` is the code of another language than English as which it is read.
    """

    text: str
    danger: bool = False
    tokens: int = 0
    language: str = ""


def prepare_in_steps(text: str, languages: Languages = ()) -> Generator[None, None, Prepared]:
    """Cleans a text and looks at its language, in a time that grows with it.

    `languages` are those that are read, none where it is English alone. Yields whenever it has held the interpreter for
    a millisecond or so. Raises NothingToRead and Unreadable.
    """
    cleaned = yield from clean_in_steps(text)
    _check_readable(cleaned)
    yield
    language = ""
    if languages:
        language = language_of(cleaned, languages)
    elif not is_plainly_readable(cleaned):
        check_language(cleaned)
    yield
    danger.prepare()
    yield
    return _prepared(cleaned, language)


def prepare_at_once(text: str, languages: Languages = ()) -> Prepared | None:
    """The same for a short text that is plainly English, as most are; None for one that needs a closer look.

    Quick enough for an event loop. Raises NothingToRead.
    """
    if len(text) > QUICK_CHARACTERS or not danger.is_ready():
        return None
    cleaned = clean(text)
    _check_readable(cleaned)
    if not languages:
        return _prepared(cleaned) if is_plainly_readable(cleaned) else None
    language = language_at_once(cleaned, languages)
    return None if language is None else _prepared(cleaned, language)


def _prepared(cleaned: str, language: str = "") -> Prepared:
    return Prepared(cleaned, danger.may_be_in_danger(cleaned), estimated_tokens(cleaned), language)


def _check_readable(cleaned: str) -> None:
    if not is_readable(cleaned):
        raise NothingToRead
