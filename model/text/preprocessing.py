"""From a person's text to what the network reads, or to why it is not read."""

from __future__ import annotations

from dataclasses import dataclass

from model.cleaning import clean, is_readable
from model.errors import NothingToRead
from model.text.language import check_language, is_plainly_readable

QUICK_CHARACTERS = 500
"""Of a text up to so long it is found out within a millisecond or two, whatever it holds, what it says."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A text as the network reads it. `danger` is as in `Verdict`."""

    text: str
    danger: bool = False


def prepare(text: str) -> Prepared:
    """Cleans a text and looks at its language, in a time that grows with it. Raises NothingToRead and Unreadable."""
    cleaned = _cleaned(text)
    if not is_plainly_readable(cleaned):
        check_language(cleaned)
    return Prepared(cleaned)


def prepare_at_once(text: str) -> Prepared | None:
    """The same for a short text that is plainly English, as most are; None for one that needs a closer look.

    Quick enough for an event loop. Raises NothingToRead.
    """
    if len(text) > QUICK_CHARACTERS:
        return None
    cleaned = _cleaned(text)
    return Prepared(cleaned) if is_plainly_readable(cleaned) else None


def _cleaned(text: str) -> str:
    cleaned = clean(text)
    if not is_readable(cleaned):
        raise NothingToRead
    return cleaned
