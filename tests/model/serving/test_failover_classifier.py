"""Texts are scored elsewhere as they are here, and whoever waits is answered rightly whatever the server does."""

import asyncio
import json
import logging
import threading

import pytest
from aiohttp import web

from model import (
    ClassifierClosed,
    DeadlinePassed,
    InferenceFailed,
    ModelError,
    NothingToRead,
    Overloaded,
    Priority,
    ReloadRefused,
    TextTooLong,
    Unreadable,
)
from model.classifier import MAX_CHARACTERS
from model.serving import circuit_breaker, endpoint
from model.serving.circuit_breaker import FAILURES
from model.serving.failover_classifier import ELSEWHERE
from model.serving.wire import MOST_TEXTS, reply_out
from tests.model.serving.conftest import PATIENCE

TEXTS = [f"what a {mood} day number {number}" for number in range(40) for mood in ("lovely", "boring", "terrible")]
CANARY = "xylophonic marmalade"


async def until(condition):
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


def bodies(change):
    """Answers with what `change` makes of the right answers' JSON."""

    def behaving(server):
        async def behave(asked):
            answers = await asyncio.gather(*(server.service._answer(text) for text in asked.texts))
            info = server.service._classifier.info if asked.info else None
            return web.Response(body=change(json.loads(reply_out(answers, info))), content_type="application/json")

        return behave

    return behaving


def _nan(reply):
    for answer in reply["answers"]:
        answer["probabilities"] = [float("nan")] * 3
    return json.dumps(reply).encode()


def _short(reply):
    return json.dumps({**reply, "answers": reply["answers"][:-1]}).encode()


def _long(reply):
    return json.dumps({**reply, "answers": reply["answers"] * 2}).encode()


def statuses(status, body=b"{}"):
    def behaving(_server):
        async def behave(_asked):
            return web.Response(status=status, body=body)

        return behave

    return behaving


WRONG = {
    "not a number": bodies(_nan),
    "a short list": bodies(_short),
    "a long list": bodies(_long),
    "no list": bodies(lambda _: b'{"answers": {}}'),
    "no JSON": bodies(lambda _: b"<html>"),
    "nothing": bodies(lambda _: b""),
    "without end": bodies(lambda _: b"[" * (5 * 2**20)),
    "status 500": statuses(500),
    "status 503": statuses(503),
    "elsewhere": statuses(302),
}


async def test_a_verdict_of_a_server_is_the_one_that_the_model_here_would_give(server, opened, classifier):
    remote = await opened(server.url)
    odd = ["", "x" * (MAX_CHARACTERS + 1), "мне это очень нравится, правда", "i want to kill myself", "🔥" * 50]
    texts = [*odd, "so good " * 2000, *TEXTS]
    answers = await remote.classify_many(texts)
    expected = await classifier.classify_many(texts)
    assert list(map(repr, answers)) == list(map(repr, expected)), "in their order, errors in their places"
    assert [type(answer) for answer in answers[:3]] == [NothingToRead, TextTooLong, Unreadable]
    assert answers[3].danger
    assert remote.stats().stood_in == 0
    assert remote.stats().failed == 0
    assert remote.info.version == classifier.info.version
    assert not remote.info.fallback
    assert remote.health().backends == {"remote": True, "local": True}


async def test_texts_that_come_together_are_sent_in_few_lists_of_bounded_length(server, opened):
    remote = await opened(server.url)
    await asyncio.gather(*(remote.classify(text, Priority.PASSIVE) for text in TEXTS))
    lists = [len(asked.texts) for asked in server.lists if not asked.info]
    assert sum(lists) == len(TEXTS)
    assert max(lists) <= MOST_TEXTS
    assert len(lists) < len(TEXTS) / 4


async def test_a_server_is_not_told_whose_texts_they_are(server, opened):
    remote = await opened(server.url)
    guild, other = 123456789012345678, 223456789012345678
    for origin in (guild, guild, other):
        await remote.classify("good", origin=origin)
    names = [text.origin for text in server.texts()]
    assert names[0] == names[1] != names[2]
    assert str(guild) not in repr(server.lists)


