"""What is known of one server from its answers: whether it is well, and which model it has."""

import asyncio
from dataclasses import replace

import pytest
from aiohttp import web

from model import Priority
from model.serving import endpoint as serving_endpoint
from model.serving.circuit_breaker import FAILURES, OPEN_SECONDS, SLOW_SECONDS
from model.serving.endpoint import BUSY_SECONDS, IDLE_SECONDS, Endpoint, Refused, TooSlow, connected
from model.serving.wire import asked_out, reply_out
from tests.model.serving.conftest import PATIENCE, TOKEN
from tests.model.serving.test_circuit_breaker import Clock

NEWER = "another-model"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def endpoint(server, clock, kept, monkeypatch):
    """One that has been asked for the first time just now."""
    monkeypatch.setattr(serving_endpoint, "PROBE_LIMIT", PATIENCE)
    session = await kept.enter_async_context(connected())
    endpoint = Endpoint(server.url, TOKEN, session, clock)
    kept.push_async_callback(endpoint.close)
    assert await endpoint.begin()
    return endpoint


async def asked_for(endpoint, *, waited):
    body = asked_out([{"text": "good", "priority": Priority.INTERACTIVE if waited else Priority.PASSIVE}])
    return await endpoint.ask(body, 1, PATIENCE, spare=0.0 if waited else None)


async def refusing(_asked):
    return web.Response(status=500)


async def refusing_whoever_waits(asked):
    return web.Response(status=500) if asked.texts[0].priority == Priority.INTERACTIVE else None


async def test_a_failure_that_is_kept_leads_to_no_text(server, endpoint, clock):
    server.behave = refusing
    for _ in range(FAILURES):
        with pytest.raises(Refused):
            await asked_for(endpoint, waited=True)
    assert not endpoint.breaker.is_closed
    for _ in range(2):
        assert (type(endpoint._last), endpoint.why) == (Refused, "it answers with status 500")
        assert endpoint._last.__traceback__ is endpoint._last.__context__ is None
        clock.now += OPEN_SECONDS
        assert not await endpoint.probe()


async def test_a_server_that_only_fails_whoever_waits_is_left_alone_whatever_else_it_answers(server, endpoint):
    server.behave = refusing_whoever_waits
    for number in range(FAILURES):
        assert endpoint.breaker.is_closed, number
        await asked_for(endpoint, waited=False)
        with pytest.raises(Refused):
            await asked_for(endpoint, waited=True)
    assert not endpoint.breaker.is_closed


async def test_a_server_that_answers_only_what_nobody_waits_for_is_asked_how_long_it_takes(endpoint, clock):
    clock.now += IDLE_SECONDS + 0.1
    await asked_for(endpoint, waited=False)
    assert endpoint.since_answer == 0
    endpoint.look()
    assert endpoint._probing is not None
    await endpoint._probing
    last = endpoint._probing
    endpoint.look()
    assert endpoint._probing is last


async def test_a_first_attempt_that_comes_to_nothing_is_counted(server, endpoint):
    """It has half of the time that people wait, less what has passed until it is made."""
    never = asyncio.Event()

    async def behave(_asked):
        await never.wait()

    server.behave = behave
    body = asked_out([{"text": "good"}])
    asking = (endpoint.ask(body, 1, 0.49 * SLOW_SECONDS, spare=0.0) for _ in range(FAILURES))
    failures = await asyncio.gather(*asking, return_exceptions=True)
    assert TooSlow in set(map(type, failures))
    assert not endpoint.breaker.is_closed


async def test_a_long_text_that_had_half_of_its_time_says_nothing_of_the_server(server, endpoint):
    never = asyncio.Event()

    async def behave(_asked):
        await never.wait()

    server.behave = behave
    asking = (endpoint.ask(asked_out([{"text": "good"}]), 1, SLOW_SECONDS, spare=2 * SLOW_SECONDS) for _ in range(9))
    assert {type(one) for one in await asyncio.gather(*asking, return_exceptions=True)} == {TooSlow}
    assert endpoint.breaker.is_closed


async def test_a_model_that_was_changed_there_is_known_although_answers_never_cease(server, endpoint, clock):
    async def behave(asked):
        answers = [replace(await server.service._answer(text), model=NEWER) for text in asked.texts]
        info = replace(server.service._classifier.info, version=NEWER) if asked.info else None
        return web.Response(body=reply_out(answers, info), content_type="application/json")

    clock.now += BUSY_SECONDS + 0.1
    await asked_for(endpoint, waited=True)
    endpoint.look()
    assert endpoint._probing is None, "nothing is unknown"
    server.behave = behave
    await asked_for(endpoint, waited=True)
    endpoint.look()
    assert endpoint._probing is not None
    await endpoint._probing
    assert endpoint.info.version == NEWER
    last, clock.now = endpoint._probing, clock.now + BUSY_SECONDS + 0.1
    await asked_for(endpoint, waited=True)
    endpoint.look()
    assert endpoint._probing is last
