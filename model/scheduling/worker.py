"""What callers see of the thread that owns the model, and what watches over it.

Callers put texts into a bounded queue and hold a future. A thread that is stuck in the model's library is given up and
replaced by another, with the model loaded anew.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from math import inf

import numpy as np

from model.backends.engine import Engine
from model.concurrency import failure_of, refuse, settle
from model.errors import ClassifierClosed, DeadlinePassed, InferenceFailed, ModelError, Overloaded
from model.scheduling.fair_queue import FairQueue, Priority, Request
from model.scheduling.inference_loop import InferenceLoop
from model.scheduling.stats import Health, Stats
from model.scheduling.verdict_cache import VerdictCache
from model.verdict import Verdict, in_danger

__all__ = ["Health", "Priority", "Stats", "Worker"]

_log = logging.getLogger(__name__)

_EXPECTED_SECONDS = 0.02
"""What one text takes before the worker has measured its own pace; only used to say when to come back."""

WEDGED_SECONDS = 10.0
"""A model that has not moved for so long, with work in hand, is given up."""

LOADING_SECONDS = 60.0
"""A broken model that takes longer to be loaded anew keeps nobody waiting: what waits is failed."""

_REMEMBERED = 4096
"""Latest answers whose latencies are kept."""


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
        self._over = threading.Event()
        self.cache = VerdictCache(cache)
        self.engine: Engine | None = None
        self.since = time.perf_counter()
        self.load = load
        self.changed = threading.Condition()
        self.queue = FairQueue(queue_limit)
        # By its future, which must not lead to the text: whoever keeps the answer would keep the words as well.
        self._requests: dict[Future[Verdict], Request] = {}
        self.closing = False
        self.last_pass = time.perf_counter()
        self.reason = ""
        self.replaced = 0
        self._wedged_after = wedged_after
        self._shed = self._expired = self._cached = 0
        self._served = self._failed = self._batches = self._useful = self._computed = 0
        self._answered: deque[tuple[float, float]] = deque(maxlen=_REMEMBERED)
        self._pace = _EXPECTED_SECONDS
        self._runner = InferenceLoop(self)
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
        danger: bool = False,
        tokens: int = 0,
    ) -> Future[Verdict]:
        """Queues a cleaned text. Cancelling the future takes it back at any time before its verdict.

        `origin` is whoever it is for, and `deadline` the moment (`time.perf_counter`) after which nobody wants it any
        more. `fresh` is computed whatever the cache holds; `danger` and `tokens` are as in `Request`. See
        `FairQueue.make_room` for who is refused when the queue is full. Raises Overloaded and ClassifierClosed.
        """
        request = Request(
            text, priority, Future(), origin, time.perf_counter(), deadline, fresh=fresh, danger=danger, tokens=tokens
        )
        with self.changed:
            if self.closing:
                raise ClassifierClosed
            victims = self.queue.make_room(request)
            if victims is None:
                self._shed += 1
                raise self._overloaded()
            self.queue.put(request)
            self._requests[request.future] = request
            self.changed.notify_all()
        for victim in victims:
            refused = refuse(victim.future, self._overloaded())
            with self.changed:
                self._shed += refused
        request.future.add_done_callback(self._release)
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
            self._runner = InferenceLoop(self, begun=self.taken())
            self._runner.start()
        return before

    def count_refused(self) -> None:
        """A text was refused before it came here."""
        with self.changed:
            self._shed += 1

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
            refuse(request.future, ClassifierClosed())

    def finish(self) -> None:
        """The end: nothing is computed any more, and nobody is left waiting."""
        self.close()
        with self.changed:
            held = self.queue.requests()
        for request in held:
            refuse(request.future, ClassifierClosed())
        settle(self.ended, None)
        self._over.set()

    def is_current(self, runner: InferenceLoop) -> bool:
        """Whether that runner has not been given up."""
        return self._runner is runner

    def answer(self, request: Request, verdict: Verdict, *, cached: bool = False) -> None:
        """Hands over a verdict. Counted first: whoever gets it may ask for the counts at once."""
        now = time.perf_counter()
        if request.danger:
            verdict = in_danger(verdict)
        with self.changed:
            self._served += 1
            self._cached += cached
            self._answered.append((now, now - request.arrived))
        if not settle(request.future, verdict):
            with self.changed:
                self._served -= 1
                self._cached -= cached

    def fail(self, request: Request, error: BaseException) -> None:
        """Hands over an error; one that is not meant for people is replaced by one that is."""
        # A traceback leads to the text, and whoever keeps the answer would keep it as well.
        known = error.with_traceback(None) if isinstance(error, ModelError) else failure_of(error)
        late = isinstance(known, DeadlinePassed)
        with self.changed:
            self._expired += late
            self._failed += not late
        if not refuse(request.future, known):
            with self.changed:
                self._expired -= late
                self._failed -= not late

    def fail_all(self) -> None:
        """Fails everything there is: no model is there to answer it."""
        with self.changed:
            held = self.queue.requests()
        for request in held:
            self.fail(request, InferenceFailed("The model broke and cannot be loaded anew."))

    def computed(self, lengths: Sequence[int], padded: int, seconds: float | None) -> None:
        """Counts a batch of windows by their lengths, and the tokens that were computed for it in so many seconds."""
        with self.changed:
            self._batches += 1
            self._useful += sum(lengths)
            self._computed += padded
            if seconds is not None:
                self._pace = 0.9 * self._pace + 0.1 * seconds / len(lengths)

    def taken(self) -> list[Request]:
        """Texts that a runner has taken and not finished, in their order."""
        with self.changed:
            begun = set(self.queue.requests()).difference(self.queue.waiting())
        return sorted(begun, key=lambda request: request.turn)

    def _overloaded(self) -> Overloaded:
        with self.changed:
            return Overloaded(max(1.0, len(self.queue) * self._pace))

    def _release(self, future: Future[Verdict]) -> None:
        with self.changed:
            self.queue.release(self._requests.pop(future))

    def _watch(self) -> None:
        """Looks after the runner until the end."""
        while not self._over.wait(min(1.0, self._wedged_after / 4)):
            self._look()

    def _look(self) -> None:
        """Fails what is too late, and replaces a runner that is stuck, with all that it had not in hand."""
        now = time.perf_counter()
        fresh: InferenceLoop | None = None
        with self.changed:
            runner = self._runner
            late = [request for request in self.queue.requests() if now > request.deadline]
            late = [request for request in late if request not in runner.in_hand]
            hopeless = runner.loading_for(now) > LOADING_SECONDS and self.ready.done()
            stuck = runner.stuck_for(now) > self._wedged_after
            lost = runner.suspects if stuck else set()
            ending = self.closing and (stuck or runner.loading_for(now) > self._wedged_after)
            if stuck and not self.closing:
                self.reason = "it did not answer and is being loaded anew"
                self.replaced += 1
                begun = [request for request in self.taken() if request not in lost]
                self._runner = fresh = InferenceLoop(self, begun=begun, load=True)
                self.changed.notify_all()  # the other one, if it only waits for its backend, ends and lets go
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
