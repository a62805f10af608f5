"""Whoever holds connections to the port of health and metrics keeps nobody else out."""

import asyncio
import socket
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest

from bot.app import bounded_server
from bot.app.bounded_server import MOST_CONNECTIONS
from bot.app.health_server import health_server
from bot.app.running import Running
from bot.settings import Settings


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@asynccontextmanager
async def served(port):
    async with health_server(Settings(_env_file=None, metrics_port=port), Running()):
        yield


async def asked(port, path="/livez", method="GET"):
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"http://127.0.0.1:{port}{path}") as answer,
    ):
        return answer.status, answer.headers


async def test_it_answers_a_few_paths_once_a_connection(port):
    async with served(port):
        status, headers = await asked(port)
        assert (status, headers["Connection"]) == (200, "close")
        assert (await asked(port, "/readyz"))[0] == 503
        assert (await asked(port, "/metrics"))[0] == 200
        assert (await asked(port, "/elsewhere"))[0] == 404
        status, headers = await asked(port, method="POST")
        assert (status, headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("sent", [b"", b"GET /livez HTTP/1.1\r\nHost: here\r\nX-Slow: "])
async def test_a_connection_that_asks_nothing_or_never_ends_its_question_is_ended(port, monkeypatch, sent):
    monkeypatch.setattr(bounded_server, "CONNECTION_SECONDS", 0.05)
    async with served(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        async with asyncio.timeout(30):
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
        writer.close()


async def test_many_that_are_held_keep_nobody_out_and_the_oldest_go(port, monkeypatch):
    monkeypatch.setattr(bounded_server, "CONNECTION_SECONDS", 1e6)  # no time ends them
    async with served(port):
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MOST_CONNECTIONS)]
        async with asyncio.timeout(30):
            assert (await asked(port))[0] == 200
            with suppress(ConnectionResetError):  # it may be told as an end as well
                assert await held[0][0].read() == b""
        for _, writer in held:
            writer.close()
