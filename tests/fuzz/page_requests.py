"""Requests to the page that no browser sends, made of those that it does, by a seeded generator, over raw sockets."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from urllib.parse import quote, urlsplit

WORD = "zyzzyva"
"""In whatever is typed; it must be in nothing that is written."""

WORKERS = 8
ANSWER_BYTES = 200_000
ANSWER_SECONDS = 60.0

_PATHS = (
    "/",
    "/config",
    "/theme.css",
    "/login",
    "/assets/index.js",
    "/static/img/logo.svg",
    "/gradio_api/upload",
    "/gradio_api/file=/etc/passwd",
    "/gradio_api/queue/data?session_hash={session}",
    "/gradio_api/heartbeat/{session}",
    "/gradio_api/queue/join",
    "/gradio_api/cancel",
    "/gradio_api/reset",
    "/gradio_api/run/predict",
    "/gradio_api/component_server",
    "/monitoring",
)
_METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "get", "P\x00ST", "")
_VALUES = (
    None,
    True,
    0,
    -1,
    2**31,
    10**400,
    1e308,
    "",
    WORD,
    WORD * 300,
    f"{WORD},1\n=cmd|' /C calc'!A0",
    "\ud800",
    "\0" * 9,
    "${7*7}{{7*7}}<script>",
    "../../etc/passwd",
    [],
    {},
    [[[[[[]]]]]],
    {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}},
    {"__type__": "update", "value": WORD},
)
_HEADERS = (
    b"transfer-encoding: chunked",
    b"content-length: -5",
    b"content-length: 99999999999999",
    b"content-type: text/plain",
    b"content-type: multipart/form-data; boundary=x",
    b"content-encoding: gzip",
    b"origin: https://evil.example",
    b"origin: http://[",
    b"host: [::",
    b"cookie: vibecheck=9.x; =;",
    b"authorization: Bearer \xff\xfe",
    b"sec-fetch-site: cross-site",
    b"upgrade: websocket\r\nconnection: upgrade",
    b"expect: 100-continue",
    b"range: bytes=0-1,2-3,4-",
    b"x-forwarded-proto: \xff",
    b"connection: close",
    b"no colon at all",
    b": nameless",
    b"x: " + b"y" * 40_000,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How often each status came back; "none" is a connection that was cut, or left by whoever asked."""

    statuses: Counter[str]

    @property
    def broken(self) -> int:
        """Answers that say that something inside has failed; 503 says that there is too much."""
        return sum(count for status, count in self.statuses.items() if status.startswith("5") and status != "503")


@dataclass(frozen=True, slots=True)
class Made:
    """A request in the parts in which it is sent, whether its sender then says that no more comes, or just hangs up."""

    parts: list[bytes]
    ends: bool
    hangs_up: bool


