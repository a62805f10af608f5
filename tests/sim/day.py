"""One day of the whole service, second by second: what comes in, what waits where, what is lost.

Nothing is drawn for a single message: of each second and process it is drawn how many there are, and queues are
numbers. So a day of 1.4 thousand million messages takes seconds, and is the same again for the same seed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from bot.background_jobs import TICK_SECONDS
from bot.monitoring.catch_up import REQUEST_SECONDS
from bot.monitoring.notice_check import AT_ONCE, SPACING
from bot.settings import Settings
from bot.storage.write_buffer import FLUSH_SECONDS, LIMIT
from tests.sim.constants import Constants
from tests.sim.crowd import CHANNEL_WEIGHTS, DAY, HOUR, Crowd, Floats, day_curve
from tests.sim.digests import digests_of
from tests.sim.plant import CORES_PER_REPLICA, Plant
from tests.sim.schedule import (
    OUTAGE_SECONDS,
    OUTAGE_SHARE,
    REPLICA_SECONDS,
    STORE_SECONDS,
    Fault,
    Kind,
)
from tests.sim.sessions import Away, Sessions

REQUESTS_A_SECOND = 50
"""What Discord takes from a bot, over all of its processes."""

QUEUE_TOKENS = int(Settings.model_fields["queue_limit"].default)
FLUSH_AT_LEAST = 0.005
_ASKED_OVER = 4 * HOUR
_SPANS = np.array([0, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1200, 2400, 3600, 7200, _ASKED_OVER], dtype=float)
"""Seconds after a session began, at which it is worked out how many channels have spoken by then."""


@dataclass(slots=True, eq=False)
class Day:
    """What the day was like; each series has a number a second, of the worst process where there are several."""

    crowd: Crowd
    plant: Plant
    offered: Floats
    missed: Floats
    sessions: Sessions
    away: Sequence[Away]
    loop_lag: Floats = field(default_factory=lambda: np.zeros(DAY))
    waiting_texts: Floats = field(default_factory=lambda: np.zeros(DAY))
    text_wait: Floats = field(default_factory=lambda: np.zeros(DAY))
    shed: Floats = field(default_factory=lambda: np.zeros(DAY))
    buffered: Floats = field(default_factory=lambda: np.zeros(DAY))
    dropped: Floats = field(default_factory=lambda: np.zeros(DAY))
    flush_age: Floats = field(default_factory=lambda: np.zeros(DAY))
    requests: Floats = field(default_factory=lambda: np.zeros(DAY))
    request_delay: Floats = field(default_factory=lambda: np.zeros(DAY))
    refused: Floats = field(default_factory=lambda: np.zeros(DAY))
    notice_wait: Floats = field(default_factory=lambda: np.zeros(DAY))
    catching_up: Floats = field(default_factory=lambda: np.zeros(DAY))
    ticks: Floats = field(default_factory=lambda: np.zeros(DAY // int(TICK_SECONDS)))
    """Of each look for alerts how long it took in the process where it took longest."""
    written: float = 0.0
    left: float = 0.0
    """Messages that are not written yet when the day is over."""
    loop_seconds: float = 0.0
    tick_seconds: float = 0.0
    digest_seconds: float = 0.0
    busiest_digests: float = 0.0
    """Core-seconds of the hour in which most digests are written, over all processes."""
    longest_flush: float = 0.0


class _Streams:
    """What comes in each second at each process, worked out for the whole day beforehand."""

    def __init__(self, crowd: Crowd, constants: Constants, plant: Plant, seed: int) -> None:
        random = np.random.default_rng(seed + 1)
        owner = np.array([plant.owner_of(shard) for shard in range(crowd.shards)])
        self.process_of = owner[crowd.shard_of]
        by_zone = crowd.by_zone(self.process_of, plant.processes)
        seconds = np.arange(DAY)
        curves = day_curve(seconds[:, None], np.arange(24)[None, :])
        self.offered = random.poisson(curves @ by_zone.T).astype(float)
        self.of_shard = np.bincount(crowd.shard_of, weights=crowd.rates, minlength=crowd.shards)
        self.of_process = by_zone.sum(axis=1)
        servers = np.bincount(self.process_of, minlength=plant.processes)
        self.servers_of_shard = np.bincount(crowd.shard_of, minlength=crowd.shards)
        self.away = np.zeros_like(self.offered)
        self.ready_work = np.zeros_like(self.offered)
        self.notices = np.zeros_like(self.offered)
        self.missed_pages = np.zeros_like(self.offered)
        self.judged = self._judged(crowd, plant)
        channels = constants.channels * servers
        self.alerts = random.poisson(np.broadcast_to(2 * constants.alerts_per_channel * channels.sum() / DAY, DAY))
        self.digests, self.digest_work = digests_of(crowd, self.process_of, plant.processes, constants, random)

    def _judged(self, crowd: Crowd, plant: Plant) -> Floats:
        """Of each hour and process in how many channels anything was written in the hour before."""
        found = np.zeros((24, plant.processes))
        for hour in range(24):
            loud = crowd.rates * day_curve(np.array([hour * HOUR - HOUR / 2]), crowd.peaks)
            spoke = sum(1 - np.exp(-loud * weight * HOUR) for weight in CHANNEL_WEIGHTS)
            found[hour] = np.bincount(self.process_of, weights=spoke, minlength=plant.processes)
        return found

    def lose(self, crowd: Crowd, plant: Plant, constants: Constants, away: Iterable[Away]) -> None:
        """A shard's messages are missed while it has no session; afterwards much is asked for."""
        channels: dict[int, Floats] = {}
        for one in away:
            process, since = plant.owner_of(one.shard), int(one.since)
            until = min(DAY, int(np.ceil(one.until)))
            share = self.of_shard[one.shard] / self.of_process[process]
            self.away[since:until, process] = np.minimum(1.0, self.away[since:until, process] + share)
            if one.until >= DAY:
                continue
            if one.shard not in channels:
                own = crowd.rates[crowd.shard_of == one.shard]
                channels[one.shard] = np.outer(own, CHANNEL_WEIGHTS).ravel()
            rates, end = channels[one.shard], int(one.until)
            self.missed_pages[end, process] += (1 - np.exp(-rates * (one.until - one.since))).sum()
            if one.new:
                self.ready_work[end, process] += self.servers_of_shard[one.shard] * constants.server_seconds
                self._ask_for_notices(rates, end, process)

    def _ask_for_notices(self, rates: Floats, end: int, process: int) -> None:
        """The notice of a channel is asked for when somebody writes there for the first time in a session."""
        spoken = (1 - np.exp(-np.outer(_SPANS, rates))).sum(axis=1)
        span = min(_ASKED_OVER, DAY - end)
        fresh = np.diff(np.interp(np.arange(span + 1), _SPANS, spoken))
        self.notices[end : end + span, process] += fresh


