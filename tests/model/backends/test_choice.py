"""The backend that answers is the fastest that agrees; what was found is remembered for this processor and versions."""

import json
import sys
from dataclasses import asdict, replace

import numpy as np
import pytest

from model.backends import choice as choice_module
from model.backends import measuring
from model.backends.attempt import Attempt
from model.backends.choice import BackendChoice
from model.backends.engine import is_installed, load_engine
from model.child_process import Ended, TookTooLong
from model.errors import BackendUnavailable
from model.scheduling.batch_size import BUDGETS

USUAL = Attempt("onnxruntime", 500.0, 1.0, 0.0, 512)
FASTER = Attempt("openvino", 900.0, 1.0, 0.01, 1024)


@pytest.fixture(scope="module")
def usual_engine():
    return load_engine("bundled", "cpu", 1, backend="onnxruntime")


@pytest.fixture
def child(monkeypatch, usual_engine):
    """Stands for the child that tries backends: says `child.found`, and counts how often it was asked."""

    class Child:
        def __init__(self):
            self.found, self.asked, self.loaded, self.error = [USUAL, FASTER], [], [], None

        def run(self, command, asked, **_):
            self.asked.append(json.loads(asked))
            if self.error:
                raise self.error
            said = self.found if isinstance(self.found, Ended) else None
            return said or Ended(0, json.dumps([asdict(one) for one in self.found]).encode())

    child = Child()
    monkeypatch.setattr(choice_module, "run_bounded", child.run)
    monkeypatch.setattr(choice_module, "is_installed", lambda backend: True)
    monkeypatch.setattr(choice_module, "may_use_gpu", lambda device: False)

    def load(checkpoint, device, threads, backend="auto"):
        child.loaded.append(backend)
        return usual_engine

    monkeypatch.setattr(choice_module, "engine_of", load)
    return child


@pytest.fixture
def choose(tmp_path):
    return lambda **options: BackendChoice("auto", 1, remembered=tmp_path / "data" / "backend.json", **options)


def test_the_fastest_that_agrees_answers_in_batches_of_its_own(child, choose):
    engine = choose().load("bundled")
    assert child.loaded == ["openvino"]
    assert (engine.budget, engine.attempts) == (1024, (USUAL, FASTER))


def test_one_that_does_not_agree_answers_nobody_however_fast_it_is(child, choose, caplog):
    caplog.set_level("INFO")
    child.found = [USUAL, replace(FASTER, refused="a text's logits move by 0.020 with what is computed beside it")]
    engine = choose().load("bundled")
    assert child.loaded == ["onnxruntime"]
    assert "openvino: not taken, a text's logits move by 0.020" in caplog.text
    assert "onnxruntime answers: onnxruntime: 500 texts/s on a core" in caplog.text
    assert engine.budget == 512


def test_the_next_start_tries_nothing(child, choose):
    choose().load("bundled")
    again = choose().load("bundled")
    assert len(child.asked) == 1
    assert child.loaded == ["openvino", "openvino"]
    assert again.attempts == (USUAL, FASTER)


@pytest.mark.parametrize(
    ("name", "value"),
    [("processor_name", lambda: "another"), ("matrix_units", lambda: ("amx_int4",)), ("_version", lambda package: "9")],
)
def test_another_processor_or_version_is_tried_anew(child, choose, monkeypatch, name, value):
    choose().load("bundled")
    monkeypatch.setattr(choice_module, name, value)
    choose().load("bundled")
    assert len(child.asked) == 2


@pytest.mark.parametrize(
    "spoiled",
    [
        b"",
        b"{}",
        b"[[]]",
        b"\xff\xfe",
        b"[" * 100_000,
        lambda kept: kept[0]["tried"][1].update(backend="../evil"),
        lambda kept: kept[0]["tried"][1].update(budget=10**9),
        lambda kept: kept[0]["tried"][1].update(per_second="many"),
        lambda kept: kept[0]["tried"].clear(),
    ],
)
def test_a_file_that_makes_no_sense_is_as_none(child, choose, tmp_path, spoiled):
    choose().load("bundled")
    file = tmp_path / "data" / "backend.json"
    if callable(spoiled):
        kept = json.loads(file.read_text("utf-8"))
        spoiled(kept)
        spoiled = json.dumps(kept).encode()
    file.write_bytes(spoiled)
    assert choose().load("bundled").attempts == (USUAL, FASTER)
    assert len(child.asked) == 2


@pytest.mark.parametrize("how", [Ended(-4, b""), Ended(0, b"{}"), Ended(0, b"no JSON"), TookTooLong()])
def test_a_child_that_comes_to_harm_leaves_the_usual_one_answering_and_is_not_remembered(child, choose, caplog, how):
    if isinstance(how, Exception):
        child.error = how
    else:
        child.found = how
    assert not choose().load("bundled").attempts
    assert "backends could not be tried" in caplog.text
    choose().load("bundled")
    assert len(child.asked) == 2


def test_a_folder_that_cannot_be_written_costs_a_sentence_and_no_start(child, tmp_path, caplog):
    (tmp_path / "data").write_text("a file in its place", "utf-8")
    engine = BackendChoice("auto", 1, remembered=tmp_path / "data" / "backend.json").load("bundled")
    assert engine.attempts
    assert "cannot be kept" in caplog.text


