"""A thread in which charts are drawn and baselines learned, one after the other; the event loop waits for none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

MOST_WAITING = 8

_T = TypeVar("_T")


class TooBusy(Exception):
    """Too many wait already; the message is one sentence for whoever asked."""


class ChartExecutor:
    """The thread is made with the first piece of work."""

    def __init__(self, name: str = "charts") -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._waiting = 0

    async def run(self, work: Callable[[], _T]) -> _T:
        """What `work` returns, done in the thread when its turn comes. Raises TooBusy."""
        if self._waiting >= MOST_WAITING:
            raise TooBusy("Many people are asking for charts right now; please try again in a moment.")
        self._waiting += 1
        try:
            # Not run_in_executor: a future of the thread's own can be waited for in any loop.
            return await asyncio.wrap_future(self._executor.submit(work))
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Lets the drawing under way end by itself and forgets those that wait."""
        self._executor.shutdown(wait=False, cancel_futures=True)
