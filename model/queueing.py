"""What waits for the model: bounded in tokens, people before passive texts, and every origin its share."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Hashable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import IntEnum
from math import inf
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from model.verdict import Verdict

if TYPE_CHECKING:
    from model.engine import Engine

_CHARACTERS_PER_TOKEN = 4
"""English chat and prose in WordPiece; a text is tokenised only when its turn comes, so its cost is estimated."""


class Priority(IntEnum):
    """Who waits: a person, or nobody."""

    INTERACTIVE = 0
    PASSIVE = 1


@dataclass(slots=True, eq=False)
class Request:
    """One text on its way. `arrived` and `deadline` are of `time.perf_counter`; `turn` is set when it is taken."""

    text: str
    priority: Priority
    future: Future[Verdict]
    origin: Hashable = None
    arrived: float = 0.0
    deadline: float = inf
    turn: int = 0
    engine: Engine | None = None
    key: bytes | None = None
    logits: list[NDArray[np.float32] | None] = field(default_factory=list)
    cost: int = 0

    def __post_init__(self) -> None:
        self.cost = estimated_tokens(self.text)


def estimated_tokens(text: str) -> int:
    """What a text costs in the queue: its tokens, special ones included, guessed from its characters."""
    return 3 + len(text) // _CHARACTERS_PER_TOKEN


class FairQueue:
    """Texts by priority and, within one, by origin: whoever has been given least comes next.

    An origin is whoever the work is for, such as a Discord server. The order among origins is start-time fair queueing
    (Goyal et al. 1997): each text moves its origin's clock on by its cost. Not thread-safe; the worker has the lock.
    """

    def __init__(self, limit: int) -> None:
        """`limit` is in estimated tokens, of texts that wait or are being computed."""
        self.limit = limit
        self.tokens = 0
        # All requests by priority and origin, in order of arrival: dicts without values, so any can leave at once.
        self._held: tuple[dict[Hashable, dict[Request, None]], ...] = ({}, {})
        self._lines = (_Lines(), _Lines())
        self._turns = 0

    def __len__(self) -> int:
        """Texts that wait or are being computed."""
        return sum(len(requests) for held in self._held for requests in held.values())

    def __contains__(self, request: Request) -> bool:
        return request in self._held[request.priority].get(request.origin, ())

    def requests(self) -> list[Request]:
        """All that wait or are being computed."""
        return [request for held in self._held for requests in held.values() for request in requests]

    def make_room(self, request: Request) -> list[Request] | None:
        """Gives up the places of other texts until `request` fits, and returns them; None when it must be refused.

        For a person passive texts go first. Then a text only takes the places of an origin that holds more of the
        queue than its own would, so that a flood is at its own expense. The newest go first. A text larger than the
        whole queue is let in when nothing else is there.
        """
        excess = self.tokens + request.cost - self.limit
        victims: list[Request] = []
        if self.tokens == 0:
            return victims
        for victim in self._dispensable(request):
            if excess <= 0:
                break
            victims.append(victim)
            excess -= victim.cost
        if excess > 0:
            return None
        for victim in victims:
            self.release(victim)
        return victims

    def put(self, request: Request) -> None:
        """Takes a text in, whether or not there is room."""
        self._held[request.priority].setdefault(request.origin, {})[request] = None
        self._lines[request.priority].put(request)
        self.tokens += request.cost

    def take(self, priority: Priority, count: int) -> list[Request]:
        """The next texts to compute, at most `count`, each with its `turn`. They are held until they are released."""
        taken: list[Request] = []
        while len(taken) < count and (request := self._lines[priority].pop()) is not None:
            self._turns += 1
            request.turn = self._turns
            taken.append(request)
        return taken

    def has_waiting(self) -> bool:
        """Whether any text has not been taken yet."""
        return any(map(len, self._lines))

    def waiting(self) -> list[Request]:
        """Texts that have not been taken yet."""
        return [request for lines in self._lines for request in lines.requests()]

    def release(self, request: Request) -> None:
        """Forgets a text; one that is not held is no matter."""
        held = self._held[request.priority]
        requests = held.get(request.origin, {})
        if request not in requests:
            return
        del requests[request]
        if not requests:
            del held[request.origin]
        self.tokens -= request.cost
        self._lines[request.priority].remove(request)

    def _dispensable(self, request: Request) -> Iterator[Request]:
        """Whose place `request` may take, in the order in which they go."""
        if request.priority is Priority.INTERACTIVE:
            for _, requests in self._heaviest_first(Priority.PASSIVE):
                yield from reversed(requests)
        own = sum(held.cost for held in self._held[request.priority].get(request.origin, ())) + request.cost
        for weight, requests in self._heaviest_first(request.priority):
            left = weight
            for other in reversed(requests):
                left -= other.cost
                if left < own:
                    break
                yield other

    def _heaviest_first(self, priority: Priority) -> list[tuple[int, list[Request]]]:
        weighed = [(sum(held.cost for held in requests), list(requests)) for requests in self._held[priority].values()]
        return sorted(weighed, key=lambda pair: pair[0], reverse=True)


class _Lines:
    """Texts that have not been taken, in one line for each origin."""

    def __init__(self) -> None:
        self._lines: dict[Hashable, dict[Request, None]] = {}
        self._clocks: dict[Hashable, int] = {}
        self._now = 0
        self._order: list[tuple[int, int, Hashable]] = []
        self._entries = itertools.count()
        self._entry: dict[Hashable, int] = {}

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def requests(self) -> list[Request]:
        return [request for line in self._lines.values() for request in line]

    def put(self, request: Request) -> None:
        line = self._lines.setdefault(request.origin, {})
        line[request] = None
        if len(line) == 1:
            self._schedule(request.origin)

    def pop(self) -> Request | None:
        while self._order:
            clock, entry, origin = heapq.heappop(self._order)
            if self._entry.get(origin) != entry:
                continue  # its line emptied and was scheduled anew
            request = next(iter(self._lines[origin]))
            self._now = clock
            self._clocks[origin] = clock + request.cost
            self.remove(request)
            if origin in self._lines:
                self._schedule(origin)
            return request
        self._clocks.clear()
        return None

    def remove(self, request: Request) -> None:
        line = self._lines.get(request.origin, {})
        if request not in line:
            return
        del line[request]
        if not line:
            del self._lines[request.origin]
            del self._entry[request.origin]

    def _schedule(self, origin: Hashable) -> None:
        """An origin that was away does not save up turns."""
        entry = next(self._entries)
        self._entry[origin] = entry
        heapq.heappush(self._order, (max(self._now, self._clocks.get(origin, 0)), entry, origin))
