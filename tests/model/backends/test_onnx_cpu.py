"""The runtime on several threads, and what it is asked for on which processor."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from model.backends import onnx_cpu as onnx_backend
from model.backends.onnx_cpu import OnnxBackend, saturates
from model.checkpoints.checkpoint import open_checkpoint
from model.concurrency import Crew

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def rows():
    chance = np.random.default_rng(0)
    lengths = [3, 40, 9, 17, 120, 8, 25, 26, 5, 60]
    return [[101, *chance.integers(1000, 20000, length).tolist(), 102] for length in lengths]


@pytest.mark.parametrize("threads", [2, 3, 16])
def test_any_number_of_threads_gives_every_row_what_one_gives(rows, threads):
    checkpoint = open_checkpoint("bundled")
    alone = OnnxBackend(checkpoint, 1).predict(rows)
    assert alone.shape == (len(rows), 3)
    np.testing.assert_allclose(OnnxBackend(checkpoint, threads).predict(rows), alone, atol=1e-4)


def test_the_rows_of_a_batch_are_divided_among_threads(rows, monkeypatch):
    backend, seen = OnnxBackend(open_checkpoint("bundled"), 2), []
    both = threading.Barrier(2, timeout=20)

    def run(session, output, share, limit):
        both.wait()
        seen.append((threading.current_thread(), len(share)))
        return np.zeros((len(share), 3), dtype=np.float32)

    monkeypatch.setattr(onnx_backend, "_run", run)
    backend.predict(rows)
    assert len({thread for thread, _ in seen}) == 2
    assert sum(count for _, count in seen) == len(rows)


def test_what_one_thread_raises_is_raised(rows, monkeypatch):
    backend, here = OnnxBackend(open_checkpoint("bundled"), 2), threading.current_thread()

    def run(session, output, share, limit):
        if threading.current_thread() is not here:
            raise MemoryError
        return np.zeros((len(share), 3), dtype=np.float32)

    monkeypatch.setattr(onnx_backend, "_run", run)
    with pytest.raises(MemoryError):
        backend.predict(rows)


def test_threads_go_with_their_backend(rows):
    backend = OnnxBackend(open_checkpoint("bundled"), 3)
    backend.predict(rows)
    threads = [thread for thread in threading.enumerate() if thread.name == "inference-piece"]
    assert len(threads) >= 2
    del backend
    for thread in threads[-2:]:
        thread.join(20)
        assert not thread.is_alive()


def test_the_graph_that_tries_the_processor_is_one_product_of_large_numbers():
    weights = numpy_helper.from_array(np.full((8, 4), 127, dtype=np.int8), "w")
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["a", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("a", TensorProto.UINT8, ["n", 8])],
        [helper.make_tensor_value_info("y", TensorProto.INT32, ["n", 4])],
        [weights],
    )
    assert onnx.load_from_string(onnx_backend._PRODUCT).graph == graph


class _CutOff:
    """A runtime on a processor that cuts products off at 16 bits."""

    def __init__(self, *_, **__):
        pass

    def run(self, _, feed):
        return [np.full((len(feed["a"]), 4), 4 * 32767, dtype=np.int32)]


def test_a_processor_that_cuts_products_off_is_noticed(monkeypatch):
    monkeypatch.setattr(onnxruntime, "InferenceSession", _CutOff)
    assert saturates()


@pytest.mark.parametrize("cuts_off", [True, False])
def test_the_exact_way_is_asked_for_only_where_it_is_needed(monkeypatch, cuts_off):
    asked, made = [], onnxruntime.InferenceSession

    def session(path, options, **more):
        asked.append(options.get_session_config_entry("session.x64quantprecision") if cuts_off else options)
        return made(path, options, **more)

    monkeypatch.setattr(onnx_backend, "saturates", lambda: cuts_off)
    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    OnnxBackend(open_checkpoint("bundled"), 1)
    if cuts_off:
        assert asked == ["1"]
    else:
        with pytest.raises(RuntimeError):  # there is no such entry
            asked[0].get_session_config_entry("session.x64quantprecision")


def test_a_crew_goes_on_after_a_call_that_fails():
    crew = Crew("a crew")
    failed, fine = crew.submit(lambda: 1 / 0), crew.submit(lambda: threading.current_thread().name)
    assert isinstance(failed.exception(20), ZeroDivisionError)
    assert fine.result(20) == "a crew"
    crew.close()


def test_a_crew_does_not_begin_with_what_was_cancelled():
    crew, go_on, done = Crew("a crew"), threading.Event(), []
    running, cancelled, last = (
        crew.submit(call) for call in (go_on.wait, lambda: done.append(1), lambda: done.append(2))
    )
    assert cancelled.cancel()
    go_on.set()
    assert running.result(20)
    last.result(20)
    assert done == [2]
    crew.close()


def test_a_batch_that_is_cancelled_gives_up_its_pieces(rows, monkeypatch):
    backend, go_on, begun = OnnxBackend(open_checkpoint("bundled"), 2), threading.Event(), []

    def run(session, output, share, limit):
        if session is backend._session:  # another test's model may look at itself meanwhile
            begun.append(share)
        go_on.wait(20)
        return np.zeros((len(share), 3), dtype=np.float32)

    monkeypatch.setattr(onnx_backend, "_run", run)
    first, second = backend.start(rows * 20), backend.start(rows)
    assert second.cancel()
    go_on.set()
    assert first.result(20).shape == (len(rows) * 20, 3)
    assert sum(map(len, begun)) == len(rows) * 20


def test_batches_that_are_started_are_computed_in_their_order(rows):
    backend = OnnxBackend(open_checkpoint("bundled"), 2)
    started = [backend.start(rows[number:]) for number in range(4)]
    for number, logits in enumerate(started):
        np.testing.assert_allclose(logits.result(20), backend.predict(rows[number:]), atol=1e-4)


@pytest.mark.parametrize("answers", [lambda share: share[:1], lambda share: share[:-1]])
def test_a_piece_that_comes_back_with_other_rows_fails_its_batch_at_once(rows, monkeypatch, answers):
    backend = OnnxBackend(open_checkpoint("bundled"), 2)
    monkeypatch.setattr(
        onnx_backend, "_run", lambda session, output, share, limit: np.zeros((len(answers(share)), 3), np.float32)
    )
    assert isinstance(backend.start(rows).exception(20), ValueError)


def test_a_batch_of_which_a_piece_has_begun_cannot_be_cancelled(rows, monkeypatch):
    """Or a piece that hangs would go unnoticed, and its thread with it."""
    backend, begun, go_on = OnnxBackend(open_checkpoint("bundled"), 2), threading.Event(), threading.Event()

    def run(session, output, share, limit):
        begun.set()
        go_on.wait(20)
        return np.zeros((len(share), 3), dtype=np.float32)

    monkeypatch.setattr(onnx_backend, "_run", run)
    logits = backend.start(rows)
    assert begun.wait(20)
    assert not logits.cancel()
    go_on.set()
    assert logits.result(20).shape == (len(rows), 3)


@pytest.mark.parametrize("first", ["import model", "import training.export", "import bot.app.open_model"])
def test_the_runtime_calls_nobody_and_leaves_no_file_in_the_home_folder(tmp_path, first):
    """From 1.32 on it would send figures of its use to its maker, and keep them in a database meanwhile."""
    home, scratch = tmp_path / "home", tmp_path / "scratch"
    home.mkdir()
    scratch.mkdir()
    probe = f"{first}\nimport onnxruntime\nfrom model import load_engine\nload_engine('bundled', 'cpu', 1)"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ORT_", "XDG_"))}
    environment = {**kept, "HOME": str(home), "TMPDIR": str(scratch), "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", probe], env=environment, cwd=tmp_path, check=True)
    assert [path.name for folder in (home, scratch) for path in folder.rglob("*") if path.is_file()] == []
