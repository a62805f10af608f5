"""Which windows go through the network together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from model.backends.base import padded_length

TOKEN_BUDGET = 2048
"""Padded tokens a batch may hold: four full windows, or some sixty chat messages."""

_DUE = 8
"""The part of a batch for which the longest waiting comes before a like length, when much waits."""

_MUCH = 3
"""In batches."""

_SMALLEST_SHARE = 32
"""Padded tokens; a few milliseconds of work."""


class Sized(Protocol):
    """Something with a length in tokens."""

    def __len__(self) -> int:
        """Tokens, special tokens included."""


W = TypeVar("W", bound=Sized)


def next_batch(waiting: Sequence[W], budget: int = TOKEN_BUDGET) -> list[W]:
    """The next batch from `waiting`, which is in the order in which they are due and not empty.

    The first is always in it, so nobody starves. The rest are the windows nearest to it in length, the shorter side
    first since those cost no padding of the first, while padded length x rows stays within `budget`. Those that have
    waited longest have their choice first, and the others get what room is left: an eighth of a batch when much waits,
    for like lengths then save most, and a whole batch otherwise.
    """
    much = len(first_tokens(waiting, _MUCH * budget)) < len(waiting)
    due = first_tokens(waiting, budget // _DUE if much else budget)
    batch, width = [waiting[0]], padded_length(len(waiting[0]))
    for others in (due[1:], waiting[len(due) :]):
        shorter = sorted((w for w in others if padded_length(len(w)) <= width), key=len, reverse=True)
        for window in shorter:
            if (len(batch) + 1) * width > budget or len(window) * 2 < len(waiting[0]):
                break
            batch.append(window)
        longer = sorted((w for w in others if padded_length(len(w)) > width), key=len)
        for window in longer:
            wider = padded_length(len(window))
            if (len(batch) + 1) * wider > budget or len(waiting[0]) * 2 < len(window):
                break
            batch.append(window)
            width = max(width, wider)
    return batch


def first_tokens(waiting: Sequence[W], tokens: int) -> Sequence[W]:
    """The first windows, until they hold `tokens`."""
    for index, window in enumerate(waiting):
        tokens -= len(window)
        if tokens <= 0:
            return waiting[: index + 1]
    return waiting


def pieces(lengths: Sequence[int], threads: int, most: int = 256) -> list[list[int]]:
    """What the threads compute of a batch one after the other: shares of some `most` tokens, equally many each."""
    rounds = -(-sum(lengths) // (threads * most))
    return shares(lengths, threads * max(1, rounds))


def shares(lengths: Sequence[int], most: int) -> list[list[int]]:
    """Divides a batch in at most so many: the rows' indices, each share of like lengths and like cost.

    `lengths` are in tokens; at least one. A share too small to be worth a thread's waking is not made.
    """
    order = sorted(range(len(lengths)), key=lambda row: lengths[row], reverse=True)
    left = sum(padded_length(length) for length in lengths)
    parts = max(1, min(most, len(lengths), left // _SMALLEST_SHARE))
    found: list[list[int]] = []
    start = 0
    while start < len(order):
        width = padded_length(lengths[order[start]])
        wanted = left / max(1, parts - len(found))
        rows = len(order) - start if len(found) >= parts - 1 else max(1, round(wanted / width))
        share = order[start : start + rows]
        found.append(share)
        left -= sum(padded_length(lengths[row]) for row in share)
        start += rows
    return found
