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
from tests.model.scheduling.words import PATIENCE, collapse_once, until


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
    monkeypatch.setattr(planner_module, "next_batch", collapse_once(planner_module.next_batch))  # type: ignore[attr-defined]
    taken = worker.submit("bad", Priority.INTERACTIVE)
    left = worker.submit("bad", Priority.PASSIVE)
    backend.go_on.set()
    assert isinstance(taken.exception(PATIENCE), InferenceFailed)
    assert left.result(PATIENCE).sentiment is Sentiment.NEGATIVE


def texts_behind(error):
    """Every string that is held by a frame which an error leads to."""
    found, errors, seen = [], [error], set()
    while errors:
        one = errors.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        errors += [one.__cause__, one.__context__]
        trace = one.__traceback__
        while trace is not None:
            found += [value for value in trace.tb_frame.f_locals.values() if isinstance(value, str)]
            trace = trace.tb_next
    return found


async def fail_together(classifier, worker_fails):
    """Two callers' errors, both texts failing by whatever `worker_fails` does when it is called."""

    async def ask_alice():
        alice = "good words of alice"
        return await classifier.classify(alice)

    async def ask_bob():
        bob = "bad words of bob"
        return await classifier.classify(bob)

    calls = [asyncio.create_task(ask()) for ask in (ask_alice, ask_bob)]
    await until(lambda: classifier.stats().queued == 2)
    worker_fails()
    return await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), PATIENCE)


def assert_apart(errors):
    alice, bob = errors
    assert isinstance(alice, InferenceFailed)
    assert isinstance(bob, InferenceFailed)
    assert alice is not bob
    assert not any("bob" in text for text in texts_behind(alice))
    assert not any("alice" in text for text in texts_behind(bob))


async def test_a_collapse_of_the_worker_gives_each_caller_an_error_of_its_own(start, monkeypatch):
    """It fails all that was taken, and one error for all would gather the frames of all who wait."""
    async with await start() as classifier:
        worker = classifier._worker
        monkeypatch.setattr(planner_module, "next_batch", collapse_once(planner_module.next_batch))  # type: ignore[attr-defined]
        with worker._ledger.changed:  # so that both are taken together
            calls = [worker.submit(text, Priority.INTERACTIVE) for text in ("good words of alice", "bad of bob")]
        alice, bob = [call.exception(PATIENCE) for call in calls]
    assert isinstance(alice, InferenceFailed)
    assert isinstance(bob, InferenceFailed)
    assert alice is not bob
    assert alice.__traceback__ is bob.__traceback__ is None


@pytest.mark.parametrize("fails", ["model that is gone", "error for people"])
async def test_callers_whose_texts_fail_together_hold_nothing_of_each_other(start, backend, fails):
    shared = InferenceFailed("The model broke.")
    async with await start() as classifier:
        ledger = classifier._worker._ledger

        def fail():
            if fails == "model that is gone":
                ledger.fail_all()
            for request in ledger.held():
                ledger.fail(request, shared)

        backend.hold()
        try:
            assert_apart(await fail_together(classifier, fail))
        finally:
            backend.go_on.set()


async def test_texts_of_one_call_that_fail_together_have_errors_of_their_own(start):
    async with await start(queue_limit=60) as classifier:
        answers = await classifier.classify_many(["", "<@1>", "bomb", "strange", "bomb"])
    assert len({id(answer) for answer in answers}) == len(answers)
    assert all(answer.__traceback__ is answer.__context__ is answer.__cause__ is None for answer in answers)
