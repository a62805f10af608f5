"""How much there is of everything at a size: processes, inference replicas, writers."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from tests.sim.constants import Constants
from tests.sim.crowd import Crowd

PEAK = 1.8
"""The loudest hour over the average of a day, of one region alone (`crowd.day_curve`)."""

FULL = 0.6
"""How much of a process or a replica is used in the loudest hour; the rest is for what comes at once."""

CORES_PER_REPLICA = 2


@dataclass(frozen=True, slots=True)
class Plant:
    """`writers`: processes that may write side by side; today they take turns, so one."""

    processes: int
    replicas: int
    writers: int = 1
    concurrency: int = 1

    def owner_of(self, shard: int) -> int:
        """The process that has a shard."""
        return shard % self.processes


def fitting(crowd: Crowd, constants: Constants, writers: int = 1, processes: int = 0) -> Plant:
    """As many processes and replicas as the loudest hour needs."""
    loudest = crowd.rates.sum() * PEAK
    needed = ceil(loudest * constants.event_seconds / FULL)
    replicas = ceil(loudest / (constants.texts_per_core * CORES_PER_REPLICA * FULL))
    return Plant(min(crowd.shards, processes or needed), replicas, writers)
