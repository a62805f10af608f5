"""What the model cannot read: texts in other scripts and other languages.

Whether a text is English is decided by the words in it, and where those do not say enough by P(English) of a naive
Bayes model over byte n-grams (Lui and Baldwin 2012, in py3langid), never by its top label: on stream chat in English
that label is right three times in four. Chat is short and full of words of its own, so what is not clearly another
language is read.
"""

from __future__ import annotations

import lzma
import re
import threading
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from model.errors import Unreadable
from model.text.languages import WIDESPREAD
from model.text.tables import rows, words

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHORTEST = 10
"""Letters in Latin script under which no language is asked for."""

_FEWEST = 2
"""Letters of another script in a row that are taken for writing; single ones are parts of kaomoji."""

_ENGLISH_SHARE = 0.33
"""Of the distinct words, how many must be English, or chat's own, for a text to be read without more."""

_ENGLISH_AT_ALL = 0.5
"""The same where words that other languages have as well are counted too, if no word is of another language alone."""

_LIKELY_OTHER, _MAYBE_OTHER = 0.5, 0.04
"""P(English) below which a text is not read that has more words of other languages than English ones: two, or one."""

_UNLIKELY, _UNLIKELY_SHORT, _SHORT = 0.05, 0.03, 16
"""P(English) below which a text is not read whose likeliest language is one of `_WIDESPREAD`; less for short ones."""

_VERY_UNLIKELY = 0.005
"""The same where the likeliest language is a rare one: so names and slang come out."""

_FEW, _UNLIKELY_FEW = 3, 0.01
"""Of so few short words, of which none is known, the same."""

_LOOKED_AT = 600
"""Letters of a text by which its language is told."""

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_NO_WORDS = re.compile(r"[@#]\w+|\bhttp\b|\([a-z' -]{1,60}\)")
_LATIN = re.compile("[A-Za-z\u00aa\u00ba\u00c0-\u024f\u1e00-\u1eff\u0250-\u02af]")
_OTHER_LETTER = re.compile(
    "[^\\W\\d_A-Za-z\u00aa\u00ba\u00c0-\u02b8\u1d00-\u1dbf\u1e00-\u1eff\u2071-\u209c\u2c60-\u2c7f\ua720-\ua7ff]"
)
_LAUGHTER = re.compile(
    r"[haxjgky]{5,}|a?(?:[hj]+[aeiou]+){2,}[hj]*|(?:l+o+)+l+|x+d+|(?P<unit>[a-z]{1,2})(?P=unit){3,}[a-z]*", re.ASCII
)
_WIDESPREAD = WIDESPREAD
"""What is taken for the language of a text; a rare one is hardly ever."""

_ENGLISH_CODES = ("en", "pcm", "sco", "jam")
"""English and the languages that came of it."""

