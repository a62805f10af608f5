"""What people get, over real connections, from a bot that asks Discord for no intent at all."""

import pytest

from bot.demo.gateway import Op
from tests.cards import card, headline
from tests.discord.wire import (
    ANSWER,
    CALLBACK,
    LONG,
    answered,
    assert_answered_once,
    matching,
    new_ops,
    new_requests,
    until,
)

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("bot")]

GOOD = "I love this, wonderful"
BAD = "this is terrible, I hate it"
HEADLINES = {"Negative", "Neutral", "Positive", "Mixed"}


async def test_the_bot_comes_online_and_registers_its_commands(local):
    registered = {name for name, _type in local.backend.commands[None]}
    assert registered == {"sentiment", "Check sentiment", "about", "privacy", "monitor", "mood", "setup", "help"}
    assert local.requests.count(f"PUT /applications/{local.backend.application_id}/commands") == 1


async def test_the_bot_identifies_once_and_asks_for_what_monitoring_needs(local):
    (session,) = local.gateway.connected
    assert {name for name, value in session.intents if value} == {"guilds", "guild_messages", "message_content"}
    assert local.gateway.log.count(Op.IDENTIFY) == 1


async def test_sentiment_is_answered_with_a_card_for_everybody(world):
    answer = await world.ask(GOOD)
    assert headline(answer.response) in HEADLINES
    assert GOOD in card(answer.response)
    assert answer.response.id in [message.id for message in world.channel.history(viewer=world.maya)]


async def test_a_private_answer_is_for_the_asker_alone(world):
    answer = await world.ask(GOOD, private=True)
    assert answer.response.components
    assert answer.response.ephemeral


async def test_a_message_can_be_checked_although_the_bot_reads_no_messages(world):
    answer = await world.check(BAD)
    assert headline(answer.response) == "Negative"
    assert answer.response.ephemeral


async def test_sentiment_is_answered_in_a_direct_message(world):
    answer = await world.alice.user.slash("sentiment", text=GOOD)
    assert headline(answer.response) in HEADLINES


async def test_why_is_answered(world):
    why = await world.why(await world.ask(BAD))
    assert why.response.embeds[0].title == "Why negative?"
    assert why.response.ephemeral


async def test_about_is_answered(world):
    answer = await world.alice.slash(world.channel, "about")
    assert answer.response.embeds


@pytest.mark.parametrize("private", [False, True], ids=["public", "private"])
async def test_a_crowd_is_acknowledged_within_three_seconds_and_answered_while_the_heart_beats(local, world, private):
    """Discord's limit is enforced by the local one, which refuses an acknowledgement that comes later."""
    texts = [LONG if number % 5 == 0 else f"message {number} was nice" for number in range(120)]
    beats = local.gateway.log.count(Op.HEARTBEAT)
    with new_ops(local) as ops, new_requests(local) as requests:
        answers = world.ask_at_once(texts, private=private)
        await until(lambda: all(answer.acknowledged for answer in answers), local.ACKNOWLEDGE_SECONDS + 1)
        busy = not all(answered(answer) for answer in answers)
        await until(lambda: all(answered(answer) for answer in answers))
    assert busy
    assert_answered_once(requests, answers)
    assert all(headline(answer.response) in HEADLINES for answer in answers)
    assert ops == []
    assert local.gateway.log.count(Op.HEARTBEAT) > beats


async def test_a_quick_answer_costs_one_request(local, world):
    with new_requests(local) as requests:
        await world.ask(GOOD)
    assert len(requests) == len(matching(requests, "POST", CALLBACK)) == 1


async def test_a_text_that_takes_long_is_acknowledged_first_and_answered_for_everybody(local, world):
    with new_requests(local) as requests:
        answers = world.ask_at_once([LONG] * 16)
        await until(lambda: all(answered(answer) for answer in answers))
    assert_answered_once(requests, answers)
    assert matching(requests, "PATCH", ANSWER)
    assert all(headline(answer.response) in HEADLINES for answer in answers)
    seen = {message.id for message in world.channel.history(viewer=world.maya)}
    assert {answer.response.id for answer in answers} <= seen


async def test_a_private_answer_costs_two_requests(local, world):
    with new_requests(local) as requests:
        await world.ask(GOOD, private=True)
    acknowledgement, edit = requests
    assert matching([acknowledgement], "POST", CALLBACK)
    assert matching([edit], "PATCH", ANSWER)
