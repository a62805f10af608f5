"""Connections that are used as no visitor would, on the real server."""

import asyncio
import time
from urllib.parse import urlsplit

import pytest

from bot.web import connection
from bot.web.server import running_page
from tests.bot.web.by_http import fetch


@pytest.fixture
async def place(classifier, settings, monkeypatch):
    """Where a page listens that waits for the head of a request for no more than a moment."""
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.3)
    async with running_page(classifier, settings, "127.0.0.1", 0) as address:
        where = urlsplit(address.url)
        yield where.hostname, where.port


async def rest_of(place, *parts):
    """What comes until the server cuts the connection, of which the parts are sent one after another."""
    reader, writer = await asyncio.open_connection(*place)
    for part in parts:
        writer.write(part)
        await asyncio.sleep(0.05)
    try:
        async with asyncio.timeout(60):
            return await reader.read()
    except ConnectionError:  # or what was sent came to one that had been cut
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize(
    "parts",
    [(), (b"GET / HT",), (b"GET / HTTP/1.1\r\n", *(b"a: b\r\n",) * 20)],
    ids=["nothing", "half a line", "a head that never ends"],
)
async def test_a_head_that_does_not_come_is_not_waited_for(place, parts):
    """Without `Connection` uvicorn waits for ever: then this test hangs, and the class is needed."""
    assert b"200 OK" not in await rest_of(place, *parts)


async def test_a_second_head_is_not_waited_for_either(place):
    host = f"host: {place[0]}\r\n\r\n".encode()
    read = await rest_of(place, b"GET /theme.css HTTP/1.1\r\n" + host, b"GET / HT")
    assert read.count(b"HTTP/1.1 200") == 1


async def test_a_head_too_long_is_refused(place):
    read = await rest_of(place, b"GET / HTTP/1.1\r\na: " + b"x" * connection.MAX_HEAD_BYTES + b"\r\n")
    assert b"200 OK" not in read


async def test_an_upgrade_is_none(place):
    head = b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"
    assert b"101 Switching" not in await rest_of(place, head)


async def test_one_address_has_so_many_connections(place, monkeypatch):
    monkeypatch.setattr(connection, "is_local", lambda _: False)
    monkeypatch.setattr(connection, "_TrustedHosts", set)
    monkeypatch.setattr(connection, "MAX_CONNECTIONS_OF_ONE", 3)
    monkeypatch.setattr(connection, "HEAD_SECONDS", 60.0)
    held = [await asyncio.open_connection(*place) for _ in range(3)]
    assert await rest_of(place, b"GET /theme.css HTTP/1.1\r\nhost: localhost\r\n\r\n") == b""
    held[0][1].close()
    end = time.monotonic() + 60
    while time.monotonic() < end:  # until the server has seen it
        read = await rest_of(place, b"GET /theme.css HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        if b"200 OK" in read:
            break
    else:
        pytest.fail("no room again")
    for _, writer in held[1:]:
        writer.close()


async def test_slow_posts_do_not_keep_the_page_from_others(place, monkeypatch):
    """Four of them blocked all files."""
    head = b"POST /gradio_api/queue/join HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    slow = [await asyncio.open_connection(*place) for _ in range(8)]
    for _, writer in slow:
        writer.write(head + b"content-length: 20000000\r\n\r\n{")
    assert "Vibecheck" in await asyncio.to_thread(fetch, "http://{}:{}/".format(*place))
    for _, writer in slow:
        writer.close()


async def test_whoever_takes_nothing_is_cut(monkeypatch):
    """Asked of the class alone: how much the system takes for a reader who does not read is its own affair."""
    loop = asyncio.get_running_loop()
    deadline, cut = connection._Deadline(loop, 0.05), loop.create_future()

    class Transport(asyncio.Transport):
        def abort(self):
            cut.set_result(True)

    deadline.begin(Transport())
    deadline.end()
    deadline.end()
    await asyncio.sleep(0.1)
    assert not cut.done()
    deadline.begin(Transport())
    deadline.begin(Transport())
    assert await cut
