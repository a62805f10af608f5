"""Which windows go through the network together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from model.backend import padded_length

TOKEN_BUDGET = 2048
"""Padded tokens a batch may hold: four full windows, or some sixty chat messages."""


class Sized(Protocol):
    """Something with a length in tokens."""

    def __len__(self) -> int:
        """Tokens, special tokens included."""


W = TypeVar("W", bound=Sized)


def next_batch(waiting: Sequence[W], budget: int = TOKEN_BUDGET) -> list[W]:
    """The next batch from `waiting`, which is in order of arrival and not empty.

    The oldest is always in it, so nobody starves. The rest are the windows nearest to it in length, the shorter side
    first since those cost no padding of the oldest, while padded length x rows stays within `budget`.
    """
    oldest, *others = waiting
    batch, width = [oldest], padded_length(len(oldest))
    shorter = sorted((w for w in others if padded_length(len(w)) <= width), key=len, reverse=True)
    for window in shorter:
        if (len(batch) + 1) * width > budget or len(window) * 2 < len(oldest):
            break
        batch.append(window)
    longer = sorted((w for w in others if padded_length(len(w)) > width), key=len)
    for window in longer:
        wider = padded_length(len(window))
        if (len(batch) + 1) * wider > budget or len(oldest) * 2 < len(window):
            break
        batch.append(window)
    return batch
