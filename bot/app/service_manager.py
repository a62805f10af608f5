"""Tells systemd how it goes, where that is who started the process: ready, alive, stopping (sd_notify(3)).

A few lines over a datagram socket; the packages for it on PyPI have not been touched for years.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

_log = logging.getLogger(__name__)

_ENDING_SECONDS = 0.2


def _watchdog_seconds(environment: Mapping[str, str]) -> float:
    microseconds = environment.get("WATCHDOG_USEC", "")
    is_ours = environment.get("WATCHDOG_PID", "") in {"", str(os.getpid())}
    return int(microseconds) / 1e6 if is_ours and microseconds.isdecimal() else 0.0


class ServiceManager:
    """Whoever is at NOTIFY_SOCKET; nobody where that is not set."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        self.watchdog_seconds = _watchdog_seconds(environment)
        """Within how long it wants to hear that the process is alive; 0: never."""

    def tell(self, *said: str) -> None:
        """Tells it, such as `READY=1` or `STATUS=...`. Raises nothing: nobody need listen."""
        if not self._address.startswith(("/", "@")):
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
                line.setblocking(False)
                line.sendto("\n".join(said).encode(), address)
        except OSError as error:
            _log.debug("the service manager could not be told (%s)", type(error).__name__)

    @asynccontextmanager
    async def watched(self, is_alive: Callable[[], bool]) -> AsyncIterator[None]:
        """For as long as the block lasts it hears again and again that the process is alive, while `is_alive` says so.

        That is said by the event loop, so a loop that is held says nothing.
        """
        task = asyncio.get_running_loop().create_task(self._feed(is_alive), name="the service manager's watchdog")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait((task,), timeout=_ENDING_SECONDS)

    async def _feed(self, is_alive: Callable[[], bool]) -> None:
        while self.watchdog_seconds > 0:
            try:
                alive = is_alive()
            except Exception as error:  # a mistake of ours must not have a bot killed that works
                _log.error("whether the process is alive could not be told (%s)", type(error).__name__)
                alive = True
            if alive:
                self.tell("WATCHDOG=1")
            await asyncio.sleep(self.watchdog_seconds / 3)
