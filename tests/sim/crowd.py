"""Servers as they are: one in a hundred makes half of all messages, and each sleeps at its own night."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.sim.constants import Constants

DAY, HOUR = 86_400, 3600
SERVERS_PER_SHARD = 1000
"""About as Discord recommends it."""

TOP, TOP_SHARE = 0.01, 0.5
CHANNEL_WEIGHTS = (0.5, 0.2, 0.15, 0.1, 0.05)
_ZONES = ((-6, 3.0, 0.4), (1, 2.0, 0.4), (8, 1.5, 0.2))
"""Where servers are, as hours from UTC, how far they spread and which share of all they are."""

_EVENING, _SWING = 20, 0.8

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """Of each server its messages a second on average, the hour of UTC at which it is loudest, and its shard."""

    rates: Floats
    peaks: Ints
    shard_of: Ints
    shards: int

    @property
    def servers(self) -> int:
        """How many there are."""
        return len(self.rates)

    def by_zone(self, groups: Ints, count: int) -> Floats:
        """Messages a second on average, for each group of servers (such as a process) and hour of the loudest."""
        found = np.zeros((count, 24))
        np.add.at(found, (groups, self.peaks), self.rates)
        return found


def crowd(servers: int, constants: Constants, seed: int) -> Crowd:
    """Lognormal, cut so that the loudest hundredth makes half of all messages whatever the number of servers."""
    random = np.random.default_rng(seed)
    normal = NormalDist()
    sigma = normal.inv_cdf(1 - TOP) - normal.inv_cdf(1 - TOP_SHARE)
    places = (np.arange(servers) + 0.5) / servers
    sizes = np.exp(sigma * np.array([normal.inv_cdf(float(place)) for place in places]))
    random.shuffle(sizes)
    rates = sizes / sizes.mean() * constants.messages_per_server
    centres, spreads, shares = (np.array(column) for column in zip(*_ZONES, strict=True))
    region = random.choice(len(shares), size=servers, p=shares)
    zones = np.rint(random.normal(centres[region], spreads[region])).astype(np.int64)
    shards = max(1, -(-servers // SERVERS_PER_SHARD))
    return Crowd(rates, (_EVENING - zones) % 24, random.integers(shards, size=servers), shards)


def day_curve(seconds: npt.NDArray[Any], peaks: npt.NDArray[Any]) -> Floats:
    """How loud servers that are loudest at these hours of UTC are then, 1 on average over a day."""
    return 1 + _SWING * np.cos(2 * np.pi * (seconds / HOUR - peaks) / 24)
