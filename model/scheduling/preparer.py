"""A thread that cleans long texts and tells languages apart, off the event loop and for one text at a time.

Its work is Python and holds the interpreter's lock, so it goes in steps of a millisecond with rests between, and a
second thread would only take from everybody else. Origins are served by turns, and of one what people ask about beside
what is watched: who sends many costly texts waits for them, and whoever comes meanwhile waits for one of them at most.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections import deque
from collections.abc import Generator, Hashable, Iterator
from concurrent.futures import Future
from functools import partial

from model.concurrency import own_error, refuse, settle
from model.errors import ClassifierClosed, Overloaded
from model.scheduling.request import Priority
from model.text import danger
from model.text.identification import Languages
from model.text.preprocessing import Prepared, prepare_in_steps

MOST_CHARACTERS = (4_000_000, 2_000_000, 1_000_000)
"""What may wait here, by priority: with more of it a text is refused."""

_CHARACTERS_PER_SECOND = 200_000
"""About what costly texts take; only used to say when to come back."""

_REST = 3.0
"""How many times as long as a step is the rest after it: three quarters of the interpreter are left to the others."""

_LONGEST_REST = 0.02
"""In seconds: a step may have taken long because the machine was busy, or because a model was loaded."""

_Line = tuple[Hashable, Priority]
_Waiting = dict[Future[Prepared], tuple[str, Languages]]


class Preparer:
    """Prepares texts until `close`. The thread is started with the first one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._lines: dict[_Line, _Waiting] = {}
        self._turns: deque[_Line] = deque()
        self._weights: dict[_Line, int] = {}
        self._characters = 0
        self._started = False
        self._closing = False

    def submit(self, text: str, priority: Priority, origin: Hashable, languages: Languages = ()) -> Future[Prepared]:
        """What `prepare_in_steps` makes of the text, or its error. Cancelling takes it back.

        When too much waits, the newest texts of whoever has most there are refused for it, if that is more than its own
        origin would have. Raises Overloaded and ClassifierClosed.
        """
        future: Future[Prepared] = Future()
        place = (origin, priority)
        with self._changed:
            if self._closing:
                raise ClassifierClosed
            overloaded = Overloaded(self._characters / _CHARACTERS_PER_SECOND)
            victims = self._make_room(place, len(text))
            if victims is None:
                raise overloaded
            line = self._lines.get(place)
            if line is None:
                line = self._lines[place] = {}
                self._turns.append(place)
            line[future] = text, languages
            self._weigh(place, len(text))
            if not self._started:
                self._started = True
                threading.Thread(target=self._run, name="preparing", daemon=True).start()
            self._changed.notify()
        for victim in victims:
            refuse(victim, Overloaded(overloaded.retry_after))
        future.add_done_callback(partial(self._forget, place))
        return future

    def warm(self) -> None:
        """Has the table of what people in danger say read in the background, so that nobody waits for it."""
        threading.Thread(target=danger.prepare, name="reading tables", daemon=True).start()

    def close(self) -> None:
        """Fails what waits with ClassifierClosed, and lets the thread end. Does not block."""
        with self._changed:
            self._closing = True
            waiting = [future for line in self._lines.values() for future in line]
            self._lines.clear()
            self._turns.clear()
            self._weights.clear()
            self._characters = 0
            self._changed.notify()
        for future in waiting:
            refuse(future, ClassifierClosed())

    def _run(self) -> None:
        while (taken := self._next()) is not None:
            (text, languages), future = taken
            del taken
            if future.set_running_or_notify_cancel():
                self._prepare_into(future, text, languages)
            del text, future  # neither the text nor whoever waits for it is kept while nothing is to do

    def _prepare_into(self, future: Future[Prepared], text: str, languages: Languages) -> None:
        try:
            prepared = self._with_rests(prepare_in_steps(text, languages))
        except BaseException as error:
            refuse(future, own_error(error))
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

    def _next(self) -> tuple[tuple[str, Languages], Future[Prepared]] | None:
        """The next text of the origin whose turn it is; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing or bool(self._turns))
            if self._closing:
                return None
            place = self._turns.popleft()
            future = next(iter(self._lines[place]))
            text = self._take(place, future)
            if place in self._lines:
                self._turns.append(place)
            return text, future

    def _take(self, place: _Line, future: Future[Prepared]) -> tuple[str, Languages]:
        """Out of its line, and the line away when nothing is left in it. Its turn is the caller's to see to."""
        line = self._lines[place]
        text, languages = line.pop(future)
        self._weigh(place, -len(text))
        if not line:
            del self._lines[place], self._weights[place]
        return text, languages

    def _weigh(self, place: _Line, characters: int) -> None:
        self._weights[place] = self._weights.get(place, 0) + characters
        self._characters += characters

    def _withdraw(self, place: _Line, future: Future[Prepared]) -> None:
        self._take(place, future)
        if place not in self._lines:
            self._turns.remove(place)

    def _forget(self, place: _Line, future: Future[Prepared]) -> None:
        """Who is not waited for any more takes no room, and its text is not kept."""
        with self._changed:
            if future in self._lines.get(place, ()):
                self._withdraw(place, future)

    def _make_room(self, place: _Line, characters: int) -> list[Future[Prepared]] | None:
        """Withdraws texts until there is room, and returns their futures; None when it must be refused instead."""
        most = MOST_CHARACTERS[place[1]]
        excess = self._characters + characters - most
        if excess <= 0 or not self._characters:
            return []
        own = self._weights.get(place, 0) + characters
        # Watched texts before a person's, which never make way for those; then whoever has most.
        heap = [(-one[1], -weight, number, one) for number, (one, weight) in enumerate(self._weights.items())]
        heap = [entry for entry in heap if -entry[0] >= place[1]]
        heapq.heapify(heap)
        newest: dict[_Line, Iterator[Future[Prepared]]] = {}
        chosen: list[tuple[_Line, Future[Prepared]]] = []
        while excess > 0 and heap:
            kind, weight, number, one = heapq.heappop(heap)
            victim = next(newest.setdefault(one, iter(reversed(self._lines[one]))), None)
            if victim is None:
                continue
            left = -weight - len(self._lines[one][victim][0])
            if one[1] is place[1] and left < own:
                continue
            chosen.append((one, victim))
            excess -= -weight - left
            heapq.heappush(heap, (kind, -left, number, one))
        if excess > 0:
            return None
        for one, victim in chosen:
            self._withdraw(one, victim)
        return [victim for _, victim in chosen]
