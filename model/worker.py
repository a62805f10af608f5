"""The thread that owns the model, and what watches over it.

Callers put texts into a bounded queue and hold a future; the thread cleans, tokenises, batches and computes. The
next batch forms while the previous one runs, so there is no waiting time to tune. A thread that is stuck in the model's
library is given up and replaced by another, with the model loaded anew.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from model.backend import padded_length
from model.batching import next_batch
from model.cache import VerdictCache
from model.candidate import check_golden
from model.engine import Engine
from model.errors import ClassifierClosed, DeadlinePassed, InferenceFailed, ModelError, Overloaded
from model.queueing import FairQueue, Priority, Request
from model.verdict import Verdict

__all__ = ["Health", "Priority", "Stats", "Worker"]

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

_READ_AHEAD_BUDGETS = 2
"""How many batches' worth of first windows is tokenised ahead: enough to choose lengths from, and soon computed."""

_EXPECTED_SECONDS = 0.02
"""What one text takes before the worker has measured its own pace; only used to say when to come back."""

_TURNS_BETWEEN_WINDOWS = 8
"""Newer texts that may go before each further window of a long one."""

PROBE_SECONDS = 5.0
"""An idle model computes something this often, so that a broken one is found before a person finds it."""

WEDGED_SECONDS = 10.0
"""A model that has not moved for so long, with work in hand, is given up."""

LOADING_SECONDS = 60.0
"""A broken model that takes longer to be loaded anew keeps nobody waiting: what waits is failed."""

_RETRY_SECONDS = 5.0
"""Between two attempts to load a model that broke."""

_PROBE_AFTER_FAILURES = 8
"""Texts that fail in a row before the model is tried on something harmless."""

_REMEMBERED = 4096
"""Latest answers whose latencies are kept."""

_PROBE = "good"


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts since the start, in texts unless said otherwise.

    `shed` were refused or dropped because the queue was full, `expired` waited beyond their deadline, `cached` are
    those of `served` that needed no computing. `queued_tokens` are estimated. Of the `computed_tokens` those beyond
    `useful_tokens` were padding. `p50` and `p99` are in seconds, from submission to verdict, over the latest answers;
    `per_second` is over the last minute.
    """

    queued: int
    served: int
    failed: int
    shed: int
    batches: int
    expired: int = 0
    cached: int = 0
    queued_tokens: int = 0
    useful_tokens: int = 0
    computed_tokens: int = 0
    p50: float = 0.0
    p99: float = 0.0
    per_second: float = 0.0


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the model answers: `since_pass` is the age in seconds of its last real forward pass.

    `reason` says what is wrong, and `replaced` how often a stuck or broken model was loaded anew.
    """

    healthy: bool
    since_pass: float
    reason: str
    replaced: int


@dataclass(slots=True, eq=False)
class _Job:
    """A text that one runner reads, with one engine, and its windows' logits as they come."""

    request: Request
    engine: Engine
    key: bytes | None
    logits: list[NDArray[np.float32] | None]


@dataclass(slots=True, eq=False)
class _Window:
    job: _Job
    index: int
    ids: list[int]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def turn(self) -> int:
        """When it is due. A long text's later windows let a few newer texts go first, but not for ever."""
        return self.job.request.turn + _TURNS_BETWEEN_WINDOWS * self.index


class _GivenUp(BaseException):
    """Ends a thread whose place another has taken."""


