"""The one thread that owns the model.

Callers put texts into a bounded queue and hold a future; the thread cleans, tokenises, batches and computes. The
next batch forms while the previous one runs, so there is no waiting time to tune.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from model.batching import next_batch
from model.engine import Engine
from model.errors import ClassifierClosed, InferenceFailed, ModelError, Overloaded
from model.verdict import Verdict

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

_READ_AHEAD = 64
"""Tokenised texts that wait for their first batch: enough to choose lengths from, few enough to be ready soon."""

_EXPECTED_SECONDS = 0.02
"""What one text takes before the worker has measured its own pace; only used to say when to come back."""

_TURNS_BETWEEN_WINDOWS = 8
"""Newer texts that may go before each further window of a long one."""


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
        """Starts the thread, which calls `load` first.

        `ready` holds the engine or the error; cancelling it ends the worker. `ended` is done when the thread is.
        """
        self.ready: Future[Engine] = Future()
        self.ended: Future[None] = Future()
        self._load = load
        self._limit = queue_limit
        self._changed = threading.Condition()
        # By priority. The inboxes are dicts without values: in order of arrival, and a text can leave from anywhere.
        self._inbox: tuple[dict[_Request, None], dict[_Request, None]] = ({}, {})
        self._windows: tuple[list[_Window], list[_Window]] = ([], [])
        self._held: set[_Request] = set()
        self._in_hand: set[_Request] = set()
        self._closing = False
        self._served = self._failed = self._shed = self._batches = self._arrivals = 0
        self._pace = _EXPECTED_SECONDS
        # A daemon: a batch that hangs must not keep the process from ending.
        threading.Thread(target=self._run, name="inference", daemon=True).start()

    def submit(self, text: str, priority: Priority) -> Future[Verdict]:
        """Queues a text. Cancelling the future takes it back at any time before its verdict.

        When the queue is full a passive text is refused, and an interactive one takes the place of the passive text
        that came last. Raises Overloaded and ClassifierClosed.
        """
        dropped: _Request | None = None
        with self._changed:
            if self._closing:
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
            self._inbox[priority][request] = None
            self._changed.notify()
        if dropped is not None:
            _refuse(dropped.future, Overloaded(retry_after))
        request.future.add_done_callback(lambda _: self._release(request))
        return request.future

    def stats(self) -> Stats:
        """Counts so far."""
        with self._changed:
            return Stats(len(self._held), self._served, self._failed, self._shed, self._batches)

    def close(self) -> None:
        """Fails what waits with ClassifierClosed, and lets the thread end after the batch in hand. Does not block."""
        with self._changed:
            self._closing = True
            waiting = self._held - self._in_hand
            self._changed.notify()
        for request in waiting:
            _refuse(request.future, ClassifierClosed())

    def _last_passive(self) -> _Request | None:
        """Gives up the place of the newest passive text, wherever it is; once refused, its windows are skipped."""
        passive = (request for request in self._held if request.priority is Priority.PASSIVE)
        last = max(passive, key=lambda request: request.arrival, default=None)
        if last is not None:
            self._held.remove(last)
        return last

    def _release(self, request: _Request) -> None:
        with self._changed:
            self._held.discard(request)
            self._inbox[request.priority].pop(request, None)

    def _run(self) -> None:
        try:
            engine = self._load()
        except BaseException as error:
            _refuse(self.ready, error)
        else:
            wanted = _settle(self.ready, engine)
            while wanted and self._wait_for_work():
                try:
                    self._work(engine)
                except BaseException as error:
                    self._give_up(error)
        self.close()
        _settle(self.ended, None)

    def _wait_for_work(self) -> bool:
        with self._changed:
            self._in_hand = set()
            self._changed.wait_for(lambda: self._closing or any(self._inbox) or any(self._windows))
            return not self._closing

    def _work(self, engine: Engine) -> None:
        """One batch. Whatever goes wrong in it is the answer of the texts in it, never the thread's end."""
        for request in self._take_requests():
            if self._closing:
                return
            self._read(engine, request)
        batch = self._take_batch()
        if not batch:
            return
        started = time.perf_counter()
        self._compute(engine, batch)
        seconds = (time.perf_counter() - started) / len(batch)
        self._pace = 0.9 * self._pace + 0.1 * seconds

    def _take_requests(self) -> list[_Request]:
        """The next texts to read; passive ones only when no person waits."""
        with self._changed:
            for inbox, waiting in zip(self._inbox, self._windows, strict=True):
                unbegun = sum(window.index == 0 for window in waiting)
                taken = list(islice(inbox, max(0, _READ_AHEAD - unbegun)))
                for request in taken:
                    del inbox[request]
                if taken or waiting:
                    return taken
            return []

    def _read(self, engine: Engine, request: _Request) -> None:
        if request.future.done():
            return
        try:
            rows = engine.reader.read(request.text)
        except BaseException as error:  # a panic of the tokenizer's Rust is no Exception
            self._fail(request, error)
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
                self._in_hand = {window.request for window in batch}
                return batch
        return []

    def _compute(self, engine: Engine, batch: list[_Window]) -> None:
        """Runs a batch; one that fails is halved until the guilty text fails alone."""
        try:
            logits = engine.backend.predict([window.ids for window in batch])
            rows = dict(zip(range(len(batch)), logits, strict=True))
        except BaseException as error:  # whatever the backend raises, only its own text may suffer
            if len(batch) > 1:
                middle = len(batch) // 2
                self._compute(engine, batch[:middle])
                self._compute(engine, batch[middle:])
                return
            self._fail(batch[0].request, error)
            return
        self._batches += 1
        for index, window in enumerate(batch):
            self._finish(engine, window, rows[index])

    def _finish(self, engine: Engine, window: _Window, row: NDArray[np.float32]) -> None:
        request = window.request
        try:
            if not np.isfinite(row).all():
                self._fail(request, InferenceFailed("The model's answer for this text was not a number."))
                return
            request.logits[window.index] = row
            rows = [logits for logits in request.logits if logits is not None]
            if len(rows) < len(request.logits):
                return
            verdict = engine.decide(np.stack(rows))
        except BaseException as error:  # a backend may answer with anything
            self._fail(request, error)
        else:
            self._served += _settle(request.future, verdict)

    def _fail(self, request: _Request, error: BaseException) -> None:
        self._failed += _refuse(request.future, error if isinstance(error, ModelError) else _failure(error))

    def _give_up(self, error: BaseException) -> None:
        """Fails all that has been taken from the inboxes: after an error in the worker itself, no state is trusted."""
        failure = _failure(error)
        with self._changed:
            taken = self._held.difference(*self._inbox)
        for waiting in self._windows:
            waiting.clear()
        for request in taken:
            self._fail(request, failure)


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
