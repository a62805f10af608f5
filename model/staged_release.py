"""A release in steps: a model is loaded beside the one that answers, tried on some servers, and then answers all.

Whoever releases a model over several processes takes each step in all of them before the next; see `bot`'s
`release_follower`. At every step the model there was is still the one to go back to, and no text is lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from model.acceptance import Comparison
from model.backends.engine import Engine
from model.checkpoints.checkpoint import Missed
from model.concurrency import settle
from model.errors import ReloadRefused
from model.model_manager import Load, ModelInfo, ModelManager, Reloaded, info_of
from model.scheduling.canary import Canary, CanaryReport


class StagedRelease:
    """The model that waits for its release, one at a time. All but `canary` is used in one event loop."""

    def __init__(self, manager: ModelManager, queue_limit: int) -> None:
        """`queue_limit` is that of the canary, in estimated tokens."""
        self.canary: Canary | None = None
        """What answers some servers, if it has come to that. Safe between threads."""
        self._manager = manager
        self._queue_limit = queue_limit
        self._staged: tuple[Engine, Load, Comparison | None] | None = None

    async def prepare(
        self, source: str, *, known: str = "", compare: bool = True, progress: Callable[[str], None] | None = None
    ) -> ModelInfo:
        """Loads and checks a model as `Classifier.reload` does, and keeps it beside the one that answers.

        `known` is its SHA-256 where that is known: the model before the last change need not be loaded again. Without
        `compare` it may be worse than the one that answers. Raises a CheckpointError, ReloadRefused or
        ClassifierClosed, and nothing is kept then.
        """
        manager = self._manager
        say = progress or _silent

        async def prepare() -> ModelInfo:
            manager.require_no_other()
            previous = manager.previous
            if known and previous is not None and previous[0].checkpoint.sha256 == known:
                engine, load = previous
            else:
                engine, load = await manager.load_checked(source, say)
            comparison = await manager.compared(engine, say) if compare else None
            self._staged, manager.is_staged = (engine, load, comparison), True
            return info_of(engine, time.perf_counter())

        return await manager.one_at_a_time(source, prepare)

    async def begin_canary(self, share: float, salt: str) -> None:
        """From now on it answers that share of the servers. Raises ReloadRefused without one."""
        engine, load, _ = self._kept()
        if self.canary is not None:
            return
        canary = Canary(engine, load, self._queue_limit, share=share, salt=salt)
        await canary.until_ready()
        self.canary = canary

    def report(self) -> CanaryReport:
        """What it has done so far. Raises ReloadRefused before it answers anybody."""
        if self.canary is None:
            raise ReloadRefused("No model answers some servers only.")
        return self.canary.report()

    async def promote(self) -> Reloaded:
        """It answers everybody. Raises ReloadRefused without one and ClassifierClosed."""
        started = time.perf_counter()
        engine, load, comparison = self._kept()
        canary = self.canary
        if canary is not None:
            await canary.end()  # two threads must not compute with one engine
            engine = canary.worker.engine or engine
        change = self._manager.swap(engine, load, comparison, started)
        self._let_go()
        await self._manager.drop_others()
        return change

    async def drop(self) -> None:
        """It is let go, and the model there was answers everybody. Nothing happens without one."""
        canary = self.canary
        self._let_go()
        if canary is not None:
            await canary.end()
            del canary
        await self._manager.drop_others()

    def miss(self, source: str, reason: str) -> None:
        """That model should answer and can't be had; `ModelInfo.missed` says so until another answers.

        `reason` is without a full stop.
        """
        self._manager.missed = Missed(source, reason)

    def close(self) -> None:
        """Ends it, after the live worker was closed. Does not block."""
        if self.canary is not None:
            self.canary.close()

    def _kept(self) -> tuple[Engine, Load, Comparison | None]:
        if self._staged is None:
            raise ReloadRefused("No model waits for its release.")
        return self._staged

    def _let_go(self) -> None:
        canary, self.canary = self.canary, None
        self._staged, self._manager.is_staged = None, False
        if canary is not None:
            settle(canary.over, None)


def _silent(_: str) -> None:
    """Nobody watches."""
