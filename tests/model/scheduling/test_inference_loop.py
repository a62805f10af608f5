"""Batches that are with the backend: the one it computes, and the one that was sent ahead."""

import threading
import time
from concurrent.futures import CancelledError, Future, wait
from dataclasses import dataclass, field

import numpy as np
import pytest

from model.backends.base import InTurn
from model.backends.engine import Engine
from model.checkpoints.checkpoint import Checkpoint
from model.errors import ClassifierClosed, DeadlinePassed, InferenceFailed
from model.scheduling.request import Priority
from model.scheduling.worker import Worker
from model.verdict import SENTIMENTS, Sentiment
from tests.model.scheduling.words import PATIENCE, WatchedReader


@dataclass
class HandBackend(InTurn):
    """Does what is started when a test says so; what is computed in the runner's own thread can be held."""

    name: str = "by hand"
    device: str = "cpu"
    started: list = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    entered: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def predict(self, batch):
        self.entered.set()
        assert self.go_on.wait(PATIENCE)
        return self.logits(batch)

    def start(self, batch):
        with self.changed:
            self.started.append((batch, Future()))
            self.changed.notify_all()
        return self.started[-1][1]

    def when_started(self, count):
        """The futures of so many batches, once that many were sent off."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.started) >= count, PATIENCE)
        return [future for _, future in self.started]

    def compute(self, number):
        batch, future = self.started[number]
        future.set_result(self.logits(batch))

    def compute_later(self, first):
        """All that was started so far, but the first ones."""
        for number in range(first, len(self.started)):
            if not self.started[number][1].done():
                self.compute(number)

    def compute_all(self):
        """Also what comes from now on."""
        self.start = InTurn.start.__get__(self)
        for number, (_, future) in enumerate(self.started):
            if not future.done():
                self.compute(number)

    def logits(self, batch):
        return np.array([[0.0, 0.0, 1.0]] * len(batch), dtype=np.float32)


@pytest.fixture
def reader():
    return WatchedReader()


@pytest.fixture
def backends():
    """Those that were loaded, in order."""
    return []


@pytest.fixture
def start(tmp_path, reader, backends, clock):
    """Starts a worker with so many texts, each a twentieth of a batch and of an origin of its own.

    Returns it with the texts' answers when nothing of them has been read yet; `go_on` lets it begin.
    """
    workers = []

    def load():
        backends.append(HandBackend())
        checkpoint = Checkpoint("hand", tmp_path, tmp_path / "model.onnx", SENTIMENTS, "v1")
        return Engine(checkpoint, reader, backends[-1])

    def start(texts, **options):
        worker = Worker(load, queue_limit=50_000, clock=clock, **options)
        workers.append(worker)
        worker.ready.result(PATIENCE)
        worker.submit("first", Priority.INTERACTIVE)
        assert backends[0].entered.wait(PATIENCE)
        return worker, [worker.submit("bad " * 100, Priority.INTERACTIVE, origin) for origin in range(texts)]

    yield start
    for backend in backends:
        backend.go_on.set()
        backend.compute_all()
    for worker in workers:
        worker.close()
        worker.ended.result(PATIENCE)


def until(condition):
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.001)


def when_loaded(backends):
    """Returns when a second backend has taken the first one's place."""
    until(lambda: len(backends) == 2)


def sentiments(answers):
    return {answer.result(PATIENCE).sentiment for answer in answers}


def test_a_batch_is_handed_out_before_the_last_one_is_computed(start, backends):
    _, answers = start(30)
    (backend,) = backends
    backend.go_on.set()
    backend.when_started(1)
    backend.go_on.clear()
    backend.compute(0)
    assert answers[0].result(PATIENCE / 4).sentiment is Sentiment.POSITIVE
    assert not answers[-1].done()


def test_what_is_computed_already_is_answered_although_the_next_batch_hangs(start, backends, clock):
    _, answers = start(30, wedged_after=0.3)
    backend = backends[0]
    backend.go_on.set()
    backend.when_started(1)
    backend.go_on.clear()
    backend.compute(0)
    assert answers[0].result(PATIENCE).sentiment is Sentiment.POSITIVE
    assert backend.entered.wait(PATIENCE)
    clock.advance(0.4)
    assert isinstance(answers[-1].exception(PATIENCE), InferenceFailed)


