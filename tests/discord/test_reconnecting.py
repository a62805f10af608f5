"""The gateway goes away and comes back; nobody's question is lost on the way, nor answered twice."""

from functools import partial

import pytest

from bot.demo.gateway import Op
from tests.discord.wire import (
    ANSWER,
    LONG,
    Waiting,
    all_answered,
    answered,
    assert_answered_once,
    matching,
    new_ops,
    new_requests,
    until,
)

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("bot")]

TEXTS = [f"message {number} was nice" for number in range(5)]


def cut(gateway):
    gateway.drop_sockets()
    assert not gateway.connected


def invalidate(gateway):
    gateway.invalidate(resumable=True)


def ask_to_reconnect(gateway):
    gateway.ask_to_reconnect()


@pytest.mark.parametrize("private", [False, True], ids=["public", "private"])
@pytest.mark.parametrize("disturb", [cut, ask_to_reconnect, invalidate])
async def test_the_session_is_resumed_and_what_was_asked_meanwhile_is_answered(local, world, disturb, private):
    with new_ops(local) as ops, new_requests(local) as requests:
        disturb(local.gateway)
        answers = world.ask_at_once(TEXTS, private=private)
        await until(lambda: all(answered(answer) for answer in answers))
    assert all(answer.response.components for answer in answers)
    assert ops == [Op.RESUME]
    assert_answered_once(requests, answers)
    if private:
        assert len(matching(requests, "PATCH", ANSWER)) == len(answers)


async def test_cut_again_and_again_it_resumes_each_time(local, world):
    with new_ops(local) as ops:
        for _ in range(5):
            cut(local.gateway)
            answers = world.ask_at_once(TEXTS)
            await until(partial(all_answered, answers))
    assert ops == [Op.RESUME] * 5


@pytest.mark.parametrize("waiting", Waiting)
async def test_a_connection_cut_while_an_answer_is_computed_does_not_lose_it(local, world, waiting):
    with new_ops(local) as ops, new_requests(local) as requests:
        answers = await world.ask_and_wait([LONG] * 16, waiting)
        cut(local.gateway)
        await until(lambda: all(answered(answer) for answer in answers))
        await until(lambda: local.gateway.connected)
    assert all(answer.response.components for answer in answers)
    assert ops == [Op.RESUME]
    assert_answered_once(requests, answers)


async def test_an_ended_session_is_replaced_by_a_new_one_that_answers(local, world):
    (before,) = local.gateway.connected
    with new_ops(local) as ops, new_requests(local) as requests:
        local.gateway.invalidate()
        await until(lambda: local.gateway.connected)
        answer = await world.ask(TEXTS[0])
    (after,) = local.gateway.connected
    assert after.id != before.id
    assert ops == [Op.IDENTIFY]
    assert answer.response.components
    assert not [request for request in requests if request.startswith("PUT ")]
