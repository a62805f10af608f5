"""What goes into the next batch: a plan over the texts that were read.

Nothing here knows a thread, a lock or a clock: whoever asks says what is with the backend and who is not waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum

from model.scheduling.batching import first_tokens, next_batch
from model.scheduling.fair_queue import FairQueue
from model.scheduling.request import Priority, Request
from model.scheduling.request_windows import Window

_CHOICE_TOKENS = 4096
"""A batch is chosen from so many tokens of windows, those that are due first, or from two batches' worth: enough for
like lengths, and nobody's text goes far ahead of its turn."""

_SHARED = 2
"""By how much batches are smaller while one origin sends much and others little."""

_AT_HAND = 128
"""Tokens of a batch that the loop's thread computes itself when there is nothing else to do: a few milliseconds, for
whoever comes meanwhile waits for all of it."""

_AHEAD = 2
"""Batches that may be with the backend at a time: the one it computes, and the one that comes next."""


class Lane(Enum):
    """What goes into a batch: short texts, or the windows of long ones, which are computed beside those."""

    LIGHT = "light"
    HEAVY = "heavy"

    def takes(self, window: Window) -> bool:
        """Whether the window may go."""
        return window.is_heavy is (self is Lane.HEAVY)


class BatchPlanner:
    """Windows that were read and are not with the backend yet, and which of them go there next.

    `budget` is the engine's, in padded tokens, and `shared` is whether somebody floods the queue while others are there
    (`FairQueue.is_shared`).
    """

    def __init__(self) -> None:
        self._windows: tuple[list[Window], ...] = tuple([] for _ in Priority)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return any(self._windows)

    def add(self, priority: Priority, windows: Iterable[Window]) -> None:
        """The windows of a text that was read."""
        self._windows[priority].extend(windows)

    def clear(self) -> list[Request]:
        """Forgets all windows, and returns their texts in the order in which they are due."""
        texts = {window.job.request: None for waiting in self._windows for window in waiting}
        for waiting in self._windows:
            waiting.clear()
        return sorted(texts, key=lambda request: request.turn)

    def may_read(self, queue: FairQueue, budget: int) -> tuple[Priority, int] | None:
        """Which texts may be read now, and how many tokens of them; the less urgent only when no others wait.

        Whoever asks has the queue's lock.
        """
        for priority, waiting in zip(Priority, self._windows, strict=True):
            # Texts of who sends little are read in any case, and must not keep the others from falling due.
            ahead = sum(len(w) for w in waiting if w.index == 0 and not w.job.request.sparse)
            # Few, while others are there: all that were taken fall due together.
            room = budget // _SHARED if queue.is_shared() else _choice(budget)
            if queue.can_take(priority, room - ahead):
                return priority, min(room - ahead, budget)
            if waiting:
                break
        return None

    def lane(self, budget: int, *, shared: bool, ahead: int, aside: int) -> Lane | None:
        """Which batch should be sent off, if any: at once when none is computed, and ahead of time when it is full.

        `ahead` batches are with the backend, and `aside` beside those. While somebody floods the queue only what comes
        from others is sent ahead.
        """
        waiting = next((some for some in self._windows if some), [])
        light = [window for window in waiting if not window.is_heavy]
        if light and not ahead:
            return Lane.LIGHT
        if light and ahead < _AHEAD:
            full = sum(map(len, light)) >= budget
            if any(window.job.request.sparse for window in light) if shared else full:
                return Lane.LIGHT
        if len(light) < len(waiting):
            alone = not (light or ahead or shared)
            if not aside or (alone and aside < _AHEAD and sum(map(len, waiting)) >= budget):
                return Lane.HEAVY
        return None

    def take_batch(self, lane: Lane, *, shared: bool, begun: int, is_wanted: Callable[[Request], bool]) -> list[Window]:
        """Takes out windows of one engine, that of the text which is due. Those that nobody wants are dropped.

        `begun` is how many tokens have been computed so far (`FairQueue.begun`).
        """
        for waiting in self._windows:
            waiting[:] = [window for window in waiting if is_wanted(window.job.request)]
            if waiting:
                waiting.sort(key=lambda window: window.turn)
                may = [window for window in waiting if lane.takes(window)]
                if not may:
                    return []
                engine = may[0].job.engine
                own = [window for window in may if window.job.engine is engine]
                if own[0].job.request.sparse:
                    own = [window for window in own if window.job.request.sparse or window.turn <= begun]
                # The smaller the batch in hand, the sooner is computed what comes from somebody else.
                busy = shared or (lane is Lane.HEAVY and len(may) < len(waiting))
                budget = engine.budget // _SHARED if busy else engine.budget
                batch = next_batch(first_tokens(own, _choice(engine.budget)), budget)
                chosen = set(map(id, batch))
                waiting[:] = [window for window in waiting if id(window) not in chosen]
                return batch
        return []

    def is_at_hand(self, batch: list[Window]) -> bool:
        """Whether the batch is so small, and nothing else read, that the loop's own thread may compute it."""
        return not self and sum(map(len, batch)) <= _AT_HAND


def _choice(budget: int) -> int:
    """Tokens of windows from which a batch is chosen."""
    return max(_CHOICE_TOKENS, 2 * budget)