def test_the_batch_that_was_sent_ahead_is_computed_anew_when_the_one_before_it_hangs(start, backends, clock):
    worker, answers = start(60, wedged_after=0.3)
    backends[0].go_on.set()
    _, second = backends[0].when_started(2)
    lost = len(backends[0].started[0][0])
    clock.advance(0.4)
    assert isinstance(answers[0].exception(PATIENCE), InferenceFailed)
    when_loaded(backends)
    backends[1].go_on.set()
    backends[1].when_started(1)
    backends[1].compute_all()
    failed = [answer for answer in answers if answer.exception(PATIENCE) is not None]
    assert len(failed) == lost
    assert second.cancelled()  # so that the old backend, if it comes back, has nothing to do
    assert worker.health().replaced == 1


def test_a_batch_that_was_sent_ahead_and_hangs_when_its_turn_comes_is_noticed(start, backends, clock):
    worker, answers = start(60, wedged_after=0.3)
    backends[0].go_on.set()
    backends[0].when_started(2)
    before, ahead = (len(batch) for batch, _ in backends[0].started[:2])
    backends[0].compute(0)
    sentiments(answers[:before])
    until(lambda: len(worker._supervisor.current.in_hand) == ahead)
    clock.advance(0.4)
    when_loaded(backends)
    backends[1].go_on.set()
    backends[1].when_started(1)
    backends[1].compute_all()
    failed = [answer for answer in answers if answer.exception(PATIENCE) is not None]
    assert len(failed) == ahead
    assert worker.health().replaced == 1


def test_a_batch_that_nobody_waits_for_any_more_makes_room_for_another(start, backends):
    _, answers = start(100)
    backend = backends[0]
    backend.go_on.set()
    _, ahead = backend.when_started(2)
    count = len(backend.started[0][0])
    for answer in answers[count:]:
        if ahead.cancelled():
            break
        answer.cancel()
    assert ahead.cancelled()
    backend.when_started(3)
    backend.compute_all()
    assert sentiments(answer for answer in answers if not answer.cancelled()) == {Sentiment.POSITIVE}


def test_a_batch_that_is_cancelled_just_as_it_is_looked_at_harms_nobody(start, backends, monkeypatch):
    worker, answers = start(100)
    backend = backends[0]
    backend.go_on.set()
    _, ahead = backend.when_started(2)
    before, unwanted = (len(batch) for batch, _ in backend.started)
    batch, done = set(map(id, answers[before : before + unwanted])), ahead.done

    def done_after_a_look():
        if worker._supervisor.current.moved is not None:  # at work, and no longer asleep
            for answer in answers[before:]:
                if not done() and id(answer) in batch:
                    answer.cancel()
        return done()

    monkeypatch.setattr(ahead, "done", done_after_a_look)
    backend.compute(0)
    backend.when_started(3)
    last = worker.submit("one more", Priority.INTERACTIVE)
    with pytest.raises(CancelledError):
        ahead.result(PATIENCE)
    backend.compute_all()
    assert sentiments([*answers[:before], *answers[before + unwanted :], last]) == {Sentiment.POSITIVE}


def test_closing_does_not_wait_for_a_batch_that_nobody_waits_for(start, backends):
    worker, answers = start(60)
    backend = backends[0]
    backend.go_on.set()
    _, ahead = backend.when_started(2)
    backend.compute(0)
    answers[0].result(PATIENCE)
    worker.close()
    for answer in answers:
        answer.cancel()
    assert ahead.cancelled()
    worker.ended.result(PATIENCE / 4)


def test_a_batch_in_hand_that_fails_at_the_end_is_still_halved(start, backends):
    worker, answers = start(60)
    backend = backends[0]
    backend.go_on.set()
    in_hand, _ = backend.when_started(2)
    count = len(backend.started[0][0])
    worker.close()
    backend.start = InTurn.start.__get__(backend)
    in_hand.set_exception(RuntimeError("out of memory"))
    worker.ended.result(PATIENCE)
    assert sentiments(answers[:count]) == {Sentiment.POSITIVE}
    assert {type(answer.exception(0)) for answer in answers[count:]} == {ClassifierClosed}


