"""A model that answers some servers instead of the live one, so that it is seen at work before it answers all."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from hashlib import blake2b

from model.backends.engine import Engine
from model.concurrency import settle
from model.errors import ClassifierClosed, DeadlinePassed, InferenceFailed, Overloaded
from model.scheduling.worker import Worker
from model.verdict import Verdict

_PARTS = 2**32

MOST_SHED, MOST_SHED_SHARE = 20, 0.05
"""How many texts, and which share of those that it was given, it may have been too slow for."""


@dataclass(frozen=True, slots=True)
class CanaryReport:
    """What a canary has done: `texts` that it answered, and `failed` on which it failed where the live model did not.

    `shed` are those for which it had no room or came too late. `trouble` is what is wrong with it, in words without a
    full stop; "" where nothing is.
    """

    texts: int
    failed: int
    shed: int
    trouble: str


def is_among(origin: Hashable, share: float, salt: str) -> bool:
    """Whether a server is one of that share of all, in [0, 1]: the same ones for the same `salt`, on every machine."""
    if not isinstance(origin, int):
        return False
    digest = blake2b(str(origin).encode(), key=salt.encode()[:64], digest_size=4).digest()
    return int.from_bytes(digest) < share * _PARTS


class Canary:
    """Runs a model in a worker of its own, for the texts of a share of the servers, until it is over.

    What it does not answer, because it fails, has no room or is over, the live model answers.
    """

    def __init__(
        self, engine: Engine, load: Callable[[], Engine], queue_limit: int, *, share: float, salt: str
    ) -> None:
        """`load` makes the engine anew if it breaks; `share` and `salt` are as for `is_among`."""
        self.over: Future[None] = Future()
        """Done when its texts are the live model's, whichever that is by then."""
        loaded = [engine]
        self._share, self._salt = share, salt
        self._lock = threading.Lock()
        self._texts = self._failed = self._shed = 0
        self.worker = Worker(lambda: loaded.pop() if loaded else load(), queue_limit)

    async def until_ready(self) -> None:
        """Returns when it computes. Raises what kept it from that."""
        await asyncio.shield(asyncio.wrap_future(self.worker.ready))

    def answers(self, origin: Hashable) -> bool:
        """Whether a text of that origin is for it. What has no server's id, such as the page's, never is.

        Once it has failed nothing is: its servers would go to and fro until it is over.
        """
        return not self._failed and is_among(origin, self._share, self._salt)

    async def answer(self, read: Callable[[Worker], Awaitable[Verdict]], live: Worker) -> Verdict:
        """Its verdict on a text, or else the live model's; `read` has a worker read it.

        A text that has waited for too long neither reads. Raises what `read` raises of the live model.
        """
        failed = shed = False
        try:
            verdict = await read(self.worker)
            self.count()
            return verdict
        except ClassifierClosed:
            await self.until_over()  # until then no other answers that server
        except InferenceFailed:
            failed = True
        except Overloaded:
            shed = True
        except DeadlinePassed:
            self.count(shed=True)
            raise
        verdict = await read(live)
        if failed or shed:  # and the live model has not
            self.count(failed=failed, shed=shed)
        return verdict

    def count(self, *, failed: bool = False, shed: bool = False) -> None:
        """It has answered a text, or failed on one that the live model has answered, or was too slow for it.

        Safe between threads.
        """
        with self._lock:
            self._texts += not (failed or shed)
            self._failed += failed
            self._shed += shed

    def report(self) -> CanaryReport:
        """What has been found so far."""
        with self._lock:
            texts, failed, shed = self._texts, self._failed, self._shed
        given = texts + failed + shed
        health = self.worker.health()
        trouble = ""
        if failed:
            trouble = f"it failed on {failed} of {given} texts"
        elif shed > MOST_SHED and shed > MOST_SHED_SHARE * given:
            trouble = f"it can't keep up: for {shed} of {given} texts it had no room or came too late"
        elif health.replaced:
            trouble = "it hung or broke, and had to be loaded again"
        elif not health.healthy:
            trouble = health.reason
        return CanaryReport(texts, failed, shed, trouble)

    async def until_over(self) -> None:
        """Returns when it is."""
        await asyncio.shield(asyncio.wrap_future(self.over))

    async def end(self) -> None:
        """Ends its worker after the batch in hand. What waits is refused, and waits until it is over."""
        self.worker.close()
        await asyncio.shield(asyncio.wrap_future(self.worker.ended))

    def close(self) -> None:
        """Ends it at once. Does not block."""
        self.worker.close()
        settle(self.over, None)
