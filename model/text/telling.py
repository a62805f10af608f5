"""Whether a text says for certain in which language it is: "jaja", "Pedro" and a row of hearts don't."""

from __future__ import annotations

from functools import cache

from model.text.cleaning import clean
from model.text.language import SHORTEST, readable_words, sign_words, words_of
from model.text.tables import words

_LOOKED_AT = 600
"""Characters of a text that are looked at: a longer one says it by then."""


def tells_language(text: str, language: str) -> bool:
    """Whether a text, as somebody typed it, is surely in the language as which it was read, "" or "en" being English.

    One with few letters is not: its words are those of several languages, or names. English, for which a text is taken
    that says nothing else, must be said by a third of its words.
    """
    found = words_of(clean(text[:_LOOKED_AT]))
    if sum(map(len, found)) < SHORTEST:
        return False
    if language not in {"", "en"}:
        return True
    return 3 * sum(word in _english() for word in found) > len(found)


@cache
def _english() -> frozenset[str]:
    """Words that say English: chat's own are said everywhere, and the names of signs are no words."""
    return readable_words() - words("chat").keys() - sign_words()
