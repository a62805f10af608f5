"""Puts texts together into lists and has servers answer them, or the model here where none does.

What waits, is refused and is counted is the business of the same queue and ledger that a model in this process has.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from hashlib import blake2b
from math import inf, isinf
from secrets import token_bytes
from typing import Any

from model.classifier import Classifier
from model.concurrency import refuse
from model.errors import (
    ClassifierClosed,
    DeadlinePassed,
    InferenceFailed,
    ModelError,
    NothingToRead,
    Overloaded,
    TextTooLong,
    Unreadable,
)
from model.explain import Explanation
from model.scheduling.request import Priority, Request
from model.scheduling.request_ledger import RequestLedger
from model.scheduling.stats import Stats
from model.serving.endpoint import Endpoint, Failure
from model.serving.wire import MOST_BYTES, MOST_TEXTS, asked_out
from model.text.preprocessing import Prepared
from model.verdict import Verdict

_log = logging.getLogger(__name__)

COLLECT_SECONDS = 0.005
"""For how long a list is put together at most. Somebody's text that no other is under way with is sent at once."""

LIST_TOKENS = 2048
LIST_CHARACTERS = MOST_BYTES // 8
"""What a list holds at most, or one text."""

MOST_LISTS = 32
"""Lists under way that nobody waits for; what comes on top waits here, where every origin has its share."""

INTERACTIVE_SECONDS = 2.0
"""When somebody waits, the model here answers after so long."""

PASSIVE_SECONDS = 120.0
"""How long a list is waited for that nobody waits for, unless its texts say less."""

PATIENCE_PER_TOKEN = 0.001
"""Seconds more for each token of a long text: many times what a processor takes for it."""

_SHORT_TOKENS = LIST_TOKENS

_LOOK_SECONDS = 0.25

_SAID_BY_A_BROKEN_SERVER = (ClassifierClosed, InferenceFailed)
"""Such a text is answered by the model here."""

_OF_THE_TEXT = (NothingToRead, Unreadable, TextTooLong)
"""What no model can do anything about, and none counts."""


