"""What is done again and again while the bot runs: alerts, digests, purging. The process owns it, not the client.

A task of the client's that never ends would keep whoever waits for the client to settle waiting for ever.
"""

from __future__ import annotations

import asyncio
import logging
import time
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from math import inf
from typing import TypeVar

from bot.charts.executor import TooBusy
from bot.domain.snowflake import SECONDS
from bot.link.failures import REQUEST_FAILURES
from bot.storage.errors import DatabaseUnavailable

_log = logging.getLogger(__name__)

Work = Callable[[float], Awaitable[None]]
"""Gets the time, in seconds since the Unix epoch, and does what is due. Doing it again at once does nothing more."""

TICK_SECONDS = 60.0

LIMIT_SECONDS = 300.0
"""How long one run of a job may take: a job that hangs would otherwise never run again."""

SERVER_SECONDS = 30.0
"""How long a job may spend on one server, so that one which hangs costs the others no more than that."""

AT_ONCE = 4
"""Servers that a job is busy with at the same time. Two jobs learn in one thread, which takes eight pieces of work."""

_ENDING_SECONDS = 0.2
"""How long a job that was told to end is waited for."""


_T = TypeVar("_T")


class PutOff(Exception):
    """Raised by a job that stands back from what is due, say because its clock may be wrong: no failure, no success."""


def in_turn(servers: Iterable[tuple[int, _T]], after: int) -> list[tuple[int, _T]]:
    """Servers by their ids, beginning behind `after`, the last that was reached.

    A run that is broken off because some of them hang begins the next time with those that it did not get to.
    """
    ordered = sorted(servers, key=lambda one: one[0])
    first = bisect_right([guild_id for guild_id, _ in ordered], after)
    return ordered[first:] + ordered[:first]


@dataclass(frozen=True, slots=True)
class Job:
    """`name` is for the log. Each run ends within `limit` seconds, and the next begins `interval` seconds after."""

    name: str
    work: Work
    interval: float = TICK_SECONDS
    limit: float = LIMIT_SECONDS


@dataclass(slots=True)
class JobState:
    """What has become of a job's runs since the start.

    `put_off` are runs that stood back, `begun` is when it was there first and `succeeded` when the last good run ended
    (Unix time), `seconds` how long the last run took.
    """

    runs: int = 0
    put_off: int = 0
    failed: int = 0
    overran: int = 0
    begun: float = 0.0
    succeeded: float | None = None
    seconds: float | None = None


class BackgroundJobs:
    """Jobs, each in a task of its own: one that fails is tried again, one that overruns is broken off and counted."""

    def __init__(self, jobs: tuple[Job, ...] = (), clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._jobs = {job: JobState(begun=clock()) for job in jobs}
        self._tasks: set[asyncio.Task[None]] = set()

    def states(self) -> dict[str, JobState]:
        """What has become of each job, by name."""
        return {job.name: state for job, state in self._jobs.items()}

    async def tick(self) -> None:
        """Runs every job once, side by side."""
        await asyncio.gather(*(self._run(job) for job in self._jobs))

    def start(self) -> None:
        """Runs each job now and then every so often, until `close`."""
        for job in self._jobs:
            self._tasks.add(asyncio.get_running_loop().create_task(self._repeat(job), name=f"job {job.name}"))

    async def close(self) -> None:
        """Ends it. What is under way is cancelled, and one that does not heed that is left behind."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_ENDING_SECONDS)
        self._tasks.clear()

    async def _repeat(self, job: Job) -> None:
        while True:
            await self._run(job)
            await asyncio.sleep(job.interval)

    async def _run(self, job: Job) -> None:
        state = self._jobs[job]
        state.runs += 1
        begun = time.monotonic()
        limit = asyncio.timeout(job.limit)
        try:
            async with limit:
                await job.work(self._clock())
        except PutOff:
            state.put_off += 1
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # Something that the run waited for was cancelled, not the run: the job must not end in silence by it.
            state.failed += 1
            _log.error("%s failed (CancelledError) and is tried again", job.name)
        except Exception as error:  # the next run may pass; the message of an error may hold somebody's words
            if limit.expired():
                state.overran += 1
                _log.error("%s took longer than %.0f s and was broken off", job.name, job.limit)
            else:
                state.failed += 1
                _log.error("%s failed (%s) and is tried again", job.name, type(error).__name__)
        else:
            state.succeeded = self._clock()
        finally:
            state.seconds = time.monotonic() - begun


class Daily:
    """Does its work at the first run and then daily; when it fails, at the next run."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._done = -inf

    async def __call__(self, now: float) -> None:
        """`now` is in seconds since the Unix epoch; a clock that was put back does not put the work off."""
        if 0 <= now - self._done < 24 * SECONDS:
            return
        await self._work(now)
        self._done = now


class Hourly:
    """Does its work at the first run in each hour of the clock; when it fails, at the next run."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._hour: int | None = None

    async def __call__(self, now: float) -> None:
        """`now` is in seconds since the Unix epoch."""
        hour = int(now // SECONDS)
        if hour != self._hour:
            await self._work(now)
            self._hour = hour


class ServerTurns:
    """Where a job called `name` has got to among the servers; a run that is broken off goes on behind them."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._reached = 0

    async def take(self, guild_ids: Iterable[int], turn: Callable[[int], Awaitable[None]]) -> None:
        """Has every server's turn taken; each limits its own time.

        What passes by itself ends that server's turn only: it comes again at the next run. Anything else that goes
        wrong is raised when the others have had theirs, but without a database no further turn is begun.
        """
        waiting = iter(in_turn(((guild_id, None) for guild_id in guild_ids), self._reached))
        failures: list[Exception] = []

        async def work() -> None:
            for guild_id, _ in waiting:
                self._reached = guild_id
                try:
                    await turn(guild_id)
                except (*REQUEST_FAILURES, TooBusy) as error:
                    _log.warning("%s of server %d: put off (%s)", self._name, guild_id, type(error).__name__)
                except DatabaseUnavailable as error:
                    failures.insert(0, error)
                except Exception as error:
                    failures.append(error)
                if any(isinstance(error, DatabaseUnavailable) for error in failures):
                    return

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        if failures:
            raise failures[0]
