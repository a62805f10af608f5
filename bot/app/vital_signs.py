"""What only the process itself can measure: how its loop turns, what held it, and whether the store answers."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import Callable
from contextlib import suppress

from bot.app.running import Running
from model.histogram import Histogram

_log = logging.getLogger(__name__)

TURN_SECONDS = 0.25
"""Between two looks at how late the loop is."""

LOOK_SECONDS, LOOK_LIMIT = 3.0, 3.0
"""Between two questions to the store, and how long an answer may take: with one that is missed it is seen within 9."""

STORE_SECONDS = 12.0
"""How long ago the store may have answered last: two questions in a row may be missed."""

OLDEST_SECONDS = 60.0
"""Between two looks at how old the oldest message is of which a score is kept."""

_LAGS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_PAUSES = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)


class VitalSigns:
    """Measured from `start` to `close`. `clock` is monotonic, in seconds."""

    def __init__(self, running: Running, clock: Callable[[], float] = time.monotonic) -> None:
        self.lag = Histogram(_LAGS)
        """Seconds by which the loop turned later than it should have."""
        self.pauses = Histogram(_PAUSES)
        """Seconds that Python's garbage collector held everything."""
        self.store_seen: float | None = None
        """When the store answered last, by `clock`."""
        self.oldest_age = 0.0
        """Seconds since the oldest message was written of which a score is kept; 0: there is none."""
        self._running = running
        self._clock = clock
        self._tasks: list[asyncio.Task[None]] = []
        self._collecting: float | None = None

    def store_is_up(self) -> bool:
        """Whether the database has answered lately."""
        return self.store_seen is not None and self._clock() - self.store_seen <= STORE_SECONDS

    def start(self) -> None:
        """Begins to measure."""
        gc.callbacks.append(self._collected)
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._turn(), name="turns of the loop"),
            loop.create_task(self._look(), name="looks at the store"),
        ]

    async def close(self) -> None:
        """Measures no more."""
        with suppress(ValueError):
            gc.callbacks.remove(self._collected)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=0.2)

    async def _turn(self) -> None:
        while True:
            due = self._clock() + TURN_SECONDS
            await asyncio.sleep(TURN_SECONDS)
            self.lag.observe(max(0.0, self._clock() - due))

    async def _look(self) -> None:
        looked = float("-inf")
        while True:
            storage = self._running.storage
            if storage is not None:
                try:
                    async with asyncio.timeout(LOOK_LIMIT):
                        await storage.database.answer()
                    self.store_seen = self._clock()
                    if self._clock() - looked >= OLDEST_SECONDS:
                        looked = self._clock()
                        async with asyncio.timeout(LOOK_LIMIT):
                            written = await storage.moods.oldest_message()
                        self.oldest_age = 0.0 if written is None else max(0.0, storage.clock.now() - written)
                except Exception as error:  # whatever it is, the next look may pass, and none would look red for good
                    _log.debug("the store did not answer a look (%s)", type(error).__name__)
            await asyncio.sleep(LOOK_SECONDS)

    def _collected(self, phase: str, _info: dict[str, int]) -> None:
        now = self._clock()
        if phase == "start":
            self._collecting = now
        elif self._collecting is not None:
            self.pauses.observe(now - self._collecting)
            self._collecting = None
