"""Faults at random: whatever breaks, nobody waits for ever and nobody else's text fails."""

import asyncio
import random
import threading
import time
from dataclasses import dataclass, field

import numpy as np
import pytest

from model.backends.base import InTurn
from model.backends.engine import Engine
from model.checkpoints.checkpoint import Checkpoint
from model.classifier import Classifier
from model.errors import (
    ClassifierClosed,
    DeadlinePassed,
    InferenceFailed,
    ModelError,
    NothingToRead,
    Overloaded,
    TextTooLong,
    Unreadable,
)
from model.scheduling.request import Priority
from model.text.preprocessing import Prepared
from model.text.tokenization import Reader
from model.verdict import SENTIMENTS, Verdict
from tests.model.long_texts import varied
from tests.model.scheduling.test_worker import TOKENIZER

PATIENCE = 60
FAULTS = ("tokenise", "forward", "panic", "nan", "empty", "cancel", "late")
WORDS = {"good": 2, "bad": 0, "forward": 3, "panic": 4, "nan": 5}


class Collapse(BaseException):
    """What no `except Exception` catches."""


class FaultyReader(Reader):
    def read_cleaned(self, cleaned, most=0):
        if "tokenise" in cleaned:
            raise Collapse("in the tokenizer")
        return super().read_cleaned(cleaned, most)


@dataclass
class FaultyBackend(InTurn):
    """Fails on words, and spoils the rows of the whole batch where a real library would."""

    ids: dict
    name: str = "faulty"
    device: str = "cpu"
    batches: list = field(default_factory=list)
    going_on: threading.Event | None = None

    def predict(self, batch):
        assert self.going_on is None or self.going_on.wait(PATIENCE)
        rows = [set(row) for row in batch]
        self.batches.append(len(rows))
        if any(self.ids["panic"] in row for row in rows):
            raise Collapse
        if any(self.ids["forward"] in row for row in rows):
            raise RuntimeError("out of memory")
        logits = np.array([[self.ids["bad"] in row, 0.5, self.ids["good"] in row] for row in rows], dtype=np.float32)
        logits[[self.ids["nan"] in row for row in rows]] = np.nan
        return logits


@pytest.fixture
def load(tmp_path):
    """Makes an engine anew at each call, as a worker does after a breakdown."""
    reader = Reader(TOKENIZER, 512)
    ids = {word: reader.read(word)[0][1] for word in WORDS}

    def load():
        checkpoint = Checkpoint("words", tmp_path, tmp_path / "model.onnx", SENTIMENTS, "v1")
        return Engine(checkpoint, FaultyReader(TOKENIZER, 512), FaultyBackend(ids))

    return load


async def test_a_thousand_random_faults_hang_nobody_and_fail_no_innocent_text(load):
    chance = random.Random(7)
    async with await Classifier.start(load, queue_limit=10_000_000) as classifier:
        calls = {asyncio.create_task(ask(classifier, chance, number)): number for number in range(2000)}
        done, hung = await asyncio.wait(calls, timeout=PATIENCE)
        assert not hung
        assert sum(task.result() for task in done) >= 1000
        assert (await classifier.classify("good")).sentiment == "positive"
        stats = classifier.stats()
    assert stats.queued == stats.queued_tokens == 0
    assert stats.failed > 500


async def ask(classifier, chance, number):
    """Asks one text; half of them have a fault. True when the fault was met, and as it should be."""
    fault = chance.choice(FAULTS) if number % 2 else ""
    mood = chance.choice(("good", "bad"))
    priority, origin = chance.choice(list(Priority)), chance.randrange(5)
    padding = varied("map", chance.choice((0, 3, 20, 350)))
    await asyncio.sleep(chance.random() * 0.5)
    said = fault if fault in WORDS or fault == "tokenise" else ""
    text = "" if fault == "empty" else f"{mood} {padding} {said} {mood}"
    call = asyncio.ensure_future(
        classifier.classify(text, priority, origin=origin, within=-1 if fault == "late" else None)
    )
    if fault == "cancel":
        await asyncio.sleep(chance.random() * 0.01)
        call.cancel()
    try:
        verdict = await call
    except asyncio.CancelledError:
        assert fault == "cancel"
    except NothingToRead:
        assert fault == "empty"
    except DeadlinePassed:
        assert fault == "late"
    except InferenceFailed:
        assert fault in ("tokenise", "forward", "panic", "nan")
    else:
        assert fault in ("", "cancel")
        assert verdict.sentiment == ("positive" if mood == "good" else "negative")
    return bool(fault)


