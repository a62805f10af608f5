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
from typing import TYPE_CHECKING, Any

from bot.settings import Settings, SettingsError, is_local
from bot.web.access import Access, access_for, check_reachable
from bot.web.asgi_guard import Guard
from bot.web.gradio_sessions import keep_no_values, print_no_tracebacks, work_of
from bot.web.page_classifier import PageClassifier
from bot.web.page_requests import Inputs
from bot.web.visitors import Visitors
from model.concurrency import in_thread

if TYPE_CHECKING:
    import uvicorn

_log = logging.getLogger(__name__)

_CLOSING_SECONDS = 1
"""What the thread gets to end. Visitors' connections never end by themselves, so they are not waited for."""


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
    Raises SettingsError, a sentence, when others could reach it and nothing says who may, when the address cannot be
    had, or a shared one not be made.
    """
    check_access(settings, host, share=share)
    access = access_for(settings)
    local = is_local(host) and not share and access is None and not settings.web_open
    listening = listening or listen(host, port)
    parts = Parts(classifier, settings, local, alone and local, access)
    try:
        server, thread = await in_thread(lambda: _start(parts, listening))
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


def check_access(settings: Settings, host: str, *, share: bool) -> None:
    """Raises SettingsError when others could reach a page at that address and nothing says who may."""
    check_reachable(settings, reachable=share or not is_local(host))


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
            f"The page can't listen on {host}, port {port} ({error.strerror}). Choose another host or port."
        ) from None
    return listening


@dataclass(frozen=True, slots=True)
class Parts:
    """What a page is made of: `local` answers to this machine alone, and `own` also lets its visitors name models."""

    classifier: PageClassifier
    settings: Settings
    local: bool
    own: bool
    access: Access | None


def _start(parts: Parts, listening: socket.socket) -> tuple[uvicorn.Server, threading.Thread]:
    load_libraries()
    import uvicorn

    from bot.web.connection import MAX_CONNECTIONS, MAX_HEAD_BYTES, Connection

    # In a loop: without one Gradio makes a dozen, of which it closes none.
    config = uvicorn.Config(
        asyncio.run(guarded_page(parts)),
        # Its errors come with tracebacks, and those may hold what somebody typed.
        log_level="critical",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=0,
        limit_concurrency=MAX_CONNECTIONS,
        http=Connection,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        ws="none",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=_serve, args=(server, listening), name="web page", daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        thread.join(0.01)
    if not server.started:
        raise SettingsError("The page couldn't start. The log says more.")
    return server, thread


def _serve(server: uvicorn.Server, listening: socket.socket) -> None:
    async def serve() -> None:
        asyncio.get_running_loop().set_exception_handler(_log_kind)
        await server.serve(sockets=[listening])

    asyncio.run(serve())


def _log_kind(_loop: asyncio.AbstractEventLoop, what: dict[str, Any]) -> None:
    """The message of an error may hold what somebody typed."""
    _log.error("something in the page's loop failed: %s", type(what.get("exception")).__name__)


async def guarded_page(parts: Parts) -> Guard:
    """The page and what stands before it."""
    import gradio as gr
    from fastapi import FastAPI

    from bot.web.page import CSS, ICON, SCRIPTS, build_page, theme

    keep_no_values()
    print_no_tracebacks()
    blocks = build_page(parts.classifier, parts.settings, local=parts.own)
    page: FastAPI = gr.mount_gradio_app(
        FastAPI(openapi_url=None),
        blocks,
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
    return Guard(
        page,
        local=parts.local,
        access=parts.access,
        inputs=Inputs.of(blocks),
        visitors=Visitors(work_of(page)),
    )


def load_libraries() -> None:
    """Imports Gradio and the page, which takes seconds."""
    # Read when Gradio is imported, and by its parts later: nothing is to be counted, looked up or sent anywhere.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

    import bot.web.page  # noqa: F401


def _share(port: int) -> str:
    from gradio.networking import setup_tunnel

    try:
        return setup_tunnel("127.0.0.1", port, secrets.token_urlsafe(32), None, None)
    except Exception as error:  # it downloads a program and speaks to a service; whatever fails, there is no address
        _log.info("no shared address: %s", type(error).__name__)
        raise SettingsError(
            "I couldn't get a shared address from gradio.live. Check the network, or leave out --share."
        ) from None
