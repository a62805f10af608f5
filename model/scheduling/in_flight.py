"""What one inference loop has in hand: the text that it reads, and the batches that are with the backend."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf

import numpy as np
from numpy.typing import NDArray

from model.scheduling.request import Request
from model.scheduling.request_windows import Window

_ASIDE_PATIENCE = 6
"""How many times as long as another a batch may take that stands behind those which are computed meanwhile."""


@dataclass(slots=True, eq=False)
class Flight:
    """A batch of windows of one engine that is with the backend, and what comes of it.

    `seconds` is how long it took, where that is known.
    """

    batch: list[Window]
    logits: Future[NDArray[np.float32]] = field(default_factory=Future)
    aside: bool = False
    seconds: float | None = None

    @property
    def requests(self) -> set[Request]:
        """The texts whose windows these are."""
        return {window.job.request for window in self.batch}

    def cancel_when_unwanted(self) -> None:
        """Unless it has begun, it is not computed once nobody waits for any of its texts."""
        # Nothing that a request's future holds may lead back to the request: whoever waits for it no more is forgotten.
        logits, requests = self.logits, self.requests
        left = itertools.count(len(requests) - 1, -1)
        for request in requests:
            request.future.add_done_callback(lambda _: next(left) or logits.cancel())


class InFlight:
    """Changed by one loop's thread, and looked at by the watchdog, which has the ledger's lock then.

    What must fit together (the batches and since when the first is computed) is changed under that lock. What the loop
    notes for each text it reads is a single reference, and noted without.
    """

    def __init__(self, changed: threading.Condition, clock: Callable[[], float]) -> None:
        """`changed` is the ledger's."""
        self.changed = changed
        self.reading: Request | None = None
        self.moved: float | None = None
        """When the loop last moved; None while it waits for work or loads."""
        self.loading: float | None = None
        """Since when it has been trying to load a model; None when it has one."""
        self.has_died = False
        self._clock = clock
        self._flights: deque[Flight] = deque()
        self._landing: Flight | None = None
        self._head: Flight | None = None
        self._since: float | None = None
        self._landed = 0.0
        self._computing: set[Request] = set()

    def __bool__(self) -> bool:
        """Whether any batch is with the backend."""
        return bool(self._flights)

    # For the watchdog, with the lock.

    @property
    def in_hand(self) -> set[Request]:
        """Texts that are being read or computed at this moment."""
        reading = self.reading
        return self._computing if reading is None else self._computing | {reading}

    @property
    def suspects(self) -> set[Request]:
        """Of these one may be why the loop is stuck: a batch that is done by now is not, whatever hangs beside it."""
        reading, head = self.reading, self._head
        suspects = set() if reading is None else {reading}
        if head is not None and not head.logits.done():
            suspects |= head.requests
        return suspects or self.in_hand

    def stuck_for(self, now: float) -> float:
        """Seconds since the loop moved, or for which it has computed one batch; 0 while it waits for work or loads.

        A batch that is in no hurry is kept waiting by others: while these land it is not stuck, unless it takes long.
        """
        if self.has_died:
            return inf
        moved, since, head = self.moved, self._since, self._head
        computing = 0.0 if since is None else now - since
        if since is not None and head is not None and head.aside:
            computing = max(now - max(since, self._landed), computing / _ASIDE_PATIENCE)
        return max(computing, 0.0 if moved is None else now - moved)

    def loading_for(self, now: float) -> float:
        """Seconds for which the loop has been trying to load the model."""
        loading = self.loading
        return 0.0 if loading is None else now - loading

    # For the loop.

    @property
    def landing(self) -> Flight | None:
        """The batch that is computed and being handed out."""
        return self._landing

    def counts(self) -> tuple[int, int]:
        """How many batches are with the backend: those in the order, and those aside."""
        aside = sum(flight.aside for flight in self._flights)
        return len(self._flights) - aside, aside

    def has_landed(self) -> bool:
        """Whether any batch is computed, or cancelled."""
        return any(flight.logits.done() for flight in self._flights)

    def add(self, flight: Flight) -> None:
        """A batch that is sent off now."""
        with self.changed:
            self._flights.append(flight)
            self._note()

    def land(self) -> Flight | None:
        """The first batch that is computed: a long text's window does not keep back what went ahead of it.

        It is in hand until `handed_out`. What was cancelled, because nobody waits for it any more, is dropped.
        """
        landed: Flight | None = None
        with self.changed:
            for flight in [flight for flight in self._flights if flight.logits.done()]:
                if not flight.logits.cancelled():
                    if self._landing is not None:
                        break
                    now = self._clock()
                    # How long it took is only known of the oldest; another was computed beside that one.
                    if flight is self._flights[0] and self._since is not None:
                        flight.seconds = now - self._since
                    self._landing = landed = flight
                    self._landed = now
                self._flights.remove(flight)
            self._note()
        return landed

    def handed_out(self) -> None:
        """The batch that landed is no longer in hand."""
        with self.changed:
            self._landing = None
            self._note()

    def cancel_ahead(self) -> None:
        """Takes back what is not begun, behind the first."""
        # One of which a part is computed already is waited for: the library must not be left at work when all ends.
        with self.changed:
            behind = list(self._flights)[1:]
        ahead = [flight for flight in behind if flight.logits.cancel()]
        with self.changed:
            self._flights = deque(flight for flight in self._flights if flight not in ahead)
            self._note()

    def wait_for_first(self) -> None:
        """Returns when the first batch is computed or cancelled."""
        with suppress(CancelledError):
            self._flights[0].logits.exception()  # which waits for it, as `wait` does not for one that is cancelled

    def drop(self) -> None:
        """Lets go of all texts. A backend that hangs leads here for as long as it does."""
        with self.changed:
            flights = list(self._flights)
            self._flights.clear()
            self._landing = None
            self._note()
        for flight in flights:
            flight.logits.cancel()

    def _note(self) -> None:
        """Notes what is in hand: the batch that is computed, and the one that is being handed out. With the lock."""
        head = self._flights[0] if self._flights else None
        self._computing = {request for flight in (self._landing, head) if flight for request in flight.requests}
        if head is not self._head:
            self._head, self._since = head, self._clock() if head else None