def live(
    crowd: Crowd,
    constants: Constants,
    plant: Plant,
    faults: Sequence[Fault],
    seed: int,
    *,
    tagging: float | None = None,
    hours: int = 24,
) -> Day:
    """Goes through a day of a crowd's at a plant, with these faults, or its first hours; then it is silent.

    `tagging` is the share of messages to react to.
    """
    owner = [plant.owner_of(shard) for shard in range(crowd.shards)]
    sessions = Sessions(owner, constants, plant.concurrency)
    away = sessions.live(faults, seed)
    streams = _Streams(crowd, constants, plant, seed)
    streams.lose(crowd, plant, constants, away)
    for fault in faults:
        if fault.kind is Kind.OUTAGE:
            streams.offered[fault.at : fault.at + OUTAGE_SECONDS] *= 1 - OUTAGE_SHARE
            share = OUTAGE_SHARE * streams.servers_of_shard.sum() / plant.processes
            streams.ready_work[min(DAY - 1, fault.at + OUTAGE_SECONDS)] += share * constants.server_seconds
    streams.offered[hours * HOUR :] = 0.0
    missed = streams.offered * streams.away
    day = Day(crowd, plant, streams.offered.sum(axis=1), missed.sum(axis=1), sessions, away)
    _Service(day, streams, constants, faults, constants.tag_share if tagging is None else tagging).run(hours * HOUR)
    return day


