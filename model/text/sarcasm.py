"""Sarcasm that is marked: every way to mark it becomes the same words at the text's end."""

from __future__ import annotations

import re
from itertools import pairwise

MARK = "sarcasm, disappointed"
"""What a mark says to a network that has not been taught the word alone."""

_TAGS = re.compile(
    r"(?<![\w/\\])[/\\](?:s|sarc|sarcasm|sarcastic)(?![\w/\\-])"
    r"|[(\[<{]\s*/?(?:sarcasm|sarcastic|sarc|end sarcasm)\s*[)\]>}]|</?sarcasm>"
    r"|#\s?(?:sarcasm|sarcastic|sarc|irony)\b",
    re.IGNORECASE,
)
_NOT = re.compile(
    r"(?:(?<!\.)\.{2,}|\u2026|[-\u2013\u2014])\s*not[.!]*\s*\Z|,\s*not!+\s*\Z|(?<=[a-z.,!\u2026])\s+NOT[.!]*\s*\Z",
    re.IGNORECASE,
)
_SHOUTED_NOT = re.compile(r"\bNOT\b")
_MAY_BE_TAGGED = re.compile(r"[/\\#(\[*<{]\s*/?(?:s|end s|irony)", re.IGNORECASE)
LAST = 12
"""Characters at a text's end in which a "not!" stands."""

_MOCKING = re.compile(r"[A-Z][a-z][A-Z][a-z]|[a-z][A-Z][a-z][A-Z]")
"""Longer than what takes turns in "PvP" and "iOS"."""

_LETTERS = re.compile(r"[^\W\d_]+")


def may_be_tagged(text: str) -> bool:
    """Whether there might be a tag that marks sarcasm."""
    return _MAY_BE_TAGGED.search(text) is not None


def may_take_back(text: str) -> bool:
    """Whether it might end in a "not!"."""
    return _NOT.search(text, max(0, len(text) - 2 * LAST)) is not None


def mark_sarcasm(text: str) -> str:
    """`text` without its marks of sarcasm ("/s", "#sarcasm", "... not", sPoNgEbOb case), and with `MARK` at its end."""
    marked = False
    if may_be_tagged(text):
        text, tags = _TAGS.subn(" ", text)
        marked = tags > 0
    if "not" in text[-LAST:].lower():
        found = _NOT.search(text, max(0, len(text) - 2 * LAST))
        if found and (text[found.start()].strip() or _SHOUTED_NOT.search(found[0])):
            text, marked = text[: found.start()], True
    if _MOCKING.search(text) and _is_mocking(text):
        text, marked = text.lower(), True
    return f"{text.rstrip()} {MARK}" if marked and text.strip() else text


def _is_mocking(text: str) -> bool:
    """Whether upper and lower case take turns all over it. A name of one word, "iPhone", is no mockery."""
    letters = "".join(_LETTERS.findall(text))
    if len(letters) < 6:
        return False
    changes = sum(before.isupper() != after.isupper() for before, after in pairwise(letters))
    return changes >= 0.7 * (len(letters) - 1)
