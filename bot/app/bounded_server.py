"""An HTTP server for a few machines that ask and go: no connection stays for long, and there are never many."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

CONNECTION_SECONDS = 10.0
"""How long a connection may take from its beginning to its end, whatever it sends or leaves unread."""

MOST_CONNECTIONS = 32
"""How many there may be at once; another one has the oldest ended."""

Answer = Callable[[], Awaitable[web.Response]]


class BoundedServer(web.Server):
    """Answers GET of a few paths, one request a connection."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        super().__init__(self._answered, access_log=None, max_line_size=1024, max_field_size=2048, lingering_time=1.0)
        self._answers = answers
        self._ends: dict[object, tuple[asyncio.Transport, asyncio.TimerHandle]] = {}

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """Called by the library."""
        super().connection_made(handler, transport)
        if len(self._ends) >= MOST_CONNECTIONS:
            oldest, _ = next(iter(self._ends.values()))
            oldest.abort()
        ends = asyncio.get_running_loop().call_later(CONNECTION_SECONDS, transport.abort)
        self._ends[handler] = transport, ends

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        """Called by the library."""
        super().connection_lost(handler, exc)
        _, ends = self._ends.pop(handler, (None, None))
        if ends is not None:
            ends.cancel()

    async def _answered(self, request: web.BaseRequest) -> web.StreamResponse:
        answer = self._answers.get(request.path)
        if answer is None:
            response = web.Response(status=404)
        elif request.method not in ("GET", "HEAD"):
            response = web.Response(status=405, headers={"Allow": "GET, HEAD"})
        else:
            response = await answer()
        response.force_close()
        return response