def test_a_backend_that_cannot_start_a_batch_fails_nobody_who_can_be_computed_alone(start, backends):
    _, answers = start(30)
    backend = backends[0]

    def start_small_ones(batch):
        if len(batch) > 2:
            raise MemoryError
        return InTurn.start(backend, batch)

    backend.start = start_small_ones
    backend.go_on.set()
    assert sentiments(answers) == {Sentiment.POSITIVE}


def test_while_a_batch_takes_long_the_runner_sleeps(start, backends, monkeypatch):
    worker, answers = start(60)
    backend = backends[0]
    backend.go_on.set()
    backend.when_started(2)
    pauses, wait_for, asleep = [], worker._ledger.changed.wait_for, threading.Event()

    def noted(predicate, timeout=None):
        pauses.append(timeout)
        asleep.set()
        return wait_for(predicate, timeout)

    monkeypatch.setattr(worker._ledger.changed, "wait_for", noted)
    worker._supervisor.last_pass -= 60
    more = worker.submit("more", Priority.INTERACTIVE)  # which it reads meanwhile
    assert asleep.wait(PATIENCE)
    assert min(pauses) > 1
    backend.compute_all()
    assert sentiments([*answers, more]) == {Sentiment.POSITIVE}


def test_a_long_text_that_short_ones_keep_waiting_has_not_made_the_model_hang(start, backends, clock):
    worker, _ = start(0, wedged_after=0.4)
    backend = backends[0]
    backend.go_on.set()
    long = worker.submit("bad " * 300, Priority.INTERACTIVE, "long")
    backend.when_started(1)
    for _ in range(10):
        clock.advance(0.12)
        count = len(backend.started)
        short = [worker.submit("good", Priority.INTERACTIVE, origin) for origin in range(2)]
        backend.when_started(count + 1)
        backend.compute_later(1)
        assert sentiments(short) == {Sentiment.POSITIVE}
    assert not long.done()
    backend.compute(0)
    assert long.result(PATIENCE).sentiment is Sentiment.POSITIVE
    assert worker.health().replaced == 0


def test_a_long_text_that_hangs_is_given_up_although_short_ones_are_answered(start, backends, clock):
    worker, _ = start(0, wedged_after=0.2)
    backend = backends[0]
    backend.go_on.set()
    long = worker.submit("bad " * 300, Priority.INTERACTIVE, "long")
    backend.when_started(1)
    give_up = time.monotonic() + PATIENCE
    while not long.done():
        assert time.monotonic() < give_up
        clock.advance(0.05)
        short = worker.submit("good", Priority.INTERACTIVE)
        while not short.done():
            for successor in backends[1:]:  # it may have been taken over by now
                successor.go_on.set()
                successor.compute_all()
            backend.compute_later(1)
            wait([short], 0.001)
    assert isinstance(long.exception(), InferenceFailed)


def test_a_text_whose_deadline_passes_after_it_is_read_is_not_computed(start, backends, reader):
    worker, _ = start(0)
    late = worker.submit("late", Priority.INTERACTIVE)
    request = worker._ledger._requests[late]

    def pass_deadline(text):
        request.deadline = 0.0

    reader.on_read = pass_deadline
    backends[0].go_on.set()
    assert isinstance(late.exception(PATIENCE), DeadlinePassed)


def test_a_text_that_hangs_the_tokenizer_does_not_cost_the_batch_that_is_computed_meanwhile(
    start, backends, reader, clock
):
    worker, answers = start(30, wedged_after=1)
    reading, go_on = threading.Event(), threading.Event()

    def hang(text):
        if text == "poison":
            reading.set()
            go_on.wait(PATIENCE)

    reader.on_read = hang
    backends[0].go_on.set()
    backends[0].when_started(1)
    poison = worker.submit("poison", Priority.INTERACTIVE)
    assert reading.wait(PATIENCE)
    backends[0].compute(0)
    clock.advance(1.1)
    assert isinstance(poison.exception(PATIENCE), InferenceFailed)
    when_loaded(backends)
    backends[1].go_on.set()
    backends[1].when_started(1)
    backends[1].compute_all()
    go_on.set()
    assert sentiments(answers) == {Sentiment.POSITIVE}
