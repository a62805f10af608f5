"""What gets through to the page, before Gradio sees any of it."""

import asyncio
import json
import time
from contextlib import suppress

import pytest

from bot.web import request_body
from bot.web.asgi_guard import (
    LARGE_BODY_BYTES,
    MAX_BODIES_OF_ONE,
    MAX_BODY_BYTES,
    MAX_LARGE_BODIES,
    MAX_LARGE_BODIES_OF_ONE,
    Guard,
)
from bot.web.request_body import Refused, check_shape

HOST = (b"host", b"page.example")
JSON = (b"content-type", b"application/json")


class SlowApp:
    """Answers 200 when told to; notes who has got through, and with what."""

    def __init__(self):
        self.bodies = []
        self.go_on = asyncio.Event()

    async def __call__(self, scope, receive, send):
        self.bodies.append((await receive())["body"])
        await self.go_on.wait()
        await send({"type": "http.response.start", "status": 200})


@pytest.fixture
def app():
    return SlowApp()


@pytest.fixture
def quick(app):
    app.go_on.set()
    return app


def arriving(*parts):
    """A visitor whose body comes in these parts; after the last of them nothing comes any more."""
    left = list(parts)

    async def receive():
        if not left:
            await asyncio.Event().wait()
        part = left.pop(0)
        return part if isinstance(part, dict) else {"type": "http.request", "body": part, "more_body": bool(left)}

    return receive


async def post(guard, body=b"{}", *, headers=(JSON,), size=None, receive=None, client="10.0.0.1"):
    """The status that is answered, None for no answer."""
    sent = []

    async def send(message):
        sent.append(message)

    length = (b"content-length", str(len(body) if size is None else size).encode())
    scope = {"type": "http", "method": "POST", "path": "/gradio_api/queue/join", "client": (client, 1)}
    await guard(scope | {"headers": [HOST, length, *headers]}, receive or arriving(body), send)
    return sent[0]["status"] if sent else None


def large(size=LARGE_BODY_BYTES + 1):
    return b'"' + b"x" * (size - 2) + b'"'


async def test_only_so_many_large_bodies_are_taken_at_a_time(app):
    guard = Guard(app)
    addresses = [f"10.0.0.{number % 2}" for number in range(MAX_LARGE_BODIES)]
    taken = [asyncio.ensure_future(post(guard, large(), client=address)) for address in addresses]
    async with asyncio.timeout(20):
        while len(app.bodies) < MAX_LARGE_BODIES:
            await asyncio.sleep(0)
        small = asyncio.ensure_future(post(guard, large(LARGE_BODY_BYTES)))
        assert await post(guard, large(), client="10.0.0.2") == 503
    app.go_on.set()
    assert await asyncio.gather(*taken, small) == [200] * (MAX_LARGE_BODIES + 1)
    assert await post(guard, large()) == 200


async def test_one_address_does_not_take_the_room_for_large_bodies(app):
    guard = Guard(app)
    taken = [asyncio.ensure_future(post(guard, large())) for _ in range(MAX_LARGE_BODIES_OF_ONE)]
    async with asyncio.timeout(20):
        while len(app.bodies) < MAX_LARGE_BODIES_OF_ONE:
            await asyncio.sleep(0)
    assert await post(guard, large()) == 503
    other = asyncio.ensure_future(post(guard, large(), client="10.0.0.2"))
    app.go_on.set()
    assert await asyncio.gather(*taken, other) == [200] * (MAX_LARGE_BODIES_OF_ONE + 1)


async def test_the_page_gets_the_body_as_it_came(quick):
    assert await post(Guard(quick), size=11, receive=arriving(b'{"a"', b': "b', b'"}')) == 400
    assert await post(Guard(quick), size=9, receive=arriving(b'{"a"', b': "b', b'"}')) == 413
    assert await post(Guard(quick), size=10, receive=arriving(b'{"a"', b': "b', b'"}')) == 200
    assert quick.bodies == [b'{"a": "b"}']


