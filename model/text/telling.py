"""Whether a text says for certain in which language it is: "jaja", "Pedro" and a row of hearts don't."""

from __future__ import annotations

from model.text.cleaning import clean
from model.text.language import SHORTEST, english_words, words_of
from model.text.languages import ENGLISH

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
    if language not in {"", ENGLISH}:
        return True
    english = english_words()
    return 3 * sum(word in english for word in found) > len(found)
