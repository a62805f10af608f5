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
from tests.model.conftest import TOKENIZER
from tests.model.long_texts import varied
from tests.model.scheduling.words import until

PATIENCE = 100
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
    reader = Reader(TOKENIZER.read_bytes(), 512)
    ids = {word: reader.read(word)[0][1] for word in WORDS}

    def load():
        checkpoint = Checkpoint("words", tmp_path, tmp_path / "model.onnx", SENTIMENTS, "v1")
        return Engine(checkpoint, FaultyReader(TOKENIZER.read_bytes(), 512), FaultyBackend(ids))

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
    priority, origin = chance.choice((Priority.INTERACTIVE, Priority.PASSIVE)), chance.randrange(5)
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


async def test_others_have_their_turns_while_a_batch_is_prepared(backends, monkeypatch):
    _, load = backends
    turns = 0

    def slow(text, languages):
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
