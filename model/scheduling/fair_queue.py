"""What waits for the model: bounded in tokens, people before passive texts, and every origin its share."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Hashable, Iterator

from model.scheduling.request import Priority, Request

SPARSE_TOKENS = 1024
"""An origin with no more than this in the queue, some forty chat messages, is not made to wait for its share."""

PATIENCE = 8192
"""Tokens computed after which a text of an origin that sends much is as due as one that comes from others just then."""

_STALE_ENTRIES = 64
"""How many places in the order may be those of origins whose line has emptied since."""


class FairQueue:
    """Texts by priority and, within one, by origin: who sends little comes next, and of the others all in turn.

    An origin is whoever the work is for, such as a Discord server. One that has little in the queue is served in the
    order of arrival, as if nobody else sent much (the sparse flows of FQ-CoDel, RFC 8290). What goes beyond that waits
    for its share, in the order of start-time fair queueing (Goyal et al. 1997): each text moves its origin's clock on
    by its cost. It does not wait for ever: a text that was taken falls due as the work goes on. Not thread-safe: its
    owner, the ledger, has the lock.
    """

    def __init__(self, limit: int, sparse: int = SPARSE_TOKENS) -> None:
        """`limit` is in estimated tokens, of texts that wait or are being computed; `sparse`, too, of one origin."""
        self.limit = limit
        self._sparse_tokens = sparse
        self.tokens = 0
        # All requests by priority and origin, in order of arrival: dicts without values, so any can leave at once.
        self._held: tuple[dict[Hashable, dict[Request, None]], ...] = tuple({} for _ in Priority)
        self._weights: tuple[dict[Hashable, int], ...] = tuple({} for _ in Priority)
        self._sparse: tuple[dict[Request, None], ...] = tuple({} for _ in Priority)
        self._lines = tuple(_Lines() for _ in Priority)
        # Until little of theirs is left, which goes first then: a later text of theirs must not overtake it.
        self._bulky: tuple[set[Hashable], ...] = tuple(set() for _ in Priority)
        self.begun = 0
        self._last_sparse = -PATIENCE

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

        What is less urgent goes first, the past before the news. Then a text only takes the places of an origin that
        holds more of the queue than its own would, so that a flood is at its own expense. Always of whoever holds most,
        the newest, and before those that were taken already. A text larger than the whole queue is let in when nothing
        else is there.
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
        weights = self._weights[request.priority]
        weights[request.origin] = weights.get(request.origin, 0) + request.cost
        self.tokens += request.cost
        lines = self._lines[request.priority]
        bulky = self._bulky[request.priority]
        if weights[request.origin] <= self._sparse_tokens and request.origin not in bulky:
            request.sparse, request.turn = True, self.begun
            if any(self._bulky):
                self._last_sparse = self.begun
            self._sparse[request.priority][request] = None
        else:
            bulky.add(request.origin)
            lines.put(request)

    def can_take(self, priority: Priority, tokens: int) -> bool:
        """Whether `take` would find anything."""
        return bool(self._sparse[priority]) or (tokens > 0 and bool(self._lines[priority]))

    def take(self, priority: Priority, tokens: int) -> list[Request]:
        """The next texts to compute, each with its `turn`. They are held until released.

        All of origins that send little, and of the others until they hold `tokens`.
        """
        taken = list(self._sparse[priority])
        self._sparse[priority].clear()
        while tokens > 0 and (request := self._lines[priority].pop()) is not None:
            request.turn = self.begun + PATIENCE
            tokens -= request.cost
            taken.append(request)
        return taken

    def begin(self, tokens: int) -> None:
        """So many tokens of texts that were taken are being computed."""
        self.begun += tokens

    def is_shared(self) -> bool:
        """Whether, beside an origin that sends much, others have sent something of late."""
        return any(self._bulky) and self.begun - self._last_sparse < PATIENCE

    def has_waiting(self) -> bool:
        """Whether any text has not been taken yet."""
        return any(self._sparse) or any(self._lines)

    def waiting(self) -> list[Request]:
        """Texts that have not been taken yet."""
        sparse = [request for requests in self._sparse for request in requests]
        return sparse + [request for lines in self._lines for request in lines.requests()]

    def release(self, request: Request) -> None:
        """Forgets a text; one that is not held is no matter."""
        held = self._held[request.priority]
        requests = held.get(request.origin, {})
        if request not in requests:
            return
        del requests[request]
        self._weights[request.priority][request.origin] -= request.cost
        if not requests:
            del held[request.origin], self._weights[request.priority][request.origin]
            self._bulky[request.priority].discard(request.origin)
        self.tokens -= request.cost
        self._sparse[request.priority].pop(request, None)
        self._lines[request.priority].remove(request)
        if request.origin in self._bulky[request.priority]:
            self._forgive(request.priority, request.origin)

    def _forgive(self, priority: Priority, origin: Hashable) -> None:
        """Who has little left counts as sending little; otherwise whoever always has something there never would."""
        if self._weights[priority][origin] > self._sparse_tokens // 2:
            return
        self._bulky[priority].discard(origin)
        for request in self._held[priority][origin]:
            request.sparse = True
            if request in self._lines[priority]:
                self._lines[priority].remove(request)
                self._sparse[priority][request] = None
                request.turn = self.begun
            else:
                request.turn = min(request.turn, self.begun)

    def _dispensable(self, request: Request) -> Iterator[Request]:
        """Whose place `request` may take, in the order in which they go."""
        for priority in reversed(Priority):
            if priority > request.priority:
                yield from self._from_the_heaviest(priority, 0)
        own = self._weights[request.priority].get(request.origin, 0) + request.cost
        yield from self._from_the_heaviest(request.priority, own)

    def _from_the_heaviest(self, priority: Priority, least: int) -> Iterator[Request]:
        """Texts of whichever origin would still hold most without those given so far, and `least` tokens at least."""
        weights = self._weights[priority].items()
        heap = [(-weight, number, origin) for number, (origin, weight) in enumerate(weights) if weight > least]
        heapq.heapify(heap)
        newest: dict[Hashable, Iterator[Request]] = {}
        while heap:
            weight, number, origin = heapq.heappop(heap)
            if origin not in newest:
                newest[origin] = self._newest_first(priority, origin)
            victim = next(newest[origin], None)
            if victim is None or (left := -weight - victim.cost) < least:
                continue
            yield victim
            heapq.heappush(heap, (-left, number, origin))

    def _newest_first(self, priority: Priority, origin: Hashable) -> Iterator[Request]:
        """An origin's texts, those that were not taken yet before the others. Whoever looks at few pays for few."""
        line = self._lines[priority].of(origin)
        yield from reversed(line)
        others = [request for request in self._held[priority][origin] if request not in line]
        others.sort(key=self._sparse[priority].__contains__)
        yield from reversed(others)


class _Lines:
    """Texts that wait for their share, in one line for each origin."""

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

    def of(self, origin: Hashable) -> dict[Request, None]:
        return self._lines.get(origin, {})

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
