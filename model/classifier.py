"""The async front of the model: what the bot, the web page and the command line call."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from types import TracebackType
from typing import Self, TypeVar
from weakref import WeakKeyDictionary

from bot.app.malloc import return_freed
from model.acceptance import (
    Comparison,
    Example,
    GoldenFailure,
    check_comparison,
    check_golden,
    compare,
    golden_examples,
    golden_failures,
    plain_examples,
    verdicts_of,
)
from model.backends.engine import Engine, load_engine
from model.checkpoints.checkpoint import BUNDLED, Missed
from model.concurrency import Mailbox
from model.errors import (
    ClassifierClosed,
    InferenceFailed,
    ModelError,
    NothingToRead,
    Overloaded,
    ReloadRefused,
    TextTooLong,
)
from model.explain import MAX_PIECES, Explanation, influences, split_pieces, without
from model.scheduling.batch_size import calibrated
from model.scheduling.fair_queue import cost_of
from model.scheduling.preparer import Preparer
from model.scheduling.shadow import Shadow, ShadowReport
from model.scheduling.worker import WEDGED_SECONDS, Health, Priority, Stats, Worker
from model.text.cleaning import clean, is_readable
from model.text.preprocessing import Prepared, prepare_at_once
from model.verdict import Sentiment, Verdict

MAX_CHARACTERS = 200_000
"""Some eighty windows of prose, of which 24 are read: many times what Discord lets anybody write."""

QUEUE_LIMIT = 65_536
"""In estimated tokens: some fifteen hundred chat messages."""

CACHE_SIZE = 4096
"""Verdicts on short texts that are remembered."""

CHANGE_SECONDS = 600.0
"""What a change of model may take: fetching, loading and checking it."""

_PREPARED_TEXTS = 256
"""Texts of a batch that are prepared at once."""

_TURN_SECONDS = 0.01
"""For how long the event loop prepares texts of a batch before others have their turn."""

_T = TypeVar("_T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What is loaded and what runs it. `metrics` are those that travelled in the artefact.

    `since` is the moment (`time.perf_counter`) at which it began to answer, and `budget` the padded tokens of a batch.
    `missed` is the model that should answer instead.
    """

    version: str
    source: str
    backend: str
    device: str
    labels: tuple[Sentiment, ...]
    metrics: dict[str, float]
    since: float = 0.0
    budget: int = 0
    missed: Missed | None = None

    @property
    def fallback(self) -> str:
        """A sentence that says which model could not be had and what answers instead; "" when all is as it should."""
        if self.missed is None:
            return ""
        stand_in = "the bundled model" if self.source == BUNDLED else f"{self.source}, the last good one on disk,"
        return f"{self.missed.source} could not be had ({self.missed.reason}); {stand_in} answers."


@dataclass(frozen=True, slots=True)
class Reloaded:
    """A change of model: what answered `before` and what answers now, and both on plain texts."""

    before: ModelInfo
    now: ModelInfo
    comparison: Comparison | None
    seconds: float


