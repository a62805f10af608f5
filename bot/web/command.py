"""The page on its own, as `python -m bot web` and the Space have it, and beside the bot."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import signal
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from bot.app.open_model import open_classifier
from bot.app.stopping import CLOSING_SECONDS
from bot.settings import Settings, SettingsError
from bot.web.server import Address, running_page
from model import CheckpointError, Classifier, HubUnreachable
from model.concurrency import unless
from model.fallback import Forgiven

_log = logging.getLogger(__name__)

NEEDS_EXTRA = 'The web page needs its extra: pip install -e ".[web]".'
DEFAULT_PORT = 7860


def has_extra() -> bool:
    """Whether Gradio is installed."""
    return importlib.util.find_spec("gradio") is not None


@asynccontextmanager
async def page_beside(settings: Settings, classifier: Classifier) -> AsyncIterator[None]:
    """The page that the settings ask for, over somebody else's classifier. Raises SettingsError."""
    if not has_extra():
        raise SettingsError(NEEDS_EXTRA)
    async with running_page(
        classifier, settings, settings.web_host, settings.web_port, share=settings.web_share, alone=False
    ) as address:
        _log.info("the page is at %s", address.shared or address.url)
        yield


async def serve(
    settings: Settings,
    host: str,
    port: int,
    *,
    share: bool,
    open_browser: bool,
    forgiving: Forgiven = HubUnreachable,
) -> None:
    """Serves the page until SIGINT or SIGTERM. Raises SettingsError, a sentence, when something must be put right.

    After a `forgiving` error of the model another one answers, and the page says so.
    """
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows has no handlers on its loop
            asyncio.get_running_loop().add_signal_handler(number, stop.set)

    async def start() -> tuple[Classifier, Address]:
        try:
            classifier = await kept.enter_async_context(await open_classifier(settings, forgiving))
        except CheckpointError as error:
            raise SettingsError(str(error)) from None
        page = running_page(classifier, settings, host, port, share=share)
        return classifier, await kept.enter_async_context(page)

    async with AsyncExitStack() as kept:
        started = await unless(stop, start(), grace=CLOSING_SECONDS / 4)
        if started is None:
            return
        classifier, address = started
        _say(address, classifier.info.fallback)
        if open_browser:
            # A browser that runs in the terminal returns only when it is closed; nobody waits for it.
            threading.Thread(target=webbrowser.open, args=(address.url,), daemon=True).start()
        await stop.wait()


def _say(address: Address, fallback: str) -> None:
    shared = f"\nEverybody who knows this address can use it: {address.shared}" if address.shared else ""
    warned = f"\n{fallback}" if fallback else ""
    print(f"The page is at {address.url}{shared}{warned}\nCtrl-C ends it.", flush=True, file=sys.stdout)  # noqa: T201
