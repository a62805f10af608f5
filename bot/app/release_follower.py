"""What one of several processes does for the release of a model: it loads it, says how that went, and switches in turn.

How far a release is stands in the database (`bot.storage.model_releases`). Whoever leads moves it on; everybody,
the leader too, only does what its state asks for, so that it does not matter who dies when.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.domain.model_release import CANARY_MS, CANARY_SHARE, LIMIT_MS, Release, ReleaseState, ReportState
from bot.storage.errors import DatabaseUnavailable
from model import Classifier, ModelError, ModelInfo

if TYPE_CHECKING:
    from bot.storage.leases import Leases
    from bot.storage.model_releases import ModelReleases
    from model.staged_release import StagedRelease

_log = logging.getLogger(__name__)

BUSY_SECONDS, IDLE_SECONDS = 1.0, 20.0
"""Between two looks while a release is going on, and when nobody has told of one."""

AGAIN_SECONDS, MOST_AGAIN_SECONDS = 60.0, 1800.0
"""After how long an active model that could not be had here is tried again: twice as long each time, at most that."""

SPARE_SECONDS = 30.0
"""So long after the end of its time a release is given up by whoever follows it: the one that leads knows of none."""

_ENDING_SECONDS = 0.2


@dataclass(slots=True)
class _Own:
    """A release that this process takes part in: the model that is being prepared, and what was said of it."""

    number: int
    source: str
    staged: StagedRelease
    preparing: asyncio.Task[ModelInfo]
    said: ReportState | None = None

    @property
    def failure(self) -> str:
        """Why there is no model, in a sentence; "" where there is one or may be."""
        if not self.preparing.done():
            return ""
        if self.preparing.cancelled():
            return "It was broken off."
        error = self.preparing.exception()
        if error is None or isinstance(error, ModelError):
            return str(error or "")
        return f"It can't be loaded ({type(error).__name__})."


@dataclass(frozen=True, slots=True)
class _Missed:
    """An active release whose model could not be had here: why, how often it was tried, and when it is tried again."""

    number: int
    reason: str
    tries: int
    again: float


class ReleaseFollower:
    """For one event loop. `latest` is the last release that it knows of."""

    def __init__(
        self,
        releases: ModelReleases,
        leases: Leases,
        classifier: Classifier | None,
        active: Release | None,
        *,
        share: float = CANARY_SHARE,
        canary_ms: int = CANARY_MS,
        limit_ms: int = LIMIT_MS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`active` is the release whose model the process has begun with; None: there was none.

        Without a `classifier` texts are scored elsewhere: the process says so of each release, and moves it on where it
        leads, but there is nothing in it to change.
        """
        self.latest = active
        self._releases = releases
        self._leases = leases
        self._staged = classifier.staged if classifier is not None else None
        self._active = active.number if active is not None else 0
        """The last release that is active here, or could not be had when the process began."""
        self._missed: _Missed | None = None
        self._stands_apart = 0
        self._seen = (0, 0.0)
        self._clock = clock
        self._share, self._canary_ms, self._limit_ms = share, canary_ms, limit_ms
        self._own: _Own | None = None
        self._told = asyncio.Event()
        self._told.set()
        self._task: asyncio.Task[None] | None = None

    def tell(self) -> None:
        """A release may have moved."""
        self._told.set()

    def start(self) -> None:
        """Follows from now on, in a task of its own, until `close`."""
        self._task = asyncio.get_running_loop().create_task(self._look_now_and_then(), name="model releases")

    async def close(self) -> None:
        """Ends the task. The model stays what it is."""
        tasks: list[asyncio.Task[Any]] = [] if self._task is None else [self._task]
        if self._own is not None:
            tasks.append(self._own.preparing)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_ENDING_SECONDS)

    async def look(self) -> None:
        """Does what is to be done now. Raises DatabaseUnavailable, and then it is done at the next look."""
        releases = await self._releases.since(self._active)
        self.latest = releases[-1] if releases else None
        going_on = next((one for one in releases if not one.state.is_over), None)
        own = self._own
        if own is not None:
            await self._go_on(own, next((one for one in releases if one.number == own.number), None))
        if self._staged is None:
            await self._stand_apart(going_on)
        elif self._own is None:
            self._begin_with(self._staged, going_on or self._to_catch_up(releases))
        if going_on is not None and self._may_move(going_on):
            await self._lead()

    def _may_move(self, release: Release) -> bool:
        """Whether this process leads, or whoever does is of a version that lets a release lie."""
        if self._seen[0] != release.number:
            self._seen = release.number, self._clock()
        return self._leases.leads or self._clock() - self._seen[1] >= self._limit_ms / 1000 + SPARE_SECONDS

    async def _stand_apart(self, release: Release | None) -> None:
        if release is not None and release.number != self._stands_apart:
            await self._releases.report(release.number, ReportState.APART)
            self._stands_apart = release.number
        elif release is None and self.latest is not None:
            self._active = self.latest.number  # nobody asks for those before any more

    def _to_catch_up(self, releases: Sequence[Release]) -> Release | None:
        """The last one that is active, if it is not so here and it is time to try."""
        found = _last_active(releases, self._active)
        missed = self._missed
        if found is not None and missed is not None and missed.number == found.number and self._clock() < missed.again:
            return None
        return found

    async def _lead(self) -> None:
        moved = await self._releases.advance(canary_ms=self._canary_ms, limit_ms=self._limit_ms)
        if moved is None:
            return
        self.tell()
        if moved.state is ReleaseState.REFUSED:
            _log.warning("release %d, of %s, was refused: %s", moved.number, moved.source, moved.reason)
        else:
            _log.info("release %d, of %s, is %s", moved.number, moved.source, moved.state.value)

    def _begin_with(self, staged: StagedRelease, release: Release | None) -> None:
        """Loads a model that is being released, or one that was while this process did not take part."""
        if release is None:
            return
        compare = not release.rollback and release.state is not ReleaseState.ACTIVE
        preparing = staged.prepare(release.source, known=release.sha256, compare=compare)
        task = asyncio.get_running_loop().create_task(preparing, name="preparing a model")
        task.add_done_callback(self._prepared)
        self._own = _Own(release.number, release.source, staged, task)

    def _prepared(self, task: asyncio.Task[ModelInfo]) -> None:
        if not task.cancelled():
            task.exception()  # heard of, or asyncio logs that of a release that is over by now
        self.tell()

    async def _go_on(self, own: _Own, release: Release | None) -> None:
        """Does in this process what the state of the release asks for; None: the database knows it no more."""
        if release is None or release.state is ReleaseState.REFUSED:
            await self._drop(own)
        elif not own.preparing.done():
            return
        elif release.state is ReleaseState.ACTIVE:
            await self._switch(own, release)
        elif own.said is None:
            await self._say_how_it_went(own)
        elif own.said is ReportState.READY and release.state is ReleaseState.CANARY:
            await own.staged.begin_canary(self._share, release.sha256)
            own.said = await self._releases.report(own.number, ReportState.CANARY)
        elif own.said is ReportState.CANARY and (trouble := own.staged.report().trouble):
            own.said = await self._releases.report(own.number, ReportState.REFUSED, f"{_sentence(trouble)}.")

    async def _say_how_it_went(self, own: _Own) -> None:
        if own.failure:
            own.said = await self._releases.report(own.number, ReportState.REFUSED, own.failure)
            return
        info = own.preparing.result()
        own.said = await self._releases.report(own.number, ReportState.READY, sha256=info.sha256, version=info.version)
        self.tell()

    async def _switch(self, own: _Own, release: Release) -> None:
        """From the moment on in which it is active it answers here too, whatever was said of it."""
        failure = own.failure
        if not failure and release.sha256 not in ("", own.preparing.result().sha256):
            failure = "What is there is another model than was released."
        if failure:
            await self._drop(own)
            self._miss(own.staged, release, failure)
            return
        await own.staged.promote()
        self._own = self._missed = None
        self._active = release.number

    def _miss(self, staged: StagedRelease, release: Release, failure: str) -> None:
        """The model there was goes on, which is said, and this one is tried again after a while."""
        before = self._missed
        if before is not None and before.number != release.number:
            before = None
        if before is None or before.reason != failure:
            _log.error("release %d, of %s, isn't what answers here: %s", release.number, release.source, failure)
        staged.miss(release.source, failure.rstrip("."))
        wait = AGAIN_SECONDS if before is None else min(AGAIN_SECONDS * 2**before.tries, MOST_AGAIN_SECONDS)
        tries = 1 if before is None else min(before.tries + 1, 10)
        self._missed = _Missed(release.number, failure, tries, self._clock() + wait)

    async def _drop(self, own: _Own) -> None:
        """The model there was answers everybody again."""
        if not own.preparing.done():
            own.preparing.cancel()
            await asyncio.wait((own.preparing,))
        await own.staged.drop()
        self._own = None

    async def _look_now_and_then(self) -> None:
        while True:
            busy = self._own is not None or (self.latest is not None and not self.latest.state.is_over)
            with suppress(TimeoutError):
                async with asyncio.timeout(BUSY_SECONDS if busy else IDLE_SECONDS):
                    await self._told.wait()
            self._told.clear()
            try:
                await self.look()
            except DatabaseUnavailable as error:
                _log.debug("how far a release is could not be read (%s)", error)
            except Exception as error:  # a mistake of ours must not end the task: the next look may pass
                _log.error("a release could not be followed (%s) and is tried again", type(error).__name__)


def _last_active(releases: Sequence[Release], here: int) -> Release | None:
    """The last one that is active, if it is not so here."""
    active = [one for one in releases if one.state is ReleaseState.ACTIVE and one.number > here]
    return active[-1] if active else None


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
