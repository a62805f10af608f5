"""The page's web server: a thread with a loop of its own, beside whatever else the process does."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.settings import Settings, SettingsError
from bot.web.asgi_guard import Guard, is_local
from bot.web.page_classifier import PageClassifier
from model.concurrency import in_thread

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

_log = logging.getLogger(__name__)

_CLOSING_SECONDS = 1
"""What the thread gets to end. Visitors' connections never end by themselves, so they are not waited for."""

_CONNECTIONS = 200
"""A visitor holds two or three."""

_NOTING = "_update_value_in_config"
"""Gradio's method that notes a value; a test sees that none is noted."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the page is: `url` for this machine, and `shared` for the world, or "" when it is not."""

    url: str
    shared: str = ""


@asynccontextmanager
async def running_page(
    classifier: PageClassifier,
    settings: Settings,
    host: str,
    port: int,
    *,
    share: bool = False,
    alone: bool = True,
    listening: socket.socket | None = None,
) -> AsyncIterator[Address]:
    """Serves the page until the block is left. Port 0 takes a free one; `listening` has been taken already.

    A page that is not `alone` is the bot's, and its visitors are strangers: a proxy may be before it.
    Raises SettingsError, a sentence, when the address cannot be had or a shared one not be made.
    """
    listening = listening or listen(host, port)
    local = alone and is_local(host) and not share
    try:
        server, thread = await in_thread(lambda: _start(classifier, settings, listening, local))
    except BaseException:
        listening.close()
        raise
    try:
        shown = f"[{host}]" if ":" in host else "127.0.0.1" if host in {"", "0.0.0.0"} else host  # noqa: S104
        port = listening.getsockname()[1]
        shared = await in_thread(lambda: _share(port)) if share else ""
        yield Address(f"http://{shown}:{port}/", shared)
    finally:
        server.should_exit = True
        await in_thread(lambda: thread.join(_CLOSING_SECONDS))


def listen(host: str, port: int) -> socket.socket:
    """Takes the address. Raises SettingsError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise SettingsError(
            f"The page cannot listen at {host}, port {port} ({error.strerror}); choose another host or port."
        ) from None
    return listening


def _start(
    classifier: PageClassifier, settings: Settings, listening: socket.socket, local: bool
) -> tuple[uvicorn.Server, threading.Thread]:
    load_libraries()
    import uvicorn

    # In a loop: without one Gradio makes a dozen, of which it closes none.
    app = asyncio.run(_build(classifier, settings, local))
    config = uvicorn.Config(
        # Its errors come with tracebacks, and those may hold what somebody typed.
        Guard(app, local=local),
        log_level="critical",
        access_log=False,
        timeout_graceful_shutdown=0,
        limit_concurrency=_CONNECTIONS,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), name="web page", daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        thread.join(0.01)
    if not server.started:
        raise SettingsError("The page could not be started; the log says more.")
    return server, thread


async def _build(classifier: PageClassifier, settings: Settings, local: bool) -> FastAPI:
    import gradio as gr
    from fastapi import FastAPI

    from bot.web.page import CSS, ICON, SCRIPTS, build_page, theme

    _keep_no_values()
    page: FastAPI = gr.mount_gradio_app(
        FastAPI(openapi_url=None),
        build_page(classifier, settings, local=local),
        path="/",
        theme=theme(),
        css_paths=CSS,
        head="".join(f"<script>{script.read_text('utf-8')}</script>" for script in SCRIPTS),
        favicon_path=str(ICON),
        footer_links=[],
        run_history=False,
        show_error=False,
        enable_monitoring=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
    )
    return page


def load_libraries() -> None:
    """Imports Gradio and the page, which takes seconds."""
    # Read when Gradio is imported, and by its parts later: nothing is to be counted, looked up or sent anywhere.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

    import bot.web.page  # noqa: F401


def _keep_no_values() -> None:
    """Gradio notes each visitor's inputs and outputs, for links to a filled-in page, which this page does not have."""
    from gradio.state_holder import SessionState

    setattr(SessionState, _NOTING, lambda *_: None)


def _share(port: int) -> str:
    from gradio.networking import setup_tunnel

    try:
        return setup_tunnel("127.0.0.1", port, secrets.token_urlsafe(32), None, None)
    except Exception as error:  # it downloads a program and speaks to a service; whatever fails, there is no address
        _log.info("no shared address: %s", type(error).__name__)
        raise SettingsError(
            "A shared address could not be had from gradio.live; check the network, or leave --share out."
        ) from None
