"""Texts in, verdicts out, through the classifier and the worker."""

import asyncio
import itertools
import threading

import pytest

from model import classifier as classifier_module
from model.classifier import Classifier
from model.errors import (
    CheckpointNotFound,
    ClassifierClosed,
    InferenceFailed,
    NothingToRead,
    TextTooLong,
)
from model.scheduling.fair_queue import SPARSE_TOKENS
from model.scheduling.request import MOST_WINDOWS, Priority
from model.scheduling.worker import Worker
from model.text.cleaning import clean
from model.text.cost import estimated_tokens
from model.verdict import Sentiment
from tests.model.long_texts import distinct_words, varied
from tests.model.scheduling.words import GOOD, PATIENCE, READER, end


async def test_a_text_gets_its_verdict(start):
    async with await start() as classifier:
        verdict = await classifier.classify("good good good")
    assert (verdict.sentiment, verdict.windows, verdict.model) == (Sentiment.POSITIVE, 1, "v1")
    assert classifier.info.backend == "words"


async def test_answers_come_in_the_order_of_the_texts(start):
    texts = [varied("good" if number % 3 else "bad", 1 + number % 50) for number in range(150)]
    async with await start() as classifier:
        answers = await classifier.classify_many(texts)
    assert [answer.sentiment for answer in answers] == [
        Sentiment.POSITIVE if number % 3 else Sentiment.NEGATIVE for number in range(150)
    ]


async def test_of_many_texts_the_next_are_with_the_model_before_the_first_are_answered(start, backend):
    texts = [f"{'good' if number % 3 else 'bad'} {number}" for number in range(900)]  # a portion is 64 texts
    texts[300] = texts[700] = "bomb"
    backend.hold()
    async with await start() as classifier:
        asking = asyncio.ensure_future(classifier.classify_many(texts))
        async with asyncio.timeout(PATIENCE):
            while classifier.stats().queued < 700:
                assert not asking.done()
                await asyncio.sleep(0.01)
        backend.go_on.set()
        answers = await asking
    for number, answer in enumerate(answers):
        if texts[number] == "bomb":
            assert isinstance(answer, InferenceFailed)
        else:
            assert answer.sentiment is (Sentiment.POSITIVE if number % 3 else Sentiment.NEGATIVE)


async def test_of_many_texts_no_more_than_half_the_queue_is_taken(start, backend):
    texts = [varied("good", 40) for _ in range(40)]
    backend.hold()
    async with await start(queue_limit=800) as classifier:
        asking = asyncio.ensure_future(classifier.classify_many(texts))
        while not classifier.stats().queued:
            await asyncio.sleep(0)
        await asyncio.sleep(0.1)
        held = classifier.stats().queued_tokens
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        taken_back = classifier.stats().queued
        backend.go_on.set()
    assert 200 < held <= 400
    assert taken_back == 0


async def test_two_hundred_callers_are_served_in_far_fewer_batches(start, backend):
    async with await start() as classifier:
        answers = await asyncio.gather(*(classifier.classify(f"good {number}") for number in range(200)))
    stats = classifier.stats()
    assert {answer.sentiment for answer in answers} == {Sentiment.POSITIVE}
    assert (stats.served, stats.queued, stats.failed) == (200, 0, 0)
    assert stats.batches == len(backend.batches) < 100


async def test_all_windows_of_a_long_text_count(start):
    text = f"{varied('bad', 1000)} {varied('good', 2000, start=1000)}"
    async with await start() as classifier:
        verdict = await classifier.classify(text)
    assert verdict.windows == len(READER.read(text)) > 9
    assert verdict.sentiment is Sentiment.POSITIVE


async def test_a_text_that_is_too_long_is_refused_whole(start, backend):
    async with await start(max_characters=10) as classifier:
        with pytest.raises(TextTooLong, match="11 characters, but I can only read 10"):
            await classifier.classify("a" * 11)
    assert backend.batches == []


