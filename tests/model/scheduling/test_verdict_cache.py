from pathlib import Path

import pytest

from model.backends.engine import Engine
from model.checkpoints.checkpoint import Checkpoint
from model.scheduling.verdict_cache import MAX_TOKENS, VerdictCache
from model.verdict import SENTIMENTS, Sentiment, Verdict

GOOD = Verdict(Sentiment.POSITIVE, (0.1, 0.2, 0.7), 1, "v1")
BAD = Verdict(Sentiment.NEGATIVE, (0.7, 0.2, 0.1), 1, "v1")


def model(version, abstain_below=0.75):
    folder = Path()
    checkpoint = Checkpoint("words", folder, folder, SENTIMENTS, version, abstain_below=abstain_below)
    return Engine(checkpoint, None, None)  # type: ignore[arg-type]


def test_a_verdict_is_found_again_under_its_tokens_and_version():
    cache = VerdictCache(10)
    cache.put(cache.key(model("v1"), [[1, 2, 3]]), GOOD)
    assert cache.get(cache.key(model("v1"), [[1, 2, 3]])) is GOOD
    assert cache.get(cache.key(model("v2"), [[1, 2, 3]])) is None
    assert cache.get(cache.key(model("v1", abstain_below=0.9), [[1, 2, 3]])) is None
    assert cache.get(cache.key(model("v1"), [[1, 2]])) is None
    assert cache.get(cache.key(model("v1"), [[1, 23]])) is None


def test_the_one_not_asked_for_the_longest_goes_first():
    cache = VerdictCache(2)
    first, second, third = (cache.key(model("v1"), [[number]]) for number in range(3))
    cache.put(first, GOOD)
    cache.put(second, BAD)
    cache.get(first)
    cache.put(third, BAD)
    assert [cache.get(key) is not None for key in (first, second, third)] == [True, False, True]
    assert len(cache) == 2


@pytest.mark.parametrize("rows", [[[1] * (MAX_TOKENS + 1)], [[1, 2], [2, 3]]], ids=["long", "two windows"])
def test_long_texts_are_not_kept(rows):
    assert VerdictCache(10).key(model("v1"), rows) is None


def test_a_cache_of_no_size_keeps_nothing():
    cache = VerdictCache(0)
    cache.put(cache.key(model("v1"), [[1]]), GOOD)
    assert len(cache) == 0


def test_what_is_kept_cannot_be_told_from_another_process():
    assert VerdictCache(1).key(model("v1"), [[1]]) != VerdictCache(1).key(model("v1"), [[1]])


async def test_what_was_said_before_is_not_computed_again(start, backend):
    async with await start(cache=100) as classifier:
        first = await classifier.classify("good game")
        batches = len(backend.batches)
        again = await classifier.classify("GOOD   game")
        stats = classifier.stats()
    assert again == first
    assert len(backend.batches) == batches
    assert (stats.served, stats.cached) == (2, 1)


async def test_a_text_that_failed_is_not_remembered(start, backend):
    async with await start(cache=100) as classifier:
        await classifier.classify_many(["strange", "strange"])
        await classifier.classify_many(["strange"])
    assert classifier.stats().cached == 0
    assert len(backend.batches) >= 2
