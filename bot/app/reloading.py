"""SIGHUP: the model is loaded anew from where it came from, in one process or, where several run, in all."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from bot.storage.errors import DatabaseUnavailable
from model import ModelError
from model.any_classifier import AnyClassifier

if TYPE_CHECKING:
    from bot.storage.model_releases import ModelReleases

_log = logging.getLogger(__name__)

_reloads: set[asyncio.Task[None]] = set()
"""Tasks are only kept alive by whoever holds them."""


def reload_in_background(classifier: AnyClassifier, releases: ModelReleases | None = None) -> None:
    """A reload that fails changes nothing. With `releases` all processes are asked to reload."""

    async def reload() -> None:
        try:
            if releases is not None:
                info = classifier.info
                await releases.ask("", info.source, info.sha256, wanted=info.wanted)
            else:
                await classifier.reload()
        except (ModelError, DatabaseUnavailable) as error:
            _log.error("SIGHUP: %s The model there was still answers.", error)
        except Exception as error:  # a task that nobody waits for would end with a traceback
            _log.error("SIGHUP failed (%s). The model there was still answers.", type(error).__name__)

    task = asyncio.ensure_future(reload())
    _reloads.add(task)
    task.add_done_callback(_reloads.discard)
