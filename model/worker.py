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
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass
from math import inf
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from model.backend import padded_length
from model.batching import next_batch
from model.cache import VerdictCache
from model.engine import Engine
from model.errors import ClassifierClosed, DeadlinePassed, InferenceFailed, ModelError, Overloaded
from model.queueing import FairQueue, Priority, Request
from model.verdict import Verdict

__all__ = ["Health", "Priority", "Stats", "Worker"]

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

_READ_AHEAD = 64
"""Tokenised texts that wait for their first batch: enough to choose lengths from, few enough to be ready soon."""

_EXPECTED_SECONDS = 0.02
"""What one text takes before the worker has measured its own pace; only used to say when to come back."""

_TURNS_BETWEEN_WINDOWS = 8
"""Newer texts that may go before each further window of a long one."""

PROBE_SECONDS = 5.0
"""An idle model computes something this often, so that a broken one is found before a person finds it."""

WEDGED_SECONDS = 10.0
"""A model that has not moved for so long, with work in hand, is given up."""

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
class _Window:
    request: Request
    index: int
    ids: list[int]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def turn(self) -> int:
        """When it is due. A long text's later windows let a few newer texts go first, but not for ever."""
        return self.request.turn + _TURNS_BETWEEN_WINDOWS * self.index


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
        self.load = load
        self.changed = threading.Condition()
        self.queue = FairQueue(queue_limit)
        self.closing = False
        self.last_pass = time.perf_counter()
        self._wedged_after = wedged_after
        self._reason = ""
        self._replaced = self._shed = self._expired = self._cached = 0
        self._served = self._failed = self._batches = self._useful = self._computed = 0
        self._answered: deque[tuple[float, float]] = deque(maxlen=_REMEMBERED)
        self._pace = _EXPECTED_SECONDS
        self._runner = _Runner(self)
        self._runner.start()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def submit(self, text: str, priority: Priority, origin: Hashable = None, deadline: float = inf) -> Future[Verdict]:
        """Queues a text. Cancelling the future takes it back at any time before its verdict.

        `origin` is whoever it is for, and `deadline` the moment (`time.perf_counter`) after which nobody wants it any
        more. See `FairQueue.make_room` for who is refused when the queue is full. Raises Overloaded and
        ClassifierClosed.
        """
        request = Request(text, priority, Future(), origin, arrived=time.perf_counter(), deadline=deadline)
        with self.changed:
            if self.closing:
                raise ClassifierClosed
            retry_after = max(1.0, len(self.queue) * self._pace)
            victims = self.queue.make_room(request)
            if victims is None:
                self._shed += 1
                raise Overloaded(retry_after)
            self._shed += len(victims)
            self.queue.put(request)
            self.changed.notify_all()
        for victim in victims:
            _refuse(victim.future, Overloaded(retry_after))
        request.future.add_done_callback(lambda _: self._release(request))
        return request.future

    def swap(self, engine: Engine, load: Callable[[], Engine]) -> tuple[Engine, Callable[[], Engine]]:
        """Texts that are read from now on are `engine`'s; those in hand finish where they began.

        Returns the engine there was, and how it was loaded.
        """
        with self.changed:
            before = self.engine, self.load
            self.engine, self.load = engine, load
        assert before[0] is not None
        return before[0], before[1]

    def stats(self) -> Stats:
        """Counts so far."""
        with self.changed:
            queued, tokens = len(self.queue), self.queue.tokens
        answered = list(self._answered)
        middle, last = np.percentile([seconds for _, seconds in answered], (50, 99)) if answered else (0.0, 0.0)
        now = time.perf_counter()
        recent = [moment for moment, _ in answered if now - moment <= 60]
        # When the latest answers do not reach back a minute, they are spread over what they reach back to.
        reach = now - recent[0] if len(recent) == _REMEMBERED else 60.0
        return Stats(
            queued=queued,
            served=self._served,
            failed=self._failed,
            shed=self._shed,
            batches=self._batches,
            expired=self._expired,
            cached=self._cached,
            queued_tokens=tokens,
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
            reason = self._reason
            if not reason and self.closing:
                reason = "it is shut down"
            if not reason and self._runner.stuck_for(now) > self._wedged_after:
                reason = "it does not answer"
            if not reason and self.engine is None:
                reason = "it is being loaded"
            return Health(not reason, now - self.last_pass, reason, self._replaced)

    def close(self) -> None:
        """Fails what waits with ClassifierClosed, and lets the thread end after the batch in hand. Does not block."""
        with self.changed:
            self.closing = True
            waiting = set(self.queue.requests()) - self._runner.in_hand
            self.changed.notify_all()
        for request in waiting:
            _refuse(request.future, ClassifierClosed())

    def is_current(self, runner: _Runner) -> bool:
        """Whether that runner has not been given up."""
        return self._runner is runner

    def answer(self, request: Request, verdict: Verdict, *, cached: bool = False) -> None:
        """Hands over a verdict. Counted first: whoever gets it may ask for the counts at once."""
        now = time.perf_counter()
        self._served += 1
        self._cached += cached
        if _settle(request.future, verdict):
            self._answered.append((now, now - request.arrived))
        else:
            self._served -= 1
            self._cached -= cached

    def fail(self, request: Request, error: BaseException) -> None:
        """Hands over an error; one that is not meant for people is replaced by one that is."""
        known = error if isinstance(error, ModelError) else _failure(error)
        late = isinstance(known, DeadlinePassed)
        self._expired += late
        self._failed += not late
        if not _refuse(request.future, known):
            self._expired -= late
            self._failed -= not late

    def computed(self, windows: Iterable[int], seconds: float) -> None:
        """Counts a batch of windows, by their lengths."""
        lengths = list(windows)
        self._batches += 1
        self._useful += sum(lengths)
        self._computed += padded_length(max(lengths)) * len(lengths)
        self._pace = 0.9 * self._pace + 0.1 * seconds / len(lengths)
        self.last_pass = time.perf_counter()

    def is_broken(self, reason: str) -> None:
        """Says what is wrong with the model; "" when nothing is."""
        self._reason = reason

    def count_replacement(self) -> None:
        """Counts a model that was loaded anew."""
        self._replaced += 1

    def _release(self, request: Request) -> None:
        with self.changed:
            self.queue.release(request)

    def _watch(self) -> None:
        """Replaces a runner that is stuck, with all that it had not in hand."""
        while not self.closing:
            with self.changed:
                self.changed.wait_for(lambda: self.closing, timeout=min(1.0, self._wedged_after / 4))
                stuck = self._runner
                if self.closing or stuck.stuck_for(time.perf_counter()) <= self._wedged_after:
                    continue
                lost = set(stuck.in_hand)
                begun = set(self.queue.requests()).difference(self.queue.waiting(), lost)
                self._reason = "it did not answer and is being loaded anew"
                self._replaced += 1
                self._runner = _Runner(self, begun=sorted(begun, key=lambda request: request.turn))
            _log.error("the model has not moved for %.0f s; it is given up and loaded anew", self._wedged_after)
            for request in lost:
                self.fail(request, InferenceFailed("The model did not answer in time."))
            self._runner.start()


class _Runner:
    """One thread in the model. A worker that gives it up takes another; what it still does then is of no account."""

    def __init__(self, worker: Worker, begun: list[Request] | None = None) -> None:
        self._worker = worker
        self._begun = begun
        self._windows: tuple[list[_Window], list[_Window]] = ([], [])
        self._failures = 0
        self._moved: float | None = None
        self.in_hand: set[Request] = set()

    def start(self) -> None:
        """A daemon: a batch that hangs must not keep the process from ending."""
        threading.Thread(target=self._run, name="inference", daemon=True).start()

    def stuck_for(self, now: float) -> float:
        """Seconds since it last moved, 0 while it waits for work or loads."""
        moved = self._moved
        return 0.0 if moved is None else now - moved

    def _run(self) -> None:
        worker = self._worker
        try:
            self._load()
        except BaseException as error:
            if self._begun is None:
                _refuse(worker.ready, error)
            elif self._load_again(error):
                self._loop()
        else:
            worker.is_broken("")
            if self._begun is not None or _settle(worker.ready, None):
                self._loop()
        if worker.is_current(self):
            worker.close()
            _settle(worker.ended, None)

    def _load(self) -> None:
        """Loads what the worker runs, and puts it in its place unless that was swapped meanwhile."""
        worker = self._worker
        load = worker.load
        engine = load()
        with worker.changed:
            if worker.load is load and worker.is_current(self):
                worker.engine = engine
                worker.last_pass = time.perf_counter()

    def _loop(self) -> None:
        for request in self._begun or ():
            self._read(request)
        while self._wait_for_work():
            self._moved = time.perf_counter()
            try:
                if self._is_idle() or self._failures >= _PROBE_AFTER_FAILURES:
                    self._probe()
                else:
                    self._work()
            except BaseException as error:
                self._give_up(error)
            finally:
                self._moved = None

    def _is_idle(self) -> bool:
        with self._worker.changed:
            return not self._worker.queue.has_waiting() and not any(self._windows)

    def _wait_for_work(self) -> bool:
        """False when the thread should end; True after a while without work, too."""
        worker = self._worker
        with worker.changed:
            self.in_hand = set()
            worker.changed.wait_for(
                lambda: worker.closing or worker.queue.has_waiting() or any(self._windows), timeout=PROBE_SECONDS
            )
            return not worker.closing and worker.is_current(self)

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
            self._moved = None
            self._load_again(error)
        else:
            worker.last_pass = time.perf_counter()

    def _load_again(self, error: BaseException) -> bool:
        """Loads until it works; what was begun fails meanwhile. False when the worker closes first."""
        worker = self._worker
        while worker.is_current(self) and not worker.closing:
            _log.error("the model is broken (%s) and is loaded anew", type(error).__name__)
            worker.is_broken(f"it failed ({type(error).__name__}) and is being loaded anew")
            self._give_up(error)
            self._begun = None
            try:
                self._load()
            except BaseException as failure:
                error = failure
                with worker.changed:
                    worker.changed.wait_for(lambda: worker.closing, timeout=_RETRY_SECONDS)
            else:
                worker.count_replacement()
                worker.is_broken("")
                return True
        return False

    def _work(self) -> None:
        """One batch. Whatever goes wrong in it is the answer of the texts in it, never the thread's end."""
        for request in self._take_requests():
            if self._worker.closing:
                return
            self._read(request)
            self._moved = time.perf_counter()
        batch = self._take_batch()
        if batch:
            self._compute(batch)

    def _take_requests(self) -> list[Request]:
        """The next texts to read; passive ones only when no person waits."""
        with self._worker.changed:
            for priority, waiting in zip(Priority, self._windows, strict=True):
                unbegun = sum(window.index == 0 for window in waiting)
                taken = self._worker.queue.take(priority, max(0, _READ_AHEAD - unbegun))
                if taken or waiting:
                    return taken
            return []

    def _read(self, request: Request) -> None:
        if request.future.done():
            return
        worker, engine = self._worker, self._worker.engine
        assert engine is not None
        try:
            if time.perf_counter() > request.deadline:
                raise DeadlinePassed
            rows = engine.reader.read(request.text)
            request.engine = engine
            request.key = worker.cache.key(engine.checkpoint.version, rows)
            known = worker.cache.get(request.key)
            request.logits = [None] * len(rows)
        except BaseException as error:  # a panic of the tokenizer's Rust is no Exception
            worker.fail(request, error)
            return
        if known is not None:
            worker.answer(request, known, cached=True)
            return
        waiting = self._windows[request.priority]
        waiting.extend(_Window(request, index, ids) for index, ids in enumerate(rows))

    def _take_batch(self) -> list[_Window]:
        """Windows of one engine, that of the text which is due."""
        now = time.perf_counter()
        for waiting in self._windows:
            for window in waiting:
                if window.index == 0 and now > window.request.deadline:
                    self._worker.fail(window.request, DeadlinePassed())
            waiting[:] = [window for window in waiting if not window.request.future.done()]
            if waiting:
                waiting.sort(key=lambda window: window.turn)
                engine = waiting[0].request.engine
                assert engine is not None
                batch = next_batch([window for window in waiting if window.request.engine is engine], engine.budget)
                chosen = set(map(id, batch))
                waiting[:] = [window for window in waiting if id(window) not in chosen]
                self.in_hand = {window.request for window in batch}
                return batch
        return []

    def _compute(self, batch: list[_Window]) -> None:
        """Runs a batch; one that fails is halved until the guilty text fails alone."""
        engine = batch[0].request.engine
        assert engine is not None
        self._moved = started = time.perf_counter()
        try:
            logits = engine.backend.predict([window.ids for window in batch])
            rows = dict(zip(range(len(batch)), logits, strict=True))
        except BaseException as error:  # whatever the backend raises, only its own text may suffer
            if len(batch) > 1:
                middle = len(batch) // 2
                self._compute(batch[:middle])
                self._compute(batch[middle:])
                return
            self._failures += 1
            self._worker.fail(batch[0].request, error)
            return
        self._failures = 0
        self._worker.computed(map(len, batch), time.perf_counter() - started)
        for index, window in enumerate(batch):
            self._finish(engine, window, rows[index])

    def _finish(self, engine: Engine, window: _Window, row: NDArray[np.float32]) -> None:
        request = window.request
        try:
            if not np.isfinite(row).all():
                self._worker.fail(request, InferenceFailed("The model's answer for this text was not a number."))
                return
            request.logits[window.index] = row
            rows = [logits for logits in request.logits if logits is not None]
            if len(rows) < len(request.logits):
                return
            verdict = engine.decide(np.stack(rows))
        except BaseException as error:  # a backend may answer with anything
            self._worker.fail(request, error)
        else:
            self._worker.cache.put(request.key, verdict)
            self._worker.answer(request, verdict)

    def _give_up(self, error: BaseException) -> None:
        """Fails all that has been taken from the queue: after an error in the thread itself, no state is trusted."""
        failure = _failure(error)
        with self._worker.changed:
            queue = self._worker.queue
            taken = set(queue.requests()).difference(queue.waiting())
        for waiting in self._windows:
            waiting.clear()
        for request in taken:
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
