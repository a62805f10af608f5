"""What stands between the page and the network: only what the page itself needs gets through."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

from bot.settings import is_local
from bot.web.access import MAX_FORM_BYTES, Access, login_page
from bot.web.page_requests import Inputs, check_reset, session_of_stream
from bot.web.request_body import (
    Message,
    Receive,
    Refused,
    VisitorGone,
    check_shape,
    nothing_here,
    read_body,
    too_many,
)
from bot.web.security_headers import Headers, login_headers, page_headers, with_headers
from bot.web.visitors import ANSWER_SECONDS, Stream, Visitors

_log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY_BYTES = 24 * 2**20
"""A file of the largest size in base64, and what goes with it."""

LARGE_BODY_BYTES = 2**20
MAX_LARGE_BODIES = 4
MAX_LARGE_BODIES_OF_ONE = 2
"""Large bodies that are taken at a time, in all and from one address; all of each is in memory."""

MAX_BODIES = 64
MAX_BODIES_OF_ONE = 16
"""Bodies that are arriving at a time, in all and from one address; many people may be behind one."""

ASK, STREAM = "/gradio_api/queue/join", "/gradio_api/queue/data"
_CANCEL, _RESET, _LOGIN = "/gradio_api/cancel", "/gradio_api/reset", "/login"

_GET = re.compile(
    # The last two are asked when a line was broken: is this still the page that it was?
    r"/|/theme\.css|/favicon\.ico|/(?:assets|static)/[\w./-]{1,200}|/gradio_api/queue/data|/config|/gradio_api/app_id"
)
_UP = re.compile(r"(?:^|/)\.\.?(?:/|$)")
_POSTS = {ASK, _CANCEL, _RESET}

_FORWARDED = {b"forwarded", b"x-forwarded-for", b"x-real-ip"}
"""Headers of proxies: whoever sent the request is not on this machine, or need not be."""

_SECRET = {b"authorization", b"cookie", b"proxy-authorization"}
"""Headers that the framework is not told."""


class BrokenOff(Exception):
    """An answer that was begun cannot be ended; without its cause, which may hold what somebody typed."""


class Guard:
    """An ASGI application around Gradio's.

    Gradio also takes uploads, serves files, fetches addresses and keeps runs; this page needs none of it, so that
    nothing can be stored on this machine and nothing read from it. The browser is told to ask no other host. A `local`
    page answers only to its local name, and to nobody whom a proxy sends; one with `access` to whoever has its token.
    """

    def __init__(
        self,
        app: App,
        *,
        local: bool = False,
        access: Access | None = None,
        inputs: Inputs | None = None,
        visitors: Visitors | None = None,
    ) -> None:
        self._app = app
        self._local = local
        self._access = access
        self._inputs = inputs
        self._visitors = visitors
        self._framed = not local and access is None
        self._large: Counter[str] = Counter()
        self._arriving: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on, or refuses in one line."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = page_headers(scope["path"], framed=self._framed)
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._pass(scope, receive, noting)
        except Refused as refusal:
            await _say(send, refusal.status, b'{"detail":"%s"}' % refusal.sentence.encode(), headers)
        except VisitorGone:
            return
        except Exception as error:
            _log.error("a request of the page failed: %s", type(error).__name__)
            if begun:
                raise BrokenOff from None
            await _say(send, 500, b'{"detail":"Something went wrong; try again."}', headers)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Looks at everything before the body. Raises Refused."""
        path, method, headers = scope["path"], scope["method"], _by_name(scope["headers"])
        if self._local and not _from_this_machine(headers):
            raise Refused(403, "This page is for this machine only.")
        address = (scope.get("client") or ("",))[0]
        login = self._access is not None and path == _LOGIN and method == "POST"
        allowed = path in _POSTS or login if method == "POST" else method in {"GET", "HEAD"} and _GET.fullmatch(path)
        if not allowed or _UP.search(path):
            raise nothing_here()
        if self._access is not None and (login or not self._access.admits(headers, address)):
            await self._ask_for_token(self._access, scope, receive, send, address)
            return
        scope["headers"] = [(name, value) for name, value in scope["headers"] if name not in _SECRET]
        if method == "POST":
            await self._take(scope, receive, send, headers, address)
        elif path == STREAM and self._visitors is not None:
            with self._visitors.listening(session_of_stream(scope["query_string"])) as stream:
                await self._listen(scope, receive, send, stream)
        else:
            scope["query_string"] = b""  # by it Gradio would look for what others have left
            await self._framework(scope, receive, send)

    async def _take(
        self, scope: Scope, receive: Receive, send: Send, headers: dict[bytes, bytes], address: str
    ) -> None:
        """Reads a body and passes it on. Raises Refused and VisitorGone."""
        _check_sender(headers, b"application/json")
        size = _announced(headers, MAX_BODY_BYTES)
        with ExitStack() as held:
            if size > LARGE_BODY_BYTES:
                if self._large.total() >= MAX_LARGE_BODIES or self._large[address] >= MAX_LARGE_BODIES_OF_ONE:
                    raise Refused(503, "Too many files at once. Try again in a minute.")
                held.enter_context(_Counted(self._large, address))
            with _Counted(self._arriving, address, MAX_BODIES, MAX_BODIES_OF_ONE):
                body = await read_body(receive, size, MAX_BODY_BYTES)
            check_shape(body)
            await self._hand_on(scope, _replayed(body, receive), send, body, address)

    async def _hand_on(self, scope: Scope, receive: Receive, send: Send, body: bytes, address: str) -> None:
        scope["query_string"] = b""
        if self._inputs is None or self._visitors is None:
            await self._framework(scope, receive, send)
            return
        if scope["path"] == _RESET:
            check_reset(body)
        elif scope["path"] == _CANCEL:
            self._inputs.check_cancelling(body)
        else:
            session = self._inputs.session_of_question(body)
            with self._visitors.asking(session, address, len(body)) as named:
                await self._framework(scope, receive, _noting(send, named))
            return
        await self._framework(scope, receive, send)

    async def _listen(self, scope: Scope, receive: Receive, send: Send, stream: Stream) -> None:
        async def sent(message: Message) -> None:
            await send(message)
            stream.sent(last=message["type"] == "http.response.body" and not message.get("more_body", False))

        async with asyncio.timeout(ANSWER_SECONDS):
            await self._framework(scope, receive, sent)

    async def _framework(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = page_headers(scope["path"], framed=self._framed)

        async def with_ours(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = with_headers(message.get("headers", ()), headers)
            await send(message)

        await self._app(scope, receive, with_ours)

    async def _ask_for_token(self, access: Access, scope: Scope, receive: Receive, send: Send, address: str) -> None:
        """The page that asks for the token, or the answer to its form."""
        headers = _by_name(scope["headers"])
        if scope["path"] == _LOGIN:
            _check_sender(headers, b"application/x-www-form-urlencoded")
            with _Counted(self._arriving, address, MAX_BODIES, MAX_BODIES_OF_ONE):
                form = await read_body(receive, _announced(headers, MAX_FORM_BYTES), MAX_FORM_BYTES)
            cookie = access.cookie_for(form, address, https=scope.get("scheme") == "https")
            if cookie is not None:
                await _say(send, 303, b"", [*login_headers(), (b"location", b"./"), (b"set-cookie", cookie)])
                return
        elif scope["path"] != "/":
            raise Refused(401, "This page asks for a token first.")
        page = [*login_headers(), (b"content-type", b"text/html; charset=utf-8")]
        await _say(send, 401, login_page(wrong=scope["path"] == _LOGIN), page)


class _Counted:
    """One more of an address while the block lasts. Raises Refused where there are too many, in all or of one."""

    def __init__(self, counts: Counter[str], address: str, most: int = 2**31, of_one: int = 2**31) -> None:
        if counts.total() >= most or counts[address] >= of_one:
            raise too_many()
        self._counts, self._address = counts, address

    def __enter__(self) -> None:
        self._counts[self._address] += 1

    def __exit__(self, *_: object) -> None:
        self._counts[self._address] -= 1
        self._counts += Counter()  # whoever has nothing on the way is forgotten


def _by_name(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The last of each name, but all cookies: a proxy that speaks HTTP/2 may pass them on one by one."""
    headers = list(headers)
    found = dict(headers)
    if b"cookie" in found:
        found[b"cookie"] = b"; ".join(value for name, value in headers if name == b"cookie")
    return found


def _noting(send: Send, named: list[str]) -> Send:
    """Passes an answer on, and notes the name that Gradio gave to a question."""
    parts: list[bytes] = []

    async def noting(message: Message) -> None:
        if message["type"] == "http.response.body":
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                named.extend(_event_in(b"".join(parts)))
        await send(message)

    return noting


def _event_in(answer: bytes) -> list[str]:
    try:
        return [str(json.loads(answer)["event_id"])]
    except (ValueError, KeyError, TypeError):
        return []


def _check_sender(headers: dict[bytes, bytes], content: bytes) -> None:
    """Raises Refused for what another site has a browser send: a form's types, or a page's origin."""
    if headers.get(b"content-type", b"").split(b";")[0].strip().lower() != content:
        raise Refused(415, "Only the page can send things here.")
    if headers.get(b"sec-fetch-site", b"same-origin") not in {b"same-origin", b"none"}:
        raise Refused(403, "This was sent by another page.")
    origin = headers.get(b"origin")
    if origin is not None and _host_of(origin) != headers.get(b"host", b"").decode("latin-1"):
        raise Refused(403, "This was sent by another page.")


def _host_of(origin: bytes) -> str | None:
    try:
        return urlsplit(origin.decode("latin-1")).netloc
    except ValueError:
        return None


def _announced(headers: dict[bytes, bytes], most: int) -> int:
    """The length of the body. Raises Refused where it is missing, too much, or said in two ways."""
    size = headers.get(b"content-length", b"")
    if not size.isdigit() or b"transfer-encoding" in headers:
        raise Refused(411, "The length of the request is missing.")
    if len(size) > 12 or int(size) > most:
        raise Refused(413, "That's too much at once. Split it and try again.")
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


async def _say(send: Send, status: int, body: bytes, headers: Headers) -> None:
    named = {name for name, _ in headers}
    kind = [] if b"content-type" in named else [(b"content-type", b"application/json")]
    start = [*kind, (b"content-length", str(len(body)).encode()), *headers]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": body})
