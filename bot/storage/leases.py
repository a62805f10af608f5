"""Which process serves which shard: each shard is held by an advisory lock of PostgreSQL, which ends with its holder.

Whoever has the lock may take the shard when the one before is gone: it has said so, it says nothing any more although
its connection is gone, or it has been silent for a minute. A process whose connection alone was lost takes its locks
again at once. With each take-over the shard's epoch is one more, and a write of whoever had it before is known by that.
While PostgreSQL is away nobody can take anything over, and holders go on.
"""

from __future__ import annotations

import asyncio
import logging
import platform
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.shards import Cluster, Shards, shard_of
from bot.storage.changes import CHANNEL
from bot.storage.database import Database
from bot.storage.database_url import WRITERS_LOCK
from bot.storage.errors import DatabaseUnavailable
from bot.storage.lease_statements import (
    BEAT,
    DUTY_LOCKS,
    END_ALL_SILENT,
    END_SESSION,
    END_THE_SILENT,
    FORGET_OTHER_NUMBERS,
    HOLDER,
    HOUSE,
    IDENTIFY_LOCKS,
    LEAVE,
    OTHERS,
    PLAN,
    REGISTER,
    SHARD_LOCKS,
    SILENT_SECONDS,
    TAKE,
    UNHELD,
)
from bot.storage.schema import LeaseRow
from model.installation import installed_version

if TYPE_CHECKING:
    from bot.storage.postgres_session import PostgresSession

_log = logging.getLogger(__name__)

BEAT_SECONDS = 2.0
"""Between two heartbeats, and two looks whether all that is held still is."""

POLL_SECONDS = 0.25
"""Between two tries for a lock that another has."""

BUCKET_SECONDS = 0.1
"""The same for Discord's buckets, of which one is free every five seconds."""

GRACE_SECONDS = 0.5
"""How long the holder of a shard whose lock is free has to show that only its connection was lost."""

AGAIN_SECONDS = 1.0
"""Between two tries to connect again."""

SAID_SECONDS = 30.0
"""How often it is said for whom a process waits."""

_TAKING_SECONDS = 130.0
"""A take-over waits until whoever writes has written."""

_LEAVING_SECONDS = 0.3

_TAKEN = "Another process has taken this one's servers."

Counting = Callable[[], Awaitable[int]]
"""Asks Discord over how many shards the bot's servers should be spread."""


