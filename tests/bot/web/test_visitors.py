"""What the page keeps of visitors, on the real server: nothing that nobody waits for."""

import asyncio
import json
import secrets
import socket
import sys
from contextlib import ExitStack, asynccontextmanager
from enum import Enum
from urllib.parse import urlsplit

import pytest

from bot.web import server, visitors
from bot.web.asgi_guard import MAX_BODY_BYTES
from bot.web.gradio_sessions import GradioWork
from bot.web.request_body import Refused
from bot.web.server import running_page
from bot.web.table_parser import MAX_LINES
from bot.web.visitors import MAX_EVENTS_OF_ONE, MAX_HELD_BYTES_OF_ONE, MAX_STREAMS_OF_ONE, Visitors, largest_result
from tests.bot.web.by_http import ask, handler_of, press, status_of

LINES = "\n".join(f"zyzzyva number {number} of many, which take their time" for number in range(5_000))


class Inside:
    """A page's address, and what its server has in hand."""

    def __init__(self, url, guard):
        self.url = url
        self.visitors = guard._visitors
        self.blocks = self.visitors._work._blocks
        self.app = self.visitors._work._app

    @property
    def in_hand(self):
        """The names of visitors of whom Gradio holds anything, and what of them is being computed."""
        queue = self.blocks._queue
        waiting = [event for held in queue.event_queue_per_concurrency_id.values() for event in held.queue]
        running = [job for jobs in queue.active_jobs if jobs for job in jobs]
        return (
            {event.session_hash for event in [*queue.event_ids_to_events.values(), *waiting, *running]}
            | set(queue.pending_messages_per_session)
            | {name for name, events in list(queue.pending_event_ids_session.items()) if events}
            | set(self.blocks.pending_diff_streams)
            | ({"an iterator"} if self.app.iterators else set())
        )

    async def until(self, fulfilled):
        async with asyncio.timeout(60):
            while not fulfilled():
                await asyncio.sleep(0.02)


@pytest.fixture
async def inside(classifier, settings, monkeypatch):
    """One that is open, so that a proxy on this machine may name its visitors."""
    async with opened(classifier, settings, monkeypatch) as page:
        yield page


@asynccontextmanager
async def opened(classifier, settings, monkeypatch):
    guards, build = [], server.guarded_page

    async def noted(parts):
        guards.append(await build(parts))
        return guards[0]

    monkeypatch.setattr(server, "guarded_page", noted)
    everybody = settings.model_copy(update={"web_open": True})
    async with running_page(classifier, everybody, "127.0.0.1", 0) as address:
        yield Inside(address.url, guards[0])


async def asked(page, data, element="vc-read-all", session=None, **headers):
    session = session or secrets.token_hex(8)
    handler = await asyncio.to_thread(handler_of, page.url, element)
    return session, await asyncio.to_thread(ask, page.url, handler, data, session, **headers)


def listen(page, session):
    """A connection that listens; what comes is left in it."""
    where = urlsplit(page.url)
    stream = socket.create_connection((where.hostname, where.port), 20)
    stream.sendall(
        f"GET /gradio_api/queue/data?session_hash={session} HTTP/1.1\r\nhost: {where.netloc}\r\n\r\n".encode()
    )
    return stream


@pytest.mark.parametrize("dropped", [True, False], ids=["dropped", "left to Gradio"])
async def test_a_result_that_nobody_fetches_is_freed(inside, monkeypatch, dropped):
    """16 requests kept 535 MB for good.

    Where Gradio frees them itself, `GradioWork.drop` is no longer needed.
    """
    monkeypatch.setattr(visitors, "LISTEN_SECONDS", 0.5)
    if not dropped:
        monkeypatch.setattr(GradioWork, "drop", nothing)
    for _ in range(4):
        assert (await asked(inside, ["", None, "i love it\ni hate it"]))[1] == 200
    assert len(inside.visitors) == 4
    await inside.until(lambda: not inside.visitors.held_bytes and not any(inside.blocks._queue.active_jobs))
    if dropped:
        await inside.until(lambda: not inside.in_hand)
    else:
        assert len(inside.in_hand) == 4


async def nothing(*_):
    """What is done where it is left to Gradio."""


async def test_work_is_dropped_when_its_listener_is_gone(inside):
    session, status = await asked(inside, ["", None, LINES])
    assert status == 200
    with listen(inside, session) as stream:
        read = b""
        while b"process_generating" not in read:
            read += await asyncio.to_thread(stream.recv, 65536)
    await inside.until(lambda: not inside.in_hand)
    assert inside.visitors.held_bytes == 0
    await asyncio.to_thread(press, inside.url, "vc-read", ["still there?"])


def size_of(held, seen):
    """The bytes of what is held, with all that is in it; what is there twice counts once."""
    if id(held) in seen or isinstance(held, Enum):
        return 0
    seen.add(id(held))
    inner = [*held, *held.values()] if isinstance(held, dict) else held if isinstance(held, list | tuple) else []
    inner = [*inner, *([vars(held)] if hasattr(held, "__dict__") else [])]
    return sys.getsizeof(held) + sum(size_of(part, seen) for part in inner)


