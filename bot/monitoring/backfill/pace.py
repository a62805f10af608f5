"""The budget of requests for history: one a second for all servers together, beside what live reading needs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import TypeVar

REQUEST_SECONDS = 1.0
"""Between two requests: a fiftieth of what Discord allows a bot in all."""

_LONGEST_SECONDS = 30.0

_T = TypeVar("_T")


class Pace:
    """Who has a request made waits until it is due. Raises what the request raises, and TimeoutError."""

    def __init__(self) -> None:
        self.seconds = REQUEST_SECONDS
        self.requests = 0
        self._next = 0.0

    async def all(self, pages: AsyncIterator[_T]) -> list[_T]:
        """What one request for a page brings."""
        await self._wait()
        async with asyncio.timeout(_LONGEST_SECONDS):
            return [one async for one in pages]

    async def one(self, request: Awaitable[_T]) -> _T:
        """What one request brings."""
        await self._wait()
        async with asyncio.timeout(_LONGEST_SECONDS):
            return await request

    async def _wait(self) -> None:
        self.requests += 1
        loop = asyncio.get_running_loop()
        due = self._next - loop.time()
        if due > 0:
            await asyncio.sleep(due)
        self._next = loop.time() + self.seconds
