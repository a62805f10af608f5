"""A candidate beside the live model, on a share of the passive traffic: how one is tried before it answers anyone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from model.backends.engine import Engine
from model.errors import ModelError
from model.scheduling.request import Priority
from model.scheduling.worker import Worker
from model.text.preprocessing import Prepared
from model.verdict import Verdict

QUEUE_TOKENS = 4096
"""What may wait for the candidate; beyond it texts are skipped, for the live model needs the processor more."""


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """What a candidate did with the texts it was shown. No text is kept.

    `agree` counts verdicts of the same sentiment, `change` is the mean difference of the scores (candidate's less the
    live one's), in [-2, 2]. `live_seconds` and `seconds` are mean times from submission to verdict. `skipped` texts
    came when the candidate had too much to do, or failed on it.
    """

    version: str
    source: str
    share: float
    texts: int
    agree: int
    change: float
    live_seconds: float
    seconds: float
    skipped: int


class Shadow:
    """Runs a candidate in a worker of its own until `close`."""

    def __init__(self, engine: Engine, load: Callable[[], Engine], share: float) -> None:
        """`share` of the texts that are offered are read, in (0, 1]. `load` makes the engine anew if it breaks."""
        self.engine = engine
        self.load = load
        loaded = [engine]
        self._share = share
        self._due = 0.0
        self._lock = threading.Lock()
        self._texts = self._agree = self._skipped = 0
        self._change = self._live_seconds = self._seconds = 0.0
        self.worker = Worker(lambda: loaded.pop() if loaded else load(), QUEUE_TOKENS)

    def offer(self, text: Prepared, live: Verdict, live_seconds: float) -> None:
        """Shows the candidate a text that the live model has answered, if it is this one's turn. Does not block."""
        with self._lock:
            self._due += self._share
            if self._due < 1:
                return
            self._due -= 1
        started = time.perf_counter()
        try:
            future = self.worker.submit(
                text.text, Priority.PASSIVE, danger=text.danger, tokens=text.tokens, language=text.language
            )
        except ModelError:
            with self._lock:
                self._skipped += 1
            return
        future.add_done_callback(lambda done: self._count(done, live, live_seconds, time.perf_counter() - started))

    def report(self) -> ShadowReport:
        """What has been found so far."""
        with self._lock:
            shown = max(1, self._texts)
            return ShadowReport(
                version=self.engine.checkpoint.version,
                source=self.engine.checkpoint.source,
                share=self._share,
                texts=self._texts,
                agree=self._agree,
                change=self._change / shown,
                live_seconds=self._live_seconds / shown,
                seconds=self._seconds / shown,
                skipped=self._skipped,
            )

    def close(self) -> None:
        """Ends the candidate's worker. Does not block."""
        self.worker.close()

    def _count(self, done: Future[Verdict], live: Verdict, live_seconds: float, seconds: float) -> None:
        with self._lock:
            if done.cancelled() or done.exception() is not None:
                self._skipped += 1
                return
            verdict = done.result()
            self._texts += 1
            self._agree += verdict.sentiment is live.sentiment
            self._change += verdict.score - live.score
            self._live_seconds += live_seconds
            self._seconds += seconds
