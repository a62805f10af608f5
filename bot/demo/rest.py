"""Discord's REST API over loopback HTTP: authentication, rate limits, attachments, and faults on request."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatch
from math import ceil
from typing import Any

import discord
import simcord.http.routes  # noqa: F401  # registers simcord's route handlers
from aiohttp import BodyPartReader, web
from simcord.backend import Backend
from simcord.backend.cdn import CDN_BASE
from simcord.backend.errors import BackendError
from simcord.backend.serializers import user_payload
from simcord.http.router import RouteNotImplemented, UnsupportedField, dispatch

from bot.demo.history_pages import teach_pages
from bot.demo.limits import Bucket, InvalidRequests, SessionLimits

_log = logging.getLogger(__name__)
teach_pages()

API = "/api/v10"
CDN = "/cdn"

_WITHOUT_TOKEN = re.compile(r"/(interactions/\d+/|webhooks/\d+/[^/]+|gateway$)")
"""Routes whose secret is in the path; all others need the bot's token."""

_MAJOR = re.compile(r"/(?:channels|guilds)/\d+|/(?:webhooks|interactions)/\d+/[^/]+")
_VARIABLE = re.compile(r"/(\d{5,}|simcord_interaction_\d+)")

_OF_DISCORD = {"Via": "1.1 google"}
"""Without it discord.py takes a 429 for a ban by Cloudflare and does not retry."""

_KEPT_OUT = "<!DOCTYPE html><title>Access denied | discord.com used Cloudflare to restrict access</title>error 1015"


@dataclass(slots=True)
class _Fault:
    """An answer that replaces the real one for matching requests.

    `status` 0 breaks the connection instead. One that is `carried_out` has its effect, and only the answer is lost.
    """

    method: str
    path: str
    status: int
    body: dict[str, Any] | str
    headers: dict[str, str]
    times: int
    carried_out: bool = False

    def matches(self, method: str, path: str) -> bool:
        return self.times > 0 and self.method in {"*", method} and fnmatch(path, self.path)


