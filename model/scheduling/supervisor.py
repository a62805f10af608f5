"""Whether the model answers: it is loaded, tried when it is quiet, and replaced when it breaks or hangs.

Threads cannot be killed. One that is stuck in the model's library is given up: another takes its place with the model
loaded anew, and whatever the old one says later is not heard.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol

import numpy as np

from model.acceptance import check_golden
from model.backends.engine import Engine
from model.concurrency import refuse, settle
from model.errors import DeadlinePassed, InferenceFailed
from model.scheduling.in_flight import InFlight
from model.scheduling.request import Request
from model.scheduling.request_ledger import RequestLedger
from model.scheduling.stats import Health

_log = logging.getLogger(__name__)

WEDGED_SECONDS = 10.0
"""A model that has not moved for so long, with work in hand, is given up."""

LOADING_SECONDS = 60.0
"""A broken model that takes longer to be loaded anew keeps nobody waiting: what waits is failed."""

PROBE_SECONDS = 5.0
"""An idle model computes something this often, so that a broken one is found before a person finds it."""

LOOK_SECONDS = 30.0
"""A watchdog that has not got through a look for so long watches over nothing."""

_RETRY_SECONDS = 5.0
"""Between two attempts to load a model that broke."""

_PROBE = "good"

Load = Callable[[], Engine]


class GivenUp(BaseException):
    """Ends a thread whose place another has taken."""


class BeginLoop(Protocol):
    """How another loop is begun."""

    def __call__(self, in_flight: InFlight, begun: list[Request] | None, *, load: bool) -> None:
        """Starts its thread, with what another had `begun`; the very first has None. It loads anew when told to."""


class Supervisor:
    """Has the engine, and one loop at a time that computes with it.

    All that it notes is changed with the ledger's lock; a single reference or number may be looked at without. The
    upper methods are for callers, the ones in the middle for the loop's thread, the rest for the watchdog's.
    """

    def __init__(
        self, ledger: RequestLedger, load: Load, begin: BeginLoop, clock: Callable[[], float], wedged_after: float
    ) -> None:
        """`load` makes the engine, at first and anew."""
        self.ready: Future[None] = Future()
        self.ended: Future[None] = Future()
        self.engine: Engine | None = None
        self.load = load
        self.since = self.last_pass = self.last_look = clock()
        self.current = InFlight(ledger.changed, clock)
        self._ledger = ledger
        self._changed = ledger.changed
        self._begin = begin
        self._clock = clock
        self._wedged_after = wedged_after
        self._over = threading.Event()
        self._reason = ""
        self._replaced = 0
        self._lost: list[Request] = []

    def start(self) -> None:
        """Begins the first loop, which loads the model, and the watch over it."""
        self._begin(self.current, None, load=True)
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def swap(self, engine: Engine, load: Load) -> tuple[Engine, Load]:
        """See `Worker.swap`."""
        with self._changed:
            assert self.engine is not None, "the worker was ready"
            before = self.engine, self.load
            now = self._clock()
            if self.current.loading is not None:
                self._take_over(self._ledger.taken(), load=False)
                self.last_pass = now
            self.engine, self.load, self._reason, self.since = engine, load, "", now
            self._changed.notify_all()
        return before

    def answering(self) -> tuple[Engine, float]:
        """The engine, and the moment at which it began to answer."""
        with self._changed:
            assert self.engine is not None, "the worker was ready"
            return self.engine, self.since

    def health(self) -> Health:
        """Whether the model answers."""
        now = self._clock()
        with self._changed:
            since_pass, since_look = now - self.last_pass, now - self.last_look
            reason = self._reason
            if not reason and self._ledger.closing:
                reason = "it's shut down"
            if not reason and self.engine is None:
                reason = "it's loading"
            if not reason and max(since_pass, self.current.stuck_for(now)) > self._wedged_after:
                reason = "it doesn't answer"
            if not reason and since_look > LOOK_SECONDS:
                reason = f"nothing has watched over it for {since_look:.0f} s"
            return Health(not reason, since_pass, reason, self._replaced, since_look)

    def close(self) -> None:
        """Fails what waits, and lets the loop end after the batch in hand. Does not block."""
        self._ledger.close(keeping=lambda: self.current.in_hand)

    # For the loop.

    def check(self, in_flight: InFlight) -> None:
        """Raises GivenUp in a loop whose place another has taken. It touches nothing any more then."""
        if self.current is not in_flight:
            raise GivenUp

    def load_first(self, in_flight: InFlight) -> bool:
        """False when it cannot be loaded or nobody waits for it any more."""
        try:
            self._load(in_flight)
        except BaseException as error:
            refuse(self.ready, error)
            return False
        return settle(self.ready, None)

    def load_again(self, in_flight: InFlight, begun: list[Request], error: BaseException | None = None) -> None:
        """Tries until the model is there, or another loop begins with one that was swapped in.

        What was `begun` is read anew then.

        After the first failure all that waits is failed, as is whatever comes before the next attempt.
        """
        in_flight.moved, in_flight.loading = None, self._clock()
        try:
            while not self._ledger.closing:
                self.check(in_flight)
                if error is not None:
                    _log.error("the model is broken (%s) and is loaded anew", type(error).__name__)
                    with self._changed:
                        self._reason = f"it failed ({type(error).__name__}) and is being reloaded"
                try:
                    self._load(in_flight)
                    return
                except GivenUp:
                    raise
                except BaseException as failure:
                    error = failure
                begun.clear()
                self._ledger.fail_all()
                with self._changed:
                    self._changed.wait_for(
                        lambda: self._ledger.closing or self.current is not in_flight, timeout=_RETRY_SECONDS
                    )
        finally:
            in_flight.loading = None

    def passed(self) -> None:
        """The model has computed something. One number, for each window: without the lock."""
        self.last_pass = self._clock()

    def until_probe(self, *, busy: bool = False) -> float:
        """Seconds until a model is to be tried unless it computes something; below 0 when that is overdue.

        While it is `busy` no probe is due; what comes of its batches is heard of.
        """
        return PROBE_SECONDS if busy else self.last_pass + PROBE_SECONDS - self._clock()

    def probe(self, engine: Engine) -> None:
        """A real forward pass over a harmless text. Raises whatever a model does that cannot do it."""
        for part in engine.each:
            logits = part.backend.predict(part.reader.read(_PROBE))
            if not np.isfinite(np.asarray(logits, dtype=np.float32)).all():
                raise InferenceFailed("The model's answer wasn't a number.")

    def count_replaced(self) -> None:
        """The model was loaded anew."""
        with self._changed:
            self._replaced += 1

    def finish(self) -> None:
        """The end: nothing is computed any more, and nobody is left waiting."""
        self._ledger.close(keeping=tuple)
        settle(self.ended, None)
        self._over.set()

    def _load(self, in_flight: InFlight) -> None:
        """Loads what the worker runs, and puts it in its place unless that was swapped meanwhile."""
        with self._changed:
            load, before = self.load, self.engine
        engine = load()
        if before is not None and engine.checkpoint.version != before.checkpoint.version:
            check_golden(engine)  # its files were changed since
            _log.warning("model %s answers now instead of %s", engine.checkpoint.version, before.checkpoint.version)
        with self._changed:
            self.check(in_flight)
            now = self._clock()
            if self.load is load:
                self.engine, self.since = engine, now
            self.last_pass = now
            self._reason = ""

    # For the watchdog.

    def _watch(self) -> None:
        """Looks after the loop until the end, whatever goes wrong with a look."""
        went_wrong = False
        while not self._over.wait(min(1.0, self._wedged_after / 4)):
            try:
                self.look()
            except BaseException as error:
                if not went_wrong:  # of many in a row only the first is told here; `Health` tells how long it has been
                    _log.error("the watchdog failed (%s) and goes on", type(error).__name__)
                went_wrong = True
            else:
                went_wrong = False

    def look(self) -> None:
        """Fails what is too late, and replaces a loop that is stuck, with all that it had not in hand.

        What it does not come to, because something goes wrong before, is done by the next look.
        """
        now = self._clock()
        with self._changed:
            current = self.current
            in_hand = current.in_hand
            late = [r for r in self._ledger.queue.requests() if now > r.deadline and r not in in_hand]
            hopeless = current.loading_for(now) > LOADING_SECONDS and self.ready.done()
            stuck = current.stuck_for(now) > self._wedged_after
            ending = self._ledger.closing and (stuck or current.loading_for(now) > self._wedged_after)
            if stuck:
                self._replace(current)
        for request in late:
            self._ledger.fail(request, DeadlinePassed())
        if hopeless:
            self._ledger.fail_all()
        while self._lost:
            self._ledger.fail(self._lost[-1], InferenceFailed("The model didn't answer in time."))
            self._lost.pop()
        if ending:
            self.finish()
        with self._changed:
            self.last_look = self._clock()

    def _replace(self, stuck: InFlight) -> None:
        """With the lock. What the stuck loop had in hand is lost; when all ends, no other takes its place."""
        lost = stuck.suspects
        if not self._ledger.closing:
            self._take_over([request for request in self._ledger.taken() if request not in lost], load=True)
            self._reason = "it didn't answer and is being reloaded"
            self._replaced += 1
            self._changed.notify_all()  # the other one, if it only waits for its backend, ends and lets go
        self._lost.extend(lost)
        if not stuck.has_died:  # which has said so itself
            _log.error("the model has not moved for %.0f s and is given up", self._wedged_after)

    def _take_over(self, begun: list[Request], *, load: bool) -> None:
        """Begins another loop, with the lock. When it cannot be begun nothing has changed."""
        successor = InFlight(self._changed, self._clock)
        self._begin(successor, begun, load=load)
        self.current = successor