class _Service:
    """The queues, as they are at one second."""

    def __init__(
        self, day: Day, streams: _Streams, constants: Constants, faults: Sequence[Fault], tagging: float
    ) -> None:
        self._day, self._streams, self._constants, self._tagging = day, streams, constants, tagging
        plant = day.plant
        self._replicas = np.full(DAY, float(plant.replicas))
        self._stopped = np.zeros(DAY, dtype=bool)
        for fault in faults:
            if fault.kind is Kind.REPLICA:
                self._replicas[fault.at : fault.at + REPLICA_SECONDS] -= 1
            if fault.kind is Kind.STORE:
                self._stopped[fault.at : fault.at + STORE_SECONDS] = True
        zeros = np.zeros(plant.processes)
        self._loop, self._notices, self._pages, self._pending = zeros.copy(), zeros.copy(), zeros.copy(), zeros.copy()
        self._in_flight = zeros.copy()
        self._done = np.full(plant.processes, np.inf)
        self._flushed = zeros.copy()
        self._due = np.arange(plant.processes) % FLUSH_SECONDS
        self._free = np.zeros(plant.writers)
        self._texts = 0.0
        self._requests = 0.0

    def run(self, seconds: int) -> None:
        streams = self._streams
        seen = streams.offered - streams.offered * streams.away
        for second in range(seconds):
            self._events(second, seen[second])
            read = self._read(second, seen[second])
            self._write(second, read)
            self._ask(second, seen[second].sum())
            if second % TICK_SECONDS == 0:
                self._tick(second)
        self._day.left = float(self._pending.sum() + self._in_flight.sum() + self._texts)
        self._day.digest_seconds = float(streams.digest_work.sum())
        self._day.busiest_digests = float(streams.digest_work.sum(axis=1).max())

    def _events(self, second: int, seen: Floats) -> None:
        """The event loop has one second in a second; what it does not get done waits."""
        work = seen * self._constants.event_seconds + self._streams.ready_work[second]
        self._day.loop_seconds += work.sum()
        self._loop = np.maximum(0.0, self._loop + work - 1)
        self._day.loop_lag[second] = self._loop.max()

    def _read(self, second: int, seen: Floats) -> Floats:
        """All processes ask the same replicas; what finds no place in their queues is shed."""
        day, replicas = self._day, self._replicas[second]
        room = max(1.0, replicas) * QUEUE_TOKENS / self._constants.tokens_per_text
        capacity = replicas * CORES_PER_REPLICA * self._constants.texts_per_core
        came = seen.sum()
        waiting = self._texts + came
        served = min(waiting, capacity)
        left = waiting - served
        shed = max(0.0, left - room)
        self._texts = left - shed
        day.waiting_texts[second], day.shed[second] = self._texts, shed
        day.text_wait[second] = self._texts / capacity if capacity else REPLICA_SECONDS
        return seen / came * served if came else np.zeros_like(seen)

    def _write(self, second: int, read: Floats) -> None:
        """Each process writes five seconds after its last write, when the writers' turn comes to it."""
        day = self._day
        self._pending += read
        for process in np.flatnonzero(self._done <= second):
            day.written += self._in_flight[process]
            self._in_flight[process] = 0.0
            self._flushed[process], self._due[process] = self._done[process], self._done[process] + FLUSH_SECONDS
            self._done[process] = np.inf
        if not self._stopped[second]:
            for process in np.flatnonzero((self._due <= second) & np.isinf(self._done)):
                self._begin_write(int(process), second)
        held = self._pending + self._in_flight
        dropped = np.maximum(0.0, held - LIMIT)
        self._pending -= dropped
        day.dropped[second] = dropped.sum()
        day.buffered[second] = (held - dropped).max()
        day.flush_age[second] = second - self._flushed.min()

    def _begin_write(self, process: int, second: int) -> None:
        rows, self._in_flight[process], self._pending[process] = self._pending[process], self._pending[process], 0.0
        turn = process % len(self._free)
        took = FLUSH_AT_LEAST + rows * self._constants.row_seconds
        self._done[process] = self._free[turn] = max(second, self._free[turn]) + took
        self._day.longest_flush = max(self._day.longest_flush, self._done[process] - second)

    def _ask(self, second: int, seen: float) -> None:
        """Notices and the past are asked for at a pace that the processes share, as they do the fifty a second."""
        day, streams = self._day, self._streams
        self._notices += streams.notices[second]
        self._pages += streams.missed_pages[second]
        share = day.plant.processes
        notices = np.minimum(self._notices, 1 / SPACING / share)
        pages = np.minimum(self._pages, 1 / REQUEST_SECONDS / share)
        self._notices -= notices
        self._pages -= pages
        fresh = notices.sum() + pages.sum() + streams.alerts[second] + streams.digests[second] + seen * self._tagging
        day.requests[second] = fresh
        waiting = self._requests + fresh
        self._requests = max(0.0, waiting - REQUESTS_A_SECOND)
        busy = int((notices + pages > 0).sum())
        day.refused[second] = min(self._requests, (AT_ONCE + 1) * max(1, busy))
        day.request_delay[second] = self._requests / REQUESTS_A_SECOND
        day.notice_wait[second] = (self._notices * SPACING).max() * share
        day.catching_up[second] = (self._pages * REQUEST_SECONDS).max() * share

    def _tick(self, second: int) -> None:
        took = self._streams.judged[second // HOUR] * self._constants.judged_seconds
        self._day.ticks[int(second // TICK_SECONDS)] = took.max()
        self._day.tick_seconds += took.sum()
