"""Which model answers, for the bot, the page and the Space alike."""

from __future__ import annotations

from bot.app.malloc import return_freed
from bot.settings import Settings
from model import Classifier, HubUnreachable, open_or_fall_back
from model.fallback import Forgiven

REMEMBERED = "backend.json"
"""In DATA_DIR: which backend was found to be the fastest, on which processor and with which versions."""


async def open_classifier(settings: Settings, forgiving: Forgiven = HubUnreachable) -> Classifier:
    """The classifier these settings ask for, or what stands in for it after a `forgiving` error.

    Raises a CheckpointError when it cannot be had otherwise.
    """
    return await open_or_fall_back(
        settings.model,
        forgiving=forgiving,
        device=settings.device,
        threads=settings.threads,
        queue_limit=settings.queue_limit,
        cache=settings.cache_size,
        budget=settings.batch_tokens,
        backend=settings.backend,
        remembered=settings.data_dir / REMEMBERED,
        after_change=return_freed,
    )
