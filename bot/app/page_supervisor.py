"""Keeps the page beside the bot running in a process of its own: starts it, watches it, and starts it again."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot.settings import Settings
from bot.web.page_state import PageState
from bot.web.remote.server import ClassifierServer, Deaf
from bot.web.remote.wire import BadMessage, Message
from model.any_classifier import AnyClassifier
from model.child_process import environment, how_it_ended
from model.concurrency import in_thread

_log = logging.getLogger(__name__)

MEMORY_BYTES = 2**30
"""For the data of the page's process; it takes 250 MB, and a file of the largest size 100 more."""

RESIDENT_BYTES = MEMORY_BYTES * 3 // 4
"""What it may keep in memory. One that is nearly at its limit fails at everything and does not end by itself."""

NICE = 10
"""How far it stands behind the bot where both want a processor: it gets a tenth of what the bot gets."""

PAUSES = (1.0, 2.0, 5.0, 15.0, 60.0)
"""Seconds before it is started again; the last for good, until it has been up for `STEADY_SECONDS`."""

STEADY_SECONDS = 300.0
LOOKS_SECONDS = 1.0
LAST_SECONDS = 0.2
"""What it gets to end by itself, when the bot ends."""

_PASSED_ON = ("TZ", "FORWARDED_ALLOW_IPS", "GRADIO_ROOT_PATH", "SSL_CERT_FILE")
"""Of the environment, beside what every child is told."""

_FOR_SHARING = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "HF_HOME")
"""A program is fetched for a shared address; an address of a proxy may hold a password."""

_SETTINGS = ("model", "inference_url", "source_url", "support_url", "privacy_url", "help_url")
"""What the page knows of the settings, beside those that are named after it."""

_OURS = Path(__file__).parents[2]
_RUN = "import sys; sys.path.insert(0, sys.argv[1]); from bot.app.page_process import main; main()"
"""The program that runs here, and no other, wherever it is installed and whatever lies in the working directory."""


