"""What can be seen on a machine with a GPU only. The bundled model, so that nothing else is needed there."""

import asyncio
import gc
import threading
import weakref

import numpy as np
import pytest
import torch

from model import Classifier
from model.backends.cuda_graphs import SHAPES, GraphedNetwork, bucket
from model.backends.engine import load_engine
from model.backends.torch_gpu import TorchBackend
from model.checkpoints.checkpoint import open_checkpoint
from tests.bench.texts import chat, mixed

on_a_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no GPU")


def rows_of(engine, texts):
    return [row for text in texts for row in engine.reader.read(text)]


@pytest.fixture(scope="module")
def floats():
    """The bundled network in fp32 on the CPU."""
    return TorchBackend(open_checkpoint("bundled"), "cpu")


@on_a_gpu
def test_auto_takes_the_gpu():
    engine = load_engine("bundled", "auto")
    assert engine.backend.name == "torch"
    assert engine.backend.device == torch.cuda.get_device_name()


@on_a_gpu
@pytest.mark.parametrize("size", [1, 3, 17, 128, 500])
def test_half_precision_answers_as_floats_do(floats, size):
    engine = load_engine("bundled", "cuda")
    rows = rows_of(engine, mixed(size))
    expected = floats.predict(rows)
    for found in (engine.backend.predict(rows), engine.backend.predict(rows)):
        np.testing.assert_allclose(found, expected, atol=0.05)


@on_a_gpu
def test_every_recorded_shape_gives_what_is_computed_without_a_graph(floats):
    backend = TorchBackend(open_checkpoint("bundled"), "cuda")
    recorded = backend._graphs
    for rows, width in ((1, 5), (2, 40), (7, 16), (30, 100), (100, 30), (8, 512)):
        batch = [[101, *[2000 + row * 7 + place for place in range(width - 2)], 102] for row in range(rows)]
        batch[0] = batch[0][:3]
        np.testing.assert_allclose(backend.predict(batch), floats.predict(batch), atol=0.05)
    assert set(recorded._graphs) == set(SHAPES)


@on_a_gpu
def test_a_dropped_backend_is_freed_at_once():
    backend = TorchBackend(open_checkpoint("bundled"), "cuda")
    gone = weakref.ref(backend)
    gc.disable()
    try:
        del backend
        assert gone() is None
    finally:
        gc.enable()


@on_a_gpu
def test_threads_that_compute_at_once_do_not_mix_their_rows(floats):
    backend = TorchBackend(open_checkpoint("bundled"), "cuda")
    batches = [[[101, 2000 + number, 102]] * 3 for number in range(40)]
    found = {}

    def work(numbers):
        for number in numbers:
            found[number] = backend.predict(batches[number])

    threads = [threading.Thread(target=work, args=(range(start, 40, 2),)) for start in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for number, batch in enumerate(batches):
        np.testing.assert_allclose(found[number], floats.predict(batch), atol=0.05)


@on_a_gpu
def test_a_reload_on_the_gpu_while_it_answers_loses_nothing():
    async def run():
        async with await Classifier.open("bundled", device="cuda", cache=0) as classifier:
            asking = asyncio.create_task(classifier.classify_many(chat(3000)))
            await classifier.reload()
            return await asking, await classifier.golden()

    answers, (count, failures) = asyncio.run(run())
    assert len(answers) == 3000
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert count
    assert not failures


def test_a_batch_is_recorded_in_the_smallest_shape_that_holds_it():
    assert bucket(1, 5) == (1, 16)
    assert bucket(3, 33) == (4, 64)
    assert bucket(64, 32) == (64, 32)
    assert bucket(65, 32) == (256, 32)
    assert bucket(256, 33) is None
    assert bucket(257, 8) is None
    assert bucket(1, 513) is None
    assert (16, 512) in SHAPES


def test_without_cuda_graphs_the_network_is_run_as_it_is(caplog):
    """Such as under a driver that cannot record: here there is no GPU at all."""
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    network = GraphedNetwork(lambda ids, mask: ids, torch.device("cpu"))
    ids = mask = np.ones((1, 8), dtype=np.int64)
    assert network(ids, mask) is None
    assert network(ids, mask) is None
    assert caplog.text.count("no CUDA graphs") == 1
