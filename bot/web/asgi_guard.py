"""What stands between the page and the network: only what the page itself needs gets through."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from bot.web.request_body import Message, Receive, Refused, VisitorGone, check_shape, read_body

Scope = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY_BYTES = 24 * 2**20
"""A file of the largest size in base64, and what goes with it."""

LARGE_BODY_BYTES = 2**20
MAX_LARGE_BODIES = 4
"""Large bodies that are taken at a time; all of each is in memory."""

MAX_BODIES = 64
MAX_BODIES_OF_ONE = 16
"""Bodies that are arriving at a time, in all and from one address; many people may be behind one."""

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
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
    (b"cross-origin-resource-policy", b"same-origin"),
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
        self._arriving: Counter[str] = Counter()

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

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        if method != "POST":
            await self._app(scope, receive, with_headers)
            return
        try:
            _check_sender(headers)
            size = _announced(headers)
        except Refused as refusal:
            await _refuse(send, refusal.status, refusal.sentence)
            return
        large = size > LARGE_BODY_BYTES
        if large and self._large == MAX_LARGE_BODIES:
            await _refuse(send, 503, "Too many files at once; try again in a minute.")
            return
        self._large += large
        try:
            body = await self._read(scope, receive, size)
            await self._app(scope, _replayed(body, receive), with_headers)
        except Refused as refusal:
            await _refuse(send, refusal.status, refusal.sentence)
        except VisitorGone:
            return
        finally:
            self._large -= large

    async def _read(self, scope: Scope, receive: Receive, size: int) -> bytes:
        """The body, if there is room for one more that arrives. Raises Refused and VisitorGone."""
        sender = (scope.get("client") or ("",))[0]
        if self._arriving.total() >= MAX_BODIES or self._arriving[sender] >= MAX_BODIES_OF_ONE:
            raise Refused(503, "Too much at once; try again in a minute.")
        self._arriving[sender] += 1
        try:
            body = await read_body(receive, size, MAX_BODY_BYTES)
        finally:
            self._arriving[sender] -= 1
            self._arriving += Counter()  # whoever has nothing on the way is forgotten
        check_shape(body)
        return body


def _check_sender(headers: dict[bytes, bytes]) -> None:
    """Raises Refused for what another site has a browser send: a form's types, or a page's origin."""
    if headers.get(b"content-type", b"").split(b";")[0].strip().lower() != b"application/json":
        raise Refused(415, "This takes JSON, as the page sends it.")
    if headers.get(b"sec-fetch-site", b"same-origin") not in {b"same-origin", b"none"}:
        raise Refused(403, "This was sent by another page.")
    origin = headers.get(b"origin")
    if origin is not None and urlsplit(origin.decode("latin-1")).netloc != headers.get(b"host", b"").decode("latin-1"):
        raise Refused(403, "This was sent by another page.")


def _announced(headers: dict[bytes, bytes]) -> int:
    """The length of the body. Raises Refused where it is missing, too much, or said in two ways."""
    size = headers.get(b"content-length", b"")
    if not size.isdigit() or b"transfer-encoding" in headers:
        raise Refused(411, "The length of the request is missing.")
    if len(size) > 12 or int(size) > MAX_BODY_BYTES:
        raise Refused(413, "That is too much at once; split it and try again.")
    return int(size)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """What the framework receives: the body at once, then what else comes, such as that the visitor has gone."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _from_this_machine(headers: dict[bytes, bytes]) -> bool:
    name = re.sub(r":\d+$", "", headers.get(b"host", b"").decode("latin-1")).strip("[]")
    return is_local(name) and not _FORWARDED & headers.keys()


async def _refuse(send: Send, status: int, sentence: str) -> None:
    body = b'{"detail":"%s"}' % sentence.encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *_HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
