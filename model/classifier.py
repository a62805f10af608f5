"""The async front of the model: what the bot, the web page and the command line call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self

from model.checkpoint import BUNDLED
from model.engine import Engine, load_engine
from model.errors import ModelError, TextTooLong
from model.explain import MAX_PIECES, Explanation, influences, split_pieces, without
from model.verdict import Sentiment, Verdict
from model.worker import Priority, Stats, Worker

MAX_CHARACTERS = 200_000
"""Some eighty windows: many times what Discord lets anybody write."""

QUEUE_LIMIT = 1024


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What is loaded and what runs it. `metrics` are those that travelled in the artefact."""

    version: str
    source: str
    backend: str
    device: str
    labels: tuple[Sentiment, ...]
    metrics: dict[str, float]


class Classifier:
    """Sentiment of texts, computed off the event loop. Open one with `open` or, over any engine, `start`."""

    def __init__(self, worker: Worker, info: ModelInfo, queue_limit: int, max_characters: int) -> None:
        """Takes over a worker that is ready."""
        self._worker = worker
        self._queue_limit = queue_limit
        self._max_characters = max_characters
        self.info = info

    @classmethod
    async def open(
        cls,
        source: str = BUNDLED,
        *,
        device: str = "auto",
        threads: int = 0,
        queue_limit: int = QUEUE_LIMIT,
        max_characters: int = MAX_CHARACTERS,
    ) -> Self:
        """Loads a model: "bundled", a folder, or `org/name@revision`. Raises a CheckpointError when it cannot."""
        load = partial(load_engine, source, device, threads)
        return await cls.start(load, queue_limit=queue_limit, max_characters=max_characters)

    @classmethod
    async def start(
        cls,
        load: Callable[[], Engine],
        *,
        queue_limit: int = QUEUE_LIMIT,
        max_characters: int = MAX_CHARACTERS,
    ) -> Self:
        """Runs the engine that `load` returns. `load` is called in the worker's thread; its error is raised here."""
        worker = Worker(load, queue_limit)
        try:
            engine = await asyncio.wrap_future(worker.ready)
        except asyncio.CancelledError:
            worker.close()
            raise
        checkpoint, backend = engine.checkpoint, engine.backend
        info = ModelInfo(
            version=checkpoint.version,
            source=checkpoint.source,
            backend=backend.name,
            device=backend.device,
            labels=checkpoint.labels,
            metrics=checkpoint.metrics,
        )
        return cls(worker, info, queue_limit, max_characters)

    async def classify(self, text: str, priority: Priority = Priority.INTERACTIVE) -> Verdict:
        """The verdict on one text.

        Raises NothingToRead, TextTooLong, Overloaded, InferenceFailed or ClassifierClosed. Cancelling takes the text
        out of the queue.
        """
        if len(text) > self._max_characters:
            raise TextTooLong(len(text), self._max_characters)
        return await asyncio.wrap_future(self._worker.submit(text, priority))

    async def classify_many(
        self, texts: Sequence[str], priority: Priority = Priority.INTERACTIVE
    ) -> list[Verdict | ModelError]:
        """Verdicts in the order of `texts`; a text that fails has its error in its place and harms no other.

        At most half the queue is taken at a time, so that others get in.
        """
        share = max(1, self._queue_limit // 2)
        answers: list[Verdict | ModelError] = []
        for start in range(0, len(texts), share):
            calls = (self._answer(text, priority) for text in texts[start : start + share])
            answers.extend(await asyncio.gather(*calls))
        return answers

    async def explain(self, text: str, pieces: int = MAX_PIECES) -> Explanation:
        """The verdict on `text` and what each of at most `pieces` words or runs of words did to it.

        Raises what `classify` raises.
        """
        spans = split_pieces(text, pieces)
        whole, *rest = await self.classify_many([text, *(without(text, span) for span in spans)])
        if isinstance(whole, ModelError):
            raise whole
        return Explanation(whole, influences(spans, whole, rest))

    def stats(self) -> Stats:
        """Counts since the start."""
        return self._worker.stats()

    async def close(self) -> None:
        """Ends the worker: what waits fails with ClassifierClosed at once, and the batch in hand finishes.

        Safe to call again, and to cancel when that batch takes too long: the worker still ends after it.
        """
        self._worker.close()
        await asyncio.shield(asyncio.wrap_future(self._worker.ended))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _answer(self, text: str, priority: Priority) -> Verdict | ModelError:
        try:
            return await self.classify(text, priority)
        except ModelError as error:
            return error
