"""Long texts as overlapping windows, so that nothing is silently cut."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

OVERLAP = 64
"""Tokens that neighbouring windows share at least, so that no phrase is seen only in halves."""


def spread(count: int, most: int) -> list[int]:
    """The places of at most `most` of `count` windows, evenly spread, the first and the last among them."""
    if count <= most:
        return list(range(count))
    if most == 1:
        return [0]
    return [round(place * (count - 1) / (most - 1)) for place in range(most)]


def split_windows(ids: Sequence[int], size: int, overlap: int = OVERLAP) -> list[list[int]]:
    """Splits token ids (without special tokens) into the fewest windows of at most `size` that overlap.

    All windows of a long text are full and evenly spread, so their answers weigh the same when merged.
    Raises ValueError when `size` is not above `overlap`.
    """
    if size <= overlap:
        raise ValueError(f"windows of {size} tokens cannot overlap by {overlap}")
    if len(ids) <= size:
        return [list(ids)]
    steps = -(-(len(ids) - size) // (size - overlap))
    last = len(ids) - size
    starts = [round(index * last / steps) for index in range(steps + 1)]
    assert all(after - before <= size - overlap + 1 for before, after in pairwise(starts))
    return [list(ids[start : start + size]) for start in starts]
