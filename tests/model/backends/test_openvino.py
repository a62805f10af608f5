"""OpenVINO beside the others: the same answers, whatever is computed with them, and nobody is called."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model.acceptance import check_golden, check_sizes
from model.backends.engine import is_installed, load_engine
from model.checkpoints.checkpoint import open_checkpoint
from model.checkpoints.trial import Trials
from model.classifier import Classifier
from model.errors import CheckpointError
from tests.model.checkpoints.test_hostile_artefacts import sealed

pytestmark = pytest.mark.skipif(not is_installed("openvino"), reason="the extra openvino is not installed")

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def engine():
    return load_engine("bundled", "cpu", 2, backend="openvino")


@pytest.fixture(scope="module")
def rows():
    chance = np.random.default_rng(0)
    lengths = [1, 3, 14, 15, 16, 17, 22, 24, 31, 33, 62, 126, 200, 510]
    return [[101, *chance.integers(1000, 20000, length).tolist(), 102] for length in lengths]


def test_company_in_a_batch_changes_no_logit(engine, rows):
    alone = np.concatenate([engine.backend.predict([row]) for row in rows])
    np.testing.assert_array_equal(engine.backend.predict(rows), alone)
    np.testing.assert_array_equal(engine.backend.predict(rows[::-1])[::-1], alone)
    for count in (2, 5, 40):
        np.testing.assert_array_equal(engine.backend.predict(rows[:4] * count)[:4], alone[:4])


@pytest.mark.parametrize("threads", [1, 3])
def test_any_number_of_threads_gives_every_row_the_same(engine, rows, threads):
    other = load_engine("bundled", "cpu", threads, backend="openvino")
    np.testing.assert_array_equal(other.backend.predict(rows * 3), engine.backend.predict(rows * 3))


def test_what_is_in_no_hurry_gets_the_same_answer(engine, rows):
    np.testing.assert_array_equal(engine.backend.start_aside(rows).result(60), engine.backend.predict(rows))


def test_its_golden_examples_come_out_as_they_did_with_the_other_runtime(engine):
    check_golden(engine)
    check_sizes(engine)


@pytest.mark.parametrize("kind", ["int8", "fp32"])
def test_it_is_as_near_to_the_exact_network_as_bfloat16_is(small_model, kind):
    exact = load_engine(str(small_model.floats), "cpu", 1)
    ours = load_engine(str(getattr(small_model, kind)), "cpu", 1, backend="openvino")
    texts = [exact.reader.read(text)[0] for text in small_model.texts]
    wanted, found = exact.backend.predict(texts), ours.backend.predict(texts)
    assert np.abs(found - wanted).mean() < 0.03 * wanted.std()
    assert (found.argmax(1) == wanted.argmax(1)).mean() >= 0.98


def test_a_graph_without_distilberts_weights_is_a_sentence(artefact):
    data = (artefact / "model.onnx").read_bytes()
    (artefact / "model.onnx").write_bytes(data.replace(b"transformer.layer.1", b"transformer.stage.1"))
    sealed(artefact)
    with pytest.raises(CheckpointError, match="isn't a whole DistilBERT classifier"):
        load_engine(str(artefact), "cpu", 1, backend="openvino")


def test_it_is_tried_in_a_child_as_any_other(artefact):
    Trials(backend="openvino").check(open_checkpoint(str(artefact)))
    data = (artefact / "model.onnx").read_bytes()
    (artefact / "model.onnx").write_bytes(data.replace(b"transformer.layer.1", b"transformer.stage.1"))
    sealed(artefact)
    with pytest.raises(CheckpointError, match="haven't loaded it"):
        Trials(backend="openvino").check(open_checkpoint(str(artefact)))


async def test_models_change_and_shadows_run_on_it(small_model, monkeypatch):
    monkeypatch.setattr("model.model_manager.plain_examples", list)
    async with await Classifier.open("bundled", backend="openvino", threads=1) as classifier:
        first = await classifier.classify("what a wonderful day")
        assert (classifier.info.backend, first.sentiment) == ("openvino", "positive")
        await classifier.start_shadow("bundled")
        await classifier.promote_shadow()
        await classifier.reload(str(small_model.int8))
        assert classifier.info.backend == "openvino"
        await classifier.rollback()
        assert (await classifier.classify("what a wonderful day")).probabilities == first.probabilities


def test_threads_and_requests_go_with_their_backend(rows):
    import gc
    import weakref

    backend = load_engine("bundled", "cpu", 2, backend="openvino").backend
    backend.predict(rows)
    gone = weakref.ref(backend)
    del backend
    gc.collect()
    assert gone() is None


@pytest.mark.process
def test_the_runtime_calls_nobody_and_leaves_no_file_in_the_home_folder(tmp_path):
    """It would tell its maker of each import, and keep a number for its user."""
    home, scratch = tmp_path / "home", tmp_path / "scratch"
    home.mkdir()
    scratch.mkdir()
    probe = (
        "import sys\nfrom model import load_engine\nload_engine('bundled', 'cpu', 1, backend='openvino')\n"
        "assert not any(name.startswith('openvino_telemetry.') for name in sys.modules)"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    environment = {**kept, "HOME": str(home), "TMPDIR": str(scratch), "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", probe], env=environment, cwd=tmp_path, check=True)
    assert [path.name for folder in (home, scratch) for path in folder.rglob("*") if path.is_file()] == []