_SCRIPTS = (
    ("Japanese", re.compile("[\u3040-\u30ff]")),
    ("Korean", re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")),
    ("Chinese", re.compile("[\u4e00-\u9fff]")),
    ("Ukrainian", re.compile("[іїєґІЇЄҐ]")),
    ("Serbian", re.compile("[ђћџљњјЂЋЏЉЊЈ]")),
    ("Russian", re.compile("[\u0400-\u04ff]")),
    ("Persian", re.compile("[پچژگ]")),
    ("Urdu", re.compile("[ٹڈڑےں]")),
    ("Arabic", re.compile("[\u0600-\u06ff]")),
    ("Hindi", re.compile("[\u0900-\u097f]")),
    ("Greek", re.compile("[\u0370-\u03ff]")),
    ("Hebrew", re.compile("[\u0590-\u05ff]")),
    ("Thai", re.compile("[\u0e00-\u0e7f]")),
    ("Bengali", re.compile("[\u0980-\u09ff]")),
    ("Tamil", re.compile("[\u0b80-\u0bff]")),
    ("Georgian", re.compile("[\u10a0-\u10ff]")),
    ("Armenian", re.compile("[\u0530-\u058f]")),
)
"""The likeliest language of each script, the first that fits."""


class _Identifier(Protocol):
    """What of py3langid is used."""

    def rank(self, text: str) -> list[tuple[str, float]]:
        """Languages with their probabilities, the likeliest first."""


def is_plainly_readable(cleaned: str) -> bool:
    """Whether a cleaned text is read without a closer look; False for one that `check_language` must see."""
    if not cleaned.isascii() and _other_letters(cleaned):
        return False
    said = set(cleaned.lower().split())
    if len(cleaned) < SHORTEST or 3 * len(said & readable_words()) > len(said):  # what most of English chat is
        return True
    found = words_of(cleaned)
    if sum(map(len, found)) < SHORTEST:
        return True
    return english_share(found) >= _ENGLISH_SHARE


@dataclass(frozen=True, slots=True)
class OtherLanguage:
    """What a text that is not English is in: the likely language's English name, "" where it is not known.

    `ranked` are codes with their probabilities, the likeliest first; none where the script tells the language.
    """

    name: str
    ranked: Mapping[str, float] = field(default_factory=dict)


def check_language(cleaned: str) -> None:
    """Raises Unreadable for a cleaned text that is not in English; see `other_language`."""
    other = other_language(cleaned)
    if other is not None:
        raise Unreadable(other.name)


def other_language(cleaned: str) -> OtherLanguage | None:
    """What a cleaned text is in of which most is in another script, or which is in another language.

    The first call that needs it loads a model of 4.5 MB, which takes a second and some 60 MB.
    """
    others = _other_letters(cleaned)
    found = words_of(cleaned)
    if others > sum(len(_LATIN.findall(word)) for word in found):
        return OtherLanguage(next((name for name, script in _SCRIPTS if script.search(cleaned)), ""))
    letters = sum(map(len, found))
    if letters < SHORTEST or english_share(found) >= _ENGLISH_SHARE or _may_all_be_english(found):
        return None
    ranked = probabilities(found)
    english = sum(ranked.get(code, 0.0) for code in _ENGLISH_CODES)
    likeliest = next(iter(ranked))
    if english >= _least(found, letters, likeliest):
        return None
    name = next((_WIDESPREAD[code] for code in ranked if code in _WIDESPREAD), "")
    return OtherLanguage(name if likeliest in _WIDESPREAD else "", ranked)


def probabilities(found: list[str]) -> dict[str, float]:
    """P of each language that the library knows, the likeliest first."""
    return dict(_identifier().rank(" ".join(found)[:_LOOKED_AT]))


def _least(found: list[str], letters: int, likeliest: str) -> float:
    """P(English) from which on a text is read."""
    others = sum(map(is_foreign, found))
    if others > len(found) * english_share(found):
        return _LIKELY_OTHER if others > 1 else _MAYBE_OTHER
    if likeliest not in _WIDESPREAD:
        return _VERY_UNLIKELY
    if len(found) <= _FEW and letters < _SHORT:
        return _UNLIKELY_FEW
    return _UNLIKELY_SHORT if letters < _SHORT else _UNLIKELY


def _may_all_be_english(found: list[str]) -> bool:
    """Such as "i love" with a name: neither word says English by itself."""
    known = sum(word in words("english") or word in words("chat") for word in found)
    return known >= _ENGLISH_AT_ALL * len(found) and not any(map(is_foreign, found))


def is_foreign(word: str) -> bool:
    """Whether it is known as another language's, or looks like one."""
    return word in words("foreign") or not word.isascii()


def words_of(cleaned: str) -> list[str]:
    """The distinct words by which a language is told, in small letters: no laughter, placeholders or named signs."""
    found: dict[str, None] = {}
    for word in _WORD.findall(_NO_WORDS.sub(" ", cleaned[: 8 * _LOOKED_AT]).lower()):
        if len(word) > 1 or word == "i":
            found[word] = None
    named = sign_words()
    kept = [word for word in found if word not in named and not (len(word) > 3 and _LAUGHTER.fullmatch(word))]
    return kept or [word for word in found if word in named]


def english_share(found: list[str]) -> float:
    """Which part of the distinct words are English or chat's own, and no other language's as well."""
    known = readable_words()
    return sum(word in known for word in found) / len(found) if found else 1.0


def _other_letters(text: str) -> int:
    """Letters outside Latin in rows of `_FEWEST` and more."""
    return sum(len(row) for row in _other_rows().findall(text))


@cache
def _other_rows() -> re.Pattern[str]:
    one = _OTHER_LETTER.pattern
    return re.compile(f"{one}{{{_FEWEST},}}")


@cache
def readable_words() -> frozenset[str]:
    """Words that say English, which are not used in other languages as well, and those that all chat has."""
    english = (word for word in words("english") if word not in words("shared"))
    return frozenset([*english, *words("chat")])


@cache
def english_words() -> frozenset[str]:
    """Words that say English to whoever reads more: chat's own are said everywhere, and signs' names are no words."""
    return readable_words() - words("chat").keys() - sign_words()


@cache
def sign_words() -> frozenset[str]:
    """What signs become: it says nothing about the language of the words beside them."""
    senses = (row["sense"] for table in ("emoji", "emoticons") for row in rows(table))
    named = frozenset(["very", *(word for sense in senses for word in _WORD.findall(sense.lower()))])
    return named - {"a", "and", "not", "so"}


_loading = threading.Lock()


def _identifier() -> _Identifier:
    with _loading:
        return _load()


@cache
def _load() -> _Identifier:
    """The library unpacks its model into a temporary file; on a full disk, or without one, it could not be loaded."""
    import numpy as np
    from py3langid.langid import MODEL_DIR, MODEL_FILE, LanguageIdentifier

    unpacked = lzma.decompress((Path(MODEL_DIR) / MODEL_FILE).read_bytes())
    with np.load(BytesIO(unpacked), allow_pickle=False) as model:
        moves, rows_of_states = (_integers(model[name]) for name in ("nextmove", "nextmove_row"))
        identifier: _Identifier = LanguageIdentifier(
            model["ptc"],
            model["pc"],
            model["classes"].tolist(),
            moves,
            model["out_feat"].tolist(),
            norm_probs=True,
            tk_row=rows_of_states,
        )
    return identifier


def _integers(numbers: NDArray[Any]) -> array[int]:
    """As an array of the standard library, which is quicker to ask for single ones."""
    found = array({2: "H", 4: "I", 8: "L"}[numbers.dtype.itemsize])
    found.frombytes(numbers.tobytes())
    return found
