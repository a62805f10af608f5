r"""Emoticons and kaomoji as words, before their signs are taken for markup: `:/` is no separator, `\o/` no escape."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from model.text.tables import rows

_ASCII_SIGN = re.compile(r"[:;=<>^_\\|]")
_SIGN = re.compile(rf"{_ASCII_SIGN.pattern}|[^\x00-\x7f]")
"""Nearly every emoticon has one of these."""

_SIGNED = re.compile(r"(?<!\S)[^\s:;=<>^_\\|\x80-\U0010ffff]*+(?:[:;=<>^_\\|]|[^\x00-\x7f\s])\S*")
_REPEATED = r"(?:(?<=[)(\]D/|3PpOo*<])[)(\]D/|3PpOo*<]*)?"
_ENDS = r"(?=[\s,.!?\"'~)]|\Z|[^\x00-\x7f\w])"
_AFTER = ",!?\"'~()"
_ENDING = f".{_AFTER}"
"""Signs of a sentence that may stand around an emoticon, which may end in a full stop itself."""

_SETTINGS = frozenset({"=[", "=]", "=/", "=|"})
"""After a word these are code: "root=/", "kinds=['card']"."""

_DRIVES = frozenset({"c:", "D:"})
_DRIVE_BEFORE = re.compile(r"\b(?:on|to|from|the|my|your|in|into|and|of|drive|[ab]: ?\S.{0,60})\s+\Z", re.IGNORECASE)
_DRIVE_AFTER = re.compile(r"\s*(?:drive|disk|partition|ssd|hdd)\b", re.IGNORECASE)
"""What "D:" is a drive's letter beside, or the fourth of some choices, "A: yes B: no C: both D: neither"."""

_SCHEME = re.compile(r"https?:/\Z|[a-z]+://", re.IGNORECASE)

_EYES = re.compile("[:;=]")
_BEFORE = re.compile(r"[\"'~*(]")
"""What an emoticon follows that does not begin a word."""

_LONGEST = 60
"""Characters of a word that may end in an emoticon."""


def hold_emoticons(words: Iterable[str]) -> bool:
    """Whether any of the words is an emoticon, perhaps at a sentence's end."""
    return not _at_ends().isdisjoint(words)


def name_emoticons(text: str) -> str:
    """`text` with each emoticon that stands by itself, or after a word, as the word it means."""
    words = text.split()
    if hold_emoticons(words):
        text = _letters_pattern().sub(_meaning, text)
        words = text.split()
    if not text.isascii():
        for spaced in _spaced():
            if spaced in text:
                text = text.replace(spaced, f" {_senses()[spaced]} ")
                words = text.split()
    if _ASCII_SIGN.search(text) or any(_may_mean(word) for word in words if not word.isascii()):
        return _SIGNED.sub(_last_sign, text)
    return text


def _may_mean(word: str) -> bool:
    """Whether a word with signs beyond ASCII alone, as most emoji are, may be an emoticon or hold one."""
    return (
        word in _senses()
        or word[0] in _openings()
        or _BEFORE.search(word) is not None
        or (word[0].isascii() and _bare(word) in _senses())
    )


def _last_sign(word: re.Match[str]) -> str:
    """A word with signs: the emoticon that it is, begins with or ends in becomes what it means."""
    typed = word[0]
    sense = _senses().get(typed)
    if sense is not None:
        if typed in _DRIVES and _is_drive(word):
            return typed
        return f" {sense} "
    if len(typed) > _LONGEST or _SCHEME.match(typed):
        return typed
    if typed[0].isalnum() and typed[0].isascii():
        sense = _senses().get(bare := _bare(typed))
        if sense is not None:
            return f" {sense} {typed[len(bare) :]}"
        return _attached_pattern().sub(_meaning, typed) if _EYES.search(typed) else typed
    if typed[0] in _openings() or _BEFORE.search(typed):
        return _pattern().sub(_meaning, typed)
    return typed


def _is_drive(word: re.Match[str]) -> bool:
    text = word.string
    before = _DRIVE_BEFORE.search(text, max(0, word.start() - 80), word.start())
    return before is not None or _DRIVE_AFTER.match(text, word.end()) is not None


def _bare(word: str) -> str:
    without = word.strip(_AFTER)
    return without if without in _known() else without.strip(_ENDING)


def _meaning(found: re.Match[str]) -> str:
    return f" {_senses()[found['known']]} "


@cache
def _senses() -> dict[str, str]:
    return {row["emoticon"]: row["sense"] for row in rows("emoticons")}


@cache
def _known() -> frozenset[str]:
    """Every emoticon of the table, and what of letters is one with its last letter said again."""
    return _of_letters().union(_senses())


@cache
def _at_ends() -> frozenset[str]:
    """All that are known, by themselves and with what a sentence may end in, brackets or quotes around them."""
    around = [
        (before, after) for before in ("", "(", '"') for after in ("", ".", "..", "...", ",", "!", "!!", "?", ")", '"')
    ]
    return frozenset(before + one + after for one in _known() for before, after in around)


@cache
def _openings() -> frozenset[str]:
    """What emoticons begin with."""
    return frozenset(one[0] for one in _senses())


@cache
def _spaced() -> tuple[str, ...]:
    """Those that hold blanks, the longest first."""
    return tuple(sorted((one for one in _senses() if " " in one), key=len, reverse=True))


@cache
def _of_letters() -> frozenset[str]:
    """Those that have none of the usual signs, "xD" and "T.T", also with their last letter said up to five times."""
    unsigned = (one for one in _senses() if not _SIGN.search(one))
    return frozenset(one + again * one[-1] for one in unsigned for again in range(5))


@cache
def _letters_pattern() -> re.Pattern[str]:
    unsigned = tuple(one for one in _senses() if not _SIGN.search(one))
    return re.compile(rf"(?<![^\s\"'~*(])(?P<known>{_any_of(unsigned)}){_REPEATED}(?=[,.!?\"'~)]*(?:\s|\Z))")


@cache
def _pattern() -> re.Pattern[str]:
    """The longest first; the last sign may be repeated, as in `:)))`."""
    return re.compile(rf"(?<![^\s\"'~*(])(?P<known>{_any_of(tuple(_senses()))}){_REPEATED}{_ENDS}")


@cache
def _attached_pattern() -> re.Pattern[str]:
    """Those that begin with eyes may follow a word without a space, "thanks:)", but no digit: "8:D" is no smile."""
    eyes = [one for one in _senses() if one[0] in ":;=" and one[-1] in ")(][D/|" and len(one) < 4]
    eyes = [one for one in eyes if one not in _SETTINGS]
    return re.compile(rf"(?<=[^\W\d_])(?P<known>{_any_of(tuple(eyes))}){_REPEATED}{_ENDS}")


def _any_of(emoticons: tuple[str, ...]) -> str:
    return "|".join(re.escape(one) for one in sorted(emoticons, key=len, reverse=True))
