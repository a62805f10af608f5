"""Sarcasm that is marked: every way to mark it becomes the same words at the text's end."""

from __future__ import annotations

import re
from itertools import pairwise

MARK = "sarcasm, disappointed"
"""What a mark says to a network that has not been taught the word alone."""

_TAGS = re.compile(
    r"(?<![\w/\\<])[/\\](?:s|sarc|sarcasm|sarcastic)(?![\w/\\+*?{\[-])(?!\s(?:flag|switch|option|argument|param))"
    r"|[(\[<{]\s*/?(?:sarcasm|sarcastic|sarc|end sarcasm)\s*[)\]>}]|</?sarcasm>"
    r"|#\s?(?:sarcasm|sarcastic|sarc|irony)\b",
    re.IGNORECASE,
)
_NOT = re.compile(
    r"(?:(?<!\.)\.{2,}|\u2026|[-\u2013\u2014])\s*not[.!]*\s*\Z|,\s*not!+\s*\Z|(?<=[a-z.,!\u2026])\s+NOT[.!]*\s*\Z",
    re.IGNORECASE,
)
_SHOUTED_NOT = re.compile(r"\bNOT\b")
_COMMAND = re.compile(
    r"(?:(?<!\S)(?:dir|del|rd|rmdir|rm|ls|cd|cmd|copy|xcopy|robocopy|attrib|shutdown|regsvr32|findstr|chkdsk)\b"
    r"|(?<!\S)[a-z]:[\\/]|\.exe\b)[^\n,.!?]{0,60}\Z",
    re.IGNORECASE,
)
"""Before a "/s" that is one of its switches."""

_LEADS_TO_NOT = frozenset(
    {
        "absolutely", "am", "and", "are", "be", "better", "but", "can", "certainly", "could", "course", "definitely",
        "did", "do", "does", "had", "has", "have", "he", "how", "i", "if", "is", "its", "it's", "im", "i'm", "may",
        "might", "must", "of", "or", "please", "probably", "said", "say", "shall", "she", "should", "so", "that's",
        "they", "thats", "to", "was", "we", "were", "what", "who", "why", "will", "would", "you",
    }
)  # fmt: skip
"""Words that a "NOT" belongs to, however loud."""

_MAY_BE_TAGGED = re.compile(r"[/\\#(\[*<{]\s*/?(?:s|end s|irony)", re.IGNORECASE)
LAST = 12
"""Characters at a text's end in which a "not!" stands."""

_MOCKING = re.compile(r"[A-Z][a-z][A-Z][a-z]|[a-z][A-Z][a-z][A-Z]")
"""Longer than what takes turns in "PvP" and "iOS"."""

_TURNS = re.compile(r"[A-Z](?<=[a-z][A-Z])[a-z]")
"""What all that `_MOCKING` finds has in it, and little else."""

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
        untagged = _TAGS.sub(_without_tag, text)
        text, marked = untagged, untagged != text
    if "not" in text[-LAST:].lower():
        found = _NOT.search(text, max(0, len(text) - 2 * LAST))
        if found and (text[found.start()].strip() or (_SHOUTED_NOT.search(found[0]) and _is_taken_back(text, found))):
            text, marked = text[: found.start()], True
    if _TURNS.search(text) and _MOCKING.search(text) and _is_mocking(text):
        text, marked = text.lower(), True
    return f"{text.rstrip()} {MARK}" if marked and text.strip() else text


def _without_tag(tag: re.Match[str]) -> str:
    is_switch = tag[0] in ("/s", "/S", "\\s") and _COMMAND.search(tag.string, max(0, tag.start() - 80), tag.start())
    return tag[0] if is_switch else " "


def _is_taken_back(text: str, found: re.Match[str]) -> bool:
    """Whether a shouted "NOT" stands apart from what is said before it, which is neither shouted nor leads to it."""
    before = text[: found.start()]
    last = before.rsplit(None, 1)[-1].lower() if before.strip() else ""
    return not before.isupper() and last not in _LEADS_TO_NOT


def _is_mocking(text: str) -> bool:
    """Whether upper and lower case take turns all over it. A name of one word, "iPhone", is no mockery."""
    letters = "".join(_LETTERS.findall(text))
    if len(letters) < 6 or (" " not in text and any(map(str.isdigit, text))):  # or what is a code, "dQw4w9WgXcQ"
        return False
    changes = sum(before.isupper() != after.isupper() for before, after in pairwise(letters))
    return changes >= 0.7 * (len(letters) - 1)