class Worker:
    """Runs an engine in a thread of its own until `close`."""

    def __init__(
        self, load: Callable[[], Engine], queue_limit: int, *, cache: int = 0, wedged_after: float = WEDGED_SECONDS
    ) -> None:
        """Starts the thread, which calls `load` first.

        `queue_limit` is in estimated tokens, `cache` in verdicts that are remembered. `ready` is done when `engine`
        is there, or holds the error; cancelling it ends the worker. `ended` is done when the thread is.
        """
        self.ready: Future[None] = Future()
        self.ended: Future[None] = Future()
        self.cache = VerdictCache(cache)
        self.engine: Engine | None = None
        self.since = time.perf_counter()
        self.load = load
        self.changed = threading.Condition()
        self.queue = FairQueue(queue_limit)
        self.closing = False
        self.last_pass = time.perf_counter()
        self.reason = ""
        self.replaced = 0
        self._wedged_after = wedged_after
        self._shed = self._expired = self._cached = 0
        self._served = self._failed = self._batches = self._useful = self._computed = 0
        self._answered: deque[tuple[float, float]] = deque(maxlen=_REMEMBERED)
        self._pace = _EXPECTED_SECONDS
        self._runner = _Runner(self)
        self._runner.start()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def submit(
        self,
        text: str,
        priority: Priority,
        origin: Hashable = None,
        deadline: float = inf,
        *,
        fresh: bool = False,
    ) -> Future[Verdict]:
        """Queues a text. Cancelling the future takes it back at any time before its verdict.

        `origin` is whoever it is for, and `deadline` the moment (`time.perf_counter`) after which nobody wants it any
        more. `fresh` is computed whatever the cache holds. See `FairQueue.make_room` for who is refused when the queue
        is full. Raises Overloaded and ClassifierClosed.
        """
        request = Request(text, priority, Future(), origin, time.perf_counter(), deadline, fresh=fresh)
        with self.changed:
            if self.closing:
                raise ClassifierClosed
            victims = self.queue.make_room(request)
            if victims is None:
                self._shed += 1
                raise self._overloaded()
            self.queue.put(request)
            self.changed.notify_all()
        for victim in victims:
            refused = _refuse(victim.future, self._overloaded())
            with self.changed:
                self._shed += refused
        request.future.add_done_callback(lambda _: self._release(request))
        return request.future

    def swap(self, engine: Engine, load: Callable[[], Engine]) -> tuple[Engine, Callable[[], Engine]]:
        """Texts that are read from now on are `engine`'s; those in hand finish where they began.

        A thread that is still trying to load a broken model anew is given up. Returns the engine there was, and how it
        was loaded.
        """
        with self.changed:
            assert self.engine is not None, "the worker was ready"
            before = self.engine, self.load
            self.engine, self.load, self.reason, self.since = engine, load, "", time.perf_counter()
            if not self._runner.is_loading:
                return before
            self._runner = _Runner(self, begun=self.taken())
            self._runner.start()
        return before

    def stats(self) -> Stats:
        """Counts so far."""
        with self.changed:
            answered, now = list(self._answered), time.perf_counter()
            middle, last = np.percentile([seconds for _, seconds in answered], (50, 99)) if answered else (0.0, 0.0)
            recent = [moment for moment, _ in answered if now - moment <= 60]
            # When the latest answers do not reach back a minute, they are spread over what they reach back to.
            reach = now - recent[0] if len(recent) == _REMEMBERED else 60.0
            return Stats(
                queued=len(self.queue),
                served=self._served,
                failed=self._failed,
                shed=self._shed,
                batches=self._batches,
                expired=self._expired,
                cached=self._cached,
                queued_tokens=self.queue.tokens,
                useful_tokens=self._useful,
                computed_tokens=self._computed,
                p50=float(middle),
                p99=float(last),
                per_second=len(recent) / max(reach, 1e-3),
            )

    def health(self) -> Health:
        """Whether the model answers."""
        now = time.perf_counter()
        with self.changed:
            since_pass = now - self.last_pass
            reason = self.reason
            if not reason and self.closing:
                reason = "it is shut down"
            if not reason and self.engine is None:
                reason = "it is being loaded"
            if not reason and max(since_pass, self._runner.stuck_for(now)) > self._wedged_after:
                reason = "it does not answer"
            return Health(not reason, since_pass, reason, self.replaced)

    def close(self) -> None:
        """Fails what waits with ClassifierClosed, and lets the thread end after the batch in hand. Does not block."""
        with self.changed:
            self.closing = True
            waiting = set(self.queue.requests()) - self._runner.in_hand
            self.changed.notify_all()
        for request in waiting:
            _refuse(request.future, ClassifierClosed())

    def finish(self) -> None:
        """The end: nothing is computed any more, and nobody is left waiting."""
        self.close()
        for request in self.queue.requests():
            _refuse(request.future, ClassifierClosed())
        _settle(self.ended, None)

    def is_current(self, runner: _Runner) -> bool:
        """Whether that runner has not been given up."""
        return self._runner is runner

    def answer(self, request: Request, verdict: Verdict, *, cached: bool = False) -> None:
        """Hands over a verdict. Counted first: whoever gets it may ask for the counts at once."""
        now = time.perf_counter()
        with self.changed:
            self._served += 1
            self._cached += cached
            self._answered.append((now, now - request.arrived))
        if not _settle(request.future, verdict):
            with self.changed:
                self._served -= 1
                self._cached -= cached

    def fail(self, request: Request, error: BaseException) -> None:
        """Hands over an error; one that is not meant for people is replaced by one that is."""
        known = error if isinstance(error, ModelError) else _failure(error)
        late = isinstance(known, DeadlinePassed)
        with self.changed:
            self._expired += late
            self._failed += not late
        if not _refuse(request.future, known):
            with self.changed:
                self._expired -= late
                self._failed -= not late

    def fail_all(self) -> None:
        """Fails everything there is: no model is there to answer it."""
        with self.changed:
            held = self.queue.requests()
        for request in held:
            self.fail(request, InferenceFailed("The model broke and cannot be loaded anew."))

    def computed(self, lengths: Sequence[int], seconds: float) -> None:
        """Counts a batch of windows by their lengths."""
        with self.changed:
            self._batches += 1
            self._useful += sum(lengths)
            self._computed += padded_length(max(lengths)) * len(lengths)
            self._pace = 0.9 * self._pace + 0.1 * seconds / len(lengths)

    def taken(self) -> list[Request]:
        """Texts that a runner has taken and not finished, in their order."""
        with self.changed:
            begun = set(self.queue.requests()).difference(self.queue.waiting())
        return sorted(begun, key=lambda request: request.turn)

    def _overloaded(self) -> Overloaded:
        with self.changed:
            return Overloaded(max(1.0, len(self.queue) * self._pace))

    def _release(self, request: Request) -> None:
        with self.changed:
            self.queue.release(request)

    def _watch(self) -> None:
        """Looks after the runner until the end."""
        while not self.ended.done():
            with self.changed:
                self.changed.wait(timeout=min(1.0, self._wedged_after / 4))
            self._look()

    def _look(self) -> None:
        """Fails what is too late, and replaces a runner that is stuck, with all that it had not in hand."""
        now = time.perf_counter()
        fresh: _Runner | None = None
        with self.changed:
            runner = self._runner
            late = [request for request in self.queue.requests() if now > request.deadline]
            late = [request for request in late if request not in runner.in_hand]
            hopeless = runner.loading_for(now) > LOADING_SECONDS and self.ready.done()
            stuck = runner.stuck_for(now) > self._wedged_after
            lost = set(runner.in_hand) if stuck else set()
            ending = stuck and self.closing
            if stuck and not self.closing:
                self.reason = "it did not answer and is being loaded anew"
                self.replaced += 1
                begun = [request for request in self.taken() if request not in lost]
                self._runner = fresh = _Runner(self, begun=begun, load=True)
        for request in late:
            self.fail(request, DeadlinePassed())
        if hopeless:
            self.fail_all()
        if stuck:
            _log.error("the model has not moved for %.0f s and is given up", self._wedged_after)
        for request in lost:
            self.fail(request, InferenceFailed("The model did not answer in time."))
        if fresh is not None:
            fresh.start()
        if ending:
            self.finish()


