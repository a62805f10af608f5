"""Discord limits, fails and dawdles; the answer arrives all the same, or the person is told."""

import time

import pytest

from bot.presentation.error_words import SORRY
from tests.cards import reply
from tests.discord.wire import ANSWER, CALLBACK, LONG, answered, assert_answered_once, matching, new_requests, until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("bot")]

TEXT = "what a lovely quiet evening"
STEPS = [("POST", CALLBACK), ("PATCH", ANSWER)]
EVERY_STEP = pytest.mark.parametrize(
    ("private", "method", "path"),
    [(True, "POST", CALLBACK), (True, "PATCH", ANSWER), (False, "POST", CALLBACK)],
    ids=["acknowledgement", "deferred answer", "answer at once"],
)


@pytest.fixture(autouse=True)
def no_fault_left(local):
    yield
    assert all(fault.times == 0 for fault in local.rest._faults), "a fault was not met"


@EVERY_STEP
async def test_a_rate_limit_is_waited_out_and_the_answer_arrives(local, world, private, method, path):
    local.rate_limit(method, path, retry_after=0.8, times=2)
    started = time.perf_counter()
    with new_requests(local) as requests:
        answer = await world.ask(TEXT, private=private)
    assert answered(answer)
    assert answer.response.components
    assert len(matching(requests, method, path)) == 3
    assert time.perf_counter() - started >= 2 * 0.8


@EVERY_STEP
async def test_a_bad_gateway_is_tried_again_and_the_answer_arrives(local, world, private, method, path):
    local.http_error(method, path, status=502)
    with new_requests(local) as requests:
        answer = await world.ask(TEXT, private=private)
    assert answered(answer)
    assert answer.response.components
    assert len(matching(requests, method, path)) == 2


@pytest.mark.parametrize("private", [False, True], ids=["public", "private"])
async def test_many_limited_at_once_are_all_answered(local, world, private):
    local.rate_limit("POST", CALLBACK, retry_after=0.3, times=8)
    if private:
        local.rate_limit("PATCH", ANSWER, retry_after=0.3, times=8)
    answers = world.ask_at_once((f"{TEXT} {number}" for number in range(16)), private=private)
    await until(lambda: all(answered(answer) for answer in answers))
    assert all(answer.response.components for answer in answers)


async def test_a_slow_api_still_gets_its_answer(local, world, monkeypatch):
    monkeypatch.setattr(local.rest, "latency", 1.2)
    answer = await world.ask(TEXT)
    assert answered(answer)
    assert answer.response.components


async def test_what_takes_long_is_acknowledged_in_time_through_a_slow_api(local, world, monkeypatch):
    monkeypatch.setattr(local.rest, "latency", 0.8)
    with new_requests(local) as requests:
        answers = world.ask_at_once([LONG] * 16)
        await until(lambda: all(answered(answer) for answer in answers))
    assert matching(requests, "PATCH", ANSWER)
    assert_answered_once(requests, answers)
    assert all(answer.response.components for answer in answers)


@EVERY_STEP
async def test_a_refused_answer_becomes_an_apology(local, world, private, method, path):
    local.http_error(method, path, status=403, code=50013)
    (answer,) = world.ask_at_once([TEXT], private=private)
    await until(lambda: answered(answer))
    assert (reply(answer).content, reply(answer).components) == (SORRY, [])
    assert answer.response.ephemeral


@pytest.mark.parametrize(
    ("private", "method", "path", "code"),
    [
        *((True, method, path, code) for method, path in STEPS for code in (10003, 10004, 10008, 10015, 10062, 50027)),
        (True, "POST", CALLBACK, 40060),
        (False, "POST", CALLBACK, 10062),
    ],
)
async def test_a_person_who_has_moved_on_is_left_alone(local, world, bot, private, method, path, code):
    said = bot.said
    local.http_error(method, path, status=404, code=code)
    with new_requests(local) as requests:
        gone = world.ask_at_once([TEXT], private=private)[0]
        await until(lambda: local.rest._faults[-1].times == 0)
        answer = await world.ask(TEXT, private=True)
    assert answer.response.components
    assert not answered(gone)
    assert len(requests) == (3 if path == CALLBACK else 4)
    assert bot.said == said
