"""A few of the requests that `python -m tests.fuzz page` sends by the ten thousand, at the real server."""

import asyncio

import pytest

from bot.web import connection, request_body, visitors
from bot.web.visitors import MAX_VISITORS
from tests.bot.web.by_http import press
from tests.bot.web.test_visitors import opened
from tests.fuzz.page import handlers_of
from tests.fuzz.page_requests import WORD, Requests, send_all

REQUESTS = 150


def test_the_same_seed_makes_the_same_requests():
    def made(seed):
        requests = Requests(seed, "localhost", [1, 2])
        return [requests.one() for _ in range(300)]

    assert made(1) == made(1)
    assert made(1) != made(2)


@pytest.mark.parametrize("seed", [1])
async def test_no_request_breaks_the_page(classifier, settings, monkeypatch, capfd, caplog, seed):
    monkeypatch.setattr(visitors, "LISTEN_SECONDS", 5.0)
    monkeypatch.setattr(connection, "HEAD_SECONDS", 1.0)
    monkeypatch.setattr(request_body, "PATIENCE_SECONDS", 1.0)
    async with opened(classifier, settings, monkeypatch) as inside:
        handlers = await asyncio.to_thread(handlers_of, inside.url)
        outcome = await send_all(inside.url, handlers, REQUESTS, seed)
        assert outcome.statuses.total() == REQUESTS
        assert outcome.broken == 0, outcome.statuses
        assert outcome.statuses["200"]
        await inside.until(lambda: not inside.in_hand and not inside.visitors.held_bytes)
        assert len(inside.visitors) <= MAX_VISITORS
        assert (await asyncio.to_thread(press, inside.url, "vc-read", ["i love it"]))["success"]
    written = "".join(capfd.readouterr()) + caplog.text
    assert WORD not in written
    assert "a request of the page failed" not in written
