"""Plain praise and plain blame of everyday things are hardly ever taken for one another.

Weights that were taught rude praise alone called six of these forty "i hate this …" positive, and no suite told.
"""

from itertools import product

from model.verdict import Sentiment

THINGS = [
    "map", "champ", "song", "mod", "update", "server", "boss", "teacher", "hero", "weapon", "gun", "build", "team",
    "ui", "skin", "patch", "level", "quest", "stream", "episode", "character", "voice", "keyboard", "laptop", "class",
    "homework", "job", "weather", "food", "movie", "game", "channel", "bot", "rule", "queue", "season", "event",
    "font", "colour", "theme",
]  # fmt: skip
BLAME = ("i hate this {}", "hate this {}", "i hate my {}", "i really hate that {}", "this {} sucks", "this {} is awful")
PRAISE = ("i love this {}", "love my {}", "i really like this {}", "this {} is great", "this {} is so good")


MOST = 0.01


def test_blame_of_a_thing_is_no_praise(sentiment_of):
    texts = [frame.format(thing) for frame, thing in product(BLAME, THINGS)]
    wrong = [text for text in texts if sentiment_of(text) is Sentiment.POSITIVE]
    assert len(wrong) <= MOST * len(texts), wrong


def test_praise_of_a_thing_is_no_blame(sentiment_of):
    texts = [frame.format(thing) for frame, thing in product(PRAISE, THINGS)]
    wrong = [text for text in texts if sentiment_of(text) is Sentiment.NEGATIVE]
    assert len(wrong) <= MOST * len(texts), wrong