class _Runner:
    """One thread in the model. Once the worker has another in its place, it touches nothing any more."""

    def __init__(self, worker: Worker, begun: list[Request] | None = None, *, load: bool = False) -> None:
        """The first one loads the model; a later one takes over what is `begun`, and loads anew when told to."""
        self._worker = worker
        self._is_first = begun is None
        self._begun = begun or []
        self._must_load = load
        self._windows: tuple[list[_Window], list[_Window]] = ([], [])
        self._failures = 0
        self._moved: float | None = None
        self._loading: float | None = None
        self.in_hand: set[Request] = set()

    def start(self) -> None:
        """A daemon: a batch that hangs must not keep the process from ending."""
        threading.Thread(target=self._run, name="inference", daemon=True).start()

    @property
    def is_loading(self) -> bool:
        """Whether it has no model to work with."""
        return self._loading is not None

    def stuck_for(self, now: float) -> float:
        """Seconds since it last moved, 0 while it waits for work or loads."""
        moved = self._moved
        return 0.0 if moved is None else now - moved

    def loading_for(self, now: float) -> float:
        """Seconds for which it has been trying to load the model."""
        loading = self._loading
        return 0.0 if loading is None else now - loading

    def _run(self) -> None:
        worker = self._worker
        with suppress(_GivenUp):
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
            raise _GivenUp

    def _load_first(self) -> bool:
        """False when it cannot be loaded or nobody waits for it any more."""
        try:
            self._load()
        except BaseException as error:
            _refuse(self._worker.ready, error)
            return False
        return _settle(self._worker.ready, None)

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
                except _GivenUp:
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
                if self._probe_is_due():
                    self._probe()
                    self._read_begun()
                else:
                    self._work()
            except _GivenUp:
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
            self.in_hand = set()
            worker.changed.wait_for(
                lambda: worker.closing or worker.queue.has_waiting() or any(self._windows) or self._probe_is_due(),
                timeout=max(0.0, worker.last_pass + PROBE_SECONDS - time.perf_counter()) + 0.001,
            )
            self._check()
            return not worker.closing

    def _probe_is_due(self) -> bool:
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
            for priority, waiting in zip(Priority, self._windows, strict=True):
                ahead = sum(len(window) for window in waiting if window.index == 0)
                taken = worker.queue.take(priority, _READ_AHEAD_BUDGETS * engine.budget - ahead)
                if taken or waiting:
                    return taken
            return []

    def _read(self, request: Request) -> None:
        """Cleans and tokenises; a text whose verdict is known is answered at once."""
        worker, engine = self._worker, self._worker.engine
        assert engine is not None
        if request.future.done():
            return
        self._moved = time.perf_counter()
        self.in_hand = {request}
        try:
            if self._moved > request.deadline:
                raise DeadlinePassed
            rows = engine.reader.read(request.text)
            key = None if request.fresh else worker.cache.key(engine, rows)
            known = worker.cache.get(key)
            job = _Job(request, engine, key, [None] * len(rows))
        except BaseException as error:  # a panic of the tokenizer's Rust is no Exception
            self._check()
            worker.fail(request, error)
            return
        self._check()
        if known is not None:
            worker.answer(request, known, cached=True)
            return
        self._windows[request.priority].extend(_Window(job, index, ids) for index, ids in enumerate(rows))

    def _take_batch(self) -> list[_Window]:
        """Windows of one engine, that of the text which is due."""
        for waiting in self._windows:
            waiting[:] = [window for window in waiting if not window.job.request.future.done()]
            if waiting:
                waiting.sort(key=lambda window: window.turn)
                engine = waiting[0].job.engine
                batch = next_batch([window for window in waiting if window.job.engine is engine], engine.budget)
                chosen = set(map(id, batch))
                waiting[:] = [window for window in waiting if id(window) not in chosen]
                self.in_hand = {window.job.request for window in batch}
                return batch
        return []

    def _compute(self, batch: list[_Window]) -> None:
        """Runs a batch; one that fails is halved until the guilty text fails alone."""
        engine = batch[0].job.engine
        self._check()
        self._moved = started = time.perf_counter()
        try:
            logits = engine.backend.predict([window.ids for window in batch])
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
        self._check()
        self._worker.computed([len(window) for window in batch], time.perf_counter() - started)
        for index, window in enumerate(batch):
            self._finish(window, rows[index])

    def _finish(self, window: _Window, row: NDArray[np.float32]) -> None:
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
        failure = _failure(error)
        for waiting in self._windows:
            waiting.clear()
        for request in self._worker.taken():
            self._worker.fail(request, failure)


def _settle(future: Future[_T], result: _T) -> bool:
    """Hands over the result; False when the caller has gone or already has an answer."""
    try:
        future.set_result(result)
    except InvalidStateError:
        return False
    return True


def _refuse(future: Future[_T], error: BaseException) -> bool:
    """Hands over the error; False when the caller has gone or already has an answer."""
    try:
        future.set_exception(error)
    except InvalidStateError:
        return False
    return True


def _failure(error: BaseException) -> InferenceFailed:
    """Names the kind of error only: its message may hold the text."""
    _log.error("the model failed on a text: %s", type(error).__name__)
    return InferenceFailed(f"The model failed on this text ({type(error).__name__}).")
