"""The bundled model, which the tables are made for."""

from collections.abc import Callable
from functools import cache

import pytest

from model import load_engine
from model.verdict import Sentiment


@pytest.fixture(scope="session")
def sentiment_of() -> Callable[[str], Sentiment]:
    """What the bundled model says of a text."""
    engine = load_engine("bundled", "cpu", 1)

    @cache
    def sentiment_of(text: str) -> Sentiment:
        return engine.answer(text).sentiment

    return sentiment_of
