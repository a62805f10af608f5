"""Sarcasm that is marked: every way to mark it becomes the same words at the text's end."""

from __future__ import annotations

import re
from itertools import pairwise

MARK = "sarcasm, disappointed"
"""What a mark says to a network that has not been taught the word alone."""

_TAGS = re.compile(
    r"(?<![\w/\\])[/\\](?:s|sarc|sarcasm|sarcastic)(?![\w/\\-])"
    r"|[(\[*<{]\s*/?(?:sarcasm|sarcastic|sarc|end sarcasm)\s*[)\]*>}]|</?sarcasm>"
    r"|#\s?(?:sarcasm|sarcastic|sarc|irony)\b",
    re.IGNORECASE,
)
_NOT = re.compile(
    r"(?:\.{2,}|\u2026|[-\u2013\u2014])\s*not[.!]*\s*\Z|,\s*not!+\s*\Z|(?<=[a-z.,!\u2026])\s+NOT[.!]*\s*\Z",
    re.IGNORECASE,
)
_SHOUTED_NOT = re.compile(r"\bNOT\b")
_MAY_BE_MARKED = re.compile(r"[/\\#(\[*<]\s*/?(?:s|sarc)|\bnot[.!]*\s*\Z", re.IGNORECASE)
_MOCKING = re.compile(r"[a-z][A-Z][a-z][A-Z]")
_LETTERS = re.compile(r"[^\W\d_]+")


def mark_sarcasm(text: str) -> str:
    """`text` without its marks of sarcasm ("/s", "#sarcasm", "... not", sPoNgEbOb case), and with `MARK` at its end."""
    marked = False
    if _MAY_BE_MARKED.search(text):
        text, tags = _TAGS.subn(" ", text)
        marked = tags > 0
        if (found := _NOT.search(text)) and (text[found.start()].strip() or _SHOUTED_NOT.search(found[0])):
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
