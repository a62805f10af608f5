"""The one thread that owns the model.

Callers put texts into a bounded queue and hold a future; the thread cleans, tokenises, batches and computes. The
next batch forms while the previous one runs, so there is no waiting time to tune.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from model.batching import next_batch
from model.engine import Engine
from model.errors import ClassifierClosed, InferenceFailed, ModelError, Overloaded
from model.verdict import Verdict

_log = logging.getLogger(__name__)

_READ_AHEAD = 64
"""Texts tokenised before each batch: enough to choose lengths from, few enough to keep the network busy."""

_EXPECTED_SECONDS = 0.02
"""What one text takes before the worker has measured its own pace; only used to say when to come back."""


_TURNS_BETWEEN_WINDOWS = 8


class Priority(IntEnum):
    """Who waits: a person, or nobody."""

    INTERACTIVE = 0
    PASSIVE = 1


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts since the start: texts, except `batches`. `shed` were refused or dropped because the queue was full."""

    queued: int
    served: int
    failed: int
    shed: int
    batches: int


@dataclass(slots=True, eq=False)
class _Request:
    text: str
    priority: Priority
    arrival: int
    future: Future[Verdict]
    logits: list[NDArray[np.float32] | None] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Window:
    request: _Request
    index: int
    ids: list[int]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def turn(self) -> int:
        """When it is due. A long text's later windows let a few newer texts go first, but not for ever."""
        return self.request.arrival + _TURNS_BETWEEN_WINDOWS * self.index