@pytest.mark.parametrize("moment", [0.0, 0.01, 0.05])
async def test_closing_under_load_settles_every_call(load, moment):
    classifier = await Classifier.start(load, queue_limit=10_000_000)
    going_on = threading.Event()
    classifier._worker.engine.backend.going_on = going_on
    calls = [asyncio.create_task(classifier.classify(varied("good", 40, start=2 * number))) for number in range(2000)]
    await until(lambda: classifier.stats().queued == 2000)  # all of them cleaned: from here on the model has the work
    going_on.set()
    await asyncio.sleep(moment)
    await classifier.close()
    answers = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), PATIENCE)
    assert {type(answer) for answer in answers} <= {Verdict, ClassifierClosed}
    assert ClassifierClosed in map(type, answers)


class SlowReader(Reader):
    """A reader of which a test replaces `read_cleaned`."""


@dataclass
class StuckBackend(InTurn):
    """Answers until it is told to hang, as a driver may."""

    stuck: bool = False
    broken: bool = False
    nan: bool = False
    name: str = "stuck"
    device: str = "cpu"

    def predict(self, batch):
        if self.broken:
            raise RuntimeError("device lost")
        while self.stuck:
            time.sleep(0.01)
        return np.array([[np.nan if self.nan else 0.0, 0.0, 1.0]] * len(batch), dtype=np.float32)


@pytest.fixture
def backends(tmp_path):
    """The backends that were loaded, in order; `load` makes another."""
    made = []

    def load():
        made.append(StuckBackend())
        checkpoint = Checkpoint("stuck", tmp_path, tmp_path / "model.onnx", SENTIMENTS, "v1")
        return Engine(checkpoint, SlowReader(TOKENIZER, 512), made[-1])

    made_and_load = made, load
    yield made_and_load
    for backend in made:
        backend.stuck = False


async def until(condition):
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_model_that_hangs_is_given_up_and_those_who_wait_are_answered(backends, caplog):
    made, load = backends
    async with await Classifier.start(load, wedged_after=0.3) as classifier:
        assert classifier.health().healthy
        made[0].stuck = True
        lost = asyncio.create_task(classifier.classify("in the batch that hangs"))
        await until(lambda: classifier._worker._supervisor.current.in_hand)
        others = [asyncio.create_task(classifier.classify(f"waiting {number}")) for number in range(100)]
        with pytest.raises(InferenceFailed, match="did not answer in time"):
            await asyncio.wait_for(lost, PATIENCE)
        answers = await asyncio.wait_for(asyncio.gather(*others), PATIENCE)
        health = classifier.health()
    assert {answer.sentiment for answer in answers} == {"positive"}
    assert (len(made), health.replaced, health.healthy) == (2, 1, True)
    assert "given up" in caplog.text


async def test_a_model_that_hangs_is_reported_before_it_is_replaced(backends):
    made, load = backends
    async with await Classifier.start(load, wedged_after=0.4) as classifier:
        made[0].stuck = True
        lost = asyncio.create_task(classifier.classify("in the batch that hangs"))
        await until(lambda: not classifier.health().healthy)
        assert classifier.health().reason
        with pytest.raises(InferenceFailed):
            await asyncio.wait_for(lost, PATIENCE)
        await until(lambda: classifier.health().healthy)


async def test_what_a_given_up_model_says_later_harms_nobody(backends):
    made, load = backends
    async with await Classifier.start(load, wedged_after=0.2) as classifier:
        made[0].stuck = True
        with pytest.raises(InferenceFailed):
            await asyncio.wait_for(classifier.classify("in the batch that hangs"), PATIENCE)
        made[0].stuck = False
        answers = await asyncio.wait_for(
            classifier.classify_many([f"text {number}" for number in range(200)]), PATIENCE
        )
        stats = classifier.stats()
    assert {answer.sentiment for answer in answers} == {"positive"}
    assert (stats.served, stats.failed, stats.queued) == (200, 1, 0)


