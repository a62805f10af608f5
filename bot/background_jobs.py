"""What is done again and again while the bot runs: alerts, digests, purging. The process owns it, not the bot.

A task of the bot's that never ends would keep whoever waits for the bot to settle waiting for ever.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

_log = logging.getLogger(__name__)

Job = Callable[[float], Awaitable[None]]
"""Gets the time, in seconds since the Unix epoch, and does what is due. Doing it again at once does nothing more."""

TICK_SECONDS = 60.0


class BackgroundJobs:
    """Jobs, each done at every tick, in the order they were added. One that fails is tried at the next tick."""

    def __init__(self, clock: Callable[[], float] = time.time, interval: float = TICK_SECONDS) -> None:
        self._clock = clock
        self._interval = interval
        self._jobs: list[tuple[str, Job]] = []
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    def add(self, name: str, job: Job) -> None:
        """`name` is for the log."""
        self._jobs.append((name, job))

    async def tick(self) -> None:
        """Tries every job once."""
        now = self._clock()
        for name, job in self._jobs:
            try:
                await job(now)
            except Exception as error:  # the next tick may pass; the message of an error may hold somebody's words
                _log.error("%s failed (%s) and is tried again", name, type(error).__name__)

    def start(self) -> None:
        """Ticks now and then every `interval` seconds, in a task of its own, until `close`."""
        self._task = asyncio.get_running_loop().create_task(self._tick_now_and_then(), name="upkeep")

    async def close(self) -> None:
        """Ends it; a job that is under way is cancelled."""
        self._closing.set()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _tick_now_and_then(self) -> None:
        while not self._closing.is_set():
            await self.tick()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._interval):
                    await self._closing.wait()