@pytest.mark.parametrize("wrong", WRONG)
async def test_whatever_a_server_answers_people_have_the_right_verdict(server, opened, classifier, wrong, caplog):
    remote = await opened(server.url)
    assert remote.health().backends["remote"]
    server.behave = WRONG[wrong](server)
    for text in TEXTS[: FAILURES + 3]:
        assert await remote.classify(text, Priority.INTERACTIVE) == await classifier.classify(text)
    await until(lambda: not remote.health().backends["remote"])
    asked = len(server.texts())
    assert await remote.classify(CANARY) == await classifier.classify(CANARY)
    assert len(server.texts()) == asked, "it is left alone"
    assert remote.stats().stood_in == FAILURES + 4
    assert remote.info.fallback
    assert remote.health().healthy
    (said,) = [record.getMessage() for record in caplog.records if record.name == endpoint.__name__]
    assert said.startswith(f"texts are not scored at {server.url[7:-6]} for now: it ")
    assert CANARY not in caplog.text


async def test_a_server_that_wants_another_token_is_named_and_the_model_here_answers(
    server, opened, classifier, caplog
):
    remote = await opened(server.url, token="another-token-of-these-tests")
    assert await remote.classify(TEXTS[0]) == await classifier.classify(TEXTS[0])
    assert "it refuses INFERENCE_TOKEN" in remote.info.fallback
    assert "it refuses INFERENCE_TOKEN (TokenRefused)" in caplog.text
    assert server.texts() == []


async def test_a_server_that_is_not_there_at_the_start_is_asked_once_it_is(
    server, new_server, opened, classifier, monkeypatch, caplog
):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(circuit_breaker.CircuitBreaker.open, "__defaults__", (0.0,))
    await server.stop()
    remote = await opened(server.url)
    assert await remote.classify(TEXTS[0]) == await classifier.classify(TEXTS[0])
    assert "it can't be reached" in remote.info.fallback
    remote._dispatcher.endpoints[0]._url = (await new_server()).url
    await until(lambda: remote.health().backends["remote"])
    assert await remote.classify(TEXTS[0]) == await classifier.classify(TEXTS[0])
    assert remote.stats().stood_in == 1
    assert "again, by model" in caplog.text


async def test_a_server_that_does_not_answer_keeps_nobody_waiting(server, opened, classifier):
    """As one that takes ten seconds for each: the first are answered here after two, the others at once."""
    remote = await opened(server.url)
    never = asyncio.Event()

    async def behave(_asked):
        await never.wait()

    server.behave = behave
    async with asyncio.timeout(PATIENCE):
        answers = await asyncio.gather(*map(remote.classify, TEXTS[:10]))
        assert answers == await classifier.classify_many(TEXTS[:10])
        await until(lambda: not remote.health().backends["remote"])
        lists = len(server.texts())
        assert await remote.classify(TEXTS[11]) == await classifier.classify(TEXTS[11])
    assert len(server.texts()) == lists
    assert "it takes too long" in remote.info.fallback


async def test_passive_texts_that_a_dead_server_had_are_read_here(server, opened, classifier):
    """Nobody else asks anything: that it is dead is found out by probes."""
    remote = await opened(server.url)
    never = asyncio.Event()

    async def behave(_asked):
        await never.wait()

    server.behave = behave
    async with asyncio.timeout(PATIENCE):
        answers = await remote.classify_many(TEXTS, Priority.PASSIVE)
    assert answers == await classifier.classify_many(TEXTS)
    assert remote.stats().stood_in == len(TEXTS)


async def test_when_one_of_two_dies_the_other_answers_and_nothing_is_lost(new_server, opened, classifier):
    servers = [await new_server(), await new_server()]
    remote = await opened(*(server.url for server in servers))
    asking = asyncio.ensure_future(remote.classify_many(TEXTS * 3, Priority.PASSIVE))
    await until(lambda: servers[0].texts() and servers[1].texts())
    await servers[0].stop()
    assert await asking == await classifier.classify_many(TEXTS * 3)
    assert remote.health().backends["remote"]
    assert not remote.info.fallback


async def test_what_a_failing_model_elsewhere_says_is_asked_here(server, opened, classifier):
    remote = await opened(server.url)

    async def behave(asked):
        if asked.info:
            return None
        errors = [InferenceFailed(CANARY), ClassifierClosed(), Overloaded(3.0)]
        return web.Response(body=reply_out(errors[: len(asked.texts)]), content_type="application/json")

    server.behave = behave
    assert await asyncio.gather(*map(remote.classify, TEXTS[:3])) == await classifier.classify_many(TEXTS[:3])
    assert remote.stats().stood_in == 3


