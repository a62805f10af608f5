"""When a shard may begin a session: Discord takes one identify from each bucket within five seconds.

A shard's bucket is its number modulo `max_concurrency`, whichever process it is in.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from bot.storage.errors import DatabaseUnavailable

_log = logging.getLogger(__name__)

IDENTIFY_SECONDS = 5.0


class Buckets(Protocol):
    """What keeps other processes out of a bucket."""

    async def take_bucket(self, bucket: int) -> None:
        """Returns when it is this process's turn. Without whoever keeps the others out it does not come."""

    async def leave_bucket(self, bucket: int) -> None:
        """Another may have it."""


class IdentifyGate:
    """For one event loop. `others` keeps a bucket for one of several processes; None: there is one alone."""

    def __init__(self, others: Buckets | None = None) -> None:
        self._others = others
        self._turns: dict[int, asyncio.Lock] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    async def enter(self, shard_id: int, concurrency: int) -> None:
        """Returns when this shard may identify, at once; the next of its bucket may so five seconds later."""
        bucket = shard_id % max(1, concurrency)
        turn = self._turns.setdefault(bucket, asyncio.Lock())
        await turn.acquire()
        try:
            if self._others is not None:
                await self._others.take_bucket(bucket)
        except BaseException:
            turn.release()
            raise
        leaving = asyncio.get_running_loop().create_task(self._leave(bucket, turn), name="identify")
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    def close(self) -> None:
        """Waits for nobody any more."""
        for task in self._leaving:
            task.cancel()

    async def _leave(self, bucket: int, turn: asyncio.Lock) -> None:
        try:
            await asyncio.sleep(IDENTIFY_SECONDS)
        finally:
            turn.release()
            if self._others is not None:
                try:
                    await self._others.leave_bucket(bucket)
                except DatabaseUnavailable:
                    _log.debug("a bucket is let go of by the end of its connection")
