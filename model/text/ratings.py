"""Ratings as words: "0/10", "9 out of 10", "★★★★☆", "1 star"."""

from __future__ import annotations

import re

BAD, FAIR, GOOD = "rated terrible", "(rated average)", "rated great"

_NUMBER = r"(?P<given>-?\d{1,3}(?:[.,]\d{1,2})?)"
_OUT_OF = re.compile(
    rf"(?<![\w.,/:$€£-]){_NUMBER}\s?(?:/\s?|\s(?:out\s)?of\s)(?P<most>5|10|100)(?![\w/:%]|[.,]\d)",
    re.IGNORECASE,
)
_STARS = re.compile(
    r"(?<![\w.,/:-])(?P<stars>[0-5](?:[.,]5)?|zero|no|one|two|three|four|five)[ -]stars?(?!\w|\s(?:wars|trek|general))",
    re.IGNORECASE,
)
_ROW_OF_STARS = re.compile(
    "(?<![★⭐☆])(?<![★⭐]\ufe0f)(?:(?:★\ufe0f?){2,5}☆{0,3}|(?:[★⭐]\ufe0f?){1,4}☆{1,4}|☆{5})(?![★⭐☆])"
)
"""Without empty ones beside them the emoji are no rating: "⭐⭐ new video ⭐⭐"."""

_NO_RATING_AFTER = re.compile(
    r"\b(?:on|since|until|till|by|from|due|pages?|parts?|steps?|rounds?|ep|episodes?|chapters?|levels?|lvl|days?|weeks?"
    r"|stages?|waves?|slots?|players?|progress|done|at|see you|(?:won|lost|hp|health|mana|ammo|k/?da?|tests?|tasks?)"
    r"(?:\s(?:is|was|at|only))?:?)\s*\Z",
    re.IGNORECASE,
)
_NO_RATING_BEFORE = re.compile(
    r"\s*(?:of\b|(?:people|persons|players|members|times|slots|spots|rooms|tables|done|left|in|online|full"
    r"|games|matches|rounds|kills|questions|tests|cases|tries|attempts|runs|servers|nodes|hours|days|weeks"
    r"|hp|mana|passed|failed)\b|\])",
    re.IGNORECASE,
)
_GATHERING = re.compile(r"\b(?:need|lf|lf\d?m|lfg|looking for|open slots?|one more|more healers?)\b", re.IGNORECASE)
"""A party that is not full yet: "4/5, need one more healer"."""

_IN_DIGITS = {"zero": 0, "no": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5}
_RATED_HINT = re.compile(r"[0-9]\s?(?:/|out of\s|of\s)\s?(?:5|10)", re.IGNORECASE)
_STAR_SIGN = re.compile("[★⭐☆]")


def may_rate(text: str) -> bool:
    """Whether there might be a rating in words or digits."""
    return _RATED_HINT.search(text) is not None or ("star" in text.lower() and _STARS.search(text) is not None)


def name_ratings(text: str) -> str:
    """`text` with each rating as what it says: up to 4 of 10 bad, from 7 on good, as people use them.

    Only ratings of 5, 10 and 100 are meant; a date ("3/10/2026"), a count of people and a price are none.
    """
    if may_rate(text):
        if not _GATHERING.search(text):
            text = _OUT_OF.sub(_rated, text)
        text = _STARS.sub(_starred, text)
    return text


def name_drawn_stars(text: str) -> str:
    """The same for "★★★★☆". Before the emoji are named, of which a star is one."""
    return _ROW_OF_STARS.sub(_drawn, text) if _STAR_SIGN.search(text) else text


def _rated(found: re.Match[str]) -> str:
    text = found.string
    before = _NO_RATING_AFTER.search(text, max(0, found.start() - 20), found.start())
    if before or _NO_RATING_BEFORE.match(text, found.end()):
        return found[0]
    return _in_words(float(found["given"].replace(",", ".")) / int(found["most"]))


def _starred(found: re.Match[str]) -> str:
    stars = found["stars"].lower()
    return _in_words((_IN_DIGITS[stars] if stars in _IN_DIGITS else float(stars.replace(",", "."))) / 5)


def _drawn(found: re.Match[str]) -> str:
    signs = found[0].replace("\ufe0f", "")
    full = len(signs) - signs.count("☆")
    return _in_words(full / 5 if "☆" in signs else max(full, 3) / 5)


def _in_words(share: float) -> str:
    words = BAD if share < 0.5 else FAIR if share < 0.65 else GOOD
    return f" {words} "
