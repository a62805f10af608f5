"""Who waits for the model: every text from its coming to its end, whichever way that is, and the counts."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future

import numpy as np

from model.concurrency import own_error, refuse, settle
from model.errors import ClassifierClosed, DeadlinePassed, InferenceFailed, Overloaded, Unreadable
from model.histogram import Histogram
from model.scheduling.fair_queue import FairQueue
from model.scheduling.request import Priority, Request
from model.scheduling.stats import Stats
from model.verdict import Verdict, in_danger

_EXPECTED_SECONDS = 0.02
"""What one text takes before the worker has measured its own pace; only used to say when to come back."""

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_REMEMBERED = 4096
"""Latest answers whose latencies are kept."""


class RequestLedger:
    """Owns the queue, and the one lock of all that belongs to a worker: `changed`.

    Whoever holds the lock may take it again. `queue` is touched with it only, and what is noted under it elsewhere says
    so. `closing` only ever becomes true, so it is read without. Futures are settled without it, because what is to be
    done then is others' code, and each error is made for the text that gets it: an instance that several callers hold
    leads from one to the words of another.
    """

    def __init__(self, limit: int, clock: Callable[[], float]) -> None:
        """`limit` is in estimated tokens; `clock` is what `Request.arrived` is of."""
        self.changed = threading.Condition()
        self.queue = FairQueue(limit)
        self.closing = False
        self._clock = clock
        # By its future, which must not lead to the text: whoever keeps the answer would keep the words as well.
        self._requests: dict[Future[Verdict], Request] = {}
        self._shed = self._expired = self._cached = 0
        self._served = self._failed = self._batches = self._useful = self._computed = 0
        self._answered: deque[tuple[float, float]] = deque(maxlen=_REMEMBERED)
        self._seconds = {priority: Histogram(_SECONDS) for priority in Priority}
        self._pace = _EXPECTED_SECONDS

    def submit(self, request: Request) -> None:
        """Takes a text in. See `FairQueue.make_room` for who is refused when the queue is full.

        Raises Overloaded and ClassifierClosed.
        """
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
            self._shed_one(victim)
        request.future.add_done_callback(self._release)

    def count_refused(self) -> None:
        """A text was refused before it came here."""
        with self.changed:
            self._shed += 1

    def answer(self, request: Request, verdict: Verdict, *, cached: bool = False) -> None:
        """Hands over a verdict. Counted first: whoever gets it may ask for the counts at once."""
        now = self._clock()
        if request.danger:
            verdict = in_danger(verdict)
        with self.changed:
            self._served += 1
            self._cached += cached
            self._answered.append((now, now - request.arrived))
        settled = settle(request.future, verdict)
        with self.changed:
            if settled:  # only then: what goes up here never goes down
                self._seconds[request.priority].observe(now - request.arrived)
            else:
                self._served -= 1
                self._cached -= cached

    def fail(self, request: Request, error: BaseException) -> None:
        """Hands over an error of the text's own; one that is not meant for people is replaced by one that is."""
        own = own_error(error)
        late, shed = isinstance(own, DeadlinePassed), isinstance(own, Overloaded)
        failed = not (late or shed or isinstance(own, Unreadable))
        with self.changed:
            self._expired += late
            self._shed += shed
            self._failed += failed
        if not refuse(request.future, own):
            with self.changed:
                self._expired -= late
                self._shed -= shed
                self._failed -= failed

    def fail_all(self) -> None:
        """Fails everything there is: no model is there to answer it."""
        for request in self.held():
            self.fail(request, InferenceFailed("The model broke and can't be reloaded."))

    def close(self, keeping: Callable[[], Collection[Request]]) -> None:
        """Takes nothing in any more, and fails with ClassifierClosed all but what is `keeping`, asked with the lock."""
        with self.changed:
            self.closing = True
            waiting = set(self.queue.requests()).difference(keeping())
            self.changed.notify_all()
        for request in waiting:
            refuse(request.future, ClassifierClosed())

    def held(self) -> list[Request]:
        """Texts that wait or are being computed."""
        with self.changed:
            return self.queue.requests()

    def taken(self) -> list[Request]:
        """Texts that a loop has taken and not finished, in the order in which they are due."""
        with self.changed:
            begun = set(self.queue.requests()).difference(self.queue.waiting())
        return sorted(begun, key=lambda request: request.turn)

    def count_batch(self, lengths: Sequence[int], padded: int, seconds: float | None) -> None:
        """Counts a batch of windows by their lengths, and the tokens that were computed for it in so many seconds."""
        with self.changed:
            self._batches += 1
            self._useful += sum(lengths)
            self._computed += padded
            if seconds is not None:
                self._pace = 0.9 * self._pace + 0.1 * seconds / len(lengths)

    def stats(self) -> Stats:
        """Counts so far."""
        with self.changed:
            answered, now = list(self._answered), self._clock()
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
                seconds={priority.name.lower(): found.copy() for priority, found in self._seconds.items()},
            )

    def _shed_one(self, victim: Request) -> None:
        refused = refuse(victim.future, self._overloaded())
        with self.changed:
            self._shed += refused

    def _overloaded(self) -> Overloaded:
        with self.changed:
            return Overloaded(max(1.0, len(self.queue) * self._pace))

    def _release(self, future: Future[Verdict]) -> None:
        with self.changed:
            self.queue.release(self._requests.pop(future))