async def test_watched_texts_that_a_server_has_no_room_for_are_counted_as_shed(server, opened):
    remote = await opened(server.url)

    async def behave(asked):
        if asked.info:
            return None
        return web.Response(body=reply_out([Overloaded(3.0)] * len(asked.texts)), content_type="application/json")

    server.behave = behave
    answers = await remote.classify_many(TEXTS[:5], Priority.PASSIVE)
    assert all(isinstance(answer, Overloaded) for answer in answers)
    assert (remote.stats().shed, remote.stats().failed, remote.stats().stood_in) == (5, 0, 0)


async def test_while_there_is_no_server_watched_texts_go_as_far_as_the_queue_here_takes_them(server, opened):
    await server.stop()
    remote = await opened(server.url, queue_limit=600)
    answers = await asyncio.gather(*(remote.classify(text, Priority.PASSIVE) for text in TEXTS), return_exceptions=True)
    shed = [answer for answer in answers if isinstance(answer, Overloaded)]
    assert 0 < len(shed) < len(TEXTS)
    assert remote.stats().shed == len(shed)
    assert remote.stats().served == len(TEXTS) - len(shed) == remote.stats().stood_in


async def test_a_flood_of_one_origin_does_not_keep_another_waiting(server, opened):
    remote = await opened(server.url)
    words = " ".join(f"word{number}" for number in range(40))
    flood = [
        asyncio.ensure_future(remote.classify(f"{number} {words}", Priority.PASSIVE, origin=1)) for number in range(600)
    ]
    await until(lambda: len(server.texts()) > MOST_TEXTS)
    await asyncio.wait_for(remote.classify("good", Priority.PASSIVE, origin=2), PATIENCE)
    left = sum(not one.done() for one in flood)
    for one in flood:
        one.cancel()
    await asyncio.gather(*flood, return_exceptions=True)
    assert left > len(flood) / 2


async def test_a_text_that_is_too_late_is_not_read(server, opened):
    remote = await opened(server.url)
    with pytest.raises(DeadlinePassed):
        await remote.classify("good", Priority.PASSIVE, within=0.0)
    assert remote.stats().expired == 1
    assert server.texts() == []


async def test_why_is_the_same_as_here(server, opened, classifier):
    remote = await opened(server.url)
    text = "honestly a lovely day, but the bus was late again"
    expected = await classifier.explain(text)
    assert await remote.explain(text) == expected
    assert [asked.pieces for asked in server.texts()] == [24]
    with pytest.raises(NothingToRead):
        await remote.explain("")
    server.behave = WRONG["status 500"](server)
    assert await remote.explain(text) == expected
    assert remote.stats().stood_in == 1


async def test_a_change_of_model_is_refused_with_where_it_is_done(server, opened):
    remote = await opened(server.url)
    changes = [remote.reload(), remote.rollback(), remote.golden(), remote.start_shadow("bundled")]
    for change in (*changes, remote.promote_shadow(), remote.stop_shadow()):
        with pytest.raises(ReloadRefused, match="at INFERENCE_URL"):
            await change
    with pytest.raises(ReloadRefused, match="vibecheck score-server"):
        remote.shadow_report()
    assert "SIGHUP" in ELSEWHERE


async def test_it_may_be_asked_in_another_loop(server, opened, classifier):
    remote = await opened(server.url)
    found = []

    async def ask():
        found.append(await remote.classify_many(TEXTS))
        found.append(await remote.explain(TEXTS[0]))

    thread = threading.Thread(target=lambda: asyncio.run(ask()))
    thread.start()
    await until(lambda: not thread.is_alive())
    assert found == [await classifier.classify_many(TEXTS), await classifier.explain(TEXTS[0])]


async def test_whoever_stops_waiting_is_not_read_in_vain(server, opened):
    remote = await opened(server.url)
    gone = asyncio.ensure_future(remote.classify(CANARY, Priority.PASSIVE))
    await asyncio.sleep(0)
    gone.cancel()
    await remote.classify("good", Priority.PASSIVE)
    assert [text.text for text in server.texts()] == ["good"]
    assert remote.stats().queued == 0


async def test_whoever_waits_at_the_end_is_told_so(server, opened):
    remote = await opened(server.url)
    never = asyncio.Event()

    async def behave(_asked):
        await never.wait()

    server.behave = behave
    waiting = [asyncio.ensure_future(remote.classify(text, Priority.PASSIVE)) for text in TEXTS]
    await until(server.texts)
    await remote.close()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(answer) for answer in answers} == {ClassifierClosed}
    with pytest.raises(ModelError):
        await remote.classify("good")
