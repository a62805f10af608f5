"""A worker over a network that counts good and bad."""

import pytest

from model.backends.engine import Engine
from model.checkpoints.checkpoint import Checkpoint
from model.classifier import Classifier
from model.scheduling.request import Priority
from model.scheduling.worker import Worker
from model.verdict import SENTIMENTS
from tests.model.conftest import TOKENIZER
from tests.model.scheduling.words import (
    PATIENCE,
    ManualClock,
    SlowReader,
    StuckBackend,
    WatchedReader,
    WordBackend,
    end,
)


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
        worker.first = worker.submit("good", Priority.INTERACTIVE)  # type: ignore[attr-defined]
        assert backend.entered.wait(PATIENCE)
        return worker

    yield start_busy
    backend.go_on.set()
    for worker in workers:
        end(worker)


@pytest.fixture
def busy(start_busy):
    return start_busy(queue_limit=14)  # "good" is 5, "bad" 4: one "good" and two "bad", or two "good" and one "bad"


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def backends(tmp_path):
    """The backends that were loaded, in order; `load` makes another."""
    made = []

    def load():
        made.append(StuckBackend())
        checkpoint = Checkpoint("stuck", tmp_path, tmp_path / "model.onnx", SENTIMENTS, "v1")
        return Engine(checkpoint, SlowReader(TOKENIZER.read_bytes(), 512), made[-1])

    made_and_load = made, load
    yield made_and_load
    for backend in made:
        backend.stuck = False
