"""When each shard has a session: one begins at a time in each bucket, and only while Discord allows any."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from bot.link.identify import IDENTIFY_SECONDS
from bot.link.limits import sessions_needed
from tests.sim.constants import Constants
from tests.sim.crowd import DAY
from tests.sim.schedule import FEW_LEFT, STORM_SECONDS, Fault, Kind

TOTAL = 1000
READY_SECONDS = 1.0
"""From an IDENTIFY to its READY."""

RESUME_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Away:
    """A shard has no session from `since` to `until`, in seconds of the day; `new`: it had to begin another."""

    shard: int
    since: float
    until: float
    new: bool
    fault: Fault | None


@dataclass(frozen=True, slots=True)
class _Begin:
    """These shards of one process want sessions; they lost theirs at `since`. A start needs some to be left over."""

    shards: tuple[int, ...]
    since: float
    fault: Fault | None
    is_start: bool = False


class Sessions:
    """A day's. `owner` says of each shard which process has it."""

    def __init__(self, owner: Sequence[int], constants: Constants, concurrency: int = 1, left: int = TOTAL) -> None:
        self.identifies = 0
        self.fewest_left = left
        self.away: list[Away] = []
        self._owner = owner
        self._constants = constants
        self._concurrency = concurrency
        self._left = left
        self._resets_at = float(DAY)
        self._free = [0.0] * concurrency
        self._order = count()
        self._waiting: list[tuple[float, int, _Begin | int]] = []

    def live(self, faults: Iterable[Fault], seed: int) -> list[Away]:
        """Goes through the day; when which shard was away, in order."""
        random = np.random.default_rng(seed)
        lost = random.poisson(self._constants.sessions_lost, len(self._owner))
        for shard, times in enumerate(lost):
            for at in random.uniform(0, DAY, times):
                self._push(at, _Begin((shard,), at, None))
        for fault in faults:
            self._plan(fault, random)
        while self._waiting:
            at, _, what = heapq.heappop(self._waiting)
            if isinstance(what, int):
                self._left = self.fewest_left = what
            elif what.is_start and self._left < sessions_needed(len(what.shards), len(self._owner)):
                self._push(self._resets_at, what)
            elif len(what.shards) > 1:
                for shard in what.shards:
                    self._push(at, _Begin((shard,), what.since, what.fault))
            else:
                self._identify(at, what)
        return sorted(self.away, key=lambda one: one.since)

    def _plan(self, fault: Fault, random: np.random.Generator) -> None:
        processes = sorted(set(self._owner))
        if fault.kind in {Kind.FEW, Kind.NONE_LEFT}:
            self._push(fault.at - 1, FEW_LEFT)
        if fault.kind in {Kind.KILL, Kind.FEW}:
            self._restart(fault.at, 0, fault)
        elif fault.kind in {Kind.DEPLOY, Kind.NONE_LEFT}:
            at = float(fault.at)
            for process in processes:
                shards = self._restart(at, process, fault)
                at += self._constants.restart_seconds + shards * IDENTIFY_SECONDS
        elif fault.kind is Kind.STORM:
            for shard in range(len(self._owner)):
                at = fault.at + random.uniform(0, STORM_SECONDS)
                if random.random() < self._constants.resumed_share:
                    self.away.append(Away(shard, at, at + RESUME_SECONDS, new=False, fault=fault))
                else:
                    self._push(at + RESUME_SECONDS, _Begin((shard,), at, fault))

    def _restart(self, at: float, process: int, fault: Fault) -> int:
        shards = tuple(shard for shard, owner in enumerate(self._owner) if owner == process)
        self._push(at + self._constants.restart_seconds, _Begin(shards, at, fault, is_start=True))
        return len(shards)

    def _identify(self, at: float, what: _Begin) -> None:
        (shard,) = what.shards
        if at >= self._resets_at:
            self._left, self._resets_at = TOTAL, self._resets_at + DAY
        bucket = shard % self._concurrency
        if self._free[bucket] > at:
            self._push(self._free[bucket], what)
        elif self._left < self._concurrency:
            self._push(self._resets_at, what)
        else:
            self._left -= 1
            self.fewest_left = min(self.fewest_left, self._left)
            self.identifies += 1
            self._free[bucket] = at + IDENTIFY_SECONDS
            self.away.append(Away(shard, what.since, at + READY_SECONDS, new=True, fault=what.fault))

    def _push(self, at: float, what: _Begin | int) -> None:
        heapq.heappush(self._waiting, (at, next(self._order), what))


def cold_start(shards: int, concurrency: int = 1) -> float:
    """Seconds in which so many shards begin their sessions, all of them wanting to at once."""
    return -(-shards // concurrency) * IDENTIFY_SECONDS