@dataclass
class RestApi:
    """Serves simcord's routes to a bot that was given the address instead of discord.com's.

    `latency` delays each answer by so many seconds. `in_flight` and `last_activity` tell a caller when it is quiet.
    """

    backend: Backend
    token: str
    shards: int = 1
    latency: float = 0.0
    origin: str = ""
    owner: int | None = None
    """The user to whom the bot belongs; simcord lets it belong to itself."""
    sessions: SessionLimits = field(default_factory=SessionLimits)
    global_limit: Bucket | None = None
    """Of all requests but those that answer people together, as Discord's 50 in a second; None: there is none."""
    invalid: InvalidRequests = field(default_factory=InvalidRequests)
    in_flight: int = 0
    last_activity: float = 0.0
    log: list[str] = field(default_factory=list)
    _faults: list[_Fault] = field(default_factory=list)
    _buckets: dict[str, Bucket] = field(default_factory=dict)

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Mounts the API and the attachments' addresses."""
        router.add_route("*", API + "/{path:.*}", self._serve)
        router.add_get(CDN + "/{path:.*}", self._attachment)

    def rate_limit(self, method: str, path: str, *, retry_after: float = 0.5, times: int = 1) -> None:
        """Answers the next `times` matching requests with 429; `path` is an fnmatch pattern below the version."""
        headers = {"Retry-After": str(retry_after), "X-RateLimit-Scope": "user", **_OF_DISCORD}
        body = {"message": "You are being rate limited.", "retry_after": retry_after, "global": False}
        self._faults.append(_Fault(method, path, 429, body, headers, times))

    def http_error(self, method: str, path: str, *, status: int, code: int = 0, times: int = 1) -> None:
        """Answers the next `times` matching requests with an error."""
        body = {"message": "A fault made on purpose.", "code": code}
        self._faults.append(_Fault(method, path, status, body, {}, times))

    def lose_answer(self, method: str, path: str, *, status: int = 0, times: int = 1) -> None:
        """Carries the next `times` matching requests out and tells otherwise; 0 breaks the connection instead."""
        body = {"message": "A fault made on purpose.", "code": 0}
        self._faults.append(_Fault(method, path, status, body, {}, times, carried_out=True))

    def break_connection(self, method: str, path: str, *, times: int = 1) -> None:
        """Breaks the connection of the next `times` matching requests before anything is done."""
        self._faults.append(_Fault(method, path, 0, {}, {}, times))

    def keep_out(self, *, retry_after: float | None = None, status: int = 429, times: int = 1) -> None:
        """Answers the next `times` requests as Cloudflare does an address that it has banned: a page, and no Via."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        self._faults.append(_Fault("*", "*", status, _KEPT_OUT, headers, times))

    def localise(self, text: str) -> str:
        """Addresses of attachments in JSON text as the bot can reach them."""
        return text.replace(CDN_BASE, self.origin + CDN)

    async def _serve(self, request: web.Request) -> web.Response:
        with self._activity():
            if self.latency:
                await asyncio.sleep(self.latency)
            path = "/" + request.match_info["path"]
            self.log.append(f"{request.method} {path}")
            if banned := self.invalid.banned_for():
                self.invalid.knocks += 1
                return _kept_out({"Retry-After": str(ceil(banned))})
            response = await self._respond(request, path)
            self.invalid.note(response.status, response.headers.get("X-RateLimit-Scope", ""))
            return response

    async def _respond(self, request: web.Request, path: str) -> web.Response:
        for fault in self._faults:
            if fault.matches(request.method, path):
                fault.times -= 1
                return await self._fail(request, path, fault)
        has_its_own_token = _WITHOUT_TOKEN.match(path) is not None
        if not has_its_own_token and request.headers.get("Authorization") != f"Bot {self.token}":
            return self._json({"message": "401: Unauthorized", "code": 0}, 401)
        now = time.monotonic()
        if self.global_limit is not None and not has_its_own_token and not self.global_limit.take(now):
            return self._too_many(self.global_limit, {"X-RateLimit-Global": "true"}, everywhere=True)
        key = _bucket_key(request.method, path)
        bucket = self._buckets.setdefault(key, Bucket())
        allowed = bucket.take(now)
        headers = _rate_limit_headers(key, bucket)
        if not allowed:
            return self._too_many(bucket, headers)
        return await self._answer(request, path, headers)

    def _too_many(self, bucket: Bucket, headers: dict[str, str], *, everywhere: bool = False) -> web.Response:
        wait = max(0.0, bucket.resets_at - time.monotonic())
        body = {"message": "You are being rate limited.", "retry_after": wait, "global": everywhere}
        scope = {"Retry-After": str(wait), "X-RateLimit-Scope": "global" if everywhere else "user"}
        return self._json(body, 429, headers | scope | _OF_DISCORD)

    async def _fail(self, request: web.Request, path: str, fault: _Fault) -> web.Response:
        if fault.carried_out:
            await self._answer(request, path, {})
        if not fault.status and request.transport is not None:
            request.transport.abort()
            return web.Response(status=502)  # which nobody gets
        if isinstance(fault.body, str):
            return _kept_out(fault.headers, fault.status)
        return self._json(fault.body, fault.status, fault.headers)

    async def _answer(self, request: web.Request, path: str, headers: dict[str, str]) -> web.Response:
        if path in {"/gateway", "/gateway/bot"}:
            return self._json(self._gateway_info(), 200, headers)
        body, files = await self._read_body(request)
        try:
            result = dispatch(
                self.backend,
                request.method,
                path,
                json=body,
                params=dict(request.query),
                files=files,
                reason=request.headers.get("X-Audit-Log-Reason"),
            )
        except (RouteNotImplemented, UnsupportedField) as gap:
            _log.error("%s", gap)
            return self._json({"message": str(gap), "code": 0}, 501, headers)
        except BackendError as error:
            return self._json(error.to_json(), error.status, headers)
        if path == "/oauth2/applications/@me" and self.owner is not None:
            result |= {"owner": dict(user_payload(self.backend.get_user(self.owner)))}
        if result is None:
            return web.Response(status=204, headers=headers)
        return self._json(result, 200, headers)

    def _gateway_info(self) -> dict[str, Any]:
        address = self.origin.replace("http", "ws", 1) + "/gateway"
        return {"url": address, "shards": self.shards, "session_start_limit": self.sessions.told()}

    async def _read_body(self, request: web.Request) -> tuple[Any, list[discord.File]]:
        if request.content_type == "application/json" and request.can_read_body:
            return self._parse(await request.text()), []
        if not request.content_type.startswith("multipart/"):
            return None, []
        body: Any = None
        uploads: list[tuple[str, str, bytes]] = []
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                continue
            content = bytes(await part.read())
            if part.name == "payload_json":
                body = self._parse(content.decode())
            elif part.name is not None and part.filename is not None:
                uploads.append((part.name, part.filename, content))
        described = _descriptions(body)
        return body, [
            discord.File(io.BytesIO(content), filename, description=described.get(name))
            for name, filename, content in uploads
        ]

    def _parse(self, text: str) -> Any:
        return json.loads(text.replace(self.origin + CDN, CDN_BASE)) if text else None

    async def _attachment(self, request: web.Request) -> web.Response:
        content = self.backend.cdn.get(f"{CDN_BASE}/{request.match_info['path']}")
        return web.Response(status=404) if content is None else web.Response(body=content)

    def _json(self, value: Any, status: int, headers: dict[str, str] | None = None) -> web.Response:
        # discord.py compares the content type with exactly "application/json", so no charset may follow it.
        body = self.localise(json.dumps(value, default=str)).encode()
        return web.Response(body=body, status=status, headers=headers, content_type="application/json")

    @contextmanager
    def _activity(self) -> Iterator[None]:
        self.in_flight += 1
        try:
            yield
        finally:
            self.in_flight -= 1
            self.last_activity = time.monotonic()


def _kept_out(headers: dict[str, str], status: int = 429) -> web.Response:
    return web.Response(text=_KEPT_OUT, status=status, headers=headers, content_type="text/html")


def _descriptions(body: Any) -> dict[str, str]:
    """The alternative texts of uploads by the name of their part."""
    if not isinstance(body, dict):
        return {}
    listed = body.get("attachments") or (body.get("data") or {}).get("attachments") or []
    return {f"files[{item.get('id')}]": item["description"] for item in listed if item.get("description")}


def _bucket_key(method: str, path: str) -> str:
    """Requests share a limit when they share method, route and channel, guild, or webhook with its token."""
    major = _MAJOR.search(path)
    route = _VARIABLE.sub("/:id", path)
    return f"{method} {route} {major.group() if major else ''}"


def _rate_limit_headers(key: str, bucket: Bucket) -> dict[str, str]:
    wait = max(0.0, bucket.resets_at - time.monotonic())
    return {
        "X-RateLimit-Bucket": hashlib.sha256(key.split(" ", 2)[1].encode()).hexdigest()[:32],
        "X-RateLimit-Limit": str(bucket.limit),
        "X-RateLimit-Remaining": str(bucket.remaining),
        "X-RateLimit-Reset": f"{time.time() + wait:.3f}",
        "X-RateLimit-Reset-After": f"{wait:.3f}",
    }
