"""Many texts at once, a few at a time: so that nobody else waits behind all of them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from typing import TypeAlias

from model.errors import ModelError
from model.scheduling.request import Priority, cost_of
from model.text.preprocessing import Prepared
from model.verdict import Verdict

Asked: TypeAlias = list[asyncio.Future[Verdict] | ModelError]
"""What texts that were asked about come to, or why some were not taken."""

_PREPARED_TEXTS = 64
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
        own = _cost(text, priority)
        if portion and cost + own > tokens:
            yield portion
            portion, cost = [], 0
        portion.append(text)
        cost += own
    if portion:
        yield portion


async def in_turn(
    shares: AsyncGenerator[list[Prepared | ModelError], None],
    ask: Callable[[Sequence[Prepared | ModelError]], Asked],
    priority: Priority,
    tokens: int,
) -> list[Verdict | ModelError]:
    """What all shares come to, in their order.

    A share is asked about while those before it are computed, as long as they hold at most so many estimated tokens
    together, and the one after it is prepared meanwhile.
    """
    answers: list[Verdict | ModelError] = []
    asked: deque[tuple[Asked, int]] = deque()

    async def hear_first() -> None:
        first, _ = asked.popleft()
        answers.extend(await heard(first))

    try:
        async with aclosing(shares):
            async for share in shares:
                cost = sum(_cost(text, priority) for text in share)
                while asked and cost + sum(before for _, before in asked) > tokens:
                    await hear_first()
                asked.append((ask(share), cost))
        while asked:
            await hear_first()
    finally:
        for left, _ in asked:
            cancel_all(left)
    return answers


def _cost(text: Prepared | ModelError, priority: Priority) -> int:
    return 0 if isinstance(text, ModelError) else cost_of(text.tokens, priority)


async def heard(asked: Asked) -> list[Verdict | ModelError]:
    """The verdicts, and errors for their own callers. Whoever is cancelled takes all its texts back."""
    answers: list[Verdict | ModelError] = []
    try:
        for one in asked:
            try:
                answers.append(one if isinstance(one, ModelError) else await one)
            except ModelError as error:
                answers.append(error.again())
    finally:
        cancel_all(asked[len(answers) :])
    return answers


def cancel_all(found: Iterable[object]) -> None:
    """Takes back, of what was found and what is still awaited, whatever is not there yet."""
    for one in found:
        if isinstance(one, asyncio.Future) and not one.cancel() and not one.cancelled():
            one.exception()  # heard of, or asyncio logs it
