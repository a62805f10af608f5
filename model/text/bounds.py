"""No text costs more than its length is worth: what is repeated is shortened, what would swell is not expanded.

Each function takes time that grows with the text's length, whatever the text is.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

LONGEST_WORD = 60
"""Characters after which a word is cut in two: the tokenizer gives up on words of more than 100."""

_PARTS_KEPT = 3
"""Such parts that are kept of a word; of the rest only the length is given."""

_LONGEST_ADDRESS = 2000
"""Characters that the address of a page has at most; longer ones are shortened before markup is looked for."""

COPIES = 2
"""How many copies are kept of what is said four times or more in a row, or of a line that is said again and again."""

_MARKS_KEPT = 4
"""Combining marks that a letter keeps. Unicode's canonical order is sought in a time that grows with their square."""

_GROWTH = 3
"""A character that NFKC would turn into more than so many stays what it is: U+FDFA alone would become eighteen."""

_LONGEST_UNIT = 40
"""Words of which a repeated unit may be made."""

REPETITIVE = 8
"""Words from which on a text is looked at for repetition."""

_LONG = 16
_LONG_WORD = re.compile(rf"\S{{{_LONG},}}")
_REPEATED = re.compile(r"(\S{1,8}?)\1{3,}")
_OVERLONG = re.compile(rf"\S{{{LONGEST_WORD + 1},}}")
_SIGN_RUN = re.compile(r"([^\w\s]|_)\1{9,}")
_ENDLESS = re.compile(rf"(\S{{{_LONGEST_ADDRESS}}})\S+")
_LAST_MARK = 0x20000
"""No character from here on combines, as of Unicode 17."""

_SENTENCE_END = re.compile(r"(?<=[.!?])(?=\s)|(?<=\n)")
"""Between words only: where a sentence goes, no two words become one."""


def normalised(text: str) -> str:
    """NFKC, without those characters that it would make much longer."""
    text = _mark_runs().sub(r"\1", text)
    whole = unicodedata.normalize("NFKC", text)
    if len(whole) - len(text) < _GROWTH:
        return whole
    swelling = [sign for sign in set(text) if len(unicodedata.normalize("NFKC", sign)) > _GROWTH]
    if not swelling:
        return whole
    parts = re.split(f"([{''.join(map(re.escape, swelling))}]+)", text)
    return "".join(part if place % 2 else unicodedata.normalize("NFKC", part) for place, part in enumerate(parts))


def without_endless_words(text: str) -> str:
    """`text` with long runs of one sign, and then words that are longer than any address, shortened."""
    return _ENDLESS.sub(r"\1", _SIGN_RUN.sub(r"\1\1\1", text))


def without_repetition(text: str, words: list[str]) -> list[str]:
    """The `words` of `text` with what is repeated at length shortened: units inside a word, words, sentences and lines.

    "hahahahahaha" -> "hahaha"; a line that is pasted twenty times is read twice. Words of more than `LONGEST_WORD`
    characters are cut, and the longest shortened.
    """
    if words and max(map(len, words)) >= _LONG:
        text = _LONG_WORD.sub(lambda word: _REPEATED.sub(r"\1\1\1", word[0]), text)
        text = _OVERLONG.sub(_shortened, text)
        words = text.split()
    if len(words) < REPETITIVE or 2 * len(set(words)) > len(words):
        return words
    return _fewer_copies(_few_sentences(text).split())


def _shortened(word: re.Match[str]) -> str:
    """The first parts of an overlong word, and how much more there is."""
    letters = word[0]
    kept = LONGEST_WORD * _PARTS_KEPT
    parts = [letters[start : start + LONGEST_WORD] for start in range(0, min(len(letters), kept), LONGEST_WORD)]
    return " ".join(parts) + (f" ({len(letters) - kept} more letters)" if len(letters) > kept else "")


def _few_sentences(text: str) -> str:
    """At most `COPIES` of each sentence of two words or more."""
    seen: dict[str, int] = {}
    kept: list[str] = []
    for sentence in _SENTENCE_END.split(text):
        key = " ".join(sentence.casefold().split())
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= COPIES or " " not in key:
            kept.append(sentence)
    return "".join(kept)


def _fewer_copies(words: list[str]) -> list[str]:
    """Where a unit of up to `_LONGEST_UNIT` words stands four times or more in a row, `COPIES` of it."""
    same = [word.casefold() for word in words]
    kept: list[str] = []
    place = 0
    while place < len(words):
        for unit in range(1, min(_LONGEST_UNIT, (len(words) - place) // 4) + 1):
            if same[place] != same[place + unit]:
                continue
            end = place + unit
            while end < len(words) and same[end] == same[end - unit]:
                end += 1
            copies = (end - place) // unit
            if copies >= 4:
                kept += words[place : place + COPIES * unit]
                place += copies * unit
                break
        else:
            kept.append(words[place])
            place += 1
    return kept


@cache
def _mark_runs() -> re.Pattern[str]:
    """Runs of more than `_MARKS_KEPT` combining characters; the group is what is kept."""
    marks = [code for code in range(0x300, _LAST_MARK) if unicodedata.combining(chr(code))]
    ranges: list[list[int]] = []
    for code in marks:
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    one = "[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges) + "]"
    return re.compile(f"({one}{{{_MARKS_KEPT}}}){one}+")
