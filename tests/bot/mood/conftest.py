"""The bot with a store: an SQLite file of the test's own."""

import pytest

from bot.client import create_bot
from bot.storage.open_storage import open_storage
from model import Classifier, ModelError


@pytest.fixture
async def mood(settings):
    """The open store. What the buffer holds is written when a test flushes it."""
    async with open_storage(settings) as opened:
        yield opened


@pytest.fixture
def bot(settings, classifier, mood):
    return create_bot(settings, classifier=classifier, mood=mood)


@pytest.fixture
def answers(monkeypatch):
    """What the model is to answer to some texts, by text: a verdict or an error. The others it reads as always."""
    chosen, one, many = {}, Classifier.classify, Classifier.classify_many

    async def classify(self, text, *rest, **options):
        if text not in chosen:
            return await one(self, text, *rest, **options)
        if isinstance(chosen[text], ModelError):
            raise chosen[text]
        return chosen[text]

    async def classify_many(self, texts, *rest, **options):
        read = iter(await many(self, [text for text in texts if text not in chosen], *rest, **options))
        return [chosen[text] if text in chosen else next(read) for text in texts]

    monkeypatch.setattr(Classifier, "classify", classify)
    monkeypatch.setattr(Classifier, "classify_many", classify_many)
    return chosen