class PageSupervisor:
    """The page's process, or the one after it. For one event loop, in the main thread."""

    def __init__(
        self, settings: Settings, classifier: AnyClassifier, listening: socket.socket, state: PageState
    ) -> None:
        """Takes over an address that is listened at: whoever comes while there is no page waits for the next one."""
        self._settings = settings
        self._classifier = classifier
        self._listening = listening
        self._state = state
        self._running: asyncio.Task[None] | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self.is_up = asyncio.Event()

    def start(self) -> None:
        """Begins, and waits for nothing."""
        self._running = asyncio.ensure_future(self._run())

    async def close(self) -> None:
        """Ends the page, within `LAST_SECONDS`."""
        self._listening.close()
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running

    async def _run(self) -> None:
        tries = 0
        while True:
            began = time.monotonic()
            try:
                why = await self._once()
            except Exception as error:  # whatever it is, the bot goes on, and another page may fare better
                why = type(error).__name__
            tries = 0 if time.monotonic() - began > STEADY_SECONDS else tries
            pause = PAUSES[min(tries, len(PAUSES) - 1)]
            tries += 1
            self._state.ended += 1
            self._state.why = why
            _log.warning("the page has ended (%s); it is started again in %.0f s", why, pause)
            await asyncio.sleep(pause)

    async def _once(self) -> str:
        """Runs the page once, to its end; returns why it ended."""
        try:
            ours, theirs = socket.socketpair()
            with theirs:
                try:
                    process = self.process = self._started(theirs)
                except BaseException:
                    ours.close()
                    raise
            reader, writer = await asyncio.open_connection(sock=ours)
        except OSError as error:
            return f"no process can be started: {error.strerror}"
        page = _Page(self._stands)
        server = ClassifierServer(self._classifier, self._settings, reader, writer, page.hear)
        serving, watching = asyncio.ensure_future(server.serve()), asyncio.ensure_future(_grown(process.pid))
        try:
            await asyncio.wait((serving, watching), return_when=asyncio.FIRST_COMPLETED)
            why = await _why(serving, watching) or page.refusal
            if not why and not await _has_ended(process):
                why = "it hung up"
        finally:
            self.is_up.clear()
            self._state.address = ""
            watching.cancel()
            serving.cancel()  # which closes the connection, and the page ends by that
            try:
                await _has_ended(process)
            finally:
                _kill(process)
                code = await in_thread(process.wait)
        return why or how_it_ended(code)

    def _stands(self, address: str) -> None:
        self._state.address = address
        self.is_up.set()
        _log.info("the page is at %s", address)

    def _started(self, theirs: socket.socket) -> subprocess.Popen[bytes]:
        """A process that has the two sockets and nothing else of this one. Raises OSError."""
        handed = (theirs, self._listening)
        named = [*_PASSED_ON, *(_FOR_SHARING if self._settings.web_share else ())]
        windows: dict[str, Any] = {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
        own: dict[str, Any] = {"pass_fds": [one.fileno() for one in handed], "process_group": 0}
        env = environment(*named)
        program = sys.executable
        if sys.platform == "win32" and (base := getattr(sys, "_base_executable", program)) != program:
            # The program of a virtual environment only starts the real one, whose number could not be known.
            env["__PYVENV_LAUNCHER__"], program = program, base
        process = subprocess.Popen(  # noqa: S603
            [program, "-P", "-c", _RUN, str(_OURS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=env,
            **(windows if sys.platform == "win32" else own),
        )
        connection, listening = (_handle(one, process.pid) for one in handed)
        given = {
            "parent": os.getpid(),
            "memory": MEMORY_BYTES,
            "nice": NICE,
            "settings": for_the_page(self._settings),
            "connection": connection,
            "listening": listening,
        }
        assert process.stdin is not None
        with suppress(BrokenPipeError), process.stdin:
            process.stdin.write(json.dumps(given).encode() + b"\n")
        return process


class _Page:
    """What a page says of itself."""

    def __init__(self, up: Callable[[str], object]) -> None:
        self.refusal = ""
        self._up = up

    def hear(self, message: Message) -> None:
        """That it is there, why it is not, or what its own code logs. Raises BadMessage."""
        match message:
            case {"ready": str(address)}:
                self._up(_one_line(address))
            case {"refused": str(sentence)}:
                self.refusal = _one_line(sentence)
            case {"log": {"level": int(level), "said": str(said)}}:
                _log.log(min(max(level, logging.INFO), logging.ERROR), "%s", _one_line(said))
            case _:
                raise BadMessage


def for_the_page(settings: Settings) -> dict[str, object]:
    """The settings that the page's process is told: none of the bot's secrets is among them."""
    names = [name for name in type(settings).model_fields if name in _SETTINGS or name.startswith("web_")]
    values = {name: getattr(settings, name) for name in names}
    return {name: value.get_secret_value() if isinstance(value, SecretStr) else value for name, value in values.items()}


async def _grown(pid: int) -> None:
    """Returns when the process keeps too much in memory; never where the system does not say how much that is."""
    while True:
        resident = _resident(pid)
        if resident is not None and resident > RESIDENT_BYTES:
            return
        await asyncio.sleep(LOOKS_SECONDS)


def _resident(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None


async def _why(serving: asyncio.Task[None], watching: asyncio.Task[None]) -> str:
    """Why the page is ended from here; "" when it is gone already."""
    if watching.done():
        return f"it used more than {RESIDENT_BYTES / 2**20:.0f} MB of memory"
    try:
        await serving
    except BadMessage:
        return "it sent something no page sends"
    except Deaf:
        return "it stopped answering"
    except Exception as error:
        return type(error).__name__
    return ""


async def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether it ends by itself; it has `LAST_SECONDS`."""
    end = time.monotonic() + LAST_SECONDS
    while (code := process.poll()) is None:
        if time.monotonic() > end:
            break
        await asyncio.sleep(0.01)
    return code is not None


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends it and what it has started; its number is its own until somebody has waited for it."""
    with suppress(OSError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)


def _one_line(said: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in said)[:300]


def _handle(one: socket.socket, pid: int) -> int | str:
    """How another process gets a socket: by its number, or on Windows by a description made for it."""
    if sys.platform == "win32":
        return base64.b64encode(one.share(pid)).decode()
    return one.fileno()