async def test_an_idle_model_that_breaks_is_found_and_loaded_anew(backends, monkeypatch):
    monkeypatch.setattr("model.scheduling.supervisor.PROBE_SECONDS", 0.05)
    made, load = backends
    async with await Classifier.start(load) as classifier:
        made[0].broken = True
        await until(lambda: classifier.health().replaced == 1)
        await until(lambda: classifier.health().healthy)
        assert (await classifier.classify("hello")).sentiment == "positive"
    assert len(made) == 2


async def test_a_model_that_fails_text_after_text_is_loaded_anew(backends):
    made, load = backends
    async with await Classifier.start(load) as classifier:
        made[0].broken = True
        failed = await classifier.classify_many([f"text {number}" for number in range(12)])
        await until(lambda: classifier.health().replaced == 1)
        assert InferenceFailed in map(type, failed)
        assert (await classifier.classify("hello")).sentiment == "positive"


async def test_a_model_that_cannot_be_loaded_anew_is_tried_again(backends, monkeypatch):
    monkeypatch.setattr("model.scheduling.supervisor.PROBE_SECONDS", 0.05)
    monkeypatch.setattr("model.scheduling.supervisor._RETRY_SECONDS", 0.05)
    made, load = backends
    attempts = []

    def load_at_the_fourth():
        attempts.append(1)
        if len(attempts) in (2, 3):
            raise OSError("the disk is gone")
        return load()

    async with await Classifier.start(load_at_the_fourth) as classifier:
        made[0].broken = True
        await until(lambda: len(attempts) > 1)
        assert not classifier.health().healthy
        await until(lambda: classifier.health().healthy)
        assert (await classifier.classify("hello")).sentiment == "positive"
    assert len(attempts) == 4


async def test_a_text_that_hangs_the_tokenizer_is_given_up_alone(backends, monkeypatch):
    made, load = backends
    hanging = threading.Event()

    def read_cleaned(self, cleaned, most=0):
        if "poison" in cleaned:
            hanging.wait(PATIENCE)
        return Reader.read_cleaned(self, cleaned, most)

    monkeypatch.setattr(SlowReader, "read_cleaned", read_cleaned)
    async with await Classifier.start(load, wedged_after=0.3) as classifier:
        poison = asyncio.create_task(classifier.classify("poison"))
        others = [asyncio.create_task(classifier.classify(f"text {number}")) for number in range(50)]
        with pytest.raises(InferenceFailed, match="in time"):
            await asyncio.wait_for(poison, PATIENCE)
        answers = await asyncio.wait_for(asyncio.gather(*others), PATIENCE)
        hanging.set()
        more = await asyncio.wait_for(classifier.classify_many([f"more {number}" for number in range(50)]), PATIENCE)
        stats = classifier.stats()
    assert {answer.sentiment for answer in answers + more} == {"positive"}
    assert (stats.served, stats.failed, len(made)) == (100, 1, 2)


async def test_closing_while_a_model_hangs_leaves_nobody_waiting(backends):
    made, load = backends
    classifier = await Classifier.start(load, wedged_after=0.3)
    made[0].stuck = True
    calls = [asyncio.create_task(classifier.classify(f"text {number}")) for number in range(9)]
    await until(lambda: classifier._worker._supervisor.current.in_hand)
    await asyncio.wait_for(classifier.close(), PATIENCE)
    answers = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), PATIENCE)
    assert {type(answer) for answer in answers} <= {ClassifierClosed, InferenceFailed}


async def test_while_a_model_cannot_be_loaded_anew_nobody_is_kept_waiting(backends, monkeypatch):
    monkeypatch.setattr("model.scheduling.supervisor._RETRY_SECONDS", 0.05)
    made, load = backends
    async with await Classifier.start(load) as classifier:
        made[0].broken = True
        monkeypatch.setattr(classifier._worker._supervisor, "load", lambda: 1 / 0)
        calls = (classifier.classify(f"text {number}") for number in range(30))
        answers = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), PATIENCE)
        assert {type(answer) for answer in answers} == {InferenceFailed}
        await until(lambda: not classifier.health().healthy)
        with pytest.raises(InferenceFailed, match="cannot be loaded anew"):
            await asyncio.wait_for(classifier.classify("one more"), PATIENCE)


