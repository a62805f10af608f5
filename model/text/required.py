"""Which words a text must hold for a pattern to match: so most texts are let through without trying any pattern.

Of regular expressions what the tables of this package use is understood: words, groups of alternatives, optional and
repeated groups, lookarounds, `^` and `$`. A word with anything else in it is unknown, and not asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from model.text.tables import words

_MOST = 3000
"""Ways to fill one stretch that are tried; one with more is unknown."""

_KEPT = 5
_GROUP_OPENING = re.compile(r"\((?:\?:|(?P<look>\?<?[!=]))?")
_QUANTIFIER = re.compile(r"[?*+]\??|\{(?P<least>\d+)(?:,\d*)?\}\??")
_QUANTIFIERS = tuple("?*+{")
_UNKNOWN = "\0"
_LITERAL = re.compile(r"[^\\.^$\[\](){}?*+|]+(?![?*+{])")
"""Signs that stand for themselves. Read together: the tables have tens of thousands."""

_MARKS = {at: re.compile(rf"\\.|[()]|{re.escape(at)}", re.DOTALL) for at in (" ", "|")}
"""Where a pattern may be cut, what is in a group, and what only looks like either."""

_WORD = re.compile(rf"(?<![^\s.])[^\s.{_UNKNOWN}]+(?![^\s.])")


def alternatives(pattern: str) -> list[str]:
    """The pattern cut at each `|` that is in no group."""
    return [part for part in _cut(pattern, "|") if part]


def required_words(pattern: str) -> list[frozenset[str]]:
    """Up to five sets of words, the rarest first: a text in which `pattern` is found has a word of each.

    `pattern` has no `|` outside groups. Empty when nothing certain is known.
    """
    known = [ways for stretch in _cut(pattern, " ") if (ways := _ways(stretch))]
    needed = [frozenset(min(found, key=_commonness) for way in ways if (found := _WORD.findall(way))) for ways in known]
    certain = [some for some, ways in zip(needed, known, strict=True) if all(_WORD.search(way) for way in ways)]
    return sorted(certain, key=lambda some: sum(map(_commonness, some)))[:_KEPT]


def _commonness(word: str) -> float:
    """After Zipf's law, for a word without its apostrophe."""
    return 1 / (2 + _places().get(word, len(_places())))


@cache
def _places() -> dict[str, int]:
    places: dict[str, int] = {}
    for word, place in words("english").items():
        places.setdefault(word.replace("'", ""), place)
    return places


def _cut(pattern: str, at: str) -> Iterator[str]:
    depth = start = 0
    for mark in _MARKS[at].finditer(pattern):
        sign, end = mark[0], mark.end()
        if sign in ("(", ")"):
            depth += 1 if sign == "(" else -1
        elif sign == at and not depth and pattern[end : end + 1] not in _QUANTIFIERS:
            yield pattern[start : mark.start()]
            start = end
    yield pattern[start:]


def _ways(pattern: str) -> frozenset[str] | None:
    """All texts that the pattern stands for, with `_UNKNOWN` for what is not certain; None when they are too many."""
    ways: frozenset[str] = frozenset()
    for part in _cut(pattern, "|"):
        some = _sequence(part)
        if some is None or len(ways) + len(some) > _MOST:
            return None
        ways |= some
    return ways


def _sequence(pattern: str) -> frozenset[str] | None:
    ways = frozenset([""])
    place = 0
    while place < len(pattern):
        if literal := _LITERAL.match(pattern, place):
            ways, place = frozenset(before + literal[0] for before in ways), literal.end()
            continue
        atom, place = _atom(pattern, place)
        if atom is None or len(ways) * len(atom) > _MOST:
            return None
        ways = frozenset(before + after for before in ways for after in atom)
    return ways


def _atom(pattern: str, place: int) -> tuple[frozenset[str] | None, int]:
    """What stands at `place`, with its quantifier, and where the next begins."""
    opening = _GROUP_OPENING.match(pattern, place)
    if opening:
        end = _closing(pattern, place)
        inside = pattern[opening.end() : end]
        atom = frozenset([""]) if opening["look"] else _ways(inside)
        end += 1
    else:
        end = pattern.index("]", place) + 1 if pattern[place] == "[" else place + (2 if pattern[place] == "\\" else 1)
        inside = pattern[place:end]
        atom = frozenset([_sign(inside)])
    quantifier = _QUANTIFIER.match(pattern, end)
    if quantifier:
        end = quantifier.end()
        atom = _quantified(atom, inside, quantifier)
    return atom, end


def _sign(sign: str) -> str:
    if sign in ("^", "$"):
        return ""
    if sign == r"\.":
        return "."
    return _UNKNOWN if sign == "." or len(sign) > 1 else sign


def _quantified(atom: frozenset[str] | None, inside: str, quantifier: re.Match[str]) -> frozenset[str] | None:
    """What is words of its own, set off by a space, only keeps its neighbours apart."""
    if all(part[:1] == " " or part[-1:] == " " for part in _cut(inside, "|")):
        return frozenset([" "])
    if quantifier[0][0] in "*+{":
        return frozenset([_UNKNOWN])
    return None if atom is None else atom | {""}


def _closing(pattern: str, opening: int) -> int:
    depth = 0
    for place in range(opening, len(pattern)):
        if pattern[place] in "()" and pattern[place - 1] != "\\":
            depth += 1 if pattern[place] == "(" else -1
            if not depth:
                return place
    raise ValueError(f"unbalanced: {pattern}")
