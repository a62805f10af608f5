"""What callers see of the thread that owns the model.

Callers put texts into a bounded queue and hold a future. Behind it stand the ledger of all that waits, the loop that
computes it, and the supervisor, which replaces a loop that is stuck.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from math import inf

from model.backends.engine import Engine
from model.scheduling.in_flight import InFlight
from model.scheduling.inference_loop import InferenceLoop
from model.scheduling.request import Priority, Request
from model.scheduling.request_ledger import RequestLedger
from model.scheduling.stats import Health, Stats
from model.scheduling.supervisor import WEDGED_SECONDS, Supervisor
from model.scheduling.verdict_cache import VerdictCache
from model.verdict import Verdict


class Worker:
    """Runs an engine in a thread of its own until `close`."""

    def __init__(
        self,
        load: Callable[[], Engine],
        queue_limit: int,
        *,
        cache: int = 0,
        wedged_after: float = WEDGED_SECONDS,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Starts the thread, which calls `load` first.

        `queue_limit` is in estimated tokens, `cache` in verdicts that are remembered, and `wedged_after` in seconds of
        `clock`, by which all times are told, deadlines too.
        """
        self.clock = clock
        self._cache = VerdictCache(cache)
        self._ledger = RequestLedger(queue_limit, clock)
        self._supervisor = Supervisor(self._ledger, load, self._begin, clock, wedged_after)
        self.ready: Future[None] = self._supervisor.ready
        """Done when `engine` is there, or holds the error; cancelling it ends the worker."""
        self.ended: Future[None] = self._supervisor.ended
        """Done when the thread is."""
        self._supervisor.start()

    @property
    def engine(self) -> Engine | None:
        """What reads the next text; None until `ready`."""
        return self._supervisor.engine

    @property
    def closing(self) -> bool:
        """Whether it was closed."""
        return self._ledger.closing

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
        language: str = "",
        version: str = "",
    ) -> Future[Verdict]:
        """Queues a cleaned text. Cancelling the future takes it back at any time before its verdict.

        `origin` is whoever it is for, and `deadline` the moment of `clock` after which nobody wants it any more.
        `fresh` is computed whatever the cache holds; `danger`, `tokens`, `language` and `version` are as in `Request`.
        See `FairQueue.make_room` for who is refused when the queue is full. Raises Overloaded and ClassifierClosed.
        """
        request = Request(
            text,
            priority,
            Future(),
            origin,
            self.clock(),
            deadline,
            fresh=fresh,
            danger=danger,
            tokens=tokens,
            language=language,
            version=version,
        )
        self._ledger.submit(request)
        return request.future

    def swap(self, engine: Engine, load: Callable[[], Engine]) -> tuple[Engine, Callable[[], Engine]]:
        """Texts that are read from now on are `engine`'s; those in hand finish where they began.

        A thread that is still trying to load a broken model anew is given up. Returns the engine there was, and how it
        was loaded.
        """
        return self._supervisor.swap(engine, load)

    def answering(self) -> tuple[Engine, float]:
        """The engine, and the moment of `clock` at which it began to answer. The worker is ready."""
        return self._supervisor.answering()

    def count_refused(self) -> None:
        """A text was refused before it came here."""
        self._ledger.count_refused()

    def stats(self) -> Stats:
        """Counts so far."""
        return self._ledger.stats()

    def health(self) -> Health:
        """Whether the model answers."""
        return self._supervisor.health()

    def close(self) -> None:
        """Fails what waits with ClassifierClosed, and lets the thread end after the batch in hand. Does not block."""
        self._supervisor.close()

    def _begin(self, in_flight: InFlight, begun: list[Request] | None, *, load: bool) -> None:
        loop = InferenceLoop(self._ledger, self._supervisor, in_flight, self._cache, self.clock, begun=begun, load=load)
        loop.start()
