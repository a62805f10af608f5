"""What waits for the model: bounded in tokens, people before passive texts, and every origin its share."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Hashable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from enum import IntEnum
from math import inf

from model.verdict import Verdict

_CHARACTERS_PER_TOKEN = 4
"""English chat and prose in WordPiece; a text is tokenised only when its turn comes, so its cost is estimated."""


_STALE_ENTRIES = 64
"""How many places in the order may be those of origins whose line has emptied since."""


class Priority(IntEnum):
    """Who waits: a person, or nobody."""

    INTERACTIVE = 0
    PASSIVE = 1


@dataclass(slots=True, eq=False)
class Request:
    """One text on its way. `arrived` and `deadline` are of `time.perf_counter`; `turn` is set when it is taken.

    `fresh` asks for a verdict that is computed, whatever is remembered.
    """

    text: str
    priority: Priority
    future: Future[Verdict]
    origin: Hashable = None
    arrived: float = 0.0
    deadline: float = inf
    fresh: bool = False
    turn: int = 0
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
        queue than its own would, so that a flood is at its own expense. Always of whoever holds most, the newest, and
        before those that were taken already. A text larger than the whole queue is let in when nothing else is there.
        """
        excess = self.tokens + request.cost - self.limit
        if excess <= 0 or self.tokens == 0:
            return []
        victims: list[Request] = []
        for victim in self._dispensable(request):
            victims.append(victim)
            excess -= victim.cost
            if excess <= 0:
                for one in victims:
                    self.release(one)
                return victims
        return None

    def put(self, request: Request) -> None:
        """Takes a text in, whether or not there is room."""
        self._held[request.priority].setdefault(request.origin, {})[request] = None
        self._lines[request.priority].put(request)
        self.tokens += request.cost

    def take(self, priority: Priority, tokens: int) -> list[Request]:
        """The next texts to compute, until they hold `tokens`, each with its `turn`. They are held until released."""
        taken: list[Request] = []
        while tokens > 0 and (request := self._lines[priority].pop()) is not None:
            self._turns += 1
            request.turn = self._turns
            tokens -= request.cost
            taken.append(request)
        return taken

    def has_waiting(self) -> bool:
        """Whether any text has not been taken yet."""
        return any(self._lines)

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
            yield from self._from_the_heaviest(Priority.PASSIVE, 0)
        own = sum(held.cost for held in self._held[request.priority].get(request.origin, ())) + request.cost
        yield from self._from_the_heaviest(request.priority, own)

    def _from_the_heaviest(self, priority: Priority, least: int) -> Iterator[Request]:
        """Texts of whichever origin would still hold most without those given so far, and `least` tokens at least."""
        untaken = self._lines[priority]
        heap: list[tuple[int, int, list[Request]]] = []
        for number, requests in enumerate(self._held[priority].values()):
            newest_last = sorted(requests, key=lambda request: request in untaken)
            heap.append((-sum(request.cost for request in requests), number, newest_last))
        heapq.heapify(heap)
        while heap:
            weight, number, own = heapq.heappop(heap)
            left = -weight - own[-1].cost
            if left < least:
                continue
            yield own.pop()
            if own:
                heapq.heappush(heap, (-left, number, own))


class _Lines:
    """Texts that have not been taken, in one line for each origin."""

    def __init__(self) -> None:
        self._lines: dict[Hashable, dict[Request, None]] = {}
        self._clocks: dict[Hashable, int] = {}
        self._now = 0
        self._order: list[tuple[int, int, Hashable]] = []
        self._entries = itertools.count()
        self._entry: dict[Hashable, int] = {}

    def __bool__(self) -> bool:
        return bool(self._lines)

    def __contains__(self, request: Request) -> bool:
        return request in self._lines.get(request.origin, ())

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
        if len(self._order) > 2 * len(self._entry) + _STALE_ENTRIES:
            self._order = [item for item in self._order if self._entry.get(item[2]) == item[1]]
            heapq.heapify(self._order)
            self._clocks = {one: clock for one, clock in self._clocks.items() if clock > self._now}