class Worker:
    """Runs an engine in a thread of its own until `close`."""

    def __init__(self, load: Callable[[], Engine], queue_limit: int) -> None:
        """Starts the thread, which calls `load` first; `ready` holds the engine or the error."""
        self.ready: Future[Engine] = Future()
        self._load = load
        self._limit = queue_limit
        self._changed = threading.Condition()
        self._inbox: tuple[deque[_Request], deque[_Request]] = (deque(), deque())
        self._windows: tuple[list[_Window], list[_Window]] = ([], [])
        self._held: set[_Request] = set()
        self._closing = False
        self._served = self._failed = self._shed = self._batches = self._arrivals = 0
        self._pace = _EXPECTED_SECONDS
        self._thread = threading.Thread(target=self._run, name="inference", daemon=True)
        self._thread.start()

    def submit(self, text: str, priority: Priority) -> Future[Verdict]:
        """Queues a text. Cancelling the future takes it back at any time before its verdict.

        When the queue is full a passive text is refused, and an interactive one takes the place of the passive text
        that came last. Raises Overloaded and ClassifierClosed.
        """
        dropped: _Request | None = None
        with self._changed:
            if self._closing or not self._thread.is_alive():
                raise ClassifierClosed
            retry_after = max(1.0, len(self._held) * self._pace)
            if len(self._held) >= self._limit:
                self._shed += 1
                dropped = self._last_passive() if priority is Priority.INTERACTIVE else None
                if dropped is None:
                    raise Overloaded(retry_after)
            self._arrivals += 1
            request = _Request(text, priority, self._arrivals, Future())
            self._held.add(request)
            self._inbox[priority].append(request)
            self._changed.notify()
        if dropped is not None:
            _fail(dropped, Overloaded(retry_after))
        request.future.add_done_callback(lambda _: self._release(request))
        return request.future

    def stats(self) -> Stats:
        """Counts so far."""
        with self._changed:
            return Stats(len(self._held), self._served, self._failed, self._shed, self._batches)

    def close(self) -> None:
        """Lets the batch in hand finish, fails what waits with ClassifierClosed, and ends the thread. Blocks."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _last_passive(self) -> _Request | None:
        passive = self._inbox[Priority.PASSIVE]
        if not passive:
            return None
        self._held.discard(passive[-1])
        return passive.pop()

    def _release(self, request: _Request) -> None:
        with self._changed:
            self._held.discard(request)

    def _run(self) -> None:
        try:
            engine = self._load()
        except BaseException as error:
            self.ready.set_exception(error)
            self._end()
            return
        self.ready.set_result(engine)
        try:
            while self._wait_for_work():
                self._work(engine)
        finally:
            self._end()

    def _wait_for_work(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._closing or any(self._inbox) or any(self._windows))
            return not self._closing

    def _work(self, engine: Engine) -> None:
        """One batch. Whatever goes wrong in it is the answer of the texts in it, never the thread's end."""
        for request in self._take_requests():
            self._read(engine, request)
        batch = self._take_batch()
        if not batch:
            return
        started = time.perf_counter()
        self._compute(engine, batch)
        seconds = (time.perf_counter() - started) / len(batch)
        self._pace = 0.9 * self._pace + 0.1 * seconds

    def _take_requests(self) -> list[_Request]:
        with self._changed:
            taken: list[_Request] = []
            for inbox in self._inbox:
                while inbox and len(taken) < _READ_AHEAD:
                    taken.append(inbox.popleft())
                if self._windows[Priority.INTERACTIVE] or taken:
                    break
            return taken

    def _read(self, engine: Engine, request: _Request) -> None:
        if request.future.cancelled():
            return
        try:
            rows = engine.reader.read(request.text)
        except ModelError as error:
            self._fail(request, error)
        except Exception as error:
            self._fail(request, _failure(error))
        else:
            request.logits = [None] * len(rows)
            waiting = self._windows[request.priority]
            waiting.extend(_Window(request, index, ids) for index, ids in enumerate(rows))

    def _take_batch(self) -> list[_Window]:
        for waiting in self._windows:
            waiting[:] = [window for window in waiting if not window.request.future.done()]
            if waiting:
                waiting.sort(key=lambda window: window.turn)
                batch = next_batch(waiting)
                chosen = set(map(id, batch))
                waiting[:] = [window for window in waiting if id(window) not in chosen]
                return batch
        return []

    def _compute(self, engine: Engine, batch: list[_Window]) -> None:
        """Runs a batch; one that fails is halved until the guilty text fails alone."""
        try:
            logits = engine.backend.predict([window.ids for window in batch])
            rows = dict(zip(range(len(batch)), logits, strict=True))
        except Exception as error:  # whatever the backend raises, only its own text may suffer
            if len(batch) > 1:
                middle = len(batch) // 2
                self._compute(engine, batch[:middle])
                self._compute(engine, batch[middle:])
                return
            self._fail(batch[0].request, _failure(error))
            return
        self._batches += 1
        for index, window in enumerate(batch):
            self._finish(engine, window, rows[index])

    def _finish(self, engine: Engine, window: _Window, row: NDArray[np.float32]) -> None:
        request = window.request
        if not np.isfinite(row).all():
            self._fail(request, InferenceFailed("The model's answer for this text was not a number."))
            return
        request.logits[window.index] = row
        rows = [logits for logits in request.logits if logits is not None]
        if len(rows) < len(request.logits):
            return
        try:
            verdict = engine.decide(np.stack(rows))
        except Exception as error:
            self._fail(request, _failure(error))
        else:
            self._served += _settle(request, verdict)

    def _fail(self, request: _Request, error: ModelError) -> None:
        self._failed += _fail(request, error)

    def _end(self) -> None:
        with self._changed:
            self._closing = True
            left = list(self._held)
        for request in left:
            _fail(request, ClassifierClosed())


def _settle(request: _Request, verdict: Verdict) -> bool:
    """Hands over the verdict; False when the caller has gone."""
    try:
        request.future.set_result(verdict)
    except InvalidStateError:
        return False
    return True


def _fail(request: _Request, error: ModelError) -> bool:
    try:
        request.future.set_exception(error)
    except InvalidStateError:
        return False
    return True


def _failure(error: Exception) -> InferenceFailed:
    """Names the kind of error only: its message may hold the text."""
    _log.error("the model failed on a text: %s", type(error).__name__)
    return InferenceFailed(f"The model failed on this text ({type(error).__name__}).")
