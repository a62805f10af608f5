"""A thread that reads, batches and computes what a worker's queue holds.

While a batch is computed the next texts are read, and when there are enough of them the next batch is made ready, so
there is no waiting time to tune and the processors never idle.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import deque
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from model.acceptance import check_golden
from model.backends.engine import Engine
from model.concurrency import failure_of, refuse, settle
from model.errors import DeadlinePassed, InferenceFailed
from model.scheduling.batching import first_tokens, next_batch
from model.scheduling.fair_queue import Priority, Request
from model.scheduling.request_windows import Job, Window

if TYPE_CHECKING:
    from model.scheduling.worker import Worker

_log = logging.getLogger(__name__)

_CHOICE_TOKENS = 4096
"""A batch is chosen from so many tokens of windows, those that are due first, or from two batches' worth: enough for
like lengths, and nobody's text goes far ahead of its turn."""

_SHARED = 2
"""By how much batches are smaller while one origin sends much and others little."""

_AT_HAND = 128
"""Tokens of a batch that this thread computes itself when there is nothing else to do: a few milliseconds, for whoever
comes meanwhile waits for all of it."""

_AHEAD = 2
"""Batches that may be with the backend at a time: the one it computes, and the one that comes next."""

PROBE_SECONDS = 5.0
"""An idle model computes something this often, so that a broken one is found before a person finds it."""

_RETRY_SECONDS = 5.0
"""Between two attempts to load a model that broke."""

_PROBE_AFTER_FAILURES = 8
"""Texts that fail in a row before the model is tried on something harmless."""

_PROBE = "good"

_ASIDE_PATIENCE = 6
"""How many times as long as another a batch may take that stands behind those which are computed meanwhile."""


class _Lane(Enum):
    """What goes into a batch: short texts, or the windows of long ones, which are computed beside those."""

    LIGHT = "light"
    HEAVY = "heavy"

    def takes(self, window: Window) -> bool:
        """Whether the window may go."""
        return window.is_heavy is (self is _Lane.HEAVY)


class GivenUp(BaseException):
    """Ends a thread whose place another has taken."""


@dataclass(slots=True, eq=False)
class _Flight:
    """A batch of windows of one engine that is with the backend, and what comes of it."""

    batch: list[Window]
    logits: Future[NDArray[np.float32]] = field(default_factory=Future)
    aside: bool = False

    @property
    def requests(self) -> set[Request]:
        return {window.job.request for window in self.batch}

    def cancel_when_unwanted(self) -> None:
        """Unless it has begun, it is not computed once nobody waits for any of its texts."""
        # Nothing that a request's future holds may lead back to the request: whoever waits for it no more is forgotten.
        logits, requests = self.logits, self.requests
        left = itertools.count(len(requests) - 1, -1)
        for request in requests:
            request.future.add_done_callback(lambda _: next(left) or logits.cancel())