async def test_a_result_is_no_larger_than_was_reckoned(inside):
    """35 KB of short lines made 4.5 MB, and 48 such results might wait."""
    lines = "\n".join("ab" if number % 2 else "c" for number in range(MAX_LINES))
    session, status = await asked(inside, ["", None, lines])
    assert status == 200
    messages = inside.blocks._queue.pending_messages_per_session[session]._queue
    await inside.until(lambda: any(message.msg == "process_completed" for message in list(messages)))
    assert len(lines) * 20 < size_of(list(messages), set()) < inside.visitors.held_bytes
    assert largest_result(MAX_BODY_BYTES) < MAX_HELD_BYTES_OF_ONE  # the largest file is taken


async def test_a_visitor_who_stays_away_is_forgotten(inside, monkeypatch):
    monkeypatch.setattr(visitors, "REMEMBERED_SECONDS", 0.2)
    await asyncio.to_thread(press, inside.url, "vc-read", ["i love it"])
    await inside.until(lambda: not len(inside.visitors) and not inside.app.state_holder.session_data)
    assert not inside.in_hand


async def test_whoever_makes_up_visitors_makes_room_for_them(inside, monkeypatch):
    monkeypatch.setattr(visitors, "MAX_VISITORS", 5)
    for _ in range(8):
        await asyncio.to_thread(press, inside.url, "vc-read", ["i love it"])
    assert len(inside.visitors) == 5
    assert len(inside.app.state_holder.session_data) <= 5


async def test_one_address_does_not_take_the_room_of_others(inside, monkeypatch):
    handler = await asyncio.to_thread(handler_of, inside.url, "vc-read")

    def from_address(address, text="hi"):
        return ask(inside.url, handler, [text], secrets.token_hex(8), **{"X-Forwarded-For": address})

    assert [await asyncio.to_thread(from_address, "10.0.0.1") for _ in range(MAX_EVENTS_OF_ONE)] == [200] * 16
    assert await asyncio.to_thread(from_address, "10.0.0.1") == 503
    assert await asyncio.to_thread(from_address, "10.0.0.2") == 200
    monkeypatch.setattr(visitors, "MAX_HELD_BYTES_OF_ONE", largest_result(1000))
    assert await asyncio.to_thread(from_address, "10.0.0.3", "x" * 1001) == 503
    assert await asyncio.to_thread(from_address, "10.0.0.3", "x" * 500) == 200


async def test_nobody_listens_for_whom_nothing_is_known(inside):
    for session in ("", "a" * 65, "unknown", "../x", "x&session_hash=y"):
        where = f"{inside.url}gradio_api/queue/data?session_hash={session}"
        assert (await asyncio.to_thread(status_of, where))[0] == 404


class Held:
    """Work whose events the test sets; notes of whom it was dropped."""

    def __init__(self):
        self.events, self.dropped = set(), []

    def unfetched(self, session):
        return self.events

    async def drop(self, session):
        self.dropped.append(session)

    def forget(self, session):
        pass


async def test_a_question_that_comes_as_a_stream_ends_is_not_dropped():
    """The page asks for the next stream only when it has seen the end of the last."""
    work = Held()
    kept = Visitors(work)
    with kept.asking("a", "10.0.0.1", 5) as named:
        named.append("one")
        work.events = {"one"}
    with kept.listening("a") as stream:
        stream.sent(last=False)
        with kept.asking("a", "10.0.0.1", 5) as named:
            named.append("two")
            work.events = {"two"}
        stream.sent(last=True)
    assert (kept.held_bytes, work.dropped) == (largest_result(5), [])
    with kept.listening("a") as stream:
        stream.sent(last=False)
    await asyncio.sleep(0)
    assert (kept.held_bytes, work.dropped) == (0, ["a"])


async def test_one_visitor_has_few_streams():
    work = Held()
    kept = Visitors(work)
    with kept.asking("a", "10.0.0.1", 5) as named:
        named.append("one")
        work.events = {"one"}
    with ExitStack() as streams:
        for _ in range(MAX_STREAMS_OF_ONE):
            streams.enter_context(kept.listening("a"))
        with pytest.raises(Refused, match="Too much at once"):
            streams.enter_context(kept.listening("a"))
    with pytest.raises(Refused, match="nothing here"), kept.listening("a"):  # what was in hand has been dropped
        pass
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    "changed",
    [
        {"fn_index": 999},
        {"fn_index": "1"},
        {"fn_index": True},
        {"data": [1]},
        {"data": []},
        {"data": ["a", "b"]},
        {"data": [{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}]},
        {"data": None},
        {"session_hash": "x" * 65},
        {"session_hash": {"a": 1}},
        {"batched": True},
        {"event_data": {"__class__": "x"}},
        {"trigger_id": "1"},
    ],
    ids=str,
)
async def test_only_what_the_page_asks_reaches_the_framework(inside, changed):
    handler = await asyncio.to_thread(handler_of, inside.url, "vc-read")
    given = {"fn_index": handler, "data": ["hi"], "session_hash": "abc"} | changed
    headers = {"content-type": "application/json"}
    where = f"{inside.url}gradio_api/queue/join"
    assert (await asyncio.to_thread(status_of, where, json.dumps(given).encode(), **headers))[0] == 422
    assert not inside.in_hand
