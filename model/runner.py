"""A thread that reads, batches and computes what a worker's queue holds.

While a batch is computed the next texts are read, so there is no waiting time to tune and the processors never idle.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from model.batching import first_tokens, next_batch
from model.candidate import check_golden
from model.engine import Engine
from model.errors import DeadlinePassed, InferenceFailed
from model.handover import Lane, failure_of, refuse, settle
from model.job import Job, Window
from model.queueing import PATIENCE, SPARSE_TOKENS, Priority, Request

if TYPE_CHECKING:
    from model.worker import Worker

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

_CHOICE_BUDGETS = 2
"""A batch is chosen from so many batches' worth of windows, those that are due first: enough for like lengths, and
nobody's text goes far ahead of its turn."""

_SHARED = 2
"""By how much batches are smaller while one origin sends much and others little."""

PROBE_SECONDS = 5.0
"""An idle model computes something this often, so that a broken one is found before a person finds it."""

_RETRY_SECONDS = 5.0
"""Between two attempts to load a model that broke."""

_PROBE_AFTER_FAILURES = 8
"""Texts that fail in a row before the model is tried on something harmless."""

_PROBE = "good"


class GivenUp(BaseException):
    """Ends a thread whose place another has taken."""


class Runner:
    """One thread in the model. Once the worker has another in its place, it touches nothing any more."""

    def __init__(self, worker: Worker, begun: list[Request] | None = None, *, load: bool = False) -> None:
        """The first one loads the model; a later one takes over what is `begun`, and loads anew when told to."""
        self._worker = worker
        self._is_first = begun is None
        self._begun = begun or []
        self._must_load = load
        self._windows: tuple[list[Window], list[Window]] = ([], [])
        self._lane = Lane("inference-batch")
        self._failures = 0
        self._moved: float | None = None
        self._computing_since: float | None = None
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
    def is_loading(self) -> bool:
        """Whether it has no model to work with."""
        return self._loading is not None

    def stuck_for(self, now: float) -> float:
        """Seconds since it last moved, or for which it has computed one batch; 0 while it waits for work or loads."""
        since = [moment for moment in (self._moved, self._computing_since) if moment is not None]
        return now - min(since) if since else 0.0

    def loading_for(self, now: float) -> float:
        """Seconds for which it has been trying to load the model."""
        loading = self._loading
        return 0.0 if loading is None else now - loading

    def _run(self) -> None:
        worker = self._worker
        with closing(self._lane), suppress(GivenUp):
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
                if self._probe_isfirst_tokens():
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

    def _wait_for_work(self) -> bool:
        """False when the thread should end; True when a probe is due, too."""
        worker = self._worker
        with worker.changed:
            self._reading, self._computing = None, set()
            worker.changed.wait_for(
                lambda: (
                    worker.closing or worker.queue.has_waiting() or any(self._windows) or self._probe_isfirst_tokens()
                ),
                timeout=max(0.0, worker.last_pass + PROBE_SECONDS - time.perf_counter()) + 0.001,
            )
            self._check()
            return not worker.closing

    def _probe_isfirst_tokens(self) -> bool:
        quiet = time.perf_counter() - self._worker.last_pass
        return quiet > PROBE_SECONDS or self._failures >= _PROBE_AFTER_FAILURES

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
        """One batch. Whatever goes wrong in it is the answer of the texts in it, never the thread's end."""
        taken = self._take_requests()
        while taken:
            self._read(taken.pop(0))
            if self._worker.closing:
                return
        batch = self._take_batch()
        if batch:
            self._compute(batch)

    def _take_requests(self) -> list[Request]:
        """The next texts to read; passive ones only when no person waits."""
        worker, engine = self._worker, self._worker.engine
        assert engine is not None
        with worker.changed:
            self._check()
            for priority, waiting in zip(Priority, self._windows, strict=True):
                # Texts of who sends little are read in any case, and must not keep the others from falling due.
                ahead = sum(len(w) for w in waiting if w.index == 0 and not w.job.request.sparse)
                # Few, while others are there: all that were taken fall due together.
                room = engine.budget // _SHARED if worker.queue.is_shared() else _CHOICE_BUDGETS * engine.budget
                taken = worker.queue.take(priority, room - ahead)
                if taken or waiting:
                    return taken
            return []

    def _read(self, request: Request) -> None:
        """Cleans and tokenises; a text whose verdict is known is answered at once."""
        worker, engine = self._worker, self._worker.engine
        assert engine is not None
        if request.future.done():
            return
        self._moved = now = time.perf_counter()
        self._reading = request
        try:
            if now > request.deadline:
                raise DeadlinePassed
            rows = engine.reader.read(request.text)
            self._weigh(request, sum(map(len, rows)))
            key = None if request.fresh else worker.cache.key(engine, rows)
            known = worker.cache.get(key)
            job = Job(request, engine, key, [None] * len(rows))
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

    def _weigh(self, request: Request, tokens: int) -> None:
        """An emoji is one character and several tokens: what turns out to be long waits as if that had been known."""
        if request.sparse and tokens > SPARSE_TOKENS:
            request.sparse, request.turn = False, request.turn + PATIENCE

    def _take_batch(self) -> list[Window]:
        """Windows of one engine, that of the text which is due."""
        for waiting in self._windows:
            waiting[:] = [window for window in waiting if not window.job.request.future.done()]
            if waiting:
                waiting.sort(key=lambda window: window.turn)
                engine = waiting[0].job.engine
                own = [window for window in waiting if window.job.engine is engine]
                with self._worker.changed:
                    begun, shared = self._worker.queue.begun, self._worker.queue.is_shared()
                if own[0].job.request.sparse:
                    own = [window for window in own if window.job.request.sparse or window.turn <= begun]
                # The smaller the batch in hand, the sooner is computed what comes from somebody else.
                budget = engine.budget // _SHARED if shared else engine.budget
                batch = next_batch(first_tokens(own, _CHOICE_BUDGETS * engine.budget), budget)
                chosen = set(map(id, batch))
                waiting[:] = [window for window in waiting if id(window) not in chosen]
                self._computing = {window.job.request for window in batch}
                with self._worker.changed:
                    self._worker.queue.begin(sum(map(len, batch)))
                return batch
        return []

    def _compute(self, batch: list[Window]) -> None:
        """Runs a batch; one that fails is halved until the guilty text fails alone."""
        engine = batch[0].job.engine
        self._check()
        self._moved = self._computing_since = started = time.perf_counter()
        try:
            logits = self._predict(engine, [window.ids for window in batch])
            rows = dict(zip(range(len(batch)), logits, strict=True))
        except BaseException as error:  # whatever the backend raises, only its own text may suffer
            self._check()
            if len(batch) > 1:
                middle = len(batch) // 2
                self._compute(batch[:middle])
                self._compute(batch[middle:])
                return
            self._failures += 1
            self._worker.fail(batch[0].job.request, error)
            return
        finally:
            self._computing_since = None
        self._check()
        self._worker.computed([len(window) for window in batch], time.perf_counter() - started)
        for index, window in enumerate(batch):
            self._finish(window, rows[index])

    def _predict(self, engine: Engine, rows: list[list[int]]) -> NDArray[np.float32]:
        """Computes in this thread, or, when there is something to read meanwhile, in another."""
        if not self._worker.queue.has_waiting():
            return engine.backend.predict(rows)
        computed = self._lane.submit(lambda: engine.backend.predict(rows))
        while not computed.done() and (taken := self._take_requests()):
            while taken:
                self._read(taken.pop(0))
        return computed.result()

    def _finish(self, window: Window, row: NDArray[np.float32]) -> None:
        job, worker = window.job, self._worker
        try:
            if not np.isfinite(row).all():
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
        except BaseException as error:  # a backend may answer with anything
            self._failures += 1
            worker.fail(job.request, error)
        else:
            worker.cache.put(job.key, verdict)
            worker.answer(job.request, verdict)

    def _give_up(self, error: BaseException) -> None:
        """Fails all that has been taken from the queue: after an error in the thread itself, no state is trusted."""
        failure = failure_of(error)
        for waiting in self._windows:
            waiting.clear()
        for request in self._worker.taken():
            self._worker.fail(request, failure)
