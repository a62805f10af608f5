"""Which words moved a verdict: leave one out and look (Li, Monroe and Jurafsky 2016, arXiv:1612.08220)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from model.errors import ModelError, NothingToRead, Unreadable
from model.verdict import Verdict

MAX_PIECES = 24

_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Influence:
    """What `text[start:end]` of an Explanation did: the score with it minus the score without it, in [-2, 2].

    Above 0 it pushed towards positive.
    """

    start: int
    end: int
    effect: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """A verdict, the text as the model reads it (cleaned), and each of its pieces' influence, in text order."""

    verdict: Verdict
    text: str
    influences: tuple[Influence, ...]


def split_pieces(text: str, limit: int = MAX_PIECES) -> list[tuple[int, int]]:
    """Spans of the words of `text`; a text of more words than `limit` gives runs of neighbouring words instead."""
    words = [match.span() for match in _WORD.finditer(text)]
    count = min(limit, len(words))
    edges = [round(index * len(words) / count) for index in range(count + 1)] if count else []
    return [(words[first][0], words[after - 1][1]) for first, after in pairwise(edges)]


def without(text: str, span: tuple[int, int]) -> str:
    """`text` with that span left out."""
    return text[: span[0]] + text[span[1] :]


def influences(
    spans: Sequence[tuple[int, int]], whole: Verdict, rest: Sequence[Verdict | ModelError]
) -> tuple[Influence, ...]:
    """Compares the whole text's verdict with the verdicts of the text without each span.

    A text that has nothing left without a span, or nothing that can be read, scores 0. Raises the first other error
    among `rest`.
    """
    found: list[Influence] = []
    for (start, end), other in zip(spans, rest, strict=True):
        if isinstance(other, ModelError) and not isinstance(other, NothingToRead | Unreadable):
            raise other
        # A text that lacks a word is shorter, and so less sure by itself: that is not the word's doing.
        score = other.score_at(whole.temperature) if isinstance(other, Verdict) else 0.0
        found.append(Influence(start, end, whole.score - score))
    return tuple(found)
