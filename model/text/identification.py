"""Which of the languages that the running models read a text is in.

Where nothing but English is read nobody asks (`model.text.language` does). Everything depends on the text alone, for
verdicts are remembered by it. What is taken for the wrong one of two languages of one model is read all the same, with
the other's temperature.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cache

from model.errors import Unreadable
from model.text.language import (
    SHORTEST,
    OtherLanguage,
    english_words,
    is_foreign,
    is_plainly_readable,
    other_language,
    probabilities,
    sign_words,
    words_of,
)
from model.text.languages import CODES, ENGLISH, WIDESPREAD, names_of
from model.text.tables import rows, words

Languages = Collection[str]
"""Codes (ISO 639-1) of what the running models read; none where that is English alone."""

_MOST_SHORT_WORDS = 4
"""In a text of more words, those alone do not tell its language."""

_LEAST = 0.03
"""P(language) under which a text that is not English is in none of the languages that are read."""

_RIVAL, _RARE_RIVAL = 0.5, 0.1
"""What the probability of a widespread language counts that is not read, as fewer people type it; or a `_RARE` one."""

_RARE = frozenset(["eo", "eu", "gl", "ca", "az", "uz", "jv", "su", "ceb", "sw", "is", "sq", "af", "lv", "lt", "et"])
"""Languages for which slang and short lines of those that are read are taken, more often than anybody types them."""

_SURELY_RARE = 0.9
"""P of a rare language from which on a text is not taken for one in a neighbour of it."""

_ENOUGH = 8
"""Letters from which on words that nobody knows may be another language's, and no English slang or name."""

_ODDS = 6.0
"""How many times as likely as English such a text must be in another language, as no word says so."""

_EMOTE = re.compile(r"\b\w*[a-z][A-Z]\w*")
"""Such as "catJAM": a sign that is said in every language."""

_LONG_DRAWN = re.compile(r"([^\W\d_])\1{2,}")

_EACH_WORD, _MOST_WORDS = 3.0, 2
"""How many times as likely a language is for each of a text's words that are common in it, up to so many of them."""


def language_at_once(cleaned: str, languages: Languages) -> str | None:
    """What `language_of` says, where that takes microseconds; None for a text that needs a closer look."""
    if not is_plainly_readable(cleaned):
        return None
    said = set(cleaned.lower().split())
    if 2 * len(said & _english_alone()) > len(said):
        return ""
    found = _words(cleaned)
    if short := _by_short_words(found, languages):
        return short
    return None if _may_be_other(found) else ""


def language_of(cleaned: str, languages: Languages) -> str:
    """The code of the language as which a cleaned text is read; "" is English.

    Raises Unreadable for a text in none of these. The first call that needs it loads a model; see `other_language`.
    """
    at_once = language_at_once(cleaned, languages)
    if at_once is not None:
        return at_once
    found = _words(cleaned)
    if short := _by_short_words(found, languages):
        return short
    other = other_language(cleaned)
    if other is None:
        return _rather_than_english(found, languages) if _may_be_other(found) else ""
    code = _code_of(found, other, languages)
    if not code:
        raise Unreadable(other.name, reads=names_of(languages))
    return code


def _words(cleaned: str) -> list[str]:
    """What `words_of` finds but emotes, with "sooo" as "so"; as it stands what is known so, such as "kkk"."""
    known = _short_words()
    found = words_of(_EMOTE.sub(" ", cleaned))
    return list(dict.fromkeys(word if word in known else _LONG_DRAWN.sub(r"\1", word) for word in found))


def _by_short_words(found: Collection[str], languages: Languages) -> str:
    """The language of a few words of which half or more are common in it, and the others in many; "" for all else."""
    known = _short_words()
    telling = [known[word] for word in found if word in known]
    if not telling or len(found) > _MOST_SHORT_WORDS or 2 * len(telling) < len(found):
        return ""
    if any(word not in known and word not in _in_many_languages() for word in found):
        return ""
    both = frozenset.intersection(*telling)
    return next((code for code in languages if code in both), "")


def _may_be_other(found: Collection[str]) -> bool:
    """Whether a text that is read where nothing else is has more words of other languages, or of none, than of English.

    Short ones must have no word of English, and half of another language.
    """
    english, foreign, unknown = _counts(found)
    letters = sum(map(len, found))
    if letters < SHORTEST and not english and 0 < len(found) <= 2 * foreign:
        return True
    return letters >= _ENOUGH and foreign + unknown > english


def _counts(found: Collection[str]) -> tuple[int, int, int]:
    """How many words are English alone, how many known as others', and how many not known at all."""
    known, alone = _short_words(), _english_alone()
    english = sum(word in alone for word in found)
    foreign = sum(word in known or is_foreign(word) for word in found)
    unknown = sum(not (word in known or is_foreign(word) or word in _said_in_english()) for word in found)
    return english, foreign, unknown


def _rather_than_english(found: Collection[str], languages: Languages) -> str:
    """The language of a text that may be English as well, if it is likelier than that; else ""."""
    ranked = probabilities([*found])
    best, likely = _likeliest(found, ranked, languages)
    english, foreign, _ = _counts(found)
    odds = 1.0 if foreign > english else _ODDS
    return best if likely > odds * ranked.get(ENGLISH, 0.0) else ""


def _code_of(found: Collection[str], other: OtherLanguage, languages: Languages) -> str:
    if other.ranked:
        return _likeliest(found, other.ranked, languages)[0]
    code = CODES.get(other.name, "")
    return code if code in languages else ""


def _likeliest(found: Collection[str], ranked: Mapping[str, float], languages: Languages) -> tuple[str, float]:
    """The likeliest language that is read, English apart, and how likely; "" where another is likelier, or none is."""
    known = _short_words()
    likely: dict[str, float] = {}
    telling = 0
    for code in languages:
        common = sum(code in known.get(word, ()) for word in found)
        likely[code] = ranked.get(code, 0.0) * _EACH_WORD ** min(common, _MOST_WORDS)
        telling = max(telling, common)
    first = next(iter(ranked))
    if not telling and first not in languages and first not in WIDESPREAD and ranked[first] > _SURELY_RARE:
        return "", 0.0
    likely.pop(ENGLISH, None)
    best = max(likely, key=likely.__getitem__, default="")
    rivals = (
        (_RARE_RIVAL if code in _RARE else _RIVAL) * ranked.get(code, 0.0)
        for code in WIDESPREAD
        if code not in languages
    )
    return (best, likely[best]) if best and likely[best] >= max(_LEAST, *rivals) else ("", 0.0)


@cache
def _short_words() -> dict[str, frozenset[str]]:
    """Words of short messages that no English ones are, with the languages in which they are common."""
    found: dict[str, set[str]] = {}
    for row in rows("short_words"):
        for word in row["words"].split() if row["language"] else ():
            found.setdefault(word, set()).add(row["language"])
    return {word: frozenset(languages) for word, languages in found.items()}


@cache
def _in_many_languages() -> frozenset[str]:
    """Words that say nothing of a language beside those that do."""
    small = (word for row in rows("short_words") if not row["language"] for word in row["words"].split())
    return frozenset([*words("shared"), *small])


@cache
def _english_alone() -> frozenset[str]:
    """Words that say English to whoever reads more: chat's own are said everywhere, and signs' names are no words."""
    return english_words() - _short_words().keys()


@cache
def _said_in_english() -> frozenset[str]:
    """Words that English chat has, also where other languages have them."""
    return frozenset([*words("english"), *words("chat"), *_in_many_languages(), *sign_words()])