class Leases:
    """The leases of one process. For one event loop; methods raise DatabaseUnavailable.

    `lost` is set when another process has taken a shard: then nothing of it may be done any more. `leads` is whether
    this process does what one alone does for all. `given_up` is called with the shards that were taken.
    """

    def __init__(self, database: Database, cluster: Cluster) -> None:
        self.cluster = cluster
        self.process = database.process
        self.lost = asyncio.Event()
        self.leads = False
        self.shards = Shards(cluster.of, frozenset())
        self.heard: Callable[[], None] = _nothing
        """Called when PostgreSQL says that another process has changed something, or may have."""
        self.waits_for = ""
        """In words, who has the shards that this process waits for; empty: it waits for none."""
        self.unheld = 0
        """How many shards no process holds that lives; known to the one that leads."""
        self.given_up: Callable[[frozenset[int]], None] = lambda _: None
        self._database = database
        self._database.shards = self.shards
        self._epochs: dict[int, int] = {}
        self._session: PostgresSession | None = None
        self._former: set[int] = set()
        self._task: asyncio.Task[None] | None = None
        self._beaten = float("-inf")

    @property
    def held(self) -> frozenset[int]:
        """The shards that this process has taken."""
        return frozenset(self._epochs)

    @property
    def has_all(self) -> bool:
        """Whether it has, or is still thought to have, all that it serves, and other processes serve others."""
        return self._database.shards.numbers == self.held != frozenset()

    @property
    def session(self) -> PostgresSession | None:
        """The connection that holds the locks, if it stands."""
        return self._session if self._session is not None and not self._session.ended.is_set() else None

    async def hold(self, count: Counting, waits: Callable[[str], None]) -> None:
        """Takes all shards of this process, each as soon as it may; `waits` is told for whom it waits, in words.

        There are as many as the processes that run have agreed on, or, where none does, as Discord wants: `count` is
        asked. Each process has one at least.
        """
        session = await self._connected()
        self.lost.clear()

        def say(words: str) -> None:
            self.waits_for = words
            waits(words)

        while not (shards := await self._agreed(session, count)).of(shards.count):
            say(f"the processes that run share {shards.count} shards, too few for CLUSTER={self.cluster}")
            await asyncio.sleep(SAID_SECONDS)
        await self._take_all(session, self.shards.of(self.shards.count), say)
        self.waits_for = ""
        self.leads = await session.lock(DUTY_LOCKS, HOUSE)
        self._database.shards = self.shards
        self._task = asyncio.get_running_loop().create_task(self._keep(), name="leases")

    async def taken_by_others(self, connection: AsyncConnection) -> frozenset[int]:
        """The shards that are not this process's in the transaction of `connection`, all but those that it holds.

        A take-over waits for the writers' lock that the transaction has. Of no shard that is missing in the answer
        another can have written before.
        """
        question = select(LeaseRow.shard, LeaseRow.epoch).where(
            LeaseRow.shards == self.shards.count, LeaseRow.holder == self.process
        )
        there = {row.shard: row.epoch for row in await connection.execute(question)}
        return frozenset(range(self.shards.count)) - {
            shard for shard, epoch in self._epochs.items() if there.get(shard) == epoch
        }

    async def require_own(self, connection: AsyncConnection) -> None:
        """Raises DatabaseUnavailable where another process has taken a shard of this one."""
        if await self.taken_by_others(connection) & self.held:
            raise DatabaseUnavailable(_TAKEN)

    def shard_of(self, guild_id: int) -> int:
        """A server's shard."""
        return shard_of(guild_id, self.shards.count)

    async def take_bucket(self, bucket: int) -> None:
        """Returns when no other process begins a session of that bucket; while PostgreSQL is away none is begun."""
        while True:
            session = self.session
            with suppress(DatabaseUnavailable):
                if session is not None and await session.lock(IDENTIFY_LOCKS, bucket):
                    return
            await asyncio.sleep(BUCKET_SECONDS)

    async def leave_bucket(self, bucket: int) -> None:
        """Another process may have it."""
        if self.session is not None:
            await self.session.unlock(IDENTIFY_LOCKS, bucket)

    async def release(self) -> None:
        """Lets go of everything; whoever waits may take it at once. What there is to write must be written."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,), timeout=_LEAVING_SECONDS)
            self._task = None
        self.leads, self.unheld, self.waits_for, self._epochs = False, 0, "", {}
        self._database.shards = Shards(self.shards.count, frozenset())
        session, self._session = self._session, None
        if session is not None:
            with suppress(DatabaseUnavailable):
                await session.ask(LEAVE, self.process, seconds=_LEAVING_SECONDS)
            await session.close()

    async def _agreed(self, session: PostgresSession, count: Counting) -> Shards:
        while not await session.lock(DUTY_LOCKS, PLAN):  # noqa: ASYNC110  # PostgreSQL sets no event of ours
            await asyncio.sleep(POLL_SECONDS)
        try:
            others = await session.ask(OTHERS, self.process)
            shards = self.cluster.shards(others[0]["shards"] if others else max(await count(), self.cluster.of))
            if not others:
                await self._fence_other_numbers(session, shards.count)
            if shards.of(shards.count):
                self.shards = shards
                await self._register(session)
            return shards
        finally:
            with suppress(DatabaseUnavailable):
                await session.unlock(DUTY_LOCKS, PLAN)

    async def _fence_other_numbers(self, session: PostgresSession, count: int) -> None:
        """Whoever comes back and goes by another number of shards holds none: two would count the same message."""
        await session.ask(END_ALL_SILENT, self.process, SILENT_SECONDS * 1000)
        await session.ask(FORGET_OTHER_NUMBERS, count, WRITERS_LOCK, seconds=_TAKING_SECONDS)

    async def _connected(self) -> PostgresSession:
        if self.session is None:
            self._session = await self._database.open_session()
            await self._session.listen(CHANNEL, self._hear)
        assert self._session is not None
        return self._session

    def _hear(self) -> None:
        self.heard()

    async def _register(self, session: PostgresSession) -> None:
        cluster = self.cluster
        host, version = platform.node()[:64] or "?", installed_version()[:32]
        await session.ask(REGISTER, self.process, cluster.number, cluster.of, self.shards.count, host, version)

    async def _take_all(self, session: PostgresSession, shards: Sequence[int], waits: Callable[[str], None]) -> None:
        """Takes these, in order: of two processes that want some of the same, one has the first and so all."""
        left, said = list(shards), float("-inf")
        while left:
            locked = await self._locked(session, left)
            free = await self._free(session, locked)
            for shard in locked[free:]:
                await session.unlock(SHARD_LOCKS, shard)
            for shard in locked[:free]:
                await self._take(session, shard)
            left = left[free:]
            if not left:
                return
            if not locked:
                await self._end_the_silent(session, left[0])
            if time.monotonic() - said >= SAID_SECONDS:
                said = time.monotonic()
                waits(await self._holder_in_words(session, left[0]))
            if time.monotonic() - self._beaten >= BEAT_SECONDS:
                await self._beat(session)
            await asyncio.sleep(POLL_SECONDS)

    async def _locked(self, session: PostgresSession, shards: Sequence[int]) -> list[int]:
        """Those of these, up to the first that another has, whose locks this process has now."""
        found: list[int] = []
        for shard in shards:
            if not await session.lock(SHARD_LOCKS, shard):
                break
            found.append(shard)
        return found

    async def _free(self, session: PostgresSession, shards: Sequence[int]) -> int:
        """How many of these, in order, are nobody else's any more: their locks this process has."""
        before = {shard: await self._holder(session, shard) for shard in shards}
        doubtful = {shard: holder for shard, holder in before.items() if self._may_live(holder)}
        if doubtful and not all(holder["restarted"] for holder in doubtful.values()):
            await asyncio.sleep(GRACE_SECONDS)
        for count, shard in enumerate(shards):
            known = doubtful.get(shard)
            if known is None:
                continue
            holder = await self._holder(session, shard)
            said = holder is not None and (holder["holder"], holder["heartbeat"]) != (
                known["holder"],
                known["heartbeat"],
            )
            if said or known["restarted"]:  # PostgreSQL itself was away, and its holder may not have found it yet
                return count
        return len(shards)

    def _may_live(self, holder: Any) -> bool:
        if holder is None or holder["holder"] == self.process or holder["heartbeat"] is None:
            return False
        return bool(holder["silent"] < SILENT_SECONDS * 1000)

    async def _holder(self, session: PostgresSession, shard: int) -> Any:
        """Who has taken a shard last, and what it has said; None: nobody ever has."""
        found = await session.ask(HOLDER, self.shards.count, shard)
        return found[0] if found else None

    async def _take(self, session: PostgresSession, shard: int) -> None:
        rows = await session.ask(TAKE, self.shards.count, shard, self.process, WRITERS_LOCK, seconds=_TAKING_SECONDS)
        self._epochs[shard] = int(rows[0]["epoch"])

    async def _end_the_silent(self, session: PostgresSession, shard: int) -> None:
        """A holder that hangs, or that no network leads to, still has its connections, as far as the server knows.

        One of them may be in the middle of a write, and every other waits for its turn after that.
        """
        ended = await session.ask(END_THE_SILENT, self.shards.count, shard, SILENT_SECONDS * 1000)
        if ended:
            _log.warning("the holder of shard %d has been silent for too long: its connections were ended", shard)

    async def _holder_in_words(self, session: PostgresSession, shard: int) -> str:
        one = await self._holder(session, shard)
        if one is None or one["heartbeat"] is None:
            return f"shard {shard} is held by a process that hasn't said which it is"
        cluster, ago = f"{one['cluster']}/{one['clusters']}", one["ago"] / 1000
        return f"shard {shard} is held by CLUSTER={cluster} on {one['host']}, last heard {ago:.0f} s ago"

    async def _keep(self) -> None:
        """Says that this process lives, and looks that what it holds is its own, until it is not."""
        while not self.lost.is_set():
            session = self._session
            try:
                if session is None or session.ended.is_set():
                    await self._hold_again(session)
                    continue
                await self._beat(session)
                if not self.leads:
                    self.leads = await session.lock(DUTY_LOCKS, HOUSE)
                if self.leads:
                    ((self.unheld,),) = await session.ask(UNHELD, self.shards.count)
            except DatabaseUnavailable:
                self.leads = False
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT_SECONDS):
                    await session.ended.wait()

    async def _beat(self, session: PostgresSession) -> None:
        """Says that this process lives; finds out whether another has taken a shard."""
        self._beaten = time.monotonic()
        rows = await session.ask(BEAT, self.process, self.shards.count)
        if not rows:
            await self._register(session)
            rows = await session.ask(BEAT, self.process, self.shards.count)
        there = {row["shard"]: row["epoch"] for row in rows}
        taken = frozenset(shard for shard, epoch in self._epochs.items() if there.get(shard) != epoch)
        if taken:
            self._lose(taken)

    async def _hold_again(self, former: PostgresSession | None) -> None:
        """The connection was lost, not the process: its locks are taken again before another takes its shards."""
        self.leads = False
        if former is not None:
            self._former.add(former.pid)
            await former.close()
        session = await self._connected()
        await self._beat(session)  # first of all: whoever has a lock by now sees that its holder lives
        for pid in self._former:  # which the server may take for connections that still stand
            await session.ask(END_SESSION, pid, SHARD_LOCKS)
        self._former.clear()
        for shard in sorted(self._epochs):
            while not self.lost.is_set() and not await session.lock(SHARD_LOCKS, shard):
                await asyncio.sleep(POLL_SECONDS)
                await self._beat(session)
        self.heard()  # what was said meanwhile was not heard

    def _lose(self, taken: frozenset[int]) -> None:
        _log.warning("another process has taken shards %s of this one", ", ".join(map(str, sorted(taken))))
        for shard in taken:
            del self._epochs[shard]
        self.given_up(taken)
        self.lost.set()


def _nothing() -> None:
    """Nobody wants to know."""