async def test_more_than_was_announced_is_not_kept(quick):
    """A length of 5 let 200 MB in."""
    seen = []

    def endless():
        seen.append(1)
        return {"type": "http.request", "body": b"x" * 65536, "more_body": True}

    async def receive():
        return endless()

    assert await post(Guard(quick), size=5, receive=receive) == 413
    assert (len(seen), quick.bodies) == (1, [])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([JSON, (b"transfer-encoding", b"chunked")], 411),
        ([(b"content-type", b"text/plain")], 415),
        ([(b"content-type", b"application/x-www-form-urlencoded")], 415),
        ([(b"content-type", b"multipart/form-data; boundary=x")], 415),
        ([], 415),
        ([JSON, (b"origin", b"https://evil.example")], 403),
        ([JSON, (b"origin", b"null")], 403),
        ([JSON, (b"sec-fetch-site", b"cross-site")], 403),
        ([JSON, (b"sec-fetch-site", b"same-site")], 403),
        ([(b"content-type", b"application/json; charset=utf-8")], 200),
        ([JSON, (b"origin", b"https://page.example"), (b"sec-fetch-site", b"same-origin")], 200),
    ],
)
async def test_only_the_page_itself_is_listened_to(quick, headers, status):
    assert await post(Guard(quick), headers=headers) == status
    assert len(quick.bodies) == (status == 200)


@pytest.mark.parametrize("size", [b"", b"+5", b"-1", b"5, 6", b"9" * 30, str(MAX_BODY_BYTES + 1).encode()])
async def test_a_length_that_is_none_or_too_much_is_refused(quick, size):
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/gradio_api/queue/join"}
    await Guard(quick)(scope | {"headers": [HOST, JSON, (b"content-length", size)]}, arriving(b"{}"), send)
    assert sent[0]["status"] in {411, 413}
    assert not quick.bodies


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"[]," * 5_000_000 + b"[]]",
        b"[" * 1_000_000,
        b'{"a":' * 100_000,
        b"[" + b"0," * 100_000 + b"0]",
        b"[" + b'"",' * 100_000 + b"0]",
        b'{"x":[' + b'{"a":1},' * 5_000 + b"0]}",
    ],
    ids=["lists", "deep", "deep objects", "numbers", "strings", "objects"],
)
async def test_what_would_explode_is_not_parsed(quick, body):
    assert await post(Guard(quick), body) == 413
    assert not quick.bodies


@pytest.mark.parametrize(
    "text",
    ["[" * 5000, ",{" * 5000, 'a \\"quoted\\" ' * 3000, "\\\\", 'he said "[" and left', "é" * 5000, "😀[{,"],
)
async def test_what_people_type_has_no_shape(quick, text):
    body = json.dumps({"data": [text, None], "fn_index": 1, "session_hash": "a"}).encode()
    assert await post(Guard(quick), body) == 200
    assert quick.bodies == [body]


@pytest.mark.parametrize("part", [b"]", b"}", b'""', b'"a":', b'" ', b":", b"\\", b"1", b" "], ids=repr)
async def test_the_look_at_a_body_keeps_nobody_waiting(quick, part):
    """A large body of brackets that close nothing took ten seconds, in which the page answered nobody."""
    body = part * ((MAX_BODY_BYTES - 1) // len(part))
    started = time.perf_counter()
    with suppress(Refused):
        check_shape(body)
    assert time.perf_counter() - started < 1.5


async def test_a_string_that_never_ends_takes_no_time_and_is_passed_on(quick):
    """The framework answers that it is no JSON; what counts is that nobody waits for the look at it."""
    for end in (b"", b"\\", b"\\\\"):
        assert await post(Guard(quick), b'"' + b'\\"' * 5_000_000 + end) == 200


async def test_slow_bodies_are_given_up_and_others_get_their_turn(quick, monkeypatch):
    monkeypatch.setattr(request_body, "PATIENCE_SECONDS", 0.2)
    guard = Guard(quick)
    slow = [
        asyncio.ensure_future(
            post(guard, size=5, receive=arriving({"type": "http.request", "body": b"", "more_body": True}))
        )
        for _ in range(MAX_BODIES_OF_ONE)
    ]
    await asyncio.sleep(0)
    assert await post(guard) == 503  # from the same address
    assert await post(guard, client="10.0.0.2") == 200
    assert await asyncio.gather(*slow) == [408] * MAX_BODIES_OF_ONE
    assert await post(guard) == 200


async def test_a_long_body_has_its_time_only_while_it_comes(quick, monkeypatch):
    """24 MB that had been announced were waited for by the minute, whether anything of them came or not."""
    monkeypatch.setattr(request_body, "PATIENCE_SECONDS", 0.2)
    begun = {"type": "http.request", "body": b"x", "more_body": True}
    assert await post(Guard(quick), size=MAX_BODY_BYTES, receive=arriving(begun, begun | {"body": b""})) == 408


async def test_a_visitor_who_hangs_up_leaves_nothing(quick):
    guard = Guard(quick)
    for _ in range(MAX_BODIES_OF_ONE + 1):
        assert await post(guard, size=5, receive=arriving({"type": "http.disconnect"})) is None
    assert not guard._arriving
    assert await post(guard) == 200
