"""Which texts are sent together, how many lists at a time, and to which server."""

import asyncio

import pytest
from aiohttp import web

from model import Classifier, Priority, Verdict
from model.serving import dispatcher, endpoint, failover_classifier
from model.serving.endpoint import connected
from model.serving.failover_classifier import FailoverClassifier
from model.serving.wire import MOST_TEXTS
from tests.model.serving.conftest import PATIENCE, TOKEN
from tests.model.serving.test_failover_classifier import CANARY, TEXTS, until


async def test_no_more_lists_are_under_way_than_may_be_and_whoever_waits_stands_behind_none(
    server, opened, classifier, monkeypatch
):
    monkeypatch.setattr(dispatcher, "MOST_LISTS", 3)
    remote = await opened(server.url)
    go_on, under_way = asyncio.Event(), []

    async def behave(asked):
        if asked.texts[0].priority == Priority.INTERACTIVE:
            return
        under_way.append(len(remote._dispatcher._under_way) - sum(remote._dispatcher._under_way.values()))
        await go_on.wait()

    server.behave = behave
    texts = [f"a good day number {number}" for number in range(10 * MOST_TEXTS)]
    asking = [
        asyncio.ensure_future(remote.classify(text, Priority.PASSIVE, origin=number))
        for number, text in enumerate(texts)
    ]
    await until(lambda: len(under_way) >= 3)
    assert await remote.classify("good") == await classifier.classify("good")
    assert "good" in [text.text for text in server.texts()]
    go_on.set()
    answers = await asyncio.wait_for(asyncio.gather(*asking), PATIENCE)
    assert set(map(type, answers)) == {Verdict}
    assert max(under_way) == 3
    assert remote.stats().queued == 0


async def test_what_is_too_late_before_its_list_may_be_sent_is_told_so(server, opened, monkeypatch):
    monkeypatch.setattr(dispatcher, "MOST_LISTS", 1)
    remote = await opened(server.url)
    never = asyncio.Event()

    async def behave(asked):
        if asked.texts[0].priority != Priority.INTERACTIVE:
            await never.wait()

    server.behave = behave
    asking = [
        asyncio.ensure_future(remote.classify(text, Priority.PASSIVE, origin=text, within=0.5 if number else PATIENCE))
        for number, text in enumerate(TEXTS)
    ]
    await until(lambda: remote.stats().expired > 0)
    for one in asking:
        one.cancel()
    await asyncio.gather(*asking, return_exceptions=True)


async def test_a_server_that_fails_is_not_the_first_to_be_asked_each_time(new_server, opened, classifier):
    servers = [await new_server(), await new_server()]
    remote = await opened(*(server.url for server in servers))

    async def behave(asked):
        return None if asked.info else web.Response(status=500)

    servers[1].behave = behave
    for text in TEXTS[:4]:
        assert await remote.classify(text, Priority.PASSIVE) == await classifier.classify(text)
    assert [len(server.texts()) for server in servers] == [4, 2]


async def test_nobody_has_the_patience_of_a_long_text_beside_it(server, opened):
    remote = await opened(server.url)
    long = " ".join(f"word{number}" for number in range(2000))
    texts = [await remote._prepared(text, Priority.INTERACTIVE, None) for text in ("good", long, "bad")]
    for text in texts:
        remote._dispatcher.submit(text, Priority.INTERACTIVE, origin=text)
    await until(lambda: len(server.texts()) == 3)
    lists = [[text.text for text in asked.texts] for asked in server.lists if not asked.info]
    assert sorted(lists) == [["good", "bad"], [long]]


async def test_a_mistake_while_servers_are_looked_after_is_not_the_last_look(server, opened, monkeypatch, caplog):
    remote = await opened(server.url)
    looked = asyncio.Event()

    def look():
        if not caplog.records:
            raise RuntimeError(CANARY)
        looked.set()

    monkeypatch.setattr(remote._dispatcher.endpoints[0], "look", look)
    await asyncio.wait_for(looked.wait(), PATIENCE)
    assert "could not be looked after (RuntimeError)" in caplog.text
    assert CANARY not in caplog.text


async def test_a_stop_while_the_servers_are_asked_for_the_first_time_leaves_no_session(
    server, engine, kept, monkeypatch
):
    sessions, never = [], asyncio.Event()

    def noted():
        sessions.append(connected())
        return sessions[-1]

    async def behave(_asked):
        await never.wait()

    monkeypatch.setattr(failover_classifier, "connected", noted)
    monkeypatch.setattr(endpoint, "PROBE_LIMIT", PATIENCE)
    server.behave = behave
    local = await kept.enter_async_context(await Classifier.start(lambda: engine))
    opening = asyncio.ensure_future(FailoverClassifier.open(local, [server.url], TOKEN))
    await until(lambda: server.lists)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert [session.closed for session in sessions] == [True]