class Requests:
    """Bytes to send, the same for the same seed; `handlers` are the numbers of the page's actions."""

    def __init__(self, seed: int, host: str, handlers: list[int]) -> None:
        self._random = Random(seed)
        self._host = host.encode()
        self._handlers = handlers

    def one(self) -> Made:
        """One request."""
        random = self._random
        session = random.choice(("a", "b", "c", WORD, f"{random.getrandbits(64):x}", "é", "x" * 65))
        path = random.choice(_PATHS).replace("{session}", quote(session))
        method = "POST" if "gradio_api" in path and "data" not in path else "GET"
        body = self._body(path, session) if method == "POST" else b""
        headers = [b"host: " + self._host, b"connection: close", b"x-forwarded-for: 10.0.0.%d" % random.randrange(20)]
        if body or method == "POST":
            headers += [b"content-type: application/json", b"content-length: %d" % len(body)]
        if random.random() < 0.15:
            method = random.choice(_METHODS)
        if random.random() < 0.2:
            path = self._spoilt(path.encode()).decode("latin-1")
        for _ in range(random.choice((0, 0, 0, 1, 2))):
            headers.insert(random.randrange(len(headers) + 1), random.choice(_HEADERS))
        if random.random() < 0.1:
            del headers[random.randrange(len(headers))]
        head = f"{method} {path} HTTP/1.1\r\n".encode("latin-1", "replace") + b"\r\n".join(headers) + b"\r\n\r\n"
        if random.random() < 0.05:
            head = self._spoilt(head)
        return self._cut(head + body)

    def _body(self, path: str, session: str) -> bytes:
        random = self._random
        event = f"{random.getrandbits(128):032x}"
        given: object = {"event_id": event}
        if "join" in path:
            texts = (WORD, f"{WORD} is great", f"i hate {WORD}\ni love it", "😀" * 20)
            data = [random.choice((*texts, None, 0)) for _ in range(random.choice((1, 1, 2, 3)))]
            given = {"fn_index": random.choice(self._handlers), "data": data, "session_hash": session}
        elif "cancel" in path:
            given = {"fn_index": random.choice(self._handlers), "event_id": event, "session_hash": session}
        if random.random() < 0.5:
            given = self._mutated(given)
        body = json.dumps(given).encode()
        if random.random() < 0.1:
            body = random.choice((b"[" * 5000, b'{"a":' * 500, b"[" + b"[]," * 3000 + b"[]]", b'"' + b"\\" * 999, b""))
        return self._spoilt(body) if random.random() < 0.15 else body

    def _mutated(self, given: object) -> object:
        """The same with one value, name or entry that is not the page's."""
        random = self._random
        if isinstance(given, dict) and given:
            name = random.choice(sorted(given))
            change = random.randrange(4)
            if change == 0:
                return {key: value for key, value in given.items() if key != name}
            if change == 1:
                return given | {random.choice(("batched", "request", "event_data", WORD)): random.choice(_VALUES)}
            return given | {name: self._mutated(given[name])}
        if isinstance(given, list) and given and random.random() < 0.7:
            place = random.randrange(len(given))
            return [*given[:place], self._mutated(given[place]), *given[place + 1 :]]
        return random.choice(_VALUES)

    def _spoilt(self, content: bytes) -> bytes:
        random = self._random
        spoilt = bytearray(content)
        for _ in range(random.randrange(1, 4)):
            place = random.randrange(len(spoilt) + 1)
            spoilt[place : place + random.randrange(3)] = random.choice(
                (b"\0", b"\xff", b"%00", b"/../", b"%2e%2e/", b"\r\n", b"?", b"#", b"", b"\xed\xa0\x80")
            )
        return bytes(spoilt)

    def _cut(self, whole: bytes) -> Made:
        """All at once mostly; else in two parts, or less than all, or with another request behind it."""
        random = self._random
        place, all_of_it = random.randrange(len(whole) + 1), [whole]
        parts = random.choice((*(all_of_it,) * 6, [whole[:place], whole[place:]], [whole + whole], [whole[:place]]))
        return Made(parts, ends=len(b"".join(parts)) < len(whole), hangs_up=random.random() < 0.1)


async def send_all(address: str, handlers: list[int], requests: int, seed: int) -> Outcome:
    """Sends so many, a few at a time, and hangs up on some."""
    where = urlsplit(address)
    made, statuses = Requests(seed, where.netloc, handlers), Counter[str]()
    left = [made.one() for _ in range(requests)]

    async def work() -> None:
        while left:
            statuses[await _send(where.hostname or "", where.port or 80, left.pop())] += 1

    await asyncio.gather(*(work() for _ in range(WORKERS)))
    return Outcome(statuses)


async def _send(host: str, port: int, made: Made) -> str:
    reader, writer = await asyncio.open_connection(host, port)
    answer = b""
    try:
        with suppress(ConnectionError):
            for part in made.parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0)
            if made.ends:
                writer.write_eof()
            if not made.hangs_up:
                async with asyncio.timeout(ANSWER_SECONDS):
                    while len(answer) < ANSWER_BYTES and (piece := await reader.read(65536)):
                        answer += piece
    finally:
        writer.close()
    status = re.match(rb"HTTP/1\.1 (\d{3})", answer)
    return status[1].decode() if status else "none"
