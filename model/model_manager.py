"""Which model answers: it is changed while it does, and another may be tried beside it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from model.acceptance import (
    Comparison,
    Example,
    GoldenFailure,
    check_comparison,
    check_english,
    check_golden,
    compare,
    golden_examples,
    golden_failures,
    plain_examples,
    verdicts_of,
)
from model.backends.attempt import Attempt
from model.backends.engine import Engine
from model.checkpoints.checkpoint import BUNDLED, Missed
from model.concurrency import in_thread
from model.errors import ClassifierClosed, InferenceFailed, ModelError, NothingToRead, ReloadRefused, Unreadable
from model.scheduling.request import Priority
from model.scheduling.shadow import Shadow, ShadowReport
from model.scheduling.worker import Worker
from model.text.cleaning import clean
from model.text.preprocessing import Prepared
from model.verdict import Sentiment, Verdict

CHANGE_SECONDS = 600.0
"""What a change of model may take: fetching, loading and checking it."""

Load = Callable[[], Engine]
"""Makes an engine anew, as it was made."""

_T = TypeVar("_T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What is loaded and what runs it. `metrics` are those that travelled in the artefact.

    `since` is the moment (`time.perf_counter`) at which it began to answer, and `budget` the padded tokens of a batch.
    `missed` is the model that should answer instead, and `attempts` are the backends that were tried. `sha256` is as in
    `Checkpoint`. `languages` are the codes of those that it reads; none: English alone.
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
    attempts: tuple[Attempt, ...] = ()
    sha256: str = ""
    languages: tuple[str, ...] = ()

    @property
    def wanted(self) -> str:
        """The source of what should answer."""
        return self.missed.source if self.missed is not None else self.source

    @property
    def versions(self) -> tuple[str, ...]:
        """Of each model that answers: `Verdict.model` is one of them.

        Two that answer as one are named together by `version`, `source` and `backend`; the rest is the first's.
        """
        return tuple(self.version.split("+"))

    @property
    def fallback(self) -> str:
        """A sentence that says which model could not be had and what answers instead; "" when all is as it should."""
        if self.missed is None:
            return ""
        stand_in = "the bundled model" if self.source == BUNDLED else f"{self.source}, the last good one on disk,"
        return f"I couldn't get {self.missed.source} ({self.missed.reason}); {stand_in} is running instead."


@dataclass(frozen=True, slots=True)
class Reloaded:
    """A change of model: what answered `before` and what answers now, and both on plain texts."""

    before: ModelInfo
    now: ModelInfo
    comparison: Comparison | None
    seconds: float


class ModelManager:
    """Changes what a worker runs, one change at a time, and has the candidate that reads along.

    All but `offer` is called in one event loop.
    """

    def __init__(
        self, worker: Worker, load: Callable[[str], Engine], after_change: Callable[[], None] | None = None
    ) -> None:
        """`load` makes an engine of a source. `after_change` is called, in a thread, after a model was dropped."""
        self._worker = worker
        self._load = load
        self._after_change = after_change
        self._changing = asyncio.Lock()
        self.previous: tuple[Engine, Load] | None = None
        """The model before the last change, and how it was loaded."""
        self.is_staged = False
        """Whether a model waits beside this one for a release (`model.staged_release`): there is one at a time."""
        self.missed: Missed | None = None
        """The model that should have come to answer since, and could not be had; None: what should answer does."""
        self._loading: set[asyncio.Future[Engine]] = set()
        self._shadow: Shadow | None = None

    @property
    def info(self) -> ModelInfo:
        """What answers now."""
        found = info_of(*self._worker.answering())
        return found if self.missed is None else replace(found, missed=self.missed)

    async def reload(self, source: str, progress: Callable[[str], None] | None) -> Reloaded:
        """See `Classifier.reload`."""
        started = time.perf_counter()
        say = progress or _silent
        wanted = source or self.info.wanted

        async def reload() -> Reloaded:
            self.require_unstaged()
            engine, load = await self.load_checked(wanted, say)
            comparison = await self.compared(engine, say)
            change = self.swap(engine, load, comparison, started)
            await self.drop_others()
            return change

        return await self.one_at_a_time(wanted, reload)

    async def rollback(self) -> Reloaded:
        """See `Classifier.rollback`."""
        started = time.perf_counter()

        async def rollback() -> Reloaded:
            if self.previous is None:
                raise ReloadRefused("There's no earlier model to go back to: none was loaded since the start.")
            return self.swap(*self.previous, None, started)

        return await self.one_at_a_time("the earlier model", rollback)

    async def golden(self) -> tuple[int, list[GoldenFailure]]:
        """See `Classifier.golden`."""
        while True:
            engine, count, failures = self._worker.answering()[0], 0, []
            for part in engine.each:
                examples = await in_thread(partial(golden_examples, part.checkpoint))
                answers = await _ask(self._worker, examples, part.checkpoint.version)
                failures += golden_failures(examples, answers, part.backend.name)
                count += len(examples)
            if self.info.version == engine.checkpoint.version:  # or some were asked of a model that came meanwhile
                return count, failures

    async def start_shadow(self, source: str, share: float) -> ModelInfo:
        """See `Classifier.start_shadow`."""

        async def start() -> ModelInfo:
            self.require_no_other()
            if not 0 < share <= 1:
                raise ReloadRefused(f"The share must be above 0 and at most 1, not {share:g}.")
            engine, load = await self.load_checked(source, _silent)
            self._check_open()  # or its worker would outlive the others
            self._shadow = Shadow(engine, load, share)
            return info_of(engine, time.perf_counter())

        return await self.one_at_a_time(source, start)

    def shadow_report(self) -> ShadowReport:
        """See `Classifier.shadow_report`."""
        return self._candidate().report()

    async def promote_shadow(self) -> Reloaded:
        """See `Classifier.promote_shadow`."""
        started = time.perf_counter()

        async def promote() -> Reloaded:
            shadow = self._candidate()
            check_english(shadow.engine)
            examples = await in_thread(plain_examples)
            comparison = compare(examples, await _ask(self._worker, examples), await _ask(shadow.worker, examples))
            check_comparison(shadow.engine.checkpoint.source, comparison)
            await self._end_shadow(shadow)
            # The one that was compared: a shadow that hung has had its engine loaded anew.
            change = self.swap(shadow.worker.engine or shadow.engine, shadow.load, comparison, started)
            del shadow  # the worker that is no more
            await self.drop_others()
            return change

        return await self.one_at_a_time("the candidate", promote)

    async def stop_shadow(self) -> ShadowReport:
        """See `Classifier.stop_shadow`."""

        async def stop() -> ShadowReport:
            shadow = self._candidate()
            await self._end_shadow(shadow)
            report = shadow.report()
            del shadow
            await self.drop_others()
            return report

        return await self.one_at_a_time("the end of the candidate", stop)

    def offer(self, text: Prepared, live: Verdict, live_seconds: float) -> None:
        """Shows a candidate, if there is one, a text that the live model has answered. Safe between threads."""
        shadow = self._shadow  # which may be stopped meanwhile
        if shadow is not None:
            shadow.offer(text, live, live_seconds)

    async def one_at_a_time(self, what: str, change: Callable[[], Awaitable[_T]]) -> _T:
        """Makes the change unless another is under way; that is over afterwards, however it went.

        Raises ReloadRefused, ClassifierClosed and what the change raises.
        """
        if self._changing.locked():
            raise ReloadRefused("The model is already being changed. Try again when that's done.")
        self._check_open()
        async with self._changing:
            try:
                async with asyncio.timeout(CHANGE_SECONDS) as limit:
                    return await change()
            except TimeoutError:
                if not limit.expired():
                    raise
                minutes = CHANGE_SECONDS / 60
                raise ReloadRefused(f"{what} wasn't ready within {minutes:.0f} minutes, so I gave up.") from None

    async def load_checked(self, source: str, say: Callable[[str], None]) -> tuple[Engine, Load]:
        """A model beside the running one, with its golden examples as they should be, and how it was loaded.

        Raises a CheckpointError or ReloadRefused.
        """
        say(f"loading {source}")
        engine, load = await self._load_beside(source)
        say("checking its golden examples")
        await in_thread(partial(check_golden, engine))
        return engine, load

    async def compared(self, engine: Engine, say: Callable[[str], None]) -> Comparison:
        """Both models on plain texts. Raises ReloadRefused for one that is clearly worse than the running one."""
        check_english(engine)
        say("comparing it with the running model")
        examples = await in_thread(plain_examples)
        candidate = await in_thread(partial(verdicts_of, engine, examples))
        comparison = compare(examples, await _ask(self._worker, examples), candidate)
        check_comparison(engine.checkpoint.source, comparison)
        return comparison

    def require_no_other(self) -> None:
        """Raises ReloadRefused where a model is already loaded beside the running one."""
        if self._shadow is not None:
            raise ReloadRefused("A candidate is already running. Promote or stop it first.")
        self.require_unstaged()

    def require_unstaged(self) -> None:
        """Raises ReloadRefused where a model waits for its release."""
        if self.is_staged:
            raise ReloadRefused("A model is being released. Try again when that's done.")

    def swap(self, engine: Engine, load: Load, comparison: Comparison | None, started: float) -> Reloaded:
        """That engine answers from now on. Raises ClassifierClosed."""
        self._check_open()
        before = self.info
        self.previous, self.missed = self._worker.swap(engine, load), None
        now, seconds = self.info, time.perf_counter() - started
        _log.info("model %s answers instead of %s, after %.2f s", now.version, before.version, seconds)
        return Reloaded(before, now, comparison, seconds)

    async def drop_others(self) -> None:
        """A model that is neither this one nor the one before has just been let go."""
        if self._after_change is not None:
            await in_thread(self._after_change)

    def close(self) -> None:
        """Ends the candidate, after the worker was closed, so that no other comes. Does not block."""
        if self._shadow is not None:
            self._shadow.close()

    def _check_open(self) -> None:
        if self._worker.closing:
            raise ClassifierClosed

    async def _load_beside(self, source: str) -> tuple[Engine, Load]:
        """What a change that was given up still loads is waited for: two are never loaded at once."""
        load = partial(self._load, source)
        if self._loading:
            await asyncio.wait(self._loading)
        loading = asyncio.ensure_future(in_thread(load))
        self._loading.add(loading)
        loading.add_done_callback(self._loading.discard)
        try:
            return await asyncio.shield(loading), load
        except ModelError:
            raise
        except Exception as error:  # such as too little memory for two models
            raise ReloadRefused(f"I can't load {source} beside the running model ({type(error).__name__}).") from error

    def _candidate(self) -> Shadow:
        if self._shadow is None:
            raise ReloadRefused("No candidate is running. Start one first.")
        return self._shadow

    async def _end_shadow(self, shadow: Shadow) -> None:
        self._shadow = None
        shadow.close()
        await asyncio.wrap_future(shadow.worker.ended)


async def _ask(worker: Worker, examples: Sequence[Example], version: str = "") -> list[Verdict | ModelError]:
    """What a worker's model says of examples now, whatever it remembers; a model that fails has its error there.

    `version` is whom of two models is asked, whoever reads English.

    Raises Overloaded and ClassifierClosed: then nothing has been found out about the model.
    """
    found: list[Verdict | ModelError] = []
    for example in examples:
        cleaned = clean(example.text)
        future = worker.submit(
            cleaned, Priority.INTERACTIVE, "examples", fresh=True, language=example.language, version=version
        )
        try:
            verdict = await asyncio.wrap_future(future)
            found.append(verdict)
        except (InferenceFailed, NothingToRead, Unreadable) as error:
            found.append(error.again())
    return found


def info_of(engine: Engine, since: float) -> ModelInfo:
    """What is known of an engine that answers since then."""
    checkpoint, backend = engine.checkpoint, engine.backend
    backends = dict.fromkeys(part.backend.name for part in engine.each)
    return ModelInfo(
        version=checkpoint.version,
        source=checkpoint.source,
        backend=" and ".join(backends),
        device=backend.device,
        labels=checkpoint.labels,
        metrics=checkpoint.metrics,
        since=since,
        budget=engine.budget,
        missed=checkpoint.missed,
        attempts=engine.attempts,
        sha256=checkpoint.sha256,
        languages=tuple(checkpoint.languages),
    )


def _silent(_: str) -> None:
    """For a reload that nobody watches."""
