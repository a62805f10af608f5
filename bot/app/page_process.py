"""The process of the page beside the bot: it is small, stands behind the bot, and knows no secret of it.

The bot starts it, says what it needs in one line on its standard input, and ends it. It reads no settings of its own,
loads no model, and ends as soon as the bot is gone.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import signal
import socket
import sys
from contextlib import suppress
from typing import Any, NoReturn

from bot.app.process_tuning import end_with_parent, keep_memory_private, stand_back, stay_small, tune_threads

LAST_SECONDS = 0.1
"""What visitors who have just been told something get to hear it in, when the bot is gone."""

_LONGEST_RECORD = 300


def main() -> NoReturn:
    """Serves the page until the bot is gone."""
    given = json.loads(sys.stdin.buffer.readline())
    end_with_parent()
    if os.getppid() != given["parent"] and sys.platform != "win32":
        os._exit(0)  # it was gone before this one could know
    stay_small(given["memory"])
    keep_memory_private()  # after it: what is private may not be written to in /proc by a user's process
    stand_back(given["nice"])
    tune_threads(1)
    try:
        asyncio.run(_serve(given))
    finally:
        _end_with_children()


async def _serve(given: dict[str, Any]) -> None:
    from bot.settings import Settings, SettingsError
    from bot.web.remote.client import RemoteClassifier
    from bot.web.server import running_page

    settings = Settings(_env_file=None, **given["settings"])
    classifier = await RemoteClassifier.connect(_taken(given["connection"]))
    logging.getLogger("bot").addHandler(_Reporting(classifier))
    logging.getLogger("bot").propagate = False
    bot_is_gone = asyncio.ensure_future(classifier.serve())

    async def serve() -> None:
        try:
            async with running_page(
                classifier,
                settings,
                settings.web_host,
                settings.web_port,
                share=settings.web_share,
                alone=False,
                listening=_taken(given["listening"]),
            ) as address:
                classifier.tell({"ready": address.shared or address.url})
                await bot_is_gone
        except SettingsError as error:
            classifier.tell({"refused": str(error)})
        except Exception as error:
            classifier.tell({"refused": type(error).__name__})

    serving = asyncio.ensure_future(serve())
    await asyncio.wait((serving, bot_is_gone), return_when=asyncio.FIRST_COMPLETED)
    await asyncio.sleep(LAST_SECONDS)
    _end_with_children()  # without waiting for what a visitor still has going on in a thread


def _taken(handed: int | str) -> socket.socket:
    """A socket that the bot has handed over; what this process starts does not get it."""
    if isinstance(handed, str):
        taken: socket.socket = socket.fromshare(base64.b64decode(handed))  # type: ignore[attr-defined, unused-ignore]
        return taken
    os.set_inheritable(handed, False)
    return socket.socket(fileno=handed)


def _end_with_children() -> NoReturn:
    """The program that makes a shared address is in this process's group."""
    if sys.platform != "win32" and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


class _Reporting(logging.Handler):
    """Hands what the page's own code logs to the bot; libraries' tracebacks may hold what somebody typed."""

    def __init__(self, classifier: Any) -> None:
        super().__init__(logging.INFO)
        self._classifier = classifier
        self._loop = asyncio.get_running_loop()

    def emit(self, record: logging.LogRecord) -> None:
        said = {"level": record.levelno, "said": record.getMessage()[:_LONGEST_RECORD]}
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._classifier.tell, {"log": said})
