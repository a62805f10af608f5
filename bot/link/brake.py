"""Nothing is asked of Discord while it keeps this machine's address out, nor so much that it would.

A ban is Cloudflare's, comes after 10,000 refused requests in ten minutes, and gets longer with each request meanwhile.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from types import SimpleNamespace

import aiohttp

_log = logging.getLogger(__name__)

MOST_INVALID = 5000
"""Refused requests of the last ten minutes, of all processes, after which only people who wait are answered."""

BAN_SECONDS = 900.0
"""Where it is not said how long the address is kept out."""

_LONGEST = 86_400.0
_OURS = "/api/"
_ANSWERS = ("/interactions/", "/webhooks/")
_SESSION = ("/users/@me", "/applications/@me", "/gateway", "/gateway/bot")
"""How the paths end that a client asks for before it has a session: without one nobody could be answered."""


class KeptOut(aiohttp.ClientError):
    """A request was not made, for it would have begun a ban or made one longer."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"nothing is asked of Discord for {seconds:.0f} s")
        self.seconds = seconds


class Brake:
    """For one client after the other. `invalid` tells how many requests were refused in the last ten minutes."""

    def __init__(
        self, invalid: Callable[[], int], *, most: int = MOST_INVALID, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._invalid = invalid
        self._most = self._most_of_all = most
        self._clock = clock
        self._until = 0.0
        self._holds = False

    def share(self, processes: int) -> None:
        """So many processes ask, perhaps from one address: each may be refused its part of what all may."""
        self._most = max(1, self._most_of_all // processes)

    def watch(self, trace: aiohttp.TraceConfig) -> aiohttp.TraceConfig:
        """Stands before what the library's HTTP client asks of the API; the gateway is elsewhere."""
        trace.on_request_start.append(self._before)
        trace.on_request_end.append(self._answered)
        return trace

    async def _before(
        self, _session: object, _context: SimpleNamespace, asked: aiohttp.TraceRequestStartParams
    ) -> None:
        path = asked.url.path
        if not path.startswith(_OURS):
            return
        if (left := self._until - self._clock()) > 0:
            raise KeptOut(left)
        too_many = self._invalid() >= self._most
        if too_many and not self._holds:
            _log.error("Discord has refused %d requests in ten minutes: only people who wait are answered", self._most)
        self._holds = too_many
        if too_many and not _may_pass(path):
            raise KeptOut(0.0)

    async def _answered(self, _session: object, _context: SimpleNamespace, end: aiohttp.TraceRequestEndParams) -> None:
        seconds = _ban(end.response)
        if seconds and end.url.path.startswith(_OURS):
            if self._until <= self._clock():
                _log.warning("Discord keeps this machine's address out: nothing is asked of it for %.0f s", seconds)
            self._until = max(self._until, self._clock() + seconds)


def _may_pass(path: str) -> bool:
    """Whether it is asked for somebody who waits, or for the session by which they are heard."""
    return any(part in path for part in _ANSWERS) or path.endswith(_SESSION)


def _ban(response: aiohttp.ClientResponse) -> float:
    """The seconds for which an answer keeps this address out; 0 where it does not.

    A page with 403 may also mean what was written in that one request, so it counts only where it says how long.
    """
    if response.status not in {403, 429} or response.headers.get("Via") or response.content_type == "application/json":
        return 0.0
    try:
        return min(_LONGEST, max(1.0, float(response.headers["Retry-After"])))
    except (KeyError, ValueError):
        return BAN_SECONDS if response.status == 429 else 0.0
