"""A thread that reads, batches and computes what a ledger's queue holds.

While a batch is computed the next texts are read, and when there are enough of them the next batch is made ready, so
there is no waiting time to tune and the processors never idle.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from model.backends.engine import Engine
from model.concurrency import refuse, settle
from model.errors import DeadlinePassed, InferenceFailed
from model.scheduling.batch_planner import BatchPlanner, Lane
from model.scheduling.in_flight import Flight, InFlight
from model.scheduling.request import Priority, Request
from model.scheduling.request_ledger import RequestLedger
from model.scheduling.request_windows import Job, Window
from model.scheduling.supervisor import GivenUp, Supervisor
from model.scheduling.verdict_cache import VerdictCache

_log = logging.getLogger(__name__)

_PROBE_AFTER_FAILURES = 8
"""Texts that fail in a row before the model is tried on something harmless."""


class InferenceLoop:
    """One thread in the model. Once the supervisor has another in its place, it touches nothing any more."""

    def __init__(
        self,
        ledger: RequestLedger,
        supervisor: Supervisor,
        in_flight: InFlight,
        cache: VerdictCache,
        clock: Callable[[], float],
        *,
        begun: list[Request] | None,
        load: bool,
    ) -> None:
        """The first one has begun nothing, None, and loads the model; a later one loads anew when told to."""
        self._ledger = ledger
        self._supervisor = supervisor
        self._in_flight = in_flight
        self._cache = cache
        self._clock = clock
        self._is_first = begun is None
        self._begun = begun or []
        self._must_load = load
        self._planner = BatchPlanner()
        self._failures = 0

    def start(self) -> None:
        """A daemon: a batch that hangs must not keep the process from ending."""
        threading.Thread(target=self._run, name="inference", daemon=True).start()

    def _run(self) -> None:
        try:
            with self._ledger.changed:  # whoever begins a loop has the lock until it is the current one
                self._check()
            if self._is_first:
                wanted = self._supervisor.load_first(self._in_flight)
            else:
                if self._must_load:
                    self._supervisor.load_again(self._in_flight, self._begun)
                wanted = True
            if wanted:
                self._loop()
            self._check()
            self._supervisor.finish()
        except GivenUp:
            pass
        except BaseException as error:
            with suppress(GivenUp):
                self._check()
                # The watchdog puts another in its place. Until then nobody is to wait for this one.
                _log.error("the inference loop failed (%s) and is begun anew", type(error).__name__)
                self._in_flight.has_died = True
                self._ledger.fail_all()
        self._drop()

    def _check(self) -> None:
        self._supervisor.check(self._in_flight)

    @property
    def _engine(self) -> Engine:
        engine = self._supervisor.engine
        assert engine is not None
        return engine

    def _loop(self) -> None:
        self._read_begun()
        while self._wait_for_work():
            self._in_flight.moved = self._clock()
            try:
                if self._is_probe_due():
                    self._probe()
                    self._read_begun()
                else:
                    self._work()
            except GivenUp:
                raise
            except BaseException as error:
                self._check()
                self._give_up(error)
            finally:
                self._in_flight.moved = None
        self._land_in_hand()

    def _wait_for_work(self) -> bool:
        """False when the thread should end; True when a probe is due, too."""
        ledger = self._ledger
        pause = self._supervisor.until_probe(busy=bool(self._in_flight))
        with ledger.changed:
            self._in_flight.reading = None
            ledger.changed.wait_for(
                lambda: ledger.closing or self._can_work() or self._is_probe_due(), timeout=max(0.0, pause) + 0.001
            )
            self._check()
            return not ledger.closing

    def _can_work(self) -> bool:
        """Whether `_work` has anything to do: to hand out a batch, send one off, or read a text. With the lock."""
        queue = self._ledger.queue
        landed = self._in_flight.has_landed()
        return landed or self._lane(shared=queue.is_shared()) is not None or self._may_read() is not None

    def _lane(self, *, shared: bool) -> Lane | None:
        if self._failures >= _PROBE_AFTER_FAILURES or not self._planner:
            return None
        ahead, aside = self._in_flight.counts()
        return self._planner.lane(self._engine.budget, shared=shared, ahead=ahead, aside=aside)

    def _may_read(self) -> tuple[Priority, int] | None:
        """With the lock."""
        return self._planner.may_read(self._ledger.queue, self._engine.budget)

    def _is_probe_due(self) -> bool:
        failing = self._failures >= _PROBE_AFTER_FAILURES
        return not self._in_flight and (failing or self._supervisor.until_probe() < 0)

    def _probe(self) -> None:
        """A model that cannot compute a harmless text is loaded anew."""
        self._failures = 0
        try:
            self._supervisor.probe(self._engine)
        except BaseException as error:
            self._check()
            self._begun = self._planner.clear()
            self._supervisor.load_again(self._in_flight, self._begun, error)
            self._supervisor.count_replaced()
        else:
            self._check()
            self._supervisor.passed()

    def _read_begun(self) -> None:
        """What an earlier loop or model had begun."""
        begun, self._begun = self._begun, []
        while begun:
            self._read(begun.pop(0))

    def _work(self) -> None:
        """One step. Whatever goes wrong with a batch is the answer of the texts in it, never the thread's end."""
        self._take_landed()
        if not self._planner:
            self._read_more()
        while (planned := self._next_batch()) is not None:
            batch, lane = planned
            self._fly(batch, aside=lane is Lane.HEAVY)
        if self._in_flight.landing is None:
            self._take_landed()
        if (landing := self._in_flight.landing) is not None:
            self._hand_out(landing)
        self._read_more()

    def _next_batch(self) -> tuple[list[Window], Lane] | None:
        with self._ledger.changed:
            shared, begun = self._ledger.queue.is_shared(), self._ledger.queue.begun
        lane = self._lane(shared=shared)
        if lane is None:
            return None
        batch = self._planner.take_batch(lane, shared=shared, begun=begun, is_wanted=self._is_wanted)
        if not batch:
            return None
        with self._ledger.changed:
            self._ledger.queue.begin(sum(map(len, batch)))
        return batch, lane

    def _is_wanted(self, request: Request) -> bool:
        """Whether anybody still waits for it; its deadline may have passed since it was read."""
        if self._clock() > request.deadline:
            self._ledger.fail(request, DeadlinePassed())
        return not request.future.done()

    def _read_more(self) -> None:
        """The next texts."""
        ledger = self._ledger
        with ledger.changed:
            self._check()
            wanted = self._may_read()
            taken = [] if wanted is None else ledger.queue.take(*wanted)
        while taken:
            self._read(taken.pop(0))
            if ledger.closing:
                return

    def _read(self, request: Request) -> None:
        """Tokenises; a text whose verdict is known is answered at once."""
        if request.future.done():
            return
        cache = self._cache
        self._in_flight.moved = now = self._clock()
        self._in_flight.reading = request
        try:
            if now > request.deadline:
                raise DeadlinePassed
            engine = self._engine.part(request.language, request.version)
            reading = engine.reader.read_cleaned(request.text, request.most_windows)
            self._check()  # first: what is remembered is one thread's
            rows = reading.rows
            key = None if request.fresh else cache.key(engine, rows, request.language)
            known = cache.get(key)
            job = Job(request, engine, key, [None] * len(rows), reading.skipped, engine.traits(rows))
        except BaseException as error:  # a panic of the tokenizer's Rust is no Exception
            self._check()
            self._ledger.fail(request, error)
            return
        finally:
            self._in_flight.reading = None
        if known is not None:
            self._ledger.answer(request, known, cached=True)
            return
        self._planner.add(request.priority, (Window(job, index, ids) for index, ids in enumerate(rows)))

    def _fly(self, batch: list[Window], *, aside: bool) -> None:
        """Sends a batch off: to the backend's threads, or, when there is nothing to do meanwhile, computed in this."""
        if not batch:
            return
        self._check()
        in_flight = self._in_flight
        idle = not (aside or in_flight or in_flight.landing is not None) and self._planner.is_at_hand(batch)
        if idle:
            with self._ledger.changed:
                idle = not self._ledger.queue.has_waiting()
        flight, backend = Flight(batch, aside=aside), batch[0].job.engine.backend
        in_flight.add(flight)
        rows = [window.ids for window in batch]
        try:
            if idle:
                settle(flight.logits, backend.predict(rows))
                return
            flight.logits = backend.start_aside(rows) if aside else backend.start(rows)
        except BaseException as error:
            refuse(flight.logits, error.with_traceback(None))  # which would lead to the batch
        flight.logits.add_done_callback(self._wake)
        if sum(in_flight.counts()) > 1:
            flight.cancel_when_unwanted()

    def _wake(self, _: Future[NDArray[np.float32]]) -> None:
        with self._ledger.changed:
            self._ledger.changed.notify_all()

    def _take_landed(self) -> None:
        """Counts it at once: whoever gets its verdicts may ask for the counts."""
        flight = self._in_flight.land()
        if flight is not None and flight.logits.exception() is None:
            lengths = [len(window) for window in flight.batch]
            padded = flight.batch[0].job.engine.backend.padded_tokens(lengths)
            self._ledger.count_batch(lengths, padded, flight.seconds)

    def _hand_out(self, flight: Flight) -> None:
        """Hands out what was computed; a batch that failed is halved until the guilty text fails alone."""
        batch = flight.batch
        self._check()
        self._in_flight.moved = self._clock()
        error = flight.logits.exception()  # not raised here: its traceback would lead from the batch to itself
        if error is None:
            try:
                rows = dict(zip(range(len(batch)), flight.logits.result(), strict=True))
            except BaseException as failure:  # a backend may answer with anything
                error = failure.with_traceback(None)
        if error is None:
            for index, window in enumerate(batch):
                self._finish(window, rows[index])
        elif len(batch) == 1:
            self._failures += 1
            self._ledger.fail(batch[0].job.request, error)
        self._in_flight.handed_out()
        if error is not None and len(batch) > 1:  # of the halves only the one that is computed is in hand
            middle = len(batch) // 2
            self._fly(batch[:middle], aside=flight.aside)
            self._fly(batch[middle:], aside=flight.aside)

    def _land_in_hand(self) -> None:
        """At the end: the batch that is being computed still gets its answers, by halves if it fails."""
        self._in_flight.cancel_ahead()
        while self._in_flight:
            self._in_flight.wait_for_first()
            self._take_landed()
            if (landing := self._in_flight.landing) is not None:
                self._hand_out(landing)

    def _finish(self, window: Window, row: NDArray[np.float32]) -> None:
        job = window.job
        try:
            if not all(map(isfinite, row.tolist())):
                self._failures += 1
                self._ledger.fail(job.request, InferenceFailed("The model's answer for this text wasn't a number."))
                return
            self._failures = 0
            self._supervisor.passed()
            job.logits[window.index] = row
            rows = [logits for logits in job.logits if logits is not None]
            if len(rows) < len(job.logits):
                return
            verdict = job.engine.decide(np.stack(rows), job.traits, job.request.language)
            if job.skipped:
                verdict = replace(verdict, skipped=job.skipped)
        except BaseException as error:  # a backend may answer with anything
            self._failures += 1
            self._ledger.fail(job.request, error)
        else:
            self._cache.put(job.key, verdict)
            self._ledger.answer(job.request, verdict)

    def _give_up(self, error: BaseException) -> None:
        """Fails all that has been taken from the queue: after an error in the thread itself, no state is trusted."""
        self._drop()
        for request in self._ledger.taken():
            self._ledger.fail(request, error)

    def _drop(self) -> None:
        """Lets go of all texts. A backend that hangs leads to this loop for as long as it does."""
        self._begun = []
        self._planner.clear()
        self._in_flight.drop()
