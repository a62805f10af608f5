"""The page on its own, as `vibecheck web` and the Space have it, and beside the bot."""

from __future__ import annotations

import importlib.util
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from bot.app.open_model import open_classifier
from bot.app.page_supervisor import PageSupervisor
from bot.app.process_tuning import keep_memory_private, stop_on_signals, tune_threads
from bot.app.shutdown import GRACE_SECONDS, ShutdownBudget
from bot.settings import Settings, SettingsError
from bot.web.page_state import PageState
from bot.web.server import Address, check_access, listen, running_page
from model import CheckpointError, HubUnreachable
from model.any_classifier import AnyClassifier
from model.concurrency import unless
from model.fallback import Forgiven
from model.installation import needs_extra

NEEDS_EXTRA = needs_extra("The web page", "web")
DEFAULT_PORT = 7860


def has_extra() -> bool:
    """Whether Gradio is installed."""
    return importlib.util.find_spec("gradio") is not None


@asynccontextmanager
async def page_beside(
    settings: Settings, classifier: AnyClassifier, state: PageState | None = None
) -> AsyncIterator[PageSupervisor]:
    """The page that the settings ask for, in a process of its own over somebody else's classifier.

    Nobody waits for it: it is up seconds later, and whoever comes before waits that long. Raises SettingsError.
    """
    if not has_extra():
        raise SettingsError(NEEDS_EXTRA)
    check_access(settings, settings.web_host, share=settings.web_share)
    listening = listen(settings.web_host, settings.web_port)
    listening.listen()
    supervisor = PageSupervisor(settings, classifier, listening, state or PageState())
    supervisor.start()
    try:
        yield supervisor
    finally:
        await supervisor.close()


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
    tune_threads(settings.threads)
    keep_memory_private()
    stop = stop_on_signals()
    kept = AsyncExitStack()
    opened: list[AnyClassifier] = []

    async def start() -> Address:
        try:
            opened.append(await open_classifier(settings, forgiving))
        except CheckpointError as error:
            raise SettingsError(str(error)) from None
        return await kept.enter_async_context(running_page(opened[0], settings, host, port, share=share))

    try:
        address = await unless(stop, start(), grace=GRACE_SECONDS)
        if address is None:
            return
        _say(address, opened[0].info.fallback)
        if open_browser:
            # A browser that runs in the terminal returns only when it is closed; nobody waits for it.
            threading.Thread(target=webbrowser.open, args=(address.url,), daemon=True).start()
        await stop.wait()
    finally:
        budget = ShutdownBudget()
        for classifier in opened:
            await budget.give("model", classifier.close())
        await budget.give("page", kept.aclose())


def _say(address: Address, fallback: str) -> None:
    shared = f"\nAnyone with this address can use it: {address.shared}" if address.shared else ""
    warned = f"\n{fallback}" if fallback else ""
    print(f"The page is at {address.url}{shared}{warned}\nPress Ctrl-C to stop it.", flush=True, file=sys.stdout)  # noqa: T201