@pytest.mark.parametrize("text", ["", "<@1>", "https://example.org", "\ud800", "```code```"])
async def test_nothing_to_read_is_said_so(start, text):
    async with await start() as classifier:
        with pytest.raises(NothingToRead):
            await classifier.classify(text)


async def test_an_error_while_loading_is_raised_by_start():
    def load():
        raise CheckpointNotFound("no such model")

    with pytest.raises(CheckpointNotFound, match="no such model"):
        await Classifier.start(load)


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("loads", [True, False])
async def test_a_start_that_is_cancelled_while_the_model_loads_ends_its_thread_quietly(engine, loads):
    threads, loading, go_on = [], threading.Event(), threading.Event()

    def load():
        threads.append(threading.current_thread())
        loading.set()
        assert go_on.wait(PATIENCE)
        if not loads:
            raise CheckpointNotFound("no such model")
        return engine

    starting = asyncio.create_task(Classifier.start(load))
    assert await asyncio.to_thread(loading.wait, PATIENCE)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    go_on.set()
    threads[0].join(PATIENCE)
    assert not threads[0].is_alive()


async def test_a_start_that_is_cancelled_when_the_model_has_just_loaded_ends_its_thread(start, monkeypatch):
    workers = []

    def watched_worker(*given, **named):
        workers.append(Worker(*given, **named))
        return workers[0]

    monkeypatch.setattr(classifier_module, "Worker", watched_worker)
    starting = asyncio.create_task(start())
    await asyncio.sleep(0)
    workers[0].ready.result(PATIENCE)  # the event loop stands still, so it has not heard of that
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    workers[0].ended.result(PATIENCE)


def test_a_model_nobody_waits_for_ends_the_worker_and_fails_its_texts(engine):
    go_on = threading.Event()
    worker = Worker(lambda: go_on.wait(PATIENCE) and engine, queue_limit=50_000)  # type: ignore[arg-type, return-value]
    text = worker.submit("good", Priority.INTERACTIVE)
    worker.ready.cancel()
    go_on.set()
    worker.ended.result(PATIENCE)
    assert isinstance(text.exception(0), ClassifierClosed)


@pytest.mark.parametrize("priority", Priority)
def test_no_more_is_tokenised_ahead_than_there_are_lengths_to_choose_from(start_busy, backend, reader, priority):
    worker = start_busy(queue_limit=50_000)
    ahead = []
    reader.on_read = lambda _: ahead.append(reader.count - sum(map(len, backend.batches)))
    waiting = [worker.submit("bad " * 100, priority) for _ in range(200)]
    backend.go_on.set()
    assert {future.result(PATIENCE).sentiment for future in waiting} == {Sentiment.NEGATIVE}
    assert len(ahead) == 200
    # Two batches' worth beside the one in hand and the next: each text has 102 tokens, 112 when padded.
    in_hand = 2048 // 112
    assert 4096 // 103 <= max(ahead) <= 2 * in_hand + 4096 // 102 + 2


def test_people_are_served_before_passive_texts(busy, backend):
    passive = busy.submit("bad", Priority.PASSIVE)
    interactive = busy.submit("good", Priority.INTERACTIVE)
    backend.go_on.set()
    passive.result(PATIENCE)
    assert interactive.done()
    assert [GOOD in batch[0] for batch in backend.batches] == [True, True, False]


def test_a_short_text_need_not_wait_for_all_of_a_long_one(engine, backend):
    worker = Worker(lambda: engine, queue_limit=50_000)
    backend.hold()
    order = []
    long = worker.submit("good " * 12_000, Priority.INTERACTIVE)
    long.add_done_callback(lambda _: order.append("long"))
    assert backend.entered.wait(PATIENCE)
    short = worker.submit("bad", Priority.INTERACTIVE)
    short.add_done_callback(lambda _: order.append("short"))
    backend.go_on.set()
    assert long.result(PATIENCE).windows > 20
    end(worker)
    assert order == ["short", "long"]


