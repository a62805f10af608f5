"""A model that answers some servers instead of the live one, so that it is seen at work before it answers all."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from hashlib import blake2b

from model.backends.engine import Engine
from model.concurrency import settle
from model.scheduling.worker import Worker

_PARTS = 2**32


@dataclass(frozen=True, slots=True)
class CanaryReport:
    """What a canary has done: `texts` that it answered, and `failed` on which it failed where the live model did not.

    `trouble` is what is wrong with it, in words without a full stop; "" where nothing is.
    """

    texts: int
    failed: int
    trouble: str


def is_among(origin: Hashable, share: float, salt: str) -> bool:
    """Whether a server is one of that share of all, in [0, 1]: the same ones for the same `salt`, on every machine."""
    if not isinstance(origin, int):
        return False
    digest = blake2b(str(origin).encode(), key=salt.encode()[:64], digest_size=4).digest()
    return int.from_bytes(digest) < share * _PARTS


class Canary:
    """Runs a model in a worker of its own, for the texts of a share of the servers, until it is over.

    What it does not answer, because it fails or is over, the live model answers: whoever submits sees to that.
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
        self._texts = self._failed = 0
        self.worker = Worker(lambda: loaded.pop() if loaded else load(), queue_limit)

    async def until_ready(self) -> None:
        """Returns when it computes. Raises what kept it from that."""
        await asyncio.shield(asyncio.wrap_future(self.worker.ready))

    def answers(self, origin: Hashable) -> bool:
        """Whether a text of that origin is for it. What has no server's id, such as the page's, never is.

        Once it has failed nothing is: its servers would go to and fro until it is over.
        """
        return not self._failed and is_among(origin, self._share, self._salt)

    def count(self, *, failed: bool) -> None:
        """It has answered a text, or failed on one that the live model has answered. Safe between threads."""
        with self._lock:
            self._texts += not failed
            self._failed += failed

    def report(self) -> CanaryReport:
        """What has been found so far."""
        with self._lock:
            texts, failed = self._texts, self._failed
        health = self.worker.health()
        trouble = ""
        if failed:
            trouble = f"it failed on {failed} of {texts + failed} texts"
        elif health.replaced:
            trouble = "it hung or broke, and had to be loaded again"
        elif not health.healthy:
            trouble = health.reason
        return CanaryReport(texts, failed, trouble)

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
