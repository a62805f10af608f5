"""Candidates that are real artefacts on the real runtime: what is bad is refused, and the running model stays."""

import json
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from model.backends.engine import load_engine
from model.checkpoints.checkpoint import MANIFEST
from model.classifier import Classifier
from model.errors import CheckpointError, ModelError, ReloadRefused
from tests.model.conftest import mood_text
from tests.model.spoiling import (
    edit,
    other_golden,
    rename_input,
    seal,
    truncate,
    two_outputs_for_three_labels,
    weights,
    without_golden,
    write,
)

BAD = {
    "truncated": truncate,
    "empty": write("model.onnx", b""),
    "empty, sealed": lambda folder: (write("model.onnx", b"")(folder), seal(folder)),
    "truncated, sealed": lambda folder: (truncate(folder), seal(folder)),
    "not a graph": lambda folder: (write("model.onnx", b"hello" * 999)(folder), seal(folder)),
    "one byte more": lambda folder: (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes() + b"\0"),
    "other tokenizer": write("tokenizer.json", b"{}"),
    "no tokenizer, sealed": lambda folder: ((folder / "tokenizer.json").unlink(), seal(folder)),
    "tokenizer of nothing, sealed": lambda folder: (write("tokenizer.json", b"{}")(folder), seal(folder)),
    "no weights": lambda folder: (folder / "model.onnx").unlink(),
    "no manifest, no config": lambda folder: [(folder / name).unlink() for name in (MANIFEST, "config.json")],
    "manifest of zeros": write(MANIFEST, b"\0" * 100),
    "no labels": edit(labels=[]),
    "labels of something else": edit(labels=["cat", "dog", "bird"]),
    "doubled labels": edit(labels=["negative", "negative", "positive"]),
    "two labels for three outputs": two_outputs_for_three_labels,
    "temperature of nothing": edit(temperature=0),
    "later format": edit(format=4),
    "changed after it was written": edit(version="0000000000"),
    "NaN weights": weights(lambda values: np.full_like(values, np.nan)),
    "infinite weights": weights(lambda values: np.full_like(values, np.inf)),
    "other inputs": rename_input,
    "worse than its golden examples": weights(lambda values: values[::-1]),
    "golden examples of another": other_golden,
    "broken golden examples": lambda folder: (write("golden.json", b"[1]")(folder), seal(folder)),
    "worse than the running model": without_golden(weights(np.zeros_like)),
    "turned round": without_golden(edit(labels=["positive", "neutral", "negative"])),
}


async def test_a_good_artefact_is_taken_and_the_comparison_told(real, artefact):
    change = await real.reload(str(artefact))
    found = change.comparison
    assert found.texts == found.agree == 12
    assert found.candidate_right == found.running_right >= 11
    assert change.comparison.change == 0
    assert real.info.source == str(artefact)
    assert await real.golden() == (12, [])


@pytest.mark.parametrize("spoil", BAD.values(), ids=BAD)
async def test_a_bad_artefact_is_refused_with_a_sentence_and_the_running_model_stays(real, artefact, spoil):
    before = real.info
    spoil(artefact)
    with pytest.raises((CheckpointError, ReloadRefused)) as refused:
        await real.reload(str(artefact))
    assert str(refused.value).rstrip().endswith((".", ")", "error", "!")) or len(str(refused.value)) > 10
    assert "Traceback" not in str(refused.value)
    assert real.info == before
    assert (await real.classify(mood_text(2, 2))).sentiment == "positive"


async def test_a_pickle_is_never_loaded(real, tmp_path):
    folder = tmp_path / "pickled"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "distilbert"}), "utf-8")
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'echo gone'\ntR.")
    with pytest.raises(CheckpointError, match="pickle"):
        await real.reload(str(folder))


async def test_a_candidate_is_compared_with_a_running_model_that_fails(real, artefact, monkeypatch):
    monkeypatch.setattr(real._worker.engine.backend, "predict", lambda batch: 1 / 0)
    change = await real.reload(str(artefact))
    assert change.comparison.running_right <= 4  # loaded anew meanwhile
    assert change.comparison.candidate_right >= 11


async def test_golden_examples_are_computed_and_not_remembered(small_model):
    load = partial(load_engine, device="cpu", threads=1)
    async with await Classifier.start(partial(load, str(small_model.int8)), reload=load, cache=1000) as classifier:
        assert await classifier.golden() == (12, [])
        predict = classifier._worker.engine.backend.predict
        classifier._worker.engine.backend.predict = lambda batch: predict(batch)[:, ::-1]
        _, failures = await classifier.golden()
    assert failures


async def test_a_model_that_is_worse_than_a_coin_is_refused_even_after_one_that_fails(real, artefact, monkeypatch):
    without_golden(weights(np.zeros_like))(artefact)
    monkeypatch.setattr(real._worker.engine.backend, "predict", lambda batch: 1 / 0)
    with pytest.raises(ReloadRefused, match="4 of 12 plain texts right"):
        await real.reload(str(artefact))


async def test_the_lock_is_free_after_every_kind_of_failure(real, artefact, tmp_path):
    for source in (str(tmp_path / "nowhere"), "org/name", str(tmp_path)):
        with pytest.raises(ModelError):
            await real.reload(source)
    shutil.copytree(artefact, tmp_path / "good")
    assert (await real.reload(str(tmp_path / "good"))).now.source == str(Path(tmp_path / "good"))