def test_choices_do_not_heap_up(child, choose, tmp_path, monkeypatch):
    for number in range(20):
        monkeypatch.setattr(choice_module, "processor_name", lambda number=number: f"processor {number}")
        choose().load("bundled")
    kept = json.loads((tmp_path / "data" / "backend.json").read_text("utf-8"))
    assert len(kept) == 8
    assert kept[0]["for"]["processor"] == "processor 19"


@pytest.mark.parametrize("options", [{"backend": "onnxruntime"}, {"remembered": None}])
def test_where_there_is_no_choice_nothing_is_tried(child, tmp_path, options):
    engine = BackendChoice("cpu", 1, **{"remembered": tmp_path / "backend.json", **options}).load("bundled")
    assert not child.asked
    assert not engine.attempts


def test_without_the_extra_nothing_is_tried(child, choose, monkeypatch):
    monkeypatch.setattr(choice_module, "is_installed", lambda backend: False)
    choose().load("bundled")
    assert not child.asked


def test_a_size_of_batches_that_was_set_is_kept(child, choose):
    assert choose(budget=777).load("bundled").budget == 777


@pytest.mark.skipif(is_installed("openvino"), reason="it is installed")
def test_a_backend_that_is_not_installed_says_how_to_install_it():
    with pytest.raises(BackendUnavailable, match=r'BACKEND=openvino needs the extra "openvino": pip install'):
        load_engine("bundled", backend="openvino")


def test_a_backend_that_is_broken_is_a_sentence_and_the_usual_one_answers_instead(monkeypatch, tmp_path, caplog):
    monkeypatch.setattr("model.backends.engine.is_installed", lambda backend: True)
    monkeypatch.setitem(sys.modules, "model.backends.openvino_cpu", None)
    with pytest.raises(BackendUnavailable, match="OpenVINO is installed but can't be loaded"):
        load_engine("bundled", "cpu", 1, backend="openvino")
    monkeypatch.setattr(choice_module, "is_installed", lambda backend: True)
    monkeypatch.setattr(choice_module, "may_use_gpu", lambda device: False)
    choice = BackendChoice("auto", 1, remembered=tmp_path / "backend.json")
    monkeypatch.setattr(choice, "_tried", lambda checkpoint: [USUAL, FASTER])
    assert choice.load("bundled").backend.name == "onnxruntime"
    assert "openvino was chosen and cannot be loaded" in caplog.text


def test_a_backend_for_the_cpu_is_not_asked_for_a_gpu():
    with pytest.raises(BackendUnavailable, match="BACKEND=onnxruntime only runs on the CPU"):
        load_engine("bundled", "cuda", backend="onnxruntime")


def test_an_unknown_backend_is_named_with_the_known_ones():
    with pytest.raises(BackendUnavailable, match=r"'tensorrt'\. It can be auto, onnxruntime, openvino, torch"):
        load_engine("bundled", backend="tensorrt")


@pytest.mark.torch
def test_safetensors_are_for_pytorch(small_model):
    with pytest.raises(BackendUnavailable, match="holds safetensors, which BACKEND=onnxruntime doesn't read"):
        load_engine(str(small_model.floats), "cpu", backend="onnxruntime")
    assert load_engine(str(small_model.int8), "cpu", 1, backend="torch").backend.name == "torch"


class _Spoiled:
    """ONNX Runtime under another name, whose logits are changed."""

    name, device = "openvino", "cpu"

    def __init__(self, backend, spoil):
        self._backend, self._spoil = backend, spoil

    def predict(self, batch):
        return self._spoil(self._backend.predict(batch))

    def start(self, batch):
        return self._backend.start(batch)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda logits: logits[:, ::-1], "it gives ONNX Runtime's label on"),
        (lambda logits: logits * 1.2, "its logits are"),
        (lambda logits: logits + 0.01 * (len(logits) > 2), "a text's logits move by 0.010"),
        (lambda logits: 1 / 0, "can't read windows of 512 tokens: division by zero"),
    ],
)
def test_measuring_finds_out_what_may_not_answer(monkeypatch, usual_engine, spoil, why):
    def load(source, device, threads, backend):
        usual = backend == "onnxruntime"
        return usual_engine if usual else replace(usual_engine, backend=_Spoiled(usual_engine.backend, spoil))

    monkeypatch.setattr(measuring, "load_engine", load)
    monkeypatch.setattr(measuring, "_ROUNDS", 1)
    usual, other = measuring.measured("bundled", ["openvino"], 1)
    assert why in other.refused
    assert usual.per_second > 0
    assert usual.budget in BUDGETS


@pytest.mark.skipif(not is_installed("openvino"), reason="the extra openvino is not installed")
@pytest.mark.slow
def test_both_are_tried_and_one_is_remembered(tmp_path):
    choice = BackendChoice("cpu", 1, remembered=tmp_path / "backend.json")
    engine = choice.load("bundled")
    assert [attempt.backend for attempt in engine.attempts] == ["onnxruntime", "openvino"]
    assert not any(attempt.refused for attempt in engine.attempts)
    best = max(engine.attempts, key=lambda attempt: attempt.per_second)
    assert (engine.backend.name, engine.budget) == (best.backend, best.budget)
    assert np.isfinite(engine.backend.predict([[101, 2023, 102]])).all()
