"""A second model beside the one that answers, opened for one answer and closed after it."""

from __future__ import annotations

import asyncio
import threading

from bot.settings import Settings
from model import BUNDLED, Classifier, ModelError, Verdict

STILL_ENDING = "Another comparison is still running. Please try again in a minute."
NOT_OFFERED = "This page doesn't offer that model."

_second_model = threading.Lock()
"""Held while a second model is in this process: there is room for one."""


class NoSecondModel(ModelError):
    """There is none to compare with; the message says why."""


def offered(settings: Settings) -> list[str]:
    """The models that anybody may compare with the one that answers."""
    return list(dict.fromkeys((settings.model, BUNDLED, *settings.web_models.split())))


async def ask_second(source: str, text: str, settings: Settings, budget: int) -> Verdict:
    """The verdict of another model. Raises NoSecondModel while there is one, and what opening and asking it raise."""
    if not _second_model.acquire(blocking=False):
        raise NoSecondModel(STILL_ENDING)
    asking = asyncio.ensure_future(_ask(source, text, settings, budget))
    # A load cannot be broken off. Whoever does not wait for it leaves it to end, and the next one waits for that.
    asking.add_done_callback(_second_is_gone)
    return await asyncio.shield(asking)


async def _ask(source: str, text: str, settings: Settings, budget: int) -> Verdict:
    """It has one thread on ONNX Runtime: the one that answers keeps the others."""
    second = await Classifier.open(
        source, device=settings.device, threads=1, queue_limit=settings.queue_limit, cache=0, budget=budget
    )
    async with second:
        return await second.classify(text)


def _second_is_gone(asking: asyncio.Future[Verdict]) -> None:
    _second_model.release()
    if not asking.cancelled():
        asking.exception()  # whoever still waits raises it; otherwise nobody is to be told
