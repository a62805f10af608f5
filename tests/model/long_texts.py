"""Long texts that cleaning leaves as they are: what is said again and again is shortened, so no word comes twice."""

from functools import cache

from model.text.cleaning import clean
from model.text.tables import words

SAID_BY_TESTS = {"good", "bad", "bomb", "panic", "strange", "forward", "nan", "tokenise", "poison"}


def distinct_words(count: int, start: int = 0) -> list[str]:
    """So many known English words, none of them twice, and none to which a test's backend pays heed."""
    return _known()[start : start + count]


@cache
def _known() -> list[str]:
    return [word for word in words("english") if len(word) > 2 and word not in SAID_BY_TESTS and clean(word) == word]


@cache
def varied(word: str, count: int, start: int = 0) -> str:
    """`word` so many times, each time with another word after it."""
    text = " ".join(f"{word} {other}" for other in distinct_words(count, start))
    assert clean(text) == text
    return text