async def test_an_explanation_names_the_word_that_moved_the_verdict(start):
    async with await start() as classifier:
        text = "we had good food"
        explanation = await classifier.explain(text)
    effects = {text[piece.start : piece.end]: piece.effect for piece in explanation.influences}
    assert explanation.verdict.sentiment is Sentiment.POSITIVE
    assert effects["good"] > 0
    assert effects["we"] == effects["had"] == effects["food"] == 0


async def test_explaining_what_cannot_be_read_raises_what_classify_raises(start):
    async with await start() as classifier:
        with pytest.raises(NothingToRead):
            await classifier.explain("<@1>")
        with pytest.raises(InferenceFailed):
            await classifier.explain("bomb")


async def test_the_only_word_has_all_of_the_effect(start):
    async with await start() as classifier:
        explanation = await classifier.explain("bad")
    (piece,) = explanation.influences
    assert piece.effect == explanation.verdict.score < 0


def order_of_answers(worker, backend, texts):
    """The numbers of (origin, text) pairs in the order in which they are answered, all waiting from the start."""
    answered = []
    calls = [worker.submit(text, Priority.INTERACTIVE, origin) for origin, text in texts]
    for number, call in enumerate(calls):
        call.add_done_callback(lambda _, number=number: answered.append(number))
    backend.go_on.set()
    for call in calls:
        call.result(PATIENCE)
    return answered


def test_many_who_send_little_again_and_again_do_not_keep_a_long_text_waiting_for_ever(start_busy, backend):
    worker, count = start_busy(queue_limit=500_000), itertools.count()
    long = worker.submit("bad " * 700, Priority.INTERACTIVE, "talker")

    def ask_again(origin):
        if not long.done() and next(count) < 3000:
            worker.submit("bad " * 20, Priority.INTERACTIVE, origin).add_done_callback(lambda _: ask_again(origin))

    for origin in range(300):
        ask_again(origin)
    backend.go_on.set()
    assert long.result(PATIENCE).sentiment is Sentiment.NEGATIVE
    assert 300 < next(count) < 1500


@pytest.mark.parametrize(("priority", "numbers"), [(Priority.INTERACTIVE, 12_000), (Priority.PASSIVE, 4000)])
async def test_a_text_is_read_in_so_many_windows_at_most_and_the_others_are_counted(start, backend, priority, numbers):
    text = " ".join(map(str, range(numbers)))
    windows, most = len(READER.read(text)), MOST_WINDOWS[priority]
    assert windows > most
    async with await start() as classifier:
        verdict = await classifier.classify(text, priority)
    assert (verdict.windows, verdict.skipped) == (most, windows - most)
    assert sum(map(len, backend.batches)) == most


LONG = {
    "words": " ".join(distinct_words(3000)),
    "numbers": " ".join(map(str, range(2000))),
    "chinese": " ".join(chr(0x4E00 + 7 * number) for number in range(2500)),
    "korean": " ".join(chr(0xAC00 + 4 * number) for number in range(2500)),
    "emoji by name": " ".join(f"({name})" for name in distinct_words(1500)),
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_a_text_that_turns_out_to_be_long_goes_behind_those_that_are_short(start_busy, backend, text):
    """What it costs is told by what is read of it, before it is tokenised."""
    worker = start_busy(queue_limit=500_000)
    cleaned = clean(text)
    assert sum(map(len, READER.read_cleaned(cleaned).rows)) > 2 * SPARSE_TOKENS
    assert estimated_tokens(cleaned) > SPARSE_TOKENS
    texts = [("loud", cleaned), *((number, "bad " * 20) for number in range(100))]
    answered = order_of_answers(worker, backend, texts)
    assert answered.index(0) == 100


async def test_a_flood_of_emoji_costs_no_more_than_those_that_are_read(start, backend):
    async with await start() as classifier:
        await classifier.classify("\N{FIRE}\N{SKULL}" * 1500)
    ((row,),) = backend.batches
    assert len(row) < 50
