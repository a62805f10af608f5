"""What stands between the page and the network: only what the page itself needs gets through."""

from __future__ import annotations

import ipaddress
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

LARGE_BODY_BYTES = 2**20
MAX_LARGE_BODIES = 4
"""Large bodies that are taken at a time; all of each is in memory."""

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


_FORWARDED = {b"forwarded", b"x-forwarded-for", b"x-real-ip"}
"""Headers of proxies: whoever sent the request is not on this machine, or need not be."""


def is_local(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.casefold() == "localhost"


class Guard:
    """An ASGI application around Gradio's.

    Gradio also takes uploads, serves files, fetches addresses and keeps runs; this page needs none of it, so that
    nothing can be stored on this machine and nothing read from it. The browser is told to ask no other host. A `local`
    page answers only to its local name, and to nobody whom a proxy sends.
    """

    def __init__(self, app: App, *, local: bool = False) -> None:
        self._app = app
        self._local = local
        self._large = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on, or refuses in one line."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path, method, headers = scope["path"], scope["method"], dict(scope["headers"])
        if self._local and not _from_this_machine(headers):
            await _refuse(send, 403, "This page is for this machine only.")
            return
        allowed = _POST if method == "POST" else _GET if method in {"GET", "HEAD"} else None
        if allowed is None or not allowed.fullmatch(path):
            await _refuse(send, 404, "There is nothing here.")
            return
        large = False
        if method == "POST":
            size = headers.get(b"content-length", b"")
            if not size.isdigit():
                await _refuse(send, 411, "The length of the request is missing.")
                return
            if int(size) > MAX_BODY_BYTES:
                await _refuse(send, 413, "That is too much at once; split it and try again.")
                return
            large = int(size) > LARGE_BODY_BYTES
            if large and self._large == MAX_LARGE_BODIES:
                await _refuse(send, 503, "Too many files at once; try again in a minute.")
                return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        self._large += large
        try:
            await self._app(scope, receive, with_headers)
        finally:
            self._large -= large


def _from_this_machine(headers: dict[bytes, bytes]) -> bool:
    name = re.sub(r":\d+$", "", headers.get(b"host", b"").decode("latin-1")).strip("[]")
    return is_local(name) and not _FORWARDED & headers.keys()


async def _refuse(send: Send, status: int, sentence: str) -> None:
    body = b'{"detail":"%s"}' % sentence.encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *_HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
