"""Answers that Discord has had although it or the network says otherwise, and connections that break under them."""

import pytest

from tests.discord.wire import ANSWER, CALLBACK, answered, matching, new_requests, until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("bot")]

TEXT = "what a lovely quiet evening"


@pytest.fixture(autouse=True)
def no_fault_left(local):
    yield
    assert all(fault.times == 0 for fault in local.rest._faults), "a fault was not met"


STEPS = pytest.mark.parametrize("private", [True, False], ids=["acknowledged first", "answered at once"])
LOST = pytest.mark.parametrize("status", [502, 504, 0], ids=["bad gateway", "gateway timeout", "broken connection"])


@LOST
@STEPS
async def test_an_acknowledgement_that_arrived_although_discord_says_otherwise_is_one(
    local, world, bot, private, status
):
    local.rest.lose_answer("POST", CALLBACK, status=status)
    before = len(local.requests)
    with new_requests(local) as requests:
        (answer,) = world.ask_at_once([TEXT], private=private)
        await until(lambda: answered(answer) and len(matching(local.requests[before:], "POST", CALLBACK)) == 2)
        await world.ask(TEXT)  # nothing more comes of the first
    assert answer.response.components
    assert not answer.followups
    assert answer.response.ephemeral is private
    assert len(matching(requests, "PATCH", ANSWER)) == (1 if private else 0)
    assert "failed" not in bot.said


@LOST
async def test_a_button_that_was_acknowledged_although_discord_says_otherwise_does_its_work(local, world, status):
    answer = await world.ask(TEXT)
    local.rest.lose_answer("POST", CALLBACK, status=status)
    why = await world.why(answer)
    await until(lambda: answered(why))
    assert why.response.embeds


@pytest.mark.parametrize(("method", "path"), [("POST", CALLBACK), ("PATCH", ANSWER)], ids=["acknowledgement", "edit"])
async def test_a_connection_that_breaks_under_an_answer_costs_only_time(local, world, bot, method, path):
    local.rest.break_connection(method, path, times=2)
    answer = await world.ask(TEXT, private=True)
    await until(lambda: answered(answer))
    assert answer.response.components
    assert "failed" not in bot.said


async def test_an_edit_that_arrived_although_the_connection_broke_is_made_again_and_shown_once(local, world):
    local.rest.lose_answer("PATCH", ANSWER)
    answer = await world.ask(TEXT, private=True)
    await until(lambda: answered(answer))
    assert answer.response.components
    assert not answer.followups


@LOST
async def test_what_follows_an_answer_is_not_sent_twice(local, world, status):
    answer = await world.ask(TEXT)
    local.rest.lose_answer("POST", "/webhooks/*", status=status)
    with new_requests(local) as requests:
        await world.press(answer, "Right")
        assert (await world.ask(TEXT)).response.components
    assert len(matching(requests, "POST", "/webhooks/*")) <= 2  # the second says that something failed
