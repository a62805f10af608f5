import asyncio
import logging
from dataclasses import replace
from types import SimpleNamespace

import discord
import pytest

from bot.commands import sentiment
from bot.error_handler import apologise
from bot.presentation.error_words import SLOW, SORRY
from bot.ui import replies
from model import Classifier
from tests.bot.parts import give
from tests.cards import headline, reply

SECRET = "my secret diary"


@pytest.fixture
async def small_queue(bot, loaded_backend):
    """Gives the bot a classifier in which one text may wait."""
    engine, watched = loaded_backend
    small = await Classifier.start(lambda: replace(engine, backend=watched), queue_limit=1)
    give(bot, classifier=small)
    yield small
    watched.go_on.set()
    await small.close()


async def test_a_slow_model_is_acknowledged_first_and_answers_later(world, backend, monkeypatch):
    monkeypatch.setattr(replies, "UNDECIDED_SECONDS", 0)
    backend.hold()
    asking = asyncio.create_task(world.ask("I love this, wonderful"))
    assert await asyncio.to_thread(backend.entered.wait, 20)
    async with asyncio.timeout(20):
        while not world.requests("POST", "/callback"):
            await asyncio.sleep(0)
    assert world.requests("POST", "/callback") == [{"type": 5}]
    assert world.requests("PATCH", "/messages/@original") == []
    backend.go_on.set()
    answer = await asking
    assert headline(answer.response) == "Positive"


async def test_a_failing_model_is_one_friendly_line(world, backend, caplog):
    backend.error = RuntimeError(SECRET)
    answer = await world.ask(SECRET)
    assert reply(answer).content == SORRY
    assert not reply(answer).components
    assert SECRET not in caplog.text


async def test_a_failing_model_is_one_friendly_line_in_the_menu_too(world, backend):
    backend.error = MemoryError()
    answer = await world.check(SECRET)
    assert (reply(answer).content, reply(answer).ephemeral) == (SORRY, True)


async def test_the_next_text_is_answered_after_a_failure(world, backend):
    backend.error = RuntimeError()
    await world.ask("bad luck")
    backend.error = None
    answer = await world.ask("good luck")
    assert answer.response.components


async def test_a_full_queue_says_when_to_come_back(world, small_queue, backend):
    backend.hold()
    waiting = asyncio.create_task(small_queue.classify("first"))
    assert await asyncio.to_thread(backend.entered.wait, 20)
    answer = await world.ask("second")
    assert reply(answer).content == "I'm busy right now. Try again in 1 second."
    backend.go_on.set()
    await waiting


async def test_a_model_that_is_shutting_down_says_so(world, small_queue):
    await small_queue.close()
    answer = await world.ask("anybody there?")
    assert reply(answer).content == "I'm restarting. Try again in a minute."


async def test_an_answer_that_takes_too_long_is_given_up(world, backend, monkeypatch):
    monkeypatch.setattr(sentiment, "LONGEST_WAIT", 0)
    backend.hold()
    answer = await world.ask("hello")
    assert reply(answer).content == SLOW


async def test_a_text_given_up_leaves_the_queue(world, classifier, backend, monkeypatch):
    monkeypatch.setattr(sentiment, "LONGEST_WAIT", 0)
    backend.hold()
    await world.ask("hello")
    assert classifier.stats().queued == 0


async def test_a_fault_of_the_bot_itself_is_one_friendly_line(world, monkeypatch, caplog):
    monkeypatch.setattr(sentiment, "verdict_card", lambda *_, **__: 1 / 0)
    answer = await world.ask(SECRET)
    (error,) = world.env.errors
    assert isinstance(error.original, ZeroDivisionError)
    assert reply(answer).content == SORRY
    assert "sentiment failed: ZeroDivisionError" in caplog.text
    assert "Traceback" not in caplog.text
    assert SECRET not in caplog.text


async def test_a_fault_before_the_acknowledgement_is_told_to_the_person_alone(world):
    world.env.inject_error("POST", "/interactions/*/callback", status=500)
    answer = await world.ask("hello")
    assert len(world.env.errors) == 1
    assert (reply(answer).content, reply(answer).ephemeral) == (SORRY, True)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/interactions/*/callback", 404, 10062),
        ("PATCH", "/webhooks/*/messages/@original", 404, 10008),
        ("PATCH", "/webhooks/*/messages/@original", 401, 10015),
    ],
    ids=["interaction-expired", "message-deleted", "token-over"],
)
async def test_an_answer_nobody_waits_for_is_dropped_quietly(world, caplog, method, path, status, code):
    caplog.set_level("INFO", "bot")
    world.env.inject_error(method, path, status=status, code=code)
    await world.ask("hello", private=True)
    assert len(world.env.errors) == 1
    assert f"came too late ({code})" in caplog.text
    assert all(record.levelname == "INFO" for record in caplog.records if record.name.startswith("bot"))


async def test_when_not_even_the_apology_arrives_the_bot_goes_on(world):
    world.env.inject_error("PATCH", "/webhooks/*/messages/@original", status=500, times=2)
    await world.ask("hello", private=True)
    assert len(world.env.errors) == 1
    assert (await world.ask("hello again")).response.components


async def test_what_fails_because_the_bot_has_ended_is_no_failure(caplog):
    client = discord.Client(intents=discord.Intents.none())
    await client.close()
    caplog.set_level(logging.INFO)
    await apologise(SimpleNamespace(client=client), "channel", RuntimeError("Session is closed"))  # type: ignore[arg-type]
    assert [(one.levelname, one.getMessage()) for one in caplog.records if one.name == "bot.error_handler"] == [
        ("INFO", "the answer to channel came after the end")
    ]
