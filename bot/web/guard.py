"""What stands between the page and the network: only what the page itself needs gets through."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY_BYTES = 24 * 2**20
"""A file of the largest size in base64, and what goes with it."""

_GET = re.compile(
    r"/|/config/?|/theme\.css|/favicon\.ico|/manifest\.json|/robots\.txt|/(?:assets|static|svelte)/.+"
    r"|/gradio_api/(?:info/?|theme\.css|startup-events|queue/data|heartbeat/\w+|app_id/?)"
)
_POST = re.compile(r"/gradio_api/(?:queue/join|cancel|reset)/?")

_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'"
)
_HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


class Guard:
    """An ASGI application around Gradio's.

    Gradio also takes uploads, serves files, fetches addresses and keeps runs; this page needs none of it, so that
    nothing can be stored on this machine and nothing read from it. The browser is told to ask no other host.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on, or refuses in one line."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path, method = scope["path"], scope["method"]
        allowed = _POST if method == "POST" else _GET if method in {"GET", "HEAD"} else None
        if allowed is None or not allowed.fullmatch(path):
            await _refuse(send, 404, "There is nothing here.")
            return
        if method == "POST":
            size = dict(scope["headers"]).get(b"content-length", b"")
            if not size.isdigit():
                await _refuse(send, 411, "The length of the request is missing.")
                return
            if int(size) > MAX_BODY_BYTES:
                await _refuse(send, 413, "That is too much at once; split it and try again.")
                return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        await self._app(scope, receive, with_headers)


async def _refuse(send: Send, status: int, sentence: str) -> None:
    body = b'{"detail":"%s"}' % sentence.encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *_HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
