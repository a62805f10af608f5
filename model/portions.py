"""Many texts at once, a few at a time: so that nobody else waits behind all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from model.errors import ModelError
from model.scheduling.request import Priority, cost_of
from model.text.preprocessing import Prepared

_PREPARED_TEXTS = 256
"""Texts of a batch that are prepared at once."""


def outcome(done: asyncio.Future[Prepared]) -> Prepared | ModelError:
    """What a text was prepared to, or its error for its own caller. Raises an error that is not meant for people."""
    error = done.exception()
    if error is None:
        return done.result()
    if isinstance(error, ModelError):
        return error.again()
    raise error


def batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """The texts in order, a few at a time: what the event loop prepares of them at once takes it milliseconds."""
    return (texts[start : start + _PREPARED_TEXTS] for start in range(0, len(texts), _PREPARED_TEXTS))


def portions(
    texts: Sequence[Prepared | ModelError], priority: Priority, tokens: int
) -> Iterator[list[Prepared | ModelError]]:
    """The texts in order, in portions of at most so many estimated tokens, or of one text."""
    portion: list[Prepared | ModelError] = []
    cost = 0
    for text in texts:
        own = 0 if isinstance(text, ModelError) else cost_of(text.tokens, priority)
        if portion and cost + own > tokens:
            yield portion
            portion, cost = [], 0
        portion.append(text)
        cost += own
    if portion:
        yield portion
