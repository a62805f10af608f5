"""Threads and event loops: handing a result or an error to whoever waits for it, if anybody still does."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from model.errors import InferenceFailed, ModelError

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


def own_error(error: BaseException) -> ModelError:
    """What one caller is told of an error: an instance of its own, which leads to no text.

    Of an error that was not made for people only the kind is named, and logged: its message may hold the text.
    """
    if isinstance(error, ModelError):
        return error.again()
    _log.error("the model failed on a text: %s", type(error).__name__)
    return InferenceFailed(f"The model failed on this text ({type(error).__name__}).")


def run_into(future: Future[_T], call: Callable[[], _T]) -> None:
    """Hands over what the call returns or raises."""
    try:
        settle(future, call())
    except BaseException as error:
        refuse(future, error)
    finally:
        del future, call  # to which the error leads back


async def in_thread(call: Callable[[], _T]) -> _T:
    """The result of a call that blocks, from a thread that does not keep the process from ending.

    The call has the context of who waits for it, such as the language in which they are spoken to.
    """
    done: Future[_T] = Future()
    context = copy_context()

    def run() -> None:
        if done.set_running_or_notify_cancel():
            run_into(done, partial(context.run, call))

    threading.Thread(target=run, name="beside", daemon=True).start()
    return await asyncio.wrap_future(done)


async def unless(stop: asyncio.Event, work: Coroutine[Any, Any, _T], *, grace: float) -> _T | None:
    """The result of `work`, or None when `stop` came first and `work` was cancelled.

    What is cancelled has `grace` seconds to end, and is left to itself then.
    """
    task, stopped = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
    except BaseException:
        task.cancel()
        raise
    finally:
        stopped.cancel()
    if task.done():
        return task.result()
    task.cancel()
    await asyncio.wait((task,), timeout=grace)  # not `wait_for`, which waits on while the work will not be cancelled
    if task.done():
        with suppress(asyncio.CancelledError, TimeoutError):
            task.result()
    return None


class Mailbox:
    """Brings what other threads compute into one event loop, many results with one waking of it."""

    def __init__(self) -> None:
        self._arrived: deque[tuple[asyncio.Future[Any], Future[Any]]] = deque()
        self._is_awake = False

    def expect(self, future: Future[_T]) -> asyncio.Future[_T]:
        """What `future` comes to, to be awaited in the running loop. Cancelling it cancels `future`."""
        waiter: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        waiter.add_done_callback(lambda waiter: future.cancel() if waiter.cancelled() else None)
        future.add_done_callback(partial(self._arrive, waiter))
        return waiter

    def _arrive(self, waiter: asyncio.Future[_T], future: Future[_T]) -> None:
        if waiter.get_loop().is_closed():
            self._arrived.clear()  # which would hold the loop and all that waits in it
            return
        self._arrived.append((waiter, future))
        if self._is_awake:
            return
        self._is_awake = True
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            waiter.get_loop().call_soon_threadsafe(self._hand_out)

    def _hand_out(self) -> None:
        self._is_awake = False  # first: what arrives from here on wakes the loop again
        while self._arrived:
            waiter, future = self._arrived.popleft()
            if waiter.done():
                continue
            if future.cancelled():
                waiter.cancel()
            elif (error := future.exception()) is not None:
                waiter.set_exception(error)
            else:
                waiter.set_result(future.result())


class Mailboxes:
    """One mailbox for each event loop in which somebody waits; those of loops that are gone go with them."""

    def __init__(self) -> None:
        self._mailboxes: WeakKeyDictionary[asyncio.AbstractEventLoop, Mailbox] = WeakKeyDictionary()

    def here(self) -> Mailbox:
        """The running loop's."""
        loop = asyncio.get_running_loop()
        mailbox = self._mailboxes.get(loop)
        if mailbox is None:
            mailbox = self._mailboxes[loop] = Mailbox()
        return mailbox


class Crew:
    """Threads that make calls in the order in which these come, each the next one when it has done the last.

    Daemons, unlike those of `ThreadPoolExecutor`: a call that never returns does not keep the process from ending.
    """

    def __init__(self, name: str, threads: int = 1, *, nice: int = 0) -> None:
        """The threads are started when there is something to do for them.

        `nice` is by how much they stand behind the other threads where the system knows threads' priorities, as Linux
        does; elsewhere it does nothing.
        """
        self._name = name
        self._nice = nice
        self._threads = threads
        self._started = 0
        self._starting = threading.Lock()
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()

    def submit(self, call: Callable[[], _T]) -> Future[_T]:
        """What the call returns or raises. It can be cancelled until a thread has begun with it."""
        if self._started < self._threads:  # once they all are, nobody takes the lock any more
            with self._starting:
                if self._started < self._threads:
                    threading.Thread(target=self._run, name=self._name, daemon=True).start()
                    self._started += 1
        done: Future[_T] = Future()
        self._calls.put((done, call))
        return done

    def close(self) -> None:
        """Ends the threads after the calls that were submitted."""
        for _ in range(self._started):
            self._calls.put(None)

    def _run(self) -> None:
        if self._nice and sys.platform == "linux":
            with suppress(OSError):  # a sandbox may forbid it
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), self._nice)
        while (item := self._calls.get()) is not None:
            done, call = item
            if done.set_running_or_notify_cancel():
                run_into(done, call)
            del item, done, call  # what they hold must not live until the next call
