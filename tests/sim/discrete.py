"""A simulated day at several sizes: how everything grows, what is full first, and what each fault costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, log
from typing import Any

import numpy as np

from bot.background_jobs import TICK_SECONDS
from bot.settings import Settings
from bot.storage.write_buffer import LIMIT
from tests.sim.constants import Constants
from tests.sim.crowd import DAY, HOUR, Crowd, Floats, crowd
from tests.sim.day import REQUESTS_A_SECOND, Day, live
from tests.sim.plant import CORES_PER_REPLICA, Plant, fitting
from tests.sim.schedule import FAULTS, Fault
from tests.sim.sessions import TOTAL, cold_start

RETENTION_DAYS = int(Settings.model_fields["retention_days"].default)
STEEPEST = 1.1
"""An exponent above this one means that something grows with more than the servers."""

INVALID_WINDOW, INVALID_MOST = 600, 10_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one size: what a day takes in all, how full everything was, and what each fault did."""

    servers: int
    plant: Plant
    totals: dict[str, float]
    fullness: dict[str, float]
    faults: list[dict[str, Any]]
    broken: list[str]
    seconds: float


def simulate(
    servers: int,
    constants: Constants,
    seed: int,
    *,
    faults: Sequence[Fault] = FAULTS,
    writers: int = 1,
    processes: int = 0,
    tagging: float | None = None,
    hours: int = 24,
) -> Outcome:
    """One day of so many servers, or its first hours; the same for the same arguments."""
    begun = time.perf_counter()
    people = crowd(servers, constants, seed)
    plant = fitting(people, constants, writers, processes)
    day = live(people, constants, plant, faults, seed, tagging=tagging, hours=hours)
    fullness = _fullness(day, people, constants)
    return Outcome(
        servers,
        plant,
        _totals(day, people, constants),
        fullness,
        [_consequences(day, fault, faults) for fault in faults],
        _broken(day),
        time.perf_counter() - begun,
    )


def _totals(day: Day, people: Crowd, constants: Constants) -> dict[str, float]:
    """What a whole day takes, over all processes."""
    gib = 2**30
    return {
        "messages": float(day.offered.sum()),
        "event loops, core-seconds": day.loop_seconds,
        "inference, core-seconds": float(day.offered.sum() / constants.texts_per_core),
        "writers' turn, seconds": float(day.offered.sum() * constants.row_seconds),
        "store after a week, GiB": float(day.offered.sum() * RETENTION_DAYS * constants.row_bytes / gib),
        "looks for alerts, seconds": day.tick_seconds,
        "digests, core-seconds": day.digest_seconds,
        "requests": float(day.requests.sum()),
        "sessions begun": float(day.sessions.identifies),
        "memory, GiB": (
            people.servers * constants.server_kib * 1024 + day.plant.processes * constants.process_mib * 2**20
        )
        / gib,
        "cold start, seconds": cold_start(people.shards, day.plant.concurrency),
    }


def _fullness(day: Day, people: Crowd, constants: Constants) -> dict[str, float]:
    """How much of one of each is used in the loudest hour, of one core, process, writer, token: 1 is full."""
    hours = day.offered.reshape(24, HOUR).mean(axis=1)
    loudest = float(hours.max())
    calm = np.sort(day.requests.reshape(-1, HOUR).mean(axis=1))
    return {
        "one writers' turn": loudest * constants.row_seconds,
        "two cores of inference": loudest / (constants.texts_per_core * CORES_PER_REPLICA),
        "one event loop": loudest * constants.event_seconds,
        "50 requests a second, loudest hour": float(calm[-1] / REQUESTS_A_SECOND),
        "50 requests a second, median hour": float(np.median(calm) / REQUESTS_A_SECOND),
        "a minute of one process for a look for alerts": float(day.ticks.max() * day.plant.processes / TICK_SECONDS),
        "an hour of one core for digests": day.busiest_digests / HOUR,
        "1,000 sessions a day": day.sessions.identifies / TOTAL,
        "an hour for a cold start": cold_start(people.shards, day.plant.concurrency) / HOUR,
        "an hour for asking whether notices stand, after a restart": float(day.notice_wait.max() / HOUR),
        "an hour for reading what a restart has missed": float(day.catching_up.max() / HOUR),
        "a disk of 1 TiB for a week": float(day.offered.sum() * RETENTION_DAYS * constants.row_bytes / 2**40),
        "4 GiB of memory in one process": people.servers * constants.server_kib / (4 * 2**20),
        "room of one write buffer, PostgreSQL being away for 30 s": loudest * 30 / LIMIT,
    }


