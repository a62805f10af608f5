"""A text that breaks something fails alone."""

import asyncio

import numpy as np
import pytest

from model.backends import engine as engine_module
from model.errors import (
    InferenceFailed,
    NothingToRead,
)
from model.scheduling import batch_planner as planner_module
from model.scheduling.request import Priority
from model.verdict import Sentiment
from tests.model.long_texts import varied
from tests.model.scheduling.words import PATIENCE, collapse_once


@pytest.mark.parametrize("word", ["bomb", "panic", "strange"])
async def test_a_text_that_breaks_the_model_fails_alone(start, word, caplog):
    async with await start() as classifier:
        answers = await classifier.classify_many(["good", "bad", f"{word} secret", "good", "", "bad"])
        after = await classifier.classify("good")
    stats = classifier.stats()
    kinds = [getattr(answer, "sentiment", type(answer)) for answer in answers]
    assert kinds == ["positive", "negative", InferenceFailed, "positive", NothingToRead, "negative"]
    assert after.sentiment is Sentiment.POSITIVE
    assert (stats.served, stats.failed) == (5, 1)  # what has nothing to read never comes to the queue
    assert "secret" not in str(answers[2]) + caplog.text


async def test_one_strange_window_fails_its_long_text_only(start):
    async with await start() as classifier:
        long = varied("good", 400)
        answers = await classifier.classify_many([f"{long} strange {varied('good', 400, start=400)}", long])
    assert isinstance(answers[0], InferenceFailed)
    assert answers[1].sentiment is Sentiment.POSITIVE


async def test_a_backend_that_loses_rows_fails_its_texts_and_hangs_nobody(start, backend):
    backend.lost_rows = 1
    async with await start() as classifier:
        answers = await asyncio.wait_for(classifier.classify_many(["good", "bad", "good"]), PATIENCE)
    assert {type(answer) for answer in answers} == {InferenceFailed}


async def test_an_answer_that_holds_no_numbers_fails_its_text_and_the_next_is_answered(start, backend):
    backend.dtype = str
    async with await start() as classifier:
        with pytest.raises(InferenceFailed):
            await asyncio.wait_for(classifier.classify("good"), PATIENCE)
        backend.dtype = np.float32
        assert (await classifier.classify("good")).sentiment is Sentiment.POSITIVE


@pytest.mark.parametrize("place", ["read_cleaned", "decide", "next_batch"])
async def test_whatever_collapses_fails_its_text_and_the_next_is_answered(start, reader, monkeypatch, caplog, place):
    """The last of them is in the worker itself, outside what it expects to fail."""
    owner = {"read_cleaned": reader, "decide": engine_module, "next_batch": planner_module}[place]
    monkeypatch.setattr(owner, place, collapse_once(getattr(owner, place)))
    async with await start() as classifier:
        with pytest.raises(InferenceFailed, match="Collapse"):
            await asyncio.wait_for(classifier.classify(varied("good", 450)), PATIENCE)
        after = await asyncio.wait_for(classifier.classify("good"), PATIENCE)
    stats = classifier.stats()
    assert after.sentiment is Sentiment.POSITIVE
    assert (stats.queued, stats.served, stats.failed) == (0, 1, 1)
    assert "Collapse" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("place", ["read_cleaned", "decide"])
def test_a_collapse_over_one_text_harms_no_other(start_busy, backend, reader, monkeypatch, place):
    owner = {"read_cleaned": reader, "decide": engine_module}[place]
    collapsing = collapse_once(getattr(owner, place))
    worker = start_busy(queue_limit=50_000)
    worker.first.add_done_callback(lambda _: monkeypatch.setattr(owner, place, collapsing))
    guilty, *others = [worker.submit("bad", Priority.INTERACTIVE) for _ in range(3)]
    backend.go_on.set()
    assert isinstance(guilty.exception(PATIENCE), InferenceFailed)
    assert {future.result(PATIENCE).sentiment for future in others} == {Sentiment.NEGATIVE}


def test_a_collapse_of_the_worker_spares_the_texts_it_had_not_taken(start_busy, backend, monkeypatch):
    worker = start_busy(queue_limit=50_000)
    monkeypatch.setattr(planner_module, "next_batch", collapse_once(planner_module.next_batch))
    taken = worker.submit("bad", Priority.INTERACTIVE)
    left = worker.submit("bad", Priority.PASSIVE)
    backend.go_on.set()
    assert isinstance(taken.exception(PATIENCE), InferenceFailed)
    assert left.result(PATIENCE).sentiment is Sentiment.NEGATIVE
