"""How long the database is waited for while somebody waits for an answer.

Jobs and the write buffer have limits of their own. People have one for all that is asked of the database on the way
to one answer, so that they are told in time when it hangs: nothing else would say so, for a server that was stopped
goes on taking connections.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from math import inf
from typing import Any

from bot.storage.errors import DatabaseUnavailable

ANSWER_SECONDS = 15.0
"""What one answer may wait for the database in all."""

SLOW = "The database didn't answer in time."


@dataclass(slots=True)
class _Budget:
    """Seconds that are left of an answer's, and the task in which it is made."""

    left: float
    task: asyncio.Task[Any] | None


_budget: ContextVar[_Budget | None] = ContextVar("budget", default=None)


def somebody_waits(seconds: float | None = None) -> None:
    """From now on the running task, and what it starts meanwhile, waits for the database no longer than that in all.

    To be called where an answer begins. What it starts and leaves running has time again when it has ended.
    """
    _budget.set(_Budget(ANSWER_SECONDS if seconds is None else seconds, asyncio.current_task()))


class Patience:
    """Who waits for one database, so that they can be told that it is not waited for any more."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Timeout] = set()
        self._end = inf

    def end_in(self, seconds: float) -> None:
        """Has nobody who waits for an answer wait for the database longer than that: the process is ending."""
        self._end = asyncio.get_running_loop().time() + seconds
        for timeout in self._waiting:
            until = timeout.when()
            if not timeout.expired() and (until is None or until > self._end):
                timeout.reschedule(self._end)

    @asynccontextmanager
    async def limited(self) -> AsyncIterator[None]:
        """Something that the database is asked. Raises DatabaseUnavailable when the time for the answer is over."""
        budget = _budget.get()
        if budget is None or (budget.task is not None and budget.task.done()):
            yield
            return
        now = asyncio.get_running_loop().time
        begun = now()
        timeout = asyncio.timeout_at(min(begun + max(0.0, budget.left), self._end))
        self._waiting.add(timeout)
        try:
            async with timeout:
                yield
        except TimeoutError:
            if timeout.expired():
                raise DatabaseUnavailable(SLOW) from None
            raise
        finally:
            self._waiting.discard(timeout)
            budget.left -= now() - begun

    @asynccontextmanager
    async def turn(self, lock: asyncio.Lock) -> AsyncIterator[None]:
        """Holds a lock of those who use the database. Raises DatabaseUnavailable when it does not come in time."""
        async with self.limited():
            await lock.acquire()
        try:
            yield
        finally:
            lock.release()
