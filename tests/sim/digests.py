"""Digests of all servers that want one, at nine in the morning of each, spread as the bot spreads them."""

from __future__ import annotations

import numpy as np

from bot.digests.job import LONGEST_SPREAD, SECONDS_EACH
from tests.sim.constants import Constants
from tests.sim.crowd import DAY, HOUR, Crowd, Floats, Ints

_MORNING = 9
_EVENING = 20
"""When a server is loudest, by its own clock (`crowd`)."""


def digests_of(
    crowd: Crowd, process_of: Ints, processes: int, constants: Constants, random: np.random.Generator
) -> tuple[Floats, Floats]:
    """How many are posted in each second, and the processor that those of each hour take, in each process."""
    wants = random.random(crowd.servers) < constants.digest_share
    hours = (crowd.peaks + _MORNING - _EVENING) % 24
    posted, work = np.zeros(DAY), np.zeros((24, processes))
    for process in range(processes):
        own = wants & (process_of == process)
        spread = min(LONGEST_SPREAD, own.sum() * SECONDS_EACH)
        at = hours[own] * HOUR + (random.random(own.sum()) * spread).astype(np.int64)
        posted += np.bincount(at % DAY, minlength=DAY)
        each = constants.digest_seconds * constants.channels
        work[:, process] = np.bincount(hours[own], minlength=24) * each
    return posted, work
