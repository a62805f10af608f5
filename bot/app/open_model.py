"""Which model answers, for the bot, the page, the Space and the server of texts alike."""

from __future__ import annotations

import logging
from typing import Any

from bot.app.malloc import return_freed
from bot.domain.model_release import Release
from bot.settings import Settings
from model import BUNDLED, CheckpointError, Classifier, HubUnreachable, Missed, open_or_fall_back
from model.any_classifier import AnyClassifier
from model.fallback import Forgiven

_log = logging.getLogger(__name__)

REMEMBERED = "backend.json"
"""In DATA_DIR: which backend was found to be the fastest, on which processor and with which versions."""


async def open_classifier(settings: Settings, forgiving: Forgiven = HubUnreachable) -> AnyClassifier:
    """The classifier these settings ask for, or what stands in for it after a `forgiving` error.

    With INFERENCE_URL that is the one there, and the one here stands in for it. Raises a CheckpointError when the one
    here cannot be had otherwise.
    """
    local = await open_local(settings, forgiving)
    if not settings.inference_url:
        return local
    from model.serving.failover_classifier import FailoverClassifier

    token = settings.inference_token.get_secret_value() if settings.inference_token is not None else ""
    try:
        return await FailoverClassifier.open(
            local, settings.inference_url.split(), token, queue_limit=settings.queue_limit
        )
    except BaseException:
        await local.close()
        raise


async def open_local(settings: Settings, forgiving: Forgiven = HubUnreachable) -> Classifier:
    """The same in this process, whatever INFERENCE_URL says."""
    return await open_or_fall_back(settings.model, forgiving=forgiving, **_options(settings))


async def open_released(settings: Settings, release: Release) -> Classifier:
    """The classifier of what was released over several processes, or what stands in for it; `info.missed` says why.

    The settings' own model is not what answers the other processes' servers. Raises a CheckpointError when nothing can
    be had.
    """
    if settings.model not in (release.source, BUNDLED):
        _log.info("%s answers, which was released last, and not %s of MODEL", release.source, settings.model)
    classifier = await open_or_fall_back(release.source, forgiving=CheckpointError, **_options(settings))
    info = classifier.info
    if info.missed is not None or release.sha256 in ("", info.sha256):
        return classifier
    await classifier.close()
    missed = Missed(release.source, "what is there is another model than was released")
    classifier = await Classifier.open(BUNDLED, missed=missed, **_options(settings))
    _log.warning("%s", classifier.info.fallback)
    return classifier


def _options(settings: Settings) -> dict[str, Any]:
    return {
        "device": settings.device,
        "threads": settings.threads,
        "queue_limit": settings.queue_limit,
        "cache": settings.cache_size,
        "budget": settings.batch_tokens,
        "backend": settings.backend,
        "remembered": settings.data_dir / REMEMBERED,
        "after_change": return_freed,
    }
