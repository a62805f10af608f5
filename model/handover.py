"""Handing a result or an error to whoever waits for it, if anybody still does."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from queue import SimpleQueue
from typing import Any, TypeVar

from model.errors import InferenceFailed

_log = logging.getLogger(__name__)

_T = TypeVar("_T")


def settle(future: Future[_T], result: _T) -> bool:
    """Hands over the result; False when the caller has gone or already has an answer."""
    try:
        future.set_result(result)
    except InvalidStateError:
        return False
    return True


def refuse(future: Future[_T], error: BaseException) -> bool:
    """Hands over the error; False when the caller has gone or already has an answer."""
    try:
        future.set_exception(error)
    except InvalidStateError:
        return False
    return True


def failure_of(error: BaseException) -> InferenceFailed:
    """Names the kind of error only: its message may hold the text."""
    _log.error("the model failed on a text: %s", type(error).__name__)
    return InferenceFailed(f"The model failed on this text ({type(error).__name__}).")


class Lane:
    """A thread that makes one call after the other.

    A daemon, unlike those of `ThreadPoolExecutor`: a call that never returns does not keep the process from ending.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._started = False

    def submit(self, call: Callable[[], _T]) -> Future[_T]:
        """What the call returns or raises."""
        if not self._started:
            self._started = True
            threading.Thread(target=self._run, name=self._name, daemon=True).start()
        done: Future[_T] = Future()
        self._calls.put((done, call))
        return done

    def close(self) -> None:
        """Ends the thread after the calls that were submitted."""
        self._calls.put(None)

    def _run(self) -> None:
        while (item := self._calls.get()) is not None:
            done, call = item
            try:
                settle(done, call())
            except BaseException as error:
                refuse(done, error)
            del item, done, call  # what they hold must not live until the next call
