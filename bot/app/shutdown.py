"""The end of the process: one budget of seconds, and a share of it for everybody who has something to end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

GRACE_SECONDS = 0.3
"""What the work gets to end by itself that a stop breaks off: connecting, loading, or serving."""

SHUTDOWN_SECONDS = 3.4
"""What all owners have together after that, whatever hangs: with it less than the four seconds that are promised."""

LAST_SECONDS = 0.1
"""What tasks that nobody ended get to do so, at the very end."""

SHARES = {
    "jobs": 0.07,
    "messages": 0.17,
    "model": 0.2,
    "answers": 0.13,
    "connection": 0.13,
    "health": 0.03,
    "page": 0.07,
    "store": 0.2,
}
"""What each owner has for certain, as parts of the whole, in the order in which they end.

Whoever needs less leaves it to those that come later. The store is last and keeps a fifth: what was said is written.
"""


class ShutdownBudget:
    """Begins when it is made. For one event loop."""

    def __init__(self, seconds: float = SHUTDOWN_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._end = clock() + seconds
        self._later = dict(SHARES)
        self._left_behind: dict[str, asyncio.Task[Any]] = {}

    def share_of(self, owner: str) -> float:
        """The seconds that an owner has from now on: all that is left but the shares of those which come after it."""
        while owner in self._later:
            del self._later[next(iter(self._later))]
        return max(0.0, self._end - self._clock() - self._seconds * sum(self._later.values()))

    def left_behind(self, owner: str) -> bool:
        """Whether that owner did not end."""
        return owner in self._left_behind

    async def give(self, owner: str, ending: Coroutine[Any, Any, _T]) -> _T | None:
        """What `ending` returns; None when it fails, or does not end within the owner's share and is left behind.

        Raises KeyError for an owner without a share.
        """
        if owner not in SHARES:
            ending.close()
            raise KeyError(owner)
        share = self.share_of(owner)
        task = asyncio.ensure_future(ending)
        done, _ = await asyncio.wait((task,), timeout=share)
        if not done:
            # It is not waited for: it may hang in a thread or in a driver, which heed no cancelling.
            task.cancel()
            task.add_done_callback(_seen)
            self._left_behind[owner] = task
            _log.warning("%s: not ended within %.1f s, and left behind", owner, share)
            return None
        if task.cancelled() or (error := task.exception()) is None:
            return None if task.cancelled() else task.result()
        _log.warning("%s: did not end well (%s)", owner, type(error).__name__)
        return None


def run_to_the_end(main: Coroutine[Any, Any, _T]) -> _T:
    """What `main` returns, in a loop of its own that waits for no task or thread which `main` has left behind.

    `asyncio.run` would: a database that hangs in a thread would keep the process for as long as it likes.
    """
    runner = asyncio.Runner()
    try:
        result = runner.run(main)
        loop = runner.get_loop()
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left, timeout=LAST_SECONDS))
        return result
    finally:
        loop = runner.get_loop()
        asyncio.set_event_loop(None)
        loop.close()


def _seen(task: asyncio.Task[Any]) -> None:
    """Takes note of an error after which nobody asks: asyncio would log it in full."""
    if not task.cancelled():
        task.exception()
