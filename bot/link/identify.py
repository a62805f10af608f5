"""When a shard may begin a session: Discord takes one identify from each bucket within five seconds.

A shard's bucket is its number modulo `max_concurrency`, whichever process it is in.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from bot.storage.errors import DatabaseUnavailable

_log = logging.getLogger(__name__)

IDENTIFY_SECONDS = 5.0


class NoSessionLeft(Exception):
    """Discord allows none before so many seconds have passed; `remaining` are too few to begin one."""

    def __init__(self, seconds: float, remaining: int) -> None:
        super().__init__(f"{remaining} sessions are left, for {seconds:.0f} s")
        self.seconds = seconds
        self.remaining = remaining


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

    async def enter(
        self, shard_id: int, concurrency: int, allowed: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Returns when this shard may identify, at once; the next of its bucket may so five seconds later.

        `allowed` raises if there is no session for it, such as NoSessionLeft, and the bucket is free again. It is asked
        when the bucket is this shard's: what was read before may have been taken by whoever had it until then.
        """
        bucket = shard_id % max(1, concurrency)
        turn = self._turns.setdefault(bucket, asyncio.Lock())
        await turn.acquire()
        taken = False
        try:
            if self._others is not None:
                await self._others.take_bucket(bucket)
            taken = True
            if allowed is not None:
                await allowed()
        except BaseException:
            if taken:
                self._leave_in(0.0, bucket, turn)
            else:
                turn.release()
            raise
        self._leave_in(IDENTIFY_SECONDS, bucket, turn)

    def close(self) -> None:
        """Waits for nobody any more."""
        for task in self._leaving:
            task.cancel()

    def _leave_in(self, seconds: float, bucket: int, turn: asyncio.Lock) -> None:
        leaving = asyncio.get_running_loop().create_task(self._leave(seconds, bucket, turn), name="identify")
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    async def _leave(self, seconds: float, bucket: int, turn: asyncio.Lock) -> None:
        try:
            await asyncio.sleep(seconds)
        finally:
            turn.release()
            if self._others is not None:
                try:
                    await self._others.leave_bucket(bucket)
                except DatabaseUnavailable:
                    _log.debug("a bucket is let go of by the end of its connection")