def _consequences(day: Day, fault: Fault, faults: Sequence[Fault]) -> dict[str, Any]:
    """What followed a fault, until the next one."""
    end = min([other.at for other in faults if other.at > fault.at], default=DAY)
    part = slice(fault.at, end)
    own = [one for one in day.away if one.fault is fault]
    return {
        "fault": fault.kind.value,
        "shards away": len({one.shard for one in own}),
        "longest away, s": round(max((min(DAY, one.until) - one.since for one in own), default=0.0)),
        "messages missed": round(day.missed[part].sum()),
        "shed": round(day.shed[part].sum()),
        "dropped": round(day.dropped[part].sum()),
        "longest wait for the model, s": round(float(day.text_wait[part].max()), 1),
        "most in a write buffer": round(day.buffered[part].max()),
        "oldest unwritten, s": round(float(day.flush_age[part].max()), 1),
        "event loop late by, s": round(float(day.loop_lag[part].max()), 1),
        "a request waits, s": round(float(day.request_delay[part].max()), 1),
        "a notice waits, s": round(float(day.notice_wait[part].max())),
        "catching up takes, s": round(float(day.catching_up[part].max())),
        "refused in 10 min": round(_most_in(day.refused[part], INVALID_WINDOW)),
    }


def _most_in(series: Floats, window: int) -> float:
    sums = np.cumsum(np.concatenate(([0.0], series)))
    return float((sums[window:] - sums[:-window]).max()) if len(series) >= window else float(series.sum())


def _broken(day: Day) -> list[str]:
    """What must not be, whatever fails."""
    rules: list[tuple[str, float, float]] = [
        ("a look for alerts takes longer than a minute", float(day.ticks.max()), TICK_SECONDS),
        ("messages were dropped for want of room in a write buffer", float(day.dropped.sum()), 0.0),
        ("more sessions than a day has", float(day.sessions.identifies), TOTAL + 0.0),
        (
            "so many requests are refused that the address is banned",
            _most_in(day.refused, INVALID_WINDOW),
            INVALID_MOST,
        ),
        ("an event loop is held for longer than Discord waits for a heartbeat", float(day.loop_lag.max()), 60.0),
        ("requests wait for longer than an hour", float(day.request_delay.max()), float(HOUR)),
    ]
    return [f"{what} ({found:,.0f})" for what, found, most in rules if found > most]


def exponents(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """With which power of the number of servers each total grows, from the smallest size to the largest."""
    first, last = outcomes[0], outcomes[-1]
    if first.servers == last.servers:
        return {}
    growth = log(last.servers / first.servers)
    found = {}
    for name, value in last.totals.items():
        if value > 0 and first.totals[name] > 0:
            found[name] = log(value / first.totals[name]) / growth
    return found


def walls(outcomes: Sequence[Outcome]) -> list[tuple[str, float]]:
    """At how many servers each is full that is not added to; the first to be met comes first.

    Between two sizes on a line through both in logarithms, beyond them in proportion.
    """
    found = {name: _full_at([(one.servers, one.fullness[name]) for one in outcomes]) for name in outcomes[0].fullness}
    return sorted(found.items(), key=lambda one: one[1])


def _full_at(sizes: Sequence[tuple[int, float]]) -> float:
    for (fewer, before), (more, after) in pairwise(sizes):
        if 0 < before < 1 <= after:
            return float(fewer * (1 / before) ** (log(more / fewer) / log(after / before)))
    servers, value = sizes[0] if sizes[0][1] >= 1 else sizes[-1]
    return servers / value if value else inf


def printed(outcomes: Sequence[Outcome], tell: Callable[[str], None]) -> None:
    """Tables for a terminal."""
    sizes = "".join(f"{outcome.servers:>16,}" for outcome in outcomes)
    tell(f"{'servers':44}{sizes}{'exponent':>10}")
    grown = exponents(outcomes)
    for name in outcomes[0].totals:
        cells = "".join(f"{outcome.totals[name]:>16,.4g}" for outcome in outcomes)
        tell(f"{name:44}{cells}{grown.get(name, 0.0):>10.2f}")
    for what in ("processes", "replicas", "writers"):
        tell(f"{what:44}" + "".join(f"{getattr(outcome.plant, what):>16}" for outcome in outcomes))
    tell(f"{'this simulation, seconds':44}" + "".join(f"{outcome.seconds:>16.1f}" for outcome in outcomes))
    tell("\nhow full one of each is in the loudest hour, and at how many servers it is full")
    for name, servers in walls(outcomes):
        cells = "".join(f"{outcome.fullness[name]:>16.3f}" for outcome in outcomes)
        tell(f"{name:48}{cells}{servers:>14,.0f}")
    for outcome in outcomes:
        tell(f"\nwhat each fault did at {outcome.servers:,} servers")
        for one in outcome.faults:
            told = ", ".join(f"{name} {value:,}" for name, value in one.items() if name != "fault" and value)
            tell(f"  {one['fault']}: {told}")
        for sentence in outcome.broken:
            tell(f"  BROKEN at {outcome.servers:,}: {sentence}")
