"""The async front of the model: what the bot, the web page and the command line call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Self

from model.acceptance import GoldenFailure
from model.backends.choice import BackendChoice
from model.backends.engine import Engine, load_engine, may_use_gpu
from model.checkpoints.checkpoint import BUNDLED, Missed
from model.checkpoints.trial import Trials
from model.concurrency import Mailboxes
from model.errors import ModelError, NothingToRead, Overloaded, TextTooLong
from model.explain import MAX_PIECES, Explanation, influences, split_pieces, without
from model.model_manager import ModelInfo, ModelManager, Reloaded
from model.portions import Asked, batches, cancel_all, heard, in_turn, outcome, portions
from model.scheduling.preparer import Preparer
from model.scheduling.request import Priority
from model.scheduling.shadow import ShadowReport
from model.scheduling.stats import Health, Stats
from model.scheduling.supervisor import WEDGED_SECONDS
from model.scheduling.worker import Worker
from model.staged_release import StagedRelease
from model.text.cleaning import is_readable
from model.text.identification import Languages
from model.text.preprocessing import Prepared, prepare_at_once
from model.verdict import Verdict

MAX_CHARACTERS = 200_000
"""Some eighty windows of prose, of which 24 are read: many times what Discord lets anybody write."""

QUEUE_LIMIT = 65_536
"""In estimated tokens: some fifteen hundred chat messages."""

CACHE_SIZE = 4096
"""Verdicts on short texts that are remembered."""

_TURN_SECONDS = 0.01
"""For how long the event loop prepares texts of a batch before others have their turn."""


class Classifier:
    """Sentiment of texts, computed off the event loop. Open one with `open` or, over any engine, `start`."""

    def __init__(
        self,
        worker: Worker,
        queue_limit: int,
        max_characters: int,
        load: Callable[[str], Engine] = load_engine,
        after_change: Callable[[], None] | None = None,
    ) -> None:
        """Takes over a worker that is ready. `load` makes an engine of a source, for `reload` and `start_shadow`."""
        self._worker = worker
        self._queue_limit = queue_limit
        self._max_characters = max_characters
        self._preparer = Preparer()
        self._preparer.warm()
        self._models = ModelManager(worker, load, after_change)
        self.staged = StagedRelease(self._models, queue_limit)
        """A model that is released in steps, as by several processes at once; see there."""
        self._mailboxes = Mailboxes()

    @classmethod
    async def open(
        cls,
        source: str = BUNDLED,
        *,
        device: str = "auto",
        threads: int = 0,
        queue_limit: int = QUEUE_LIMIT,
        max_characters: int = MAX_CHARACTERS,
        cache: int = CACHE_SIZE,
        budget: int = 0,
        backend: str = "auto",
        remembered: Path | None = None,
        missed: Missed | None = None,
        after_change: Callable[[], None] | None = None,
    ) -> Self:
        """Loads a model: "bundled", "multilingual", a folder, or `org/name@revision`, or two joined by a "+".

        Of two the first reads English and the second its other languages. Raises a CheckpointError when it cannot.

        `budget` is how many padded tokens a batch may hold; 0 finds out what suits this machine. `backend` is what
        computes; "auto" tries what is installed and keeps in the file `remembered` what it found, or, without such a
        file, is ONNX Runtime and on a GPU PyTorch. `missed` is the model that this one stands in for; see
        `open_or_fall_back`. `after_change` is called in a thread after a model was dropped, such as to give its memory
        back to the system.
        """
        trials = Trials(on_gpu=may_use_gpu(device, backend), backend=backend)
        choice = BackendChoice(device, threads, backend, budget=budget, remembered=remembered)

        def load(wanted: str) -> Engine:
            return choice.load(wanted, trials.check)

        def first() -> Engine:
            engine = load(source)
            return replace(engine, checkpoint=replace(engine.checkpoint, missed=missed))

        return await cls.start(
            first,
            queue_limit=queue_limit,
            max_characters=max_characters,
            cache=cache,
            reload=load,
            after_change=after_change,
        )

    @classmethod
    async def start(
        cls,
        load: Callable[[], Engine],
        *,
        queue_limit: int = QUEUE_LIMIT,
        max_characters: int = MAX_CHARACTERS,
        cache: int = 0,
        reload: Callable[[str], Engine] = load_engine,
        after_change: Callable[[], None] | None = None,
        wedged_after: float = WEDGED_SECONDS,
        clock: Callable[[], float] = time.perf_counter,
    ) -> Self:
        """Runs the engine that `load` returns. `load` is called in the worker's thread; its error is raised here.

        `reload` makes an engine of a source, `after_change` is as for `open`; see `Worker` for the rest.
        """
        worker = Worker(load, queue_limit, cache=cache, wedged_after=wedged_after, clock=clock)
        try:
            await asyncio.wrap_future(worker.ready)
        except asyncio.CancelledError:
            worker.close()
            raise
        return cls(worker, queue_limit, max_characters, reload, after_change)

    async def classify(
        self,
        text: str,
        priority: Priority = Priority.INTERACTIVE,
        *,
        origin: Hashable = None,
        within: float | None = None,
        fresh: bool = False,
    ) -> Verdict:
        """The verdict on one text.

        `origin` is whoever it is for, such as a server: each gets its share. A text that has not reached the model
        `within` so many seconds is not read. Of a long text 24 windows are read, of any other 8 (`Verdict.skipped`).
        `fresh` has it computed whatever is remembered. Raises NothingToRead, Unreadable, TextTooLong, Overloaded,
        DeadlinePassed, InferenceFailed or ClassifierClosed. Cancelling takes the text out of the queue.
        """
        deadline = inf if within is None else self._worker.clock() + within
        prepared = await self._prepared_alone(text, priority, origin)
        return await self._submit(prepared, priority, origin, deadline, fresh=fresh)

    async def classify_many(
        self, texts: Sequence[str], priority: Priority = Priority.INTERACTIVE, *, origin: Hashable = None
    ) -> list[Verdict | ModelError]:
        """Verdicts in the order of `texts`; a text that fails has its error in its place and harms no other.

        At most half the queue is taken at a time, so that others get in. While a portion is computed the next ones are
        prepared and wait behind it: between two of them the model would have nothing to do.
        """
        shares = self._shares(texts, priority, origin)
        ask = partial(self._ask, priority=priority, origin=origin)
        return await in_turn(shares, ask, priority, self._queue_limit // 2)

    async def explain(
        self,
        text: str,
        pieces: int = MAX_PIECES,
        *,
        origin: Hashable = None,
        whole: Priority = Priority.INTERACTIVE,
        rest: Priority = Priority.INTERACTIVE,
    ) -> Explanation:
        """The verdict on `text` and what each of at most `pieces` words or runs of words of the cleaned text did to it.

        `whole` is the priority of the text itself, `rest` that of the texts that lack a piece. Raises what `classify`
        raises.
        """
        prepared = await self._prepared_alone(text, whole, origin)
        spans = split_pieces(prepared.text, pieces)
        # What is left without a piece is read as it is: cleaned anew it might become something else.
        lacking = [without(prepared.text, span) for span in spans]
        rests = [
            replace(prepared, text=rest_of, danger=False) if is_readable(rest_of) else NothingToRead()
            for rest_of in lacking
        ]
        (verdict,), others = await asyncio.gather(
            self._answers([prepared], whole, origin), self._answers(rests, rest, origin)
        )
        if isinstance(verdict, ModelError):
            raise verdict
        return Explanation(verdict, prepared.text, influences(spans, verdict, others))

    async def reload(self, source: str = "", progress: Callable[[str], None] | None = None) -> Reloaded:
        """Loads a model beside the running one, checks it, and lets it answer from now on.

        `source` is as for `open`; "" is the one that should be running. The old model keeps answering until then, and
        afterwards stays for `rollback`. `progress` is called with what is being done. Raises a CheckpointError,
        ReloadRefused or ClassifierClosed, and nothing has changed then.
        """
        return await self._models.reload(source, progress)

    async def rollback(self) -> Reloaded:
        """The model before the last change answers again; it is still loaded. Raises ReloadRefused without one."""
        return await self._models.rollback()

    async def golden(self) -> tuple[int, list[GoldenFailure]]:
        """How many golden examples the running model came with, and those that it answers otherwise now."""
        return await self._models.golden()

    async def start_shadow(self, source: str, share: float = 1.0) -> ModelInfo:
        """Runs a candidate beside the live model on a share of the passive texts, until it is promoted or stopped.

        Raises a CheckpointError, or ReloadRefused for one that fails its golden examples or when one is running.
        """
        return await self._models.start_shadow(source, share)

    def shadow_report(self) -> ShadowReport:
        """What the candidate has shown. Raises ReloadRefused when none is running."""
        return self._models.shadow_report()

    async def promote_shadow(self) -> Reloaded:
        """The candidate answers from now on. Raises ReloadRefused when there is none, or when it is clearly worse.

        A candidate that is refused stays in the shadow.
        """
        return await self._models.promote_shadow()

    async def stop_shadow(self) -> ShadowReport:
        """Drops the candidate; returns its last report.

        Raises ReloadRefused when there is none or another change is under way, and ClassifierClosed.
        """
        return await self._models.stop_shadow()

    def stats(self) -> Stats:
        """Counts since the start."""
        return self._worker.stats()

    def health(self) -> Health:
        """Whether the model answers."""
        return self._worker.health()

    async def close(self) -> None:
        """Ends the worker: what waits fails with ClassifierClosed at once, and the batch in hand finishes.

        Safe to call again, and to cancel when that batch takes too long: the worker still ends after it.
        """
        self._preparer.close()
        self._worker.close()
        self._models.close()
        self.staged.close()
        await asyncio.shield(asyncio.wrap_future(self._worker.ended))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def info(self) -> ModelInfo:
        """What answers now."""
        return self._models.info

    @property
    def languages(self) -> Languages:
        """The codes of what is read now, where that is more than English."""
        return self._languages(None)

    def _check_length(self, text: str) -> None:
        if len(text) > self._max_characters:
            raise TextTooLong(len(text), self._max_characters)

    async def _prepared_alone(self, text: str, priority: Priority, origin: Hashable) -> Prepared:
        self._check_length(text)
        prepared = prepare_at_once(text, self._languages(origin))
        if prepared is None:
            prepared = await asyncio.wrap_future(self._look_closer(text, priority, origin))
        return prepared

    async def _prepared(
        self, texts: Sequence[str], priority: Priority, origin: Hashable
    ) -> list[Prepared | ModelError]:
        """The texts as the network reads them, in their order; what takes longer is done off the event loop."""
        found: list[Prepared | ModelError | asyncio.Future[Prepared]] = []
        languages = self._languages(origin)
        turn = time.perf_counter()
        try:
            for text in texts:
                if time.perf_counter() - turn > _TURN_SECONDS:
                    await asyncio.sleep(0)
                    turn = time.perf_counter()
                try:
                    self._check_length(text)
                    found.append(
                        prepare_at_once(text, languages)
                        or asyncio.wrap_future(self._look_closer(text, priority, origin))
                    )
                except ModelError as error:
                    found.append(error.again())  # its traceback would lead to all the texts
            await asyncio.gather(*filter(asyncio.isfuture, found), return_exceptions=True)
        finally:
            cancel_all(found)  # those that were not begun are taken back
        return [outcome(one) if isinstance(one, asyncio.Future) else one for one in found]

    async def _shares(
        self, texts: Sequence[str], priority: Priority, origin: Hashable
    ) -> AsyncGenerator[list[Prepared | ModelError], None]:
        """The texts, prepared, in portions of a quarter of the queue at most, or of one text."""
        for portion in batches(texts):
            prepared = await self._prepared(portion, priority, origin)
            for share in portions(prepared, priority, self._queue_limit // 4):
                yield share

    def _languages(self, origin: Hashable) -> Languages:
        """What whoever answers that origin now reads. Another that comes meanwhile refuses what it doesn't."""
        canary = self.staged.canary
        worker = canary.worker if canary is not None and canary.answers(origin) else self._worker
        return worker.engine.checkpoint.languages if worker.engine is not None else ()

    def _look_closer(self, text: str, priority: Priority, origin: Hashable) -> Future[Prepared]:
        try:
            return self._preparer.submit(text, priority, origin, self._languages(origin))
        except Overloaded:
            self._worker.count_refused()
            raise

    def _submit(
        self, text: Prepared, priority: Priority, origin: Hashable, deadline: float, *, fresh: bool = False
    ) -> asyncio.Future[Verdict]:
        canary = self.staged.canary
        if canary is not None and canary.answers(origin):
            read = partial(self._read, text=text, priority=priority, origin=origin, deadline=deadline)
            return asyncio.ensure_future(canary.answer(read, self._worker))
        started = time.perf_counter()
        answer = self._read(self._worker, text, priority, origin, deadline, fresh=fresh)
        if priority is Priority.PASSIVE:
            answer.add_done_callback(partial(self._show_candidate, text, started))
        return answer

    def _read(
        self,
        worker: Worker,
        text: Prepared,
        priority: Priority,
        origin: Hashable,
        deadline: float,
        *,
        fresh: bool = False,
    ) -> asyncio.Future[Verdict]:
        return self._mailboxes.here().expect(
            worker.submit(
                text.text,
                priority,
                origin,
                deadline,
                fresh=fresh,
                danger=text.danger,
                tokens=text.tokens,
                language=text.language,
            )
        )

    async def _answers(
        self, texts: Sequence[Prepared | ModelError], priority: Priority, origin: Hashable
    ) -> list[Verdict | ModelError]:
        return await heard(self._ask(texts, priority, origin))

    def _ask(self, texts: Sequence[Prepared | ModelError], priority: Priority, origin: Hashable) -> Asked:
        asked: Asked = []
        try:
            for text in texts:
                try:
                    asked.append(text if isinstance(text, ModelError) else self._submit(text, priority, origin, inf))
                except ModelError as error:
                    asked.append(error.again())  # its traceback would lead to all the texts
        except BaseException:
            cancel_all(asked)
            raise
        return asked

    def _show_candidate(self, text: Prepared, started: float, answer: asyncio.Future[Verdict]) -> None:
        if not answer.cancelled() and answer.exception() is None:
            self._models.offer(text, answer.result(), time.perf_counter() - started)