class InferenceLoop:
    """One thread in the model. Once the worker has another in its place, it touches nothing any more."""

    def __init__(self, worker: Worker, begun: list[Request] | None = None, *, load: bool = False) -> None:
        """The first one loads the model; a later one takes over what is `begun`, and loads anew when told to."""
        self._worker = worker
        self._is_first = begun is None
        self._begun = begun or []
        self._must_load = load
        self._windows: tuple[list[Window], list[Window]] = ([], [])
        self._flights: deque[_Flight] = deque()
        self._landing: _Flight | None = None
        self._head: _Flight | None = None
        self._failures = 0
        self._moved: float | None = None
        self._computing_since: float | None = None
        self._landed = 0.0
        self._loading: float | None = None
        self._reading: Request | None = None
        self._computing: set[Request] = set()

    def start(self) -> None:
        """A daemon: a batch that hangs must not keep the process from ending."""
        threading.Thread(target=self._run, name="inference", daemon=True).start()

    @property
    def in_hand(self) -> set[Request]:
        """Texts that are being read or computed at this moment."""
        reading = self._reading
        return self._computing if reading is None else self._computing | {reading}

    @property
    def suspects(self) -> set[Request]:
        """Of these one may be why it is stuck: a batch that is done by now is not, whatever hangs beside it."""
        reading, head = self._reading, self._head
        suspects = set() if reading is None else {reading}
        if head is not None and not head.logits.done():
            suspects |= head.requests
        return suspects or self.in_hand

    @property
    def is_loading(self) -> bool:
        """Whether it has no model to work with."""
        return self._loading is not None

    def stuck_for(self, now: float) -> float:
        """Seconds since it last moved, or for which it has computed one batch; 0 while it waits for work or loads.

        A batch that is in no hurry is kept waiting by others: while these land it is not stuck, unless it takes long.
        """
        moved, since, head = self._moved, self._computing_since, self._head
        computing = 0.0 if since is None else now - since
        if since is not None and head is not None and head.aside:
            computing = max(now - max(since, self._landed), computing / _ASIDE_PATIENCE)
        return max(computing, 0.0 if moved is None else now - moved)

    def loading_for(self, now: float) -> float:
        """Seconds for which it has been trying to load the model."""
        loading = self._loading
        return 0.0 if loading is None else now - loading

    def _run(self) -> None:
        worker = self._worker
        with suppress(GivenUp):
            if self._is_first:
                wanted = self._load_first()
            else:
                if self._must_load:
                    self._load_again(None)
                wanted = True
            if wanted:
                self._loop()
            self._check()
            worker.finish()
        self._drop()

    def _check(self) -> None:
        if not self._worker.is_current(self):
            raise GivenUp

    def _load_first(self) -> bool:
        """False when it cannot be loaded or nobody waits for it any more."""
        try:
            self._load()
        except BaseException as error:
            refuse(self._worker.ready, error)
            return False
        return settle(self._worker.ready, None)

    def _load(self) -> None:
        """Loads what the worker runs, and puts it in its place unless that was swapped meanwhile."""
        worker = self._worker
        load, before = worker.load, worker.engine
        engine = load()
        if before is not None and engine.checkpoint.version != before.checkpoint.version:
            check_golden(engine)  # its files were changed since
            _log.warning("model %s answers now instead of %s", engine.checkpoint.version, before.checkpoint.version)
        with worker.changed:
            self._check()
            if worker.load is load:
                worker.engine, worker.since = engine, time.perf_counter()
            worker.last_pass = time.perf_counter()
            worker.reason = ""

    def _load_again(self, error: BaseException | None) -> None:
        """Tries until a model is there, this one or another that was swapped in. What was begun is read anew then.

        After the first failure all that waits is failed, as is whatever comes before the next attempt.
        """
        worker = self._worker
        self._moved, self._loading = None, time.perf_counter()
        try:
            while not worker.closing:
                self._check()
                if error is not None:
                    _log.error("the model is broken (%s) and is loaded anew", type(error).__name__)
                    worker.reason = f"it failed ({type(error).__name__}) and is being loaded anew"
                load = worker.load
                try:
                    self._load()
                except GivenUp:
                    raise
                except BaseException as failure:
                    error = failure
                    self._begun = []
                    worker.fail_all()
                    with worker.changed:
                        swapped = worker.changed.wait_for(
                            lambda: worker.closing or worker.load is not load,  # noqa: B023  # waited for here
                            timeout=_RETRY_SECONDS,
                        )
                        if swapped:
                            worker.last_pass = time.perf_counter()
                            return
                else:
                    return
        finally:
            self._loading = None

    def _loop(self) -> None:
        self._read_begun()
        while self._wait_for_work():
            self._moved = time.perf_counter()
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
                self._moved = None
        self._land_in_hand()

    def _wait_for_work(self) -> bool:
        """False when the thread should end; True when a probe is due, too."""
        worker = self._worker
        # While batches are with the backend none is due; what comes of them is heard of.
        pause = PROBE_SECONDS if self._flights else worker.last_pass + PROBE_SECONDS - time.perf_counter()
        with worker.changed:
            self._reading = None
            worker.changed.wait_for(
                lambda: worker.closing or self._can_work() or self._is_probe_due(), timeout=max(0.0, pause) + 0.001
            )
            self._check()
            return not worker.closing

    def _can_work(self) -> bool:
        """Whether `_work` has anything to do: a batch to hand out, one to send off, or a text to read."""
        landed = any(flight.logits.done() for flight in self._flights)
        return landed or self._lane() is not None or self._may_read() is not None

    def _lane(self) -> _Lane | None:
        """Which batch should be sent off, if any: at once when none is computed, and ahead of time when it is full.

        While somebody floods the queue only what comes from others is sent ahead.
        """
        if self._failures >= _PROBE_AFTER_FAILURES or not any(self._windows):
            return None
        engine = self._worker.engine
        assert engine is not None
        shared = self._worker.queue.is_shared()
        waiting = self._windows[0] or self._windows[1]
        light = [window for window in waiting if not window.is_heavy]
        aside = sum(flight.aside for flight in self._flights)
        ahead = len(self._flights) - aside
        if light and not ahead:
            return _Lane.LIGHT
        if light and ahead < _AHEAD:
            full = sum(map(len, light)) >= engine.budget
            if any(window.job.request.sparse for window in light) if shared else full:
                return _Lane.LIGHT
        if len(light) < len(waiting):
            alone = not (light or ahead or shared)
            if not aside or (alone and aside < _AHEAD and sum(map(len, waiting)) >= engine.budget):
                return _Lane.HEAVY
        return None

    def _may_read(self) -> tuple[Priority, int] | None:
        """Which texts may be read now, and how many tokens of them; passive ones only when no person waits."""
        worker, engine = self._worker, self._worker.engine
        assert engine is not None
        for priority, waiting in zip(Priority, self._windows, strict=True):
            # Texts of who sends little are read in any case, and must not keep the others from falling due.
            ahead = sum(len(w) for w in waiting if w.index == 0 and not w.job.request.sparse)
            # Few, while others are there: all that were taken fall due together.
            room = engine.budget // _SHARED if worker.queue.is_shared() else _choice(engine)
            if worker.queue.can_take(priority, room - ahead):
                return priority, min(room - ahead, engine.budget)
            if waiting:
                break
        return None

    def _is_probe_due(self) -> bool:
        quiet = time.perf_counter() - self._worker.last_pass
        return not self._flights and (quiet > PROBE_SECONDS or self._failures >= _PROBE_AFTER_FAILURES)

    def _probe(self) -> None:
        """A real forward pass over a harmless text; a model that cannot do it is loaded anew."""
        worker, engine = self._worker, self._worker.engine
        assert engine is not None
        self._failures = 0
        try:
            logits = engine.backend.predict(engine.reader.read(_PROBE))
            if not np.isfinite(np.asarray(logits, dtype=np.float32)).all():
                raise InferenceFailed("The model's answer was not a number.")
        except BaseException as error:
            self._check()
            begun = {window.job.request: None for waiting in self._windows for window in waiting}
            self._begun = sorted(begun, key=lambda request: request.turn)
            for waiting in self._windows:
                waiting.clear()
            self._load_again(error)
            with worker.changed:
                worker.replaced += 1
        else:
            self._check()
            worker.last_pass = time.perf_counter()

    def _read_begun(self) -> None:
        """What an earlier runner or model had begun."""
        begun, self._begun = self._begun, []
        while begun:
            self._read(begun.pop(0))

    def _work(self) -> None:
        """One step. Whatever goes wrong with a batch is the answer of the texts in it, never the thread's end."""
        self._take_landed()
        if not any(self._windows):
            self._read_more()
        while (lane := self._lane()) is not None:
            batch = self._take_batch(lane)
            if not batch:
                break
            self._fly(batch, aside=lane is _Lane.HEAVY)
        if self._landing is None:
            self._take_landed()
        self._land_taken()
        self._read_more()

    def _take_landed(self) -> None:
        """The first batch that is computed: a long text's window does not keep back what went ahead of it.

        What was cancelled, because nobody waits for it any more, is dropped.
        """
        for flight in [flight for flight in self._flights if flight.logits.done()]:
            is_head = flight is self._flights[0]
            if not flight.logits.cancelled():
                if self._landing is not None:
                    break
                self._note_pace(flight, is_head=is_head)
                self._landing, self._landed = flight, time.perf_counter()
            self._flights.remove(flight)
        self._hold()

    def _land_taken(self) -> None:
        if self._landing is not None:
            self._land(self._landing)
            self._landing = None
            self._hold()

    def _note_pace(self, flight: _Flight, *, is_head: bool) -> None:
        """How long it took is only known of the oldest batch; another was computed beside that one."""
        lengths = [len(window) for window in flight.batch]
        if flight.logits.exception() is None and self._computing_since is not None:
            padded = flight.batch[0].job.engine.backend.padded_tokens(lengths)
            seconds = time.perf_counter() - self._computing_since if is_head else None
            self._worker.computed(lengths, padded, seconds)

    def _hold(self) -> None:
        """Notes what is in hand: the batch that is computed, and the one that is being handed out."""
        head = self._flights[0] if self._flights else None
        with self._worker.changed:
            self._computing = {request for flight in (self._landing, head) if flight for request in flight.requests}
            if head is not self._head:
                self._head, self._computing_since = head, time.perf_counter() if head else None

    def _read_more(self) -> None:
        """The next texts."""
        worker = self._worker
        with worker.changed:
            self._check()
            wanted = self._may_read()
            taken = [] if wanted is None else worker.queue.take(*wanted)
        while taken:
            self._read(taken.pop(0))
            if worker.closing:
                return

    def _read(self, request: Request) -> None:
        """Tokenises; a text whose verdict is known is answered at once."""
        worker, engine = self._worker, self._worker.engine
        assert engine is not None
        if request.future.done():
            return
        self._moved = now = time.perf_counter()
        self._reading = request
        try:
            if now > request.deadline:
                raise DeadlinePassed
            reading = engine.reader.read_cleaned(request.text, request.most_windows)
            rows = reading.rows
            key = None if request.fresh else worker.cache.key(engine, rows)
            known = worker.cache.get(key)
            job = Job(request, engine, key, [None] * len(rows), reading.skipped)
        except BaseException as error:  # a panic of the tokenizer's Rust is no Exception
            self._check()
            worker.fail(request, error)
            return
        finally:
            self._reading = None
        self._check()
        if known is not None:
            worker.answer(request, known, cached=True)
            return
        self._windows[request.priority].extend(Window(job, index, ids) for index, ids in enumerate(rows))

    def _take_batch(self, lane: _Lane) -> list[Window]:
        """Windows of one engine, that of the text which is due."""
        for waiting in self._windows:
            waiting[:] = [window for window in waiting if self._is_wanted(window.job.request)]
            if waiting:
                waiting.sort(key=lambda window: window.turn)
                with self._worker.changed:
                    begun, shared = self._worker.queue.begun, self._worker.queue.is_shared()
                may = [window for window in waiting if lane.takes(window)]
                if not may:
                    return []
                engine = may[0].job.engine
                own = [window for window in may if window.job.engine is engine]
                if own[0].job.request.sparse:
                    own = [window for window in own if window.job.request.sparse or window.turn <= begun]
                # The smaller the batch in hand, the sooner is computed what comes from somebody else.
                busy = shared or (lane is _Lane.HEAVY and len(may) < len(waiting))
                budget = engine.budget // _SHARED if busy else engine.budget
                batch = next_batch(first_tokens(own, _choice(engine)), budget)
                chosen = set(map(id, batch))
                waiting[:] = [window for window in waiting if id(window) not in chosen]
                with self._worker.changed:
                    self._worker.queue.begin(sum(map(len, batch)))
                return batch
        return []

    def _is_wanted(self, request: Request) -> bool:
        """Whether anybody still waits for it; its deadline may have passed since it was read."""
        if time.perf_counter() > request.deadline:
            self._worker.fail(request, DeadlinePassed())
        return not request.future.done()

    def _fly(self, batch: list[Window], *, aside: bool = False) -> None:
        """Sends a batch off: to the backend's threads, or, when there is nothing to do meanwhile, computed in this."""
        if not batch:
            return
        self._check()
        idle = self._landing is None and not self._flights
        alone = idle and not any(self._windows) and not self._worker.queue.has_waiting()
        alone = alone and sum(map(len, batch)) <= _AT_HAND
        flight, backend = _Flight(batch, aside=aside), batch[0].job.engine.backend
        self._flights.append(flight)
        self._hold()
        rows = [window.ids for window in batch]
        try:
            if alone and not aside:
                settle(flight.logits, backend.predict(rows))
                return
            flight.logits = backend.start_aside(rows) if aside else backend.start(rows)
        except BaseException as error:
            refuse(flight.logits, error.with_traceback(None))  # which would lead to the batch
        flight.logits.add_done_callback(self._wake)
        if len(self._flights) > 1:
            flight.cancel_when_unwanted()

    def _wake(self, _: Future[NDArray[np.float32]]) -> None:
        with self._worker.changed:
            self._worker.changed.notify_all()

    def _land(self, flight: _Flight) -> None:
        """Hands out what was computed; a batch that failed is halved until the guilty text fails alone."""
        batch = flight.batch
        self._check()
        self._moved = time.perf_counter()
        error = flight.logits.exception()  # not raised here: its traceback would lead from the batch to itself
        if error is None:
            try:
                rows = dict(zip(range(len(batch)), flight.logits.result(), strict=True))
            except BaseException as failure:  # a backend may answer with anything
                error = failure.with_traceback(None)
        if error is None:
            for index, window in enumerate(batch):
                self._finish(window, rows[index])
        elif len(batch) > 1:
            self._landing = None  # of the halves only the one that is computed is in hand
            middle = len(batch) // 2
            self._fly(batch[:middle], aside=flight.aside)
            self._fly(batch[middle:], aside=flight.aside)
        else:
            self._failures += 1
            self._worker.fail(batch[0].job.request, error)

    def _land_in_hand(self) -> None:
        """At the end: the batch that is being computed still gets its answers, by halves if it fails."""
        # One of which a part is computed already is waited for: the library must not be left at work when all ends.
        ahead = [flight for flight in list(self._flights)[1:] if flight.logits.cancel()]
        self._flights = deque(flight for flight in self._flights if flight not in ahead)
        while self._flights:
            with suppress(CancelledError):
                self._flights[0].logits.exception()  # which waits for it, as `wait` does not for one that is cancelled
            self._take_landed()
            self._land_taken()

    def _finish(self, window: Window, row: NDArray[np.float32]) -> None:
        job, worker = window.job, self._worker
        try:
            if not all(map(isfinite, row.tolist())):
                self._failures += 1
                worker.fail(job.request, InferenceFailed("The model's answer for this text was not a number."))
                return
            self._failures = 0
            worker.last_pass = time.perf_counter()
            job.logits[window.index] = row
            rows = [logits for logits in job.logits if logits is not None]
            if len(rows) < len(job.logits):
                return
            verdict = job.engine.decide(np.stack(rows))
            if job.skipped:
                verdict = replace(verdict, skipped=job.skipped)
        except BaseException as error:  # a backend may answer with anything
            self._failures += 1
            worker.fail(job.request, error)
        else:
            worker.cache.put(job.key, verdict)
            worker.answer(job.request, verdict)

    def _give_up(self, error: BaseException) -> None:
        """Fails all that has been taken from the queue: after an error in the thread itself, no state is trusted."""
        failure = failure_of(error)
        self._drop()
        for request in self._worker.taken():
            self._worker.fail(request, failure)

    def _drop(self) -> None:
        """Lets go of all texts. A backend that hangs leads to this runner for as long as it does."""
        self._begun = []
        for waiting in self._windows:
            waiting.clear()
        for flight in self._flights:
            flight.logits.cancel()
        self._flights.clear()
        self._landing = None
        self._hold()


def _choice(engine: Engine) -> int:
    """Tokens of windows from which a batch is chosen."""
    return max(_CHOICE_TOKENS, 2 * engine.budget)