class Dispatcher:
    """Owns what waits to be sent and is under way. `submit` may be called in any thread, the rest in the loop it is of.

    Everything that it was given is settled in the end: by a server, by the model here, or with an error of its own.
    """

    def __init__(
        self,
        local: Classifier,
        endpoints: Sequence[Endpoint],
        queue_limit: int,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`queue_limit` is in estimated tokens."""
        self.endpoints = tuple(endpoints)
        self.stood_in = 0
        """Texts that the model here has answered."""
        self._local = local
        self._ledger = RequestLedger(queue_limit, clock)
        self.clock = clock
        self._loop = asyncio.get_running_loop()
        self._key = token_bytes(16)
        self._timer: asyncio.TimerHandle | None = None
        self._collected = 0
        self._turn = 0
        self._under_way: dict[asyncio.Task[None], bool] = {}
        self._ready: tuple[deque[list[Request]], ...] = tuple(deque() for _ in Priority)
        """Lists that were put together and may not be sent yet, by priority."""
        self._looking: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Asks all servers which model answers, and looks after them from now on."""
        await asyncio.gather(*(endpoint.begin() for endpoint in self.endpoints))
        self._looking = asyncio.ensure_future(self._look())

    @property
    def is_remote(self) -> bool:
        """Whether any server is asked now."""
        return any(endpoint.breaker.is_closed for endpoint in self.endpoints)

    def count_refused(self) -> None:
        """A text was refused before it came here."""
        self._ledger.count_refused()

    def submit(self, text: Prepared, priority: Priority, origin: Hashable, deadline: float = inf) -> Future[Verdict]:
        """Takes a text in; `deadline` is of `clock`. Raises Overloaded and ClassifierClosed."""
        request = Request(text.text, priority, Future(), origin, self.clock(), deadline, tokens=text.tokens)
        self._ledger.submit(request)
        if _running_loop() is self._loop:
            self._collect(priority)
        else:
            self._loop.call_soon_threadsafe(self._collect, priority)
        return request.future

    async def explain(
        self, prepared: Prepared, pieces: int, *, origin: Hashable, whole: Priority, rest: Priority
    ) -> Explanation:
        """See `Classifier.explain`."""
        text, tokens = prepared.text, prepared.tokens * (pieces + 1)
        limit = PASSIVE_SECONDS if whole is not Priority.INTERACTIVE else _patience(tokens)
        asked = {"priority": int(whole), "rest": int(rest), "pieces": pieces}
        body = asked_out([{"text": text, "origin": self._named(origin), **asked}])
        answers = await self._asked(body, 1, self.clock() + limit, None)
        answer = answers[0] if answers else None
        if isinstance(answer, Explanation):
            return answer
        if isinstance(answer, ModelError) and not self._is_to_stand_in(answer, whole):
            raise answer.again()
        self.stood_in += 1
        return await self._local.explain(text, pieces, origin=origin, whole=whole, rest=rest)

    def stats(self) -> Stats:
        """Counts of all texts, whoever has answered them; of what was computed here alone."""
        ours, local = self._ledger.stats(), self._local.stats()
        return replace(
            ours,
            batches=local.batches,
            cached=local.cached,
            useful_tokens=local.useful_tokens,
            computed_tokens=local.computed_tokens,
            stood_in=self.stood_in,
        )

    async def close(self) -> None:
        """Fails what waits with ClassifierClosed."""
        self._ledger.close(keeping=tuple)
        for lists in self._ready:
            lists.clear()
        tasks = [*self._under_way, *([self._looking] if self._looking is not None else [])]
        for task in tasks:
            task.cancel()
        for endpoint in self.endpoints:
            await endpoint.close()
        if tasks:
            await asyncio.wait(tasks, timeout=0.5)

    # Lists.

    def _collect(self, priority: Priority) -> None:
        """Has a text sent at the latest when its list has been put together for long enough."""
        self._collected += 1
        urgent = priority is Priority.INTERACTIVE and not any(self._under_way.values())
        if self._collected >= MOST_TEXTS or urgent or not self.is_remote:
            self._send_after(0.0)
        elif self._timer is None:
            self._send_after(COLLECT_SECONDS)

    def _send_after(self, seconds: float) -> None:
        due = self._loop.time() + seconds
        if self._timer is not None and self._timer.when() <= due:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._send)

    def _send(self) -> None:
        self._timer = None
        self._collected = 0
        for priority in Priority:
            while self._may_send(priority) and (requests := self._next_list(priority)):
                task = asyncio.ensure_future(self._deliver(requests))
                self._under_way[task] = priority is Priority.INTERACTIVE
                task.add_done_callback(self._delivered)

    def _may_send(self, priority: Priority) -> bool:
        """Whether one more list may be under way: those that nobody waits for are bounded while any server is asked."""
        if priority is Priority.INTERACTIVE or not self.is_remote:
            return True
        return len(self._under_way) - sum(self._under_way.values()) < MOST_LISTS

    def _next_list(self, priority: Priority) -> list[Request]:
        """A list of texts; [] when none waits."""
        ready = self._ready[priority]
        if not ready:
            ready.extend(_portions(self._take(priority)))
        return ready.popleft() if ready else []

    def _take(self, priority: Priority) -> list[Request]:
        with self._ledger.changed:
            queue = self._ledger.queue
            taken = queue.take(priority, LIST_TOKENS) if queue.can_take(priority, LIST_TOKENS) else []
            queue.begin(sum(request.cost for request in taken))
        return taken

    def _delivered(self, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        if not task.cancelled():
            task.exception()
        with self._ledger.changed:
            waits = self._ledger.queue.has_waiting()
        if (waits or any(self._ready)) and self._timer is None:  # otherwise their list is still being put together
            self._send_after(0.0)

    async def _deliver(self, requests: Sequence[Request]) -> None:
        """Has a list answered, by whomever; what is not waited for any more is left out."""
        now = self.clock()
        wanted = []
        for request in requests:
            if request.deadline <= now:
                self._ledger.fail(request, DeadlinePassed())
            elif not request.future.done():
                wanted.append(request)
        try:
            left = await self._sent(wanted) if wanted else []
            await asyncio.gather(*map(self._stand_in, left))
        except Exception as error:  # whatever it is, nobody waits for ever
            for request in wanted:
                self._ledger.fail(request, error)

    async def _sent(self, requests: Sequence[Request]) -> Sequence[Request]:
        """Settles what a server answers; returns the others."""
        now = self.clock()
        interactive = requests[0].priority is Priority.INTERACTIVE
        latest = max(request.deadline for request in requests)
        patience = _patience(max(request.tokens for request in requests)) if interactive else PASSIVE_SECONDS
        texts = [self._asked_text(request, now) for request in requests]
        spare = patience - INTERACTIVE_SECONDS if interactive else None
        answers = await self._asked(asked_out(texts), len(requests), min(now + patience, latest), spare)
        if answers is None:
            return requests
        left = []
        for request, answer in zip(requests, answers, strict=True):
            if isinstance(answer, Verdict):
                self._ledger.answer(request, answer)
            elif isinstance(answer, ModelError) and not self._is_to_stand_in(answer, request.priority):
                self._fail(request, answer)
            else:
                left.append(request)
        return left

    async def _asked(
        self, body: bytes, count: int, until: float, spare: float | None
    ) -> list[Verdict | Explanation | ModelError] | None:
        """What a server says of a list, or another after it has failed; None when none does in time.

        Scoring changes nothing, so that a list may be sent twice.
        """
        tried: list[Endpoint] = []
        for _ in range(2):
            endpoint, others = self._next(tried)
            limit = until - self.clock()
            if endpoint is None or limit <= 0:
                break
            if spare is not None and others and not tried:
                limit /= 2
            tried.append(endpoint)
            with suppress(Failure):  # which has been counted there
                return await endpoint.ask(body, count, limit, spare=spare)
        return None

    def _next(self, tried: Sequence[Endpoint]) -> tuple[Endpoint | None, bool]:
        """Whom to ask, all in turn and those first that were not tried; and whether there would be another.

        A second attempt takes nobody's turn: otherwise every first one would be the same server's.
        """
        answering = [endpoint for endpoint in self.endpoints if endpoint.breaker.is_closed]
        choice = [endpoint for endpoint in answering if endpoint not in tried] or answering
        if not choice:
            return None, False
        self._turn += not tried
        return choice[self._turn % len(choice)], len(choice) > 1

    def _asked_text(self, request: Request, now: float) -> dict[str, Any]:
        left = None if isinf(request.deadline) else max(0.0, request.deadline - now)
        priority = int(request.priority)
        return {"text": request.text, "origin": self._named(request.origin), "priority": priority, "within": left}

    def _named(self, origin: Hashable) -> str:
        """An origin under a name that nobody else understands: a server needs to tell them apart, not to know them."""
        return blake2b(repr(origin).encode("utf-8", "replace"), digest_size=8, key=self._key).hexdigest()

    # The model here.

    def _is_to_stand_in(self, answer: ModelError, priority: Priority) -> bool:
        """Whether the model here may do better: a server fails, or is too busy for somebody who waits."""
        busy = isinstance(answer, Overloaded) and priority is Priority.INTERACTIVE
        return busy or isinstance(answer, _SAID_BY_A_BROKEN_SERVER)

    async def _stand_in(self, request: Request) -> None:
        if request.future.done():
            return
        within = None if isinf(request.deadline) else request.deadline - self.clock()
        try:
            if within is not None and within <= 0:
                raise DeadlinePassed
            verdict = await self._local.classify(request.text, request.priority, origin=request.origin, within=within)
        except ModelError as error:
            self._fail(request, error)
        else:
            self.stood_in += 1
            self._ledger.answer(request, verdict)

    def _fail(self, request: Request, error: ModelError) -> None:
        if isinstance(error, _OF_THE_TEXT):
            refuse(request.future, error.again())
        else:
            self._ledger.fail(request, error)

    async def _look(self) -> None:
        """Looks after the servers, and after what waits here for too long."""
        well = True
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                self._look_once()
                well = True
            except Exception as error:  # a mistake of ours must not end the task: the next look may pass
                if well:
                    _log.error("the inference servers could not be looked after (%s)", type(error).__name__)
                well = False

    def _look_once(self) -> None:
        for endpoint in self.endpoints:
            endpoint.look()
        now = self.clock()
        with self._ledger.changed:
            waiting = self._ledger.queue.waiting()
        waiting += [request for lists in self._ready for requests in lists for request in requests]
        for request in waiting:
            if request.deadline <= now:
                self._ledger.fail(request, DeadlinePassed())


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _patience(tokens: int) -> float:
    return INTERACTIVE_SECONDS + PATIENCE_PER_TOKEN * max(0, tokens - _SHORT_TOKENS)


def _portions(requests: Sequence[Request]) -> Iterator[list[Request]]:
    """Lists in their order, of at most so many texts and characters; none is added to so many tokens.

    A text that has more of them is alone: the others of its list would wait for it.
    """
    portion: list[Request] = []
    tokens = characters = 0
    for request in requests:
        is_full = len(portion) >= MOST_TEXTS or max(tokens, request.tokens) > LIST_TOKENS
        if portion and (is_full or characters + len(request.text) > LIST_CHARACTERS):
            yield portion
            portion, tokens, characters = [], 0, 0
        portion.append(request)
        tokens += request.tokens
        characters += len(request.text)
    if portion:
        yield portion