async def test_a_deadline_passes_while_a_model_hangs(backends):
    made, load = backends
    async with await Classifier.start(load, wedged_after=2) as classifier:
        made[0].stuck = True
        lost = asyncio.create_task(classifier.classify("in the batch that hangs"))
        await until(lambda: classifier._worker._supervisor.current.in_hand)
        with pytest.raises(DeadlinePassed):
            await asyncio.wait_for(classifier.classify("waits", within=0.05), PATIENCE)
        made[0].stuck = False
        assert (await asyncio.wait_for(lost, PATIENCE)).sentiment == "positive"
        assert classifier.stats().expired == 1


async def test_a_model_that_answers_nothing_but_nan_is_loaded_anew(backends, monkeypatch):
    made, load = backends
    async with await Classifier.start(load) as classifier:
        made[0].nan = True
        failed = await classifier.classify_many([f"text {number}" for number in range(12)])
        assert InferenceFailed in map(type, failed)
        await until(lambda: classifier.health().replaced == 1)
        assert (await classifier.classify("hello")).sentiment == "positive"


async def test_texts_answered_from_the_cache_do_not_hide_a_broken_model(backends, monkeypatch):
    monkeypatch.setattr("model.scheduling.supervisor.PROBE_SECONDS", 0.1)
    made, load = backends
    async with await Classifier.start(load, cache=9) as classifier:
        await classifier.classify("gg")
        made[0].broken = True
        async with asyncio.timeout(PATIENCE):
            while classifier.health().replaced == 0:
                await classifier.classify("gg")
    assert len(made) == 2


async def test_others_have_their_turns_while_a_batch_is_prepared(backends, monkeypatch):
    _, load = backends
    turns = 0

    def slow(text):
        time.sleep(0.02)  # as hostile texts take
        return Prepared(f"{text} after {turns}", tokens=9)

    async def count():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    monkeypatch.setattr("model.classifier.prepare_at_once", slow)
    async with await Classifier.start(load) as classifier:
        counting = asyncio.create_task(count())
        await asyncio.sleep(0)
        before = turns
        prepared = await classifier._prepared(["good"] * 20, Priority.PASSIVE, 1)
        counting.cancel()
    assert len(prepared) == 20
    assert int(prepared[-1].text.split()[-1]) > before + 10


async def test_errors_among_the_answers_do_not_lead_to_the_texts(backends):
    _, load = backends
    async with await Classifier.start(load, max_characters=2000, queue_limit=50) as classifier:
        texts = [
            "<@1> https://x.y",
            "good " * 500,
            "привет всем как дела",
            *(f"good {'game ' * 9}{n}" for n in range(9)),
        ]
        answers = await classifier.classify_many(texts)
        filled = await asyncio.gather(
            *(classifier._answers([Prepared(t, tokens=40)] * 9, Priority.PASSIVE, 1) for t in "ab")
        )
    errors = [one for one in [*answers, *filled[0], *filled[1]] if isinstance(one, ModelError)]
    assert {NothingToRead, TextTooLong, Unreadable, Overloaded} <= set(map(type, errors))
    assert not any(error.__traceback__ for error in errors)


async def test_a_quiet_server_is_soon_served_beside_a_flood_of_long_texts(backends):
    made, load = backends
    order = []
    async with await Classifier.start(load, queue_limit=100_000) as classifier:
        made[0].stuck = True
        first = asyncio.create_task(classifier.classify("first"))
        await until(lambda: classifier._worker._supervisor.current.in_hand)

        async def ask(text, origin):
            await classifier.classify(text, origin=origin)
            order.append(origin)

        calls = [asyncio.create_task(ask(f"{varied('long', 450)} {number}", "flood")) for number in range(40)]
        calls.append(asyncio.create_task(ask("short", "quiet")))
        await until(lambda: classifier.stats().queued == 42)
        made[0].stuck = False
        await asyncio.wait_for(asyncio.gather(first, *calls), PATIENCE)
    assert order.index("quiet") < 12


async def test_an_idle_model_passes_something_through_at_least_every_ten_seconds(backends, monkeypatch):
    monkeypatch.setattr("model.scheduling.supervisor.PROBE_SECONDS", 0.05)
    _, load = backends
    async with await Classifier.start(load) as classifier:
        first = classifier._worker._supervisor.last_pass
        await until(lambda: classifier._worker._supervisor.last_pass > first)
        assert classifier.health().since_pass < 10
