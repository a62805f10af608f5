"""The bot with a store: an SQLite file of the test's own."""

import asyncio

import pytest

from bot.client import create_bot
from bot.mood.opening import open_mood
from model import ModelError


@pytest.fixture
async def mood(settings):
    """The open store. What the buffer holds is written when a test flushes it."""
    async with open_mood(settings) as opened:
        yield opened


@pytest.fixture
def bot(settings, classifier, mood):
    return create_bot(settings, classifier=classifier, mood=mood)


@pytest.fixture
def answers(classifier, monkeypatch):
    """What the model is to answer to some texts, by text: a verdict or an error. The others it reads as always."""
    chosen, submit = {}, classifier._submit

    def answer(text, *rest):
        if text not in chosen:
            return submit(text, *rest)
        if isinstance(chosen[text], ModelError):
            raise chosen[text]
        done = asyncio.get_running_loop().create_future()
        done.set_result(chosen[text])
        return done

    monkeypatch.setattr(classifier, "_submit", answer)
    return chosen
