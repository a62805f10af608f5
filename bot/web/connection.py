"""A visitor's connection, with the bounds that uvicorn does not have.

They are seconds for the head of a request, seconds in which something must be taken, and connections of one address.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import h11
from uvicorn.middleware.proxy_headers import _TrustedHosts
from uvicorn.protocols.http.h11_impl import H11Protocol

from bot.settings import is_local

MAX_CONNECTIONS = 200
"""A visitor holds two or three."""

MAX_CONNECTIONS_OF_ONE = 64
"""Of one address; many people may be behind one. Proxies that are trusted to name their visitors are not counted."""

HEAD_SECONDS = 10.0
"""What the head of a request may take, from the connection or its first byte on."""

STALL_SECONDS = 60.0
"""How long an answer may wait for somebody who takes nothing of it."""

MAX_HEAD_BYTES = 32 * 2**10


class Connection(H11Protocol):
    """Uvicorn's, which is cut when it is not used as a visitor would."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._head = _Deadline(self.loop, HEAD_SECONDS)
        self._stall = _Deadline(self.loop, STALL_SECONDS)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Takes the connection, or cuts it where there are too many of one address."""
        super().connection_made(transport)
        address = self.client[0] if self.client else ""
        others = (getattr(other, "client", None) for other in self.connections)
        of_address = Counter(client[0] for client in others if client)
        if of_address[address] > MAX_CONNECTIONS_OF_ONE and not self._is_proxy(address):
            transport.abort()
            return
        self._head.begin(transport)

    def data_received(self, data: bytes) -> None:
        """Reads on; the time for a head goes on from where it began, and so does that for what nobody waits for."""
        super().data_received(data)
        answered = self.cycle is not None and self.cycle.response_complete
        if self.conn.their_state is h11.IDLE or answered:
            self._head.begin(self.transport)
        else:
            self._head.end()

    def pause_writing(self) -> None:
        """Begins to count how long nothing is taken."""
        super().pause_writing()
        self._stall.begin(self.transport)

    def resume_writing(self) -> None:
        """Something was taken."""
        self._stall.end()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends what was counted."""
        self._head.end()
        self._stall.end()
        super().connection_lost(exc)

    def _is_proxy(self, address: str) -> bool:
        return is_local(address) or address in _TrustedHosts(self.config.forwarded_allow_ips)


class _Deadline:
    """Cuts a connection unless it is ended in time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop, self._seconds = loop, seconds
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, transport: asyncio.Transport) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, transport.abort)

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
