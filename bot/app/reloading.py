"""SIGHUP: the model is loaded anew from where it came from, in one process or, where several run, in all."""

from __future__ import annotations

import asyncio
import logging

from bot.app.running import Running
from bot.storage.errors import DatabaseUnavailable
from model import ModelError

_log = logging.getLogger(__name__)

_reloads: set[asyncio.Task[None]] = set()
"""Tasks are only kept alive by whoever holds them."""


def reload_in_background(running: Running) -> None:
    """A reload that fails changes nothing."""

    async def reload() -> None:
        classifier, storage = running.classifier, running.storage
        if classifier is None:
            return
        try:
            if storage is not None and storage.releases is not None:
                info = classifier.info
                await storage.releases.ask(info.wanted, info.source, info.sha256)
            else:
                await classifier.reload()
        except (ModelError, DatabaseUnavailable) as error:
            _log.error("SIGHUP: %s The model there was still answers.", error)
        except Exception as error:  # a task that nobody waits for would end with a traceback
            _log.error("SIGHUP failed (%s). The model there was still answers.", type(error).__name__)

    task = asyncio.ensure_future(reload())
    _reloads.add(task)
    task.add_done_callback(_reloads.discard)
