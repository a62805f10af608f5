"""`python -m bot web`: the page on its own, without a bot."""

from __future__ import annotations

import asyncio
import importlib.util
import signal
import sys
import threading
import webbrowser
from contextlib import suppress

from bot.client import open_classifier
from bot.settings import Settings, SettingsError
from bot.web.server import Address, running_page
from model import CheckpointError

NEEDS_EXTRA = 'The web page needs its extra: pip install -e ".[web]".'
DEFAULT_PORT = 7860


def has_extra() -> bool:
    """Whether Gradio is installed."""
    return importlib.util.find_spec("gradio") is not None


async def serve(settings: Settings, host: str, port: int, *, share: bool, open_browser: bool) -> None:
    """Serves the page until SIGINT or SIGTERM. Raises SettingsError, a sentence, when something must be put right."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows has no handlers on its loop
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        classifier = await open_classifier(settings)
    except CheckpointError as error:
        raise SettingsError(str(error)) from None
    async with classifier, running_page(classifier, settings, host, port, share=share) as address:
        _say(address, classifier.info.fallback)
        if open_browser:
            # A browser that runs in the terminal returns only when it is closed; nobody waits for it.
            threading.Thread(target=webbrowser.open, args=(address.url,), daemon=True).start()
        await stop.wait()


def _say(address: Address, fallback: str) -> None:
    shared = f"\nEverybody who knows this address can use it: {address.shared}" if address.shared else ""
    warned = f"\n{fallback}" if fallback else ""
    print(f"The page is at {address.url}{shared}{warned}\nCtrl-C ends it.", flush=True, file=sys.stdout)  # noqa: T201
