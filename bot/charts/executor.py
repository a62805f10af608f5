"""A thread in which charts are drawn and baselines learned, one after the other; the event loop waits for none.

Nobody takes all the places in its queue.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import TypeVar

from bot.i18n import gettext

MOST_WAITING = 8
"""Pieces of work. An answer is made of one at a time."""

MOST_OF_ONE = 2
"""Answers with charts that one person may be waiting for."""

_T = TypeVar("_T")


class TooBusy(Exception):
    """Too many wait already; the message is one sentence for whoever asked."""


class ChartExecutor:
    """The thread is made with the first piece of work."""

    def __init__(self, name: str = "charts") -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._waiting = 0
        self._answers: Counter[int] = Counter()

    @contextmanager
    def answer_for(self, person: int) -> Iterator[None]:
        """One answer with charts, from the first look into the store on.

        Raises TooBusy for who waits for `MOST_OF_ONE` already.
        """
        if self._answers[person] >= MOST_OF_ONE:
            raise TooBusy(gettext("You already have two charts on the way. Ask again once they're here."))
        self._answers[person] += 1
        try:
            yield
        finally:
            self._answers[person] -= 1
            self._answers += Counter()  # leaves out who waits for nothing

    async def run(self, work: Callable[[], _T]) -> _T:
        """What `work` returns, done in the thread when its turn comes. Raises TooBusy."""
        if self._waiting >= MOST_WAITING:
            raise TooBusy(gettext("Lots of people want charts right now. Please try again in a moment."))
        self._waiting += 1
        try:
            # Not run_in_executor: a future of the thread's own can be waited for in any loop.
            # In the context of who asks, for their language.
            return await asyncio.wrap_future(self._executor.submit(copy_context().run, work))
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Lets the drawing under way end by itself and forgets those that wait."""
        self._executor.shutdown(wait=False, cancel_futures=True)
