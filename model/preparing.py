"""A thread that cleans long texts and tells languages apart, off the event loop and for one text at a time.

Its work is Python and holds the interpreter's lock, so it goes in steps of a millisecond with rests between, and a
second thread would only take from everybody else. Origins are served by turns: who sends many costly texts waits for
them, and whoever comes meanwhile waits for one of them at most.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Generator, Hashable
from concurrent.futures import Future

from model.errors import ClassifierClosed, ModelError, Overloaded
from model.handover import failure_of, refuse, settle
from model.queueing import Priority
from model.text import danger
from model.text.preprocessing import Prepared, prepare_in_steps

MOST_CHARACTERS = (4_000_000, 2_000_000)
"""What may wait here, by priority: with more of it a text is refused."""

_CHARACTERS_PER_SECOND = 200_000
"""About what costly texts take; only used to say when to come back."""

_REST = 3.0
"""How many times as long as a step is the rest after it: three quarters of the interpreter are left to the others."""

_LONGEST_REST = 0.02
"""In seconds: a step may have taken long because the machine was busy, or because a model was loaded."""

_Waiting = deque[tuple[str, Future[Prepared]]]


class Preparer:
    """Prepares texts until `close`. The thread is started with the first one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._lines: dict[Hashable, _Waiting] = {}
        self._turns: deque[Hashable] = deque()
        self._characters = 0
        self._started = False
        self._closing = False

    def submit(self, text: str, priority: Priority, origin: Hashable) -> Future[Prepared]:
        """What `prepare_in_steps` makes of the text, or its error. Cancelling takes it back.

        Raises Overloaded and ClassifierClosed.
        """
        with self._changed:
            if self._closing:
                raise ClassifierClosed
            if self._characters and self._characters + len(text) > MOST_CHARACTERS[priority]:
                raise Overloaded(self._characters / _CHARACTERS_PER_SECOND)
            future: Future[Prepared] = Future()
            line = self._lines.get(origin)
            if line is None:
                line = self._lines[origin] = deque()
                self._turns.append(origin)
            line.append((text, future))
            self._characters += len(text)
            if not self._started:
                self._started = True
                threading.Thread(target=self._run, name="preparing", daemon=True).start()
            self._changed.notify()
        return future

    def warm(self) -> None:
        """Has the table of what people in danger say read in the background, so that nobody waits for it."""
        threading.Thread(target=danger.prepare, name="reading tables", daemon=True).start()

    def close(self) -> None:
        """Fails what waits with ClassifierClosed, and lets the thread end. Does not block."""
        with self._changed:
            self._closing = True
            waiting = [future for line in self._lines.values() for _, future in line]
            self._lines.clear()
            self._turns.clear()
            self._characters = 0
            self._changed.notify()
        for future in waiting:
            refuse(future, ClassifierClosed())

    def _run(self) -> None:
        while (taken := self._next()) is not None:
            text, future = taken
            del taken
            if future.set_running_or_notify_cancel():
                self._prepare_into(future, text)
            del text, future  # neither the text nor whoever waits for it is kept while nothing is to do

    def _prepare_into(self, future: Future[Prepared], text: str) -> None:
        try:
            prepared = self._with_rests(prepare_in_steps(text))
        except ModelError as error:
            refuse(future, error.with_traceback(None))  # which would lead to the text
        except BaseException as error:
            refuse(future, failure_of(error))
        else:
            settle(future, prepared)

    def _with_rests(self, steps: Generator[None, None, Prepared]) -> Prepared:
        while True:
            started = time.perf_counter()
            try:
                next(steps)
            except StopIteration as end:
                prepared: Prepared = end.value
                return prepared
            if self._closing:
                raise ClassifierClosed
            time.sleep(min(_LONGEST_REST, _REST * (time.perf_counter() - started)))

    def _next(self) -> tuple[str, Future[Prepared]] | None:
        """The next text of the origin whose turn it is; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing or bool(self._turns))
            if self._closing:
                return None
            origin = self._turns.popleft()
            line = self._lines[origin]
            text, future = line.popleft()
            self._characters -= len(text)
            if line:
                self._turns.append(origin)
            else:
                del self._lines[origin]
            return text, future