class Classifier:
    """Sentiment of texts, computed off the event loop. Open one with `open` or, over any engine, `start`."""

    def __init__(
        self,
        worker: Worker,
        queue_limit: int,
        max_characters: int,
        load: Callable[[str], Engine] = load_engine,
    ) -> None:
        """Takes over a worker that is ready. `load` makes an engine of a source, for `reload` and `start_shadow`."""
        self._worker = worker
        self._queue_limit = queue_limit
        self._max_characters = max_characters
        self._load = load
        self._preparer = Preparer()
        self._preparer.warm()
        self._changing = asyncio.Lock()
        self._previous: tuple[Engine, Callable[[], Engine]] | None = None
        self._shadow: Shadow | None = None
        self._mailboxes: WeakKeyDictionary[asyncio.AbstractEventLoop, Mailbox] = WeakKeyDictionary()

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
        missed: Missed | None = None,
    ) -> Self:
        """Loads a model: "bundled", a folder, or `org/name@revision`. Raises a CheckpointError when it cannot.

        `budget` is how many padded tokens a batch may hold; 0 finds out what suits this machine. `missed` is the model
        that this one stands in for; see `open_or_fall_back`.
        """

        def load(wanted: str) -> Engine:
            engine = load_engine(wanted, device, threads)
            return replace(engine, budget=budget) if budget else calibrated(engine)

        def first() -> Engine:
            engine = load(source)
            return replace(engine, checkpoint=replace(engine.checkpoint, missed=missed))

        return await cls.start(first, queue_limit=queue_limit, max_characters=max_characters, cache=cache, reload=load)

    @classmethod
    async def start(
        cls,
        load: Callable[[], Engine],
        *,
        queue_limit: int = QUEUE_LIMIT,
        max_characters: int = MAX_CHARACTERS,
        cache: int = 0,
        reload: Callable[[str], Engine] = load_engine,
        wedged_after: float = WEDGED_SECONDS,
    ) -> Self:
        """Runs the engine that `load` returns. `load` is called in the worker's thread; its error is raised here.

        `reload` makes an engine of a source, `wedged_after` is in seconds; see `Worker` for the rest.
        """
        worker = Worker(load, queue_limit, cache=cache, wedged_after=wedged_after)
        try:
            await asyncio.wrap_future(worker.ready)
        except asyncio.CancelledError:
            worker.close()
            raise
        return cls(worker, queue_limit, max_characters, reload)

    async def classify(
        self,
        text: str,
        priority: Priority = Priority.INTERACTIVE,
        *,
        origin: Hashable = None,
        within: float | None = None,
    ) -> Verdict:
        """The verdict on one text.

        `origin` is whoever it is for, such as a server: each gets its share. A text that has not reached the model
        `within` so many seconds is not read. Of a long text 24 windows are read, of a passive one 8
        (`Verdict.skipped`). Raises NothingToRead, Unreadable, TextTooLong, Overloaded, DeadlinePassed, InferenceFailed
        or ClassifierClosed. Cancelling takes the text out of the queue.
        """
        deadline = inf if within is None else time.perf_counter() + within
        return await self._submit(await self._prepared_alone(text, priority, origin), priority, origin, deadline)

    async def classify_many(
        self, texts: Sequence[str], priority: Priority = Priority.INTERACTIVE, *, origin: Hashable = None
    ) -> list[Verdict | ModelError]:
        """Verdicts in the order of `texts`; a text that fails has its error in its place and harms no other.

        At most half the queue is taken at a time, so that others get in.
        """
        answers: list[Verdict | ModelError] = []
        for portion in _batches(texts):
            prepared = await self._prepared(portion, priority, origin)
            for share in _portions(prepared, priority, self._queue_limit // 2):
                answers.extend(await self._answers(share, priority, origin))
        return answers

    async def explain(
        self,
        text: str,
        pieces: int = MAX_PIECES,
        *,
        origin: Hashable = None,
        rest: Priority = Priority.INTERACTIVE,
    ) -> Explanation:
        """The verdict on `text` and what each of at most `pieces` words or runs of words of the cleaned text did to it.

        The whole text is interactive; `rest` is the priority of the texts that lack a piece. Raises what `classify`
        raises.
        """
        whole = await self._prepared_alone(text, Priority.INTERACTIVE, origin)
        spans = split_pieces(whole.text, pieces)
        # What is left without a piece is read as it is: cleaned anew it might become something else.
        lacking = [without(whole.text, span) for span in spans]
        rests = [
            Prepared(rest_of, tokens=whole.tokens) if is_readable(rest_of) else NothingToRead() for rest_of in lacking
        ]
        (verdict,), others = await asyncio.gather(
            self._answers([whole], Priority.INTERACTIVE, origin), self._answers(rests, rest, origin)
        )
        if isinstance(verdict, ModelError):
            raise verdict
        return Explanation(verdict, whole.text, influences(spans, verdict, others))

    async def reload(self, source: str = "", progress: Callable[[str], None] | None = None) -> Reloaded:
        """Loads a model beside the running one, checks it, and lets it answer from now on.

        `source` is as for `open`; "" is the one that should be running. The old model keeps answering until then, and
        afterwards stays for `rollback`. `progress` is called with what is being done. Raises a CheckpointError,
        ReloadRefused or ClassifierClosed, and nothing has changed then.
        """
        started = time.perf_counter()
        say = progress or _silent
        missed = self.info.missed
        wanted = source or (missed.source if missed else self.info.source)
        async with self._one_at_a_time(wanted):
            say(f"loading {wanted}")
            engine, load = await self._load_beside(wanted)
            say("checking its golden examples")
            await in_thread(partial(check_golden, engine))
            say("comparing it with the running model")
            examples = await in_thread(plain_examples)
            candidate = await in_thread(partial(verdicts_of, engine, examples))
            comparison = compare(examples, await _ask(self._worker, examples), candidate)
            check_comparison(wanted, comparison)
            change = self._swap(engine, load, comparison, started)
            await in_thread(return_freed)
            return change

    async def rollback(self) -> Reloaded:
        """The model before the last change answers again; it is still loaded. Raises ReloadRefused without one."""
        started = time.perf_counter()
        async with self._one_at_a_time("the earlier model"):
            if self._previous is None:
                raise ReloadRefused("There is no earlier model to go back to; none was loaded since the start.")
            return self._swap(*self._previous, None, started)

    async def golden(self) -> tuple[int, list[GoldenFailure]]:
        """How many golden examples the running model came with, and those that it answers otherwise now."""
        examples = await in_thread(partial(golden_examples, self._engine.checkpoint.folder))
        return len(examples), golden_failures(examples, await _ask(self._worker, examples))

    async def start_shadow(self, source: str, share: float = 1.0) -> ModelInfo:
        """Runs a candidate beside the live model on a share of the passive texts, until it is promoted or stopped.

        Raises a CheckpointError, or ReloadRefused for one that fails its golden examples or when one is running.
        """
        async with self._one_at_a_time(source):
            if self._shadow is not None:
                raise ReloadRefused("A candidate is running already; promote or stop it first.")
            if not 0 < share <= 1:
                raise ReloadRefused(f"The share must be above 0 and at most 1, not {share:g}.")
            engine, load = await self._load_beside(source)
            await in_thread(partial(check_golden, engine))
            self._shadow = Shadow(engine, load, share)
            return _info(engine, time.perf_counter())

    def shadow_report(self) -> ShadowReport:
        """What the candidate has shown. Raises ReloadRefused when none is running."""
        return self._candidate().report()

    async def promote_shadow(self) -> Reloaded:
        """The candidate answers from now on. Raises ReloadRefused when there is none, or when it is clearly worse.

        A candidate that is refused stays in the shadow.
        """
        started = time.perf_counter()
        async with self._one_at_a_time("the candidate"):
            shadow = self._candidate()
            examples = await in_thread(plain_examples)
            comparison = compare(examples, await _ask(self._worker, examples), await _ask(shadow.worker, examples))
            check_comparison(shadow.engine.checkpoint.source, comparison)
            await self.stop_shadow()
            # The one that was compared: a shadow that hung has had its engine loaded anew.
            change = self._swap(shadow.worker.engine or shadow.engine, shadow.load, comparison, started)
            del shadow  # the worker that is no more
            await in_thread(return_freed)
            return change

    async def stop_shadow(self) -> ShadowReport:
        """Drops the candidate; returns its last report. Raises ReloadRefused when there is none."""
        shadow = self._candidate()
        self._shadow = None
        shadow.close()
        await asyncio.wrap_future(shadow.worker.ended)
        return shadow.report()

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
        if self._shadow is not None:
            self._shadow.close()
        self._preparer.close()
        self._worker.close()
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
        return _info(self._engine, self._worker.since)

    @property
    def _engine(self) -> Engine:
        engine = self._worker.engine
        assert engine is not None, "the worker was ready"
        return engine

    @asynccontextmanager
    async def _one_at_a_time(self, what: str) -> AsyncIterator[None]:
        """The lock is free again afterwards, however it went and however long it takes."""
        if self._changing.locked():
            raise ReloadRefused("Another change of the model is under way; try again when it is done.")
        if self._worker.closing:
            raise ClassifierClosed
        async with self._changing:
            try:
                async with asyncio.timeout(CHANGE_SECONDS):
                    yield
            except TimeoutError:
                minutes = CHANGE_SECONDS / 60
                raise ReloadRefused(f"{what} was not ready within {minutes:.0f} minutes; that was given up.") from None

    async def _load_beside(self, source: str) -> tuple[Engine, Callable[[], Engine]]:
        load = partial(self._load, source)
        try:
            return await in_thread(load), load
        except ModelError:
            raise
        except Exception as error:  # such as too little memory for two models
            raise ReloadRefused(
                f"{source} cannot be loaded beside the running model ({type(error).__name__})."
            ) from error

    def _swap(
        self, engine: Engine, load: Callable[[], Engine], comparison: Comparison | None, started: float
    ) -> Reloaded:
        if self._worker.closing:
            raise ClassifierClosed
        before = self.info
        self._previous = self._worker.swap(engine, load)
        now, seconds = self.info, time.perf_counter() - started
        _log.info("model %s answers instead of %s, after %.2f s", now.version, before.version, seconds)
        return Reloaded(before, now, comparison, seconds)

    def _candidate(self) -> Shadow:
        if self._shadow is None:
            raise ReloadRefused("No candidate is running; start one first.")
        return self._shadow

    def _check_length(self, text: str) -> None:
        if len(text) > self._max_characters:
            raise TextTooLong(len(text), self._max_characters)

    async def _prepared_alone(self, text: str, priority: Priority, origin: Hashable) -> Prepared:
        self._check_length(text)
        prepared = prepare_at_once(text)
        if prepared is None:
            prepared = await asyncio.wrap_future(self._look_closer(text, priority, origin))
        return prepared

    async def _prepared(
        self, texts: Sequence[str], priority: Priority, origin: Hashable
    ) -> list[Prepared | ModelError]:
        """The texts as the network reads them, in their order; what takes longer is done off the event loop."""
        found: list[Prepared | ModelError | asyncio.Future[Prepared]] = []
        turn = time.perf_counter()
        try:
            for text in texts:
                if time.perf_counter() - turn > _TURN_SECONDS:
                    await asyncio.sleep(0)
                    turn = time.perf_counter()
                try:
                    self._check_length(text)
                    found.append(
                        prepare_at_once(text) or asyncio.wrap_future(self._look_closer(text, priority, origin))
                    )
                except ModelError as error:
                    found.append(error.with_traceback(None))  # which would lead to all the texts
            await asyncio.gather(*filter(asyncio.isfuture, found), return_exceptions=True)
        finally:
            for one in found:
                if isinstance(one, asyncio.Future) and not one.cancel() and not one.cancelled():
                    one.exception()  # heard of, or asyncio logs it; those that were not begun are taken back
        return [_outcome(one) if isinstance(one, asyncio.Future) else one for one in found]

    def _look_closer(self, text: str, priority: Priority, origin: Hashable) -> Future[Prepared]:
        try:
            return self._preparer.submit(text, priority, origin)
        except Overloaded:
            self._worker.count_refused()
            raise

    def _submit(self, text: Prepared, priority: Priority, origin: Hashable, deadline: float) -> asyncio.Future[Verdict]:
        started = time.perf_counter()
        answer = self._mailbox().expect(
            self._worker.submit(text.text, priority, origin, deadline, danger=text.danger, tokens=text.tokens)
        )
        if priority is Priority.PASSIVE:
            answer.add_done_callback(partial(self._show_candidate, text, started))
        return answer

    async def _answers(
        self, texts: Sequence[Prepared | ModelError], priority: Priority, origin: Hashable
    ) -> list[Verdict | ModelError]:
        waiting: list[asyncio.Future[Verdict] | ModelError] = []
        answers: list[Verdict | ModelError] = []
        try:
            for text in texts:
                try:
                    waiting.append(text if isinstance(text, ModelError) else self._submit(text, priority, origin, inf))
                except ModelError as error:
                    waiting.append(error.with_traceback(None))  # which would lead to all the texts
            for one in waiting:
                try:
                    answers.append(one if isinstance(one, ModelError) else await one)
                except ModelError as error:
                    answers.append(error.with_traceback(None))
        finally:  # whoever is cancelled takes all its texts back
            for one in waiting[len(answers) :]:
                if not isinstance(one, ModelError):
                    one.cancel()
        return answers

    def _show_candidate(self, text: Prepared, started: float, answer: asyncio.Future[Verdict]) -> None:
        shadow = self._shadow  # which may be stopped from another thread's loop
        if shadow is not None and not answer.cancelled() and answer.exception() is None:
            shadow.offer(text, answer.result(), time.perf_counter() - started)

    def _mailbox(self) -> Mailbox:
        loop = asyncio.get_running_loop()
        mailbox = self._mailboxes.get(loop)
        if mailbox is None:
            mailbox = self._mailboxes[loop] = Mailbox()
        return mailbox


async def in_thread(call: Callable[[], _T]) -> _T:
    """The result of a call that blocks, from a thread that does not keep the process from ending."""
    done: Future[_T] = Future()

    def run() -> None:
        try:
            result = call()
        except BaseException as error:
            if done.set_running_or_notify_cancel():
                done.set_exception(error)
        else:
            if done.set_running_or_notify_cancel():
                done.set_result(result)

    threading.Thread(target=run, name="beside", daemon=True).start()
    return await asyncio.wrap_future(done)


async def _ask(worker: Worker, examples: Sequence[Example]) -> list[Verdict | ModelError]:
    """What a worker's model says of examples now, whatever it remembers; a model that fails has its error there.

    Raises Overloaded and ClassifierClosed: then nothing has been found out about the model.
    """
    found: list[Verdict | ModelError] = []
    for example in examples:
        future = worker.submit(clean(example.text), Priority.INTERACTIVE, "examples", fresh=True)
        try:
            verdict = await asyncio.wrap_future(future)
            found.append(verdict)
        except (InferenceFailed, NothingToRead) as error:
            found.append(error)
    return found


def _info(engine: Engine, since: float) -> ModelInfo:
    checkpoint, backend = engine.checkpoint, engine.backend
    return ModelInfo(
        version=checkpoint.version,
        source=checkpoint.source,
        backend=backend.name,
        device=backend.device,
        labels=checkpoint.labels,
        metrics=checkpoint.metrics,
        since=since,
        budget=engine.budget,
        missed=checkpoint.missed,
    )


def _outcome(done: asyncio.Future[Prepared]) -> Prepared | ModelError:
    error = done.exception()
    if error is None:
        return done.result()
    if isinstance(error, ModelError):
        return error
    raise error


def _batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """The texts in order, a few at a time: what the event loop prepares of them at once takes it milliseconds."""
    return (texts[start : start + _PREPARED_TEXTS] for start in range(0, len(texts), _PREPARED_TEXTS))


def _portions(
    texts: Sequence[Prepared | ModelError], priority: Priority, tokens: int
) -> Iterator[list[Prepared | ModelError]]:
    """The texts in order, in portions of at most so many estimated tokens, or of one text."""
    portion: list[Prepared | ModelError] = []
    cost = 0
    for text in texts:
        own = 0 if isinstance(text, ModelError) else cost_of(text.tokens, priority)
        if portion and cost + own > tokens:
            yield portion
            portion, cost = [], 0
        portion.append(text)
        cost += own
    if portion:
        yield portion


def _silent(_: str) -> None:
    """For a reload that nobody watches."""
