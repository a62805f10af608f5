"""`/model reload` and `/model rollback` where several processes answer: all of them change their model, or none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from bot.domain.model_release import CANARY_SHARE, ReleaseState
from bot.storage.errors import DatabaseUnavailable
from bot.storage.model_releases import ModelReleases, Progress
from model import ModelInfo, ReloadRefused

NOT_ALONE = (
    "Several processes answer here, and a candidate runs in one of them alone. Stop it, and release it with `/model "
    "reload`."
)

_POLL_SECONDS = 1.0
_WATCHED_SECONDS = 13 * 60.0
"""Discord lets an answer be edited for fifteen minutes; a release takes ten at most, if anybody leads."""


async def release(releases: ModelReleases, source: str, running: ModelInfo, say: Callable[[str], None]) -> str:
    """Has all processes change to a model, "" being what was released last, or should be running; how it went.

    Raises ReloadRefused and DatabaseUnavailable.
    """
    number = await releases.ask(source, running.source, running.sha256, wanted=running.wanted)
    return await _watched(releases, number, say)


async def go_back(releases: ModelReleases, say: Callable[[str], None]) -> str:
    """Has all processes change to the model before; as `release`."""
    return await _watched(releases, await releases.ask_back(), say)


def status_words(progress: Progress | None, now: float) -> str:
    """How far the last release is; `now` is in seconds since the Unix epoch."""
    if progress is None:
        return "none yet, so each process runs the model of its settings"
    one = progress.release
    name = f"{one.source} ({one.version})" if one.version else one.source
    since = f"<t:{min(int(now), one.changed // 1000)}:R>"
    if one.state is ReleaseState.ACTIVE:
        return f"{name} answers everywhere, since {since}"
    if one.state is ReleaseState.REFUSED:
        return f"{name} was refused {since}. {one.reason}"
    return f"{name}: {_doing(progress)}"


async def _watched(releases: ModelReleases, number: int, say: Callable[[str], None]) -> str:
    until = time.monotonic() + _WATCHED_SECONDS
    while time.monotonic() < until:
        try:
            progress = await releases.progress(number)
        except DatabaseUnavailable:  # the release waits for it as well
            progress = None
        if progress is not None and progress.release.state is ReleaseState.REFUSED:
            raise ReloadRefused(progress.release.reason)
        if progress is not None and progress.release.state is ReleaseState.ACTIVE:
            one = progress.release
            return (
                f"Now running model {one.version} ({one.source}) in all {progress.of} processes. "
                "`/model rollback` goes back."
            )
        if progress is not None:
            say(_doing(progress))
        await asyncio.sleep(_POLL_SECONDS)
    return "It isn't decided yet. See `/model status`."


def _doing(progress: Progress) -> str:
    if progress.release.state is ReleaseState.CANARY:
        return f"trying it on {CANARY_SHARE:.0%} of the servers"
    return f"loading and checking it: {progress.ready} of {progress.of} processes have it ready"
