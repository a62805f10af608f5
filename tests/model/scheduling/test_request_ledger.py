"""Every way in which a text ends: an answer, an error, a refusal, the end of all."""

import asyncio
import gc
import inspect
import sys
import weakref
from math import inf
from types import SimpleNamespace

import pytest

from model.errors import (
    ClassifierClosed,
    Overloaded,
)
from model.scheduling.fair_queue import FairQueue
from model.scheduling.request import Priority
from model.verdict import Sentiment
from tests.model.long_texts import varied
from tests.model.scheduling.words import BAD, PATIENCE, Text, end, hold_the_next_batch


async def test_more_texts_than_the_queue_holds_are_all_answered(start):
    async with await start(queue_limit=16) as classifier:
        answers = await classifier.classify_many(["good"] * 30)
    assert {answer.sentiment for answer in answers} == {Sentiment.POSITIVE}
    assert classifier.stats().shed == 0


async def test_cancelling_a_call_takes_its_text_out(start, backend):
    async with await start() as classifier:
        backend.hold()
        first = asyncio.create_task(classifier.classify("good"))
        assert await asyncio.to_thread(backend.entered.wait, PATIENCE)
        call = asyncio.create_task(classifier.classify("bad"))
        while classifier.stats().queued < 2:
            await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert classifier.stats().queued == 1
        backend.go_on.set()
        assert (await first).sentiment is Sentiment.POSITIVE
        await classifier.classify("good")
    assert not backend.has_seen("bad")


def test_cancelling_the_text_in_hand_harms_nobody(busy, backend):
    busy.first.cancel()
    second = busy.submit("bad", Priority.INTERACTIVE)
    backend.go_on.set()
    assert second.result(PATIENCE).sentiment is Sentiment.NEGATIVE
    end(busy)
    assert busy.stats().served == 1


def test_a_full_queue_refuses_a_passive_text_and_says_when_to_come_back(busy):
    waiting = [busy.submit("bad", Priority.PASSIVE) for _ in range(2)]
    with pytest.raises(Overloaded) as refused:
        busy.submit("good", Priority.PASSIVE)
    assert refused.value.retry_after >= 1
    assert "Try again in" in str(refused.value)
    assert not any(future.done() for future in waiting)
    assert (busy.stats().shed, busy.stats().queued) == (1, 3)


def test_an_interactive_text_takes_the_place_of_the_last_passive_one(busy, backend):
    earlier, last = (busy.submit("bad", Priority.PASSIVE) for _ in range(2))
    urgent = busy.submit("good", Priority.INTERACTIVE)
    assert isinstance(last.exception(PATIENCE), Overloaded)
    assert busy.stats().queued == 3
    backend.go_on.set()
    assert urgent.result(PATIENCE).sentiment is Sentiment.POSITIVE
    assert earlier.result(PATIENCE).sentiment is Sentiment.NEGATIVE


def test_people_take_the_places_of_passive_texts_that_are_tokenised_or_partly_computed(start_busy, backend):
    busy = start_busy(queue_limit=4106)  # the long one, of which 8 windows are read, and two of the others
    long, short = (busy.submit(text, Priority.PASSIVE) for text in ("bad " * 12_000, "bad"))
    hold_the_next_batch(busy, backend)  # it has windows of the long text only
    last = busy.submit("bad", Priority.PASSIVE)
    urgent = []
    for dropped in (last, short, long):
        urgent.append(busy.submit("good", Priority.INTERACTIVE))
        assert isinstance(dropped.exception(PATIENCE), Overloaded)
    assert (busy.stats().queued, busy.stats().shed) == (3, 3)
    backend.go_on.set()
    assert {future.result(PATIENCE).sentiment for future in urgent} == {Sentiment.POSITIVE}
    end(busy)
    _, begun, *others = backend.batches
    assert len(begun) < 8
    assert not any(BAD in row for batch in others for row in batch)


@pytest.mark.parametrize("priority", Priority)
def test_a_text_taken_back_is_forgotten_even_while_the_batch_in_hand_hangs(busy, priority):
    text = Text("bad")
    forgotten = weakref.ref(text)
    busy.submit(text, priority).cancel()
    del text
    gc.collect()
    assert forgotten() is None


@pytest.mark.parametrize("words", [1, 300])
def test_an_answered_text_is_forgotten_at_once_whoever_keeps_the_answer(start_busy, backend, words):
    worker = start_busy(queue_limit=50_000)
    texts = [Text("bad " * words) for _ in range(20)]
    watched = [weakref.ref(text) for text in texts]
    gc.disable()  # which comes by too seldom
    try:
        answers = [worker.submit(texts.pop(), Priority.INTERACTIVE) for _ in watched]
        backend.go_on.set()
        assert {answer.result(PATIENCE).sentiment for answer in answers} == {Sentiment.NEGATIVE}
        end(worker)  # whose thread may still have had the last one in hand
        assert [text() for text in watched] == [None] * len(watched)
    finally:
        gc.enable()


@pytest.mark.parametrize("text", ["bomb", "panic", "strange", " ", "late"])
def test_a_text_that_fails_is_forgotten_at_once_whoever_keeps_the_error(start_busy, backend, text):
    worker = start_busy(queue_limit=50_000)
    guilty = Text(text)
    watched = weakref.ref(guilty)
    gc.disable()
    try:
        failed = worker.submit(guilty, Priority.INTERACTIVE, deadline=0.0 if text == "late" else inf)
        del guilty
        others = [worker.submit("good", Priority.INTERACTIVE) for _ in range(5)]
        backend.go_on.set()
        assert failed.exception(PATIENCE) is not None
        assert {other.result(PATIENCE).sentiment for other in others} == {Sentiment.POSITIVE}
        end(worker)
        assert watched() is None
    finally:
        gc.enable()


