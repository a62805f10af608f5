"""The bot with a store: an SQLite file of the test's own."""

import pytest

from bot.client import create_bot
from bot.mood.opening import open_mood


@pytest.fixture
async def mood(settings):
    """The open store. What the buffer holds is written when a test flushes it."""
    async with open_mood(settings) as opened:
        yield opened


@pytest.fixture
def bot(settings, classifier, mood):
    return create_bot(settings, classifier=classifier, mood=mood)
