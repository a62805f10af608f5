"""SIGHUP: the model is loaded anew from where it came from, while the one there answers."""

from __future__ import annotations

import asyncio
import logging

from model import ModelError
from model.any_classifier import AnyClassifier

_log = logging.getLogger(__name__)

_reloads: set[asyncio.Task[None]] = set()
"""Tasks are only kept alive by whoever holds them."""


def reload_in_background(classifier: AnyClassifier) -> None:
    """Begins to; a reload that fails changes nothing."""

    async def reload() -> None:
        try:
            await classifier.reload()
        except ModelError as error:
            _log.error("SIGHUP: %s The model there was still answers.", error)
        except Exception as error:  # a task that nobody waits for would end with a traceback
            _log.error("SIGHUP failed (%s). The model there was still answers.", type(error).__name__)

    task = asyncio.ensure_future(reload())
    _reloads.add(task)
    task.add_done_callback(_reloads.discard)