def test_a_queue_full_of_interactive_texts_refuses_everyone(busy):
    for _ in range(2):
        busy.submit("bad", Priority.INTERACTIVE)
    for priority in Priority:
        with pytest.raises(Overloaded):
            busy.submit("good", priority)
    assert busy.stats().shed == len(Priority)


def test_room_comes_back_when_texts_are_served(busy, backend):
    waiting = [busy.submit("bad", Priority.PASSIVE) for _ in range(2)]
    backend.go_on.set()
    for future in [busy.first, *waiting]:
        future.result(PATIENCE)
    assert busy.submit("good", Priority.PASSIVE).result(PATIENCE).sentiment is Sentiment.POSITIVE


def test_closing_fails_what_waits_at_once_and_finishes_the_batch_in_hand(busy, backend):
    waiting = [busy.submit("bad", Priority.INTERACTIVE), busy.submit("bad", Priority.PASSIVE)]
    busy.close()
    assert [type(future.exception(0)) for future in waiting] == [ClassifierClosed, ClassifierClosed]
    with pytest.raises(ClassifierClosed):
        busy.submit("good", Priority.INTERACTIVE)
    assert not busy.first.done()
    assert not busy.ended.done()
    backend.go_on.set()
    busy.ended.result(PATIENCE)
    assert busy.first.result(0).sentiment is Sentiment.POSITIVE
    assert not backend.has_seen("bad")


def test_closing_fails_a_long_text_that_is_partly_computed(start_busy, backend):
    worker = start_busy(queue_limit=50_000)
    long = worker.submit("bad " * 12_000, Priority.INTERACTIVE)
    hold_the_next_batch(worker, backend)
    worker.close()
    backend.go_on.set()
    worker.ended.result(PATIENCE)
    assert isinstance(long.exception(0), ClassifierClosed)
    assert len(backend.batches) <= 3  # "good", the batch in hand, and the one that was sent ahead


def test_closing_while_texts_are_read_reads_no_more_of_them(start_busy, backend, reader):
    worker = start_busy(queue_limit=50_000)
    waiting = [worker.submit("bad", Priority.INTERACTIVE) for _ in range(5)]
    reader.on_read = lambda _: worker.close()
    backend.go_on.set()
    worker.ended.result(PATIENCE)
    assert {type(future.exception(0)) for future in waiting} == {ClassifierClosed}
    assert reader.count == 2
    assert not backend.has_seen("bad")


async def test_a_close_that_takes_too_long_can_be_given_up_and_leaves_nobody_waiting(start, backend):
    classifier = await start()
    backend.hold()
    first = asyncio.create_task(classifier.classify("good"))
    assert await asyncio.to_thread(backend.entered.wait, PATIENCE)
    second = asyncio.create_task(classifier.classify("bad"))
    await asyncio.sleep(0)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(classifier.close(), 0.01)
    with pytest.raises(ClassifierClosed):
        await asyncio.wait_for(second, PATIENCE)
    assert not first.done()
    backend.go_on.set()
    await asyncio.wait_for(classifier.close(), PATIENCE)
    assert (await first).sentiment is Sentiment.POSITIVE


def test_an_event_loop_ends_without_waiting_for_a_batch_that_hangs(start, backend):
    async def give_up_closing():
        classifier = await start()
        backend.hold()
        asking = asyncio.create_task(classifier.classify("good"))
        assert await asyncio.to_thread(backend.entered.wait, PATIENCE)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(classifier.close(), 0.01)
        assert not asking.done()
        return classifier

    classifier = asyncio.run(give_up_closing())
    assert not backend.go_on.is_set()
    backend.go_on.set()
    asyncio.run(classifier.close())


async def test_a_closed_classifier_says_so_and_closes_again_quietly(start):
    classifier = await start()
    await classifier.close()
    await classifier.close()
    with pytest.raises(ClassifierClosed, match="restarting"):
        await classifier.classify("good")
    assert [type(answer) for answer in await classifier.classify_many(["good", "bad"])] == [ClassifierClosed] * 2


@pytest.fixture
def without_lock(monkeypatch):
    """Calls of the queue by whoever has not its owner's lock, as (method, caller); set `owner` to begin."""
    found, watched = SimpleNamespace(owner=None, calls=set()), FairQueue.__dict__.items()

    def watch(name, method):
        def watching(self, *given):
            if found.owner is not None and self is found.owner.queue and not found.owner.changed._is_owned():
                found.calls.add((name, sys._getframe(1).f_code.co_name))
            return method(self, *given)

        return watching

    for name, method in list(watched):
        if inspect.isfunction(method) and name != "__init__":
            monkeypatch.setattr(FairQueue, name, watch(name, method))
    return found


async def test_the_queue_is_touched_with_its_owners_lock_only(start, without_lock):
    async with await start(queue_limit=3000, cache=9) as classifier:
        without_lock.owner = classifier._worker._ledger
        calls = [
            classifier.classify(f"{varied(word, words)} {number}", Priority(number % 2), origin=number % 3)
            for number, (word, words) in enumerate([("good", 3), ("bad", 60), ("bomb", 2), ("good", 600)] * 30)
        ]
        tasks = [asyncio.create_task(call) for call in calls]
        await asyncio.sleep(0)
        for task in tasks[::7]:
            task.cancel()
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), PATIENCE)
        assert classifier.stats().served > 0
        await classifier.classify("good", within=PATIENCE)
        classifier._worker._supervisor.look()
        classifier.health()
    assert without_lock.calls == set()
