import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset
from safetensors.numpy import load_file

from model.backends.base import Backend, InTurn
from model.backends.dequantise import float_weights
from model.backends.engine import Engine, load_engine
from model.backends.onnx_cpu import OnnxBackend
from model.backends.torch_gpu import TorchBackend
from model.checkpoints.checkpoint import BUNDLED_FOLDER, MANIFEST, file_sha256, open_checkpoint
from training.data import load_split, split_validation
from training.errors import DataError, ExportRefused, TrainingError
from training.export import GateSet, check_gate, export, export_floats, validation_gates
from training.golden import GOLDEN_TEXTS
from training.scoring import read_logits, verdicts
from training.train import encode, macro_recall, run_phase


@dataclass
class Opposite(InTurn):
    """A backend that turns the other's answers round from the text with that number on."""

    inner: Backend
    honest: int
    name: str = "opposite"
    device: str = "cpu"
    seen: int = 0

    def predict(self, batch):
        logits = self.inner.predict(batch).copy()
        left = max(0, self.honest - self.seen)
        logits[left:] *= -1
        self.seen += len(logits)
        return logits


def sure_only(engine):
    """The same engine without abstention, so that every verdict has an opposite."""
    from dataclasses import replace

    return replace(engine, checkpoint=replace(engine.checkpoint, abstain_below=0.0))


FILMS = [f"a {word} and {word} film number {number}" for number in range(10) for word in ("dull", "lovely")]


@pytest.fixture(scope="session")
def exported(phase, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "artefact"
    manifest = export(phase.result.folder, folder, gates=[GateSet("films", FILMS, [0, 2] * 10)])
    return folder, manifest


def test_a_phase_writes_a_checkpoint_the_bot_can_open(phase):
    checkpoint = open_checkpoint(str(phase.result.folder))
    assert checkpoint.labels == ("negative", "positive")
    assert 0.25 <= checkpoint.temperature <= 8
    engine = load_engine(str(phase.result.folder), "cpu")
    assert all(np.isfinite(rows).all() for rows in read_logits(engine, GOLDEN_TEXTS))


def test_a_phase_records_its_recipe_data_and_figures(phase):
    record = json.loads((phase.result.folder / "training.json").read_text("utf-8"))
    assert record["recipe"]["learning_rate"] == phase.recipe.learning_rate
    assert sum(record["rows"].values()) == 64
    assert record["metrics"] == phase.result.metrics
    assert 0 <= record["metrics"]["validation_accuracy"] <= 1
    assert record["temperature"] == open_checkpoint(str(phase.result.folder)).temperature
    assert set(record["data"]) == {"train", "validation"}


def test_too_few_rows_are_refused_with_their_number(phase, tmp_path):
    with pytest.raises(DataError, match="1 rows are too few"):
        run_phase(phase.recipe, str(phase.base), phase.data, tmp_path, max_rows=1)


def test_a_long_training_text_keeps_its_head_or_both_ends(phase):
    from dataclasses import replace

    from datasets import Dataset
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(phase.base)
    rows = Dataset.from_dict({"text": ["good " * 50 + "bad " * 50, "ok"], "labels": [0, 1]})
    good, bad = (tokenizer.convert_tokens_to_ids(word) for word in ("good", "bad"))
    head = encode(rows, tokenizer, replace(phase.recipe, max_length=12))
    both = encode(rows, tokenizer, replace(phase.recipe, max_length=12, keep="head_tail"))
    assert head["input_ids"][0] == [101, *[good] * 10, 102]
    assert both["input_ids"][0] == [101, *[good] * 5, *[bad] * 5, 102]
    assert both["length"] == [12, 3]


def test_macro_recall_counts_small_classes_as_much_as_large_ones():
    logits = np.eye(3)[[0, 0, 0, 0, 1]]
    assert macro_recall(logits, np.array([0, 0, 0, 1, 1])) == pytest.approx(0.75)


def test_the_manifest_names_every_file_by_its_hash(exported):
    folder, manifest = exported
    assert json.loads((folder / MANIFEST).read_text("utf-8")) == manifest
    assert set(manifest["files"]) == {path.name for path in folder.iterdir()} - {MANIFEST}
    assert manifest["files"] == {name: file_sha256(folder / name) for name in manifest["files"]}
    assert manifest["training"]["phase"] == "imdb"


PLACES = (
    rb"/home/",
    rb"/Users/",
    rb"/root/",
    rb"/tmp/",
    rb"/content/",
    rb"site-packages",
    rb"[A-Z]:\\\\Users",
)


def says_where(folder):
    """What the files of a folder tell of the machine that they were made on."""
    import re
    import tempfile

    here = [
        re.escape(str(place).encode()) for place in (Path.cwd(), Path.home(), tempfile.gettempdir()) if place != "/"
    ]
    found = re.compile(b"|".join([*PLACES, *here]))
    files = [path for path in folder.iterdir() if path.is_file()]
    return [(path.name, text) for path in files for text in found.findall(path.read_bytes())]


@pytest.fixture
def placed(phase, tmp_path):
    """A checkpoint whose config and record tell of folders, as those of files of one's own do."""
    folder = Path(shutil.copytree(phase.result.folder, tmp_path / "placed"))
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"_name_or_path": "/home/qzxowner/base"}), "utf-8")
    record = json.loads((folder / "training.json").read_text("utf-8"))
    record["recipe"]["sources"].append({"name": "/home/qzxowner/our chat.parquet", "rows": 0, "repeat": 1})
    record["sources"]["C:\\Users\\qzxowner\\more.parquet"] = {"rows": 5}
    record["base_training"] = {"base": "~/models/first"}
    (folder / "training.json").write_text(json.dumps(record), "utf-8")
    return folder


def test_the_artefact_does_not_tell_where_it_was_made(placed, tmp_path):
    manifest = export(placed, tmp_path / "artefact", gates=[])
    assert says_where(placed)
    assert says_where(tmp_path / "artefact") == []
    assert b"qzxowner" not in b"".join(path.read_bytes() for path in (tmp_path / "artefact").iterdir())
    assert manifest["training"]["recipe"]["sources"][-1]["name"] == "our chat.parquet"
    assert manifest["training"]["sources"]["more.parquet"] == {"rows": 5}
    assert manifest["training"]["base_training"] == {"base": "first"}


def test_nor_does_one_in_floats(placed, tmp_path):
    export_floats(placed, tmp_path / "floats")
    assert says_where(tmp_path / "floats") == []
    assert "_name_or_path" not in json.loads((tmp_path / "floats" / "config.json").read_text("utf-8"))


def test_nor_does_the_bundled_model():
    assert says_where(BUNDLED_FOLDER) == []


def test_the_artefact_opens_under_the_version_of_its_manifest(exported):
    folder, manifest = exported
    checkpoint = open_checkpoint(str(folder))
    assert checkpoint.version == manifest["version"]
    assert checkpoint.temperature == manifest["temperature"]
    assert checkpoint.metrics == {
        f"films_validation_{metric}": manifest["gate"]["films"][f"int8_{metric}"]
        for metric in ("accuracy", "macro_recall")
    }


def test_the_golden_verdicts_are_what_the_artefact_says(exported):
    folder, _ = exported
    engine = load_engine(str(folder))
    said = verdicts(engine, GOLDEN_TEXTS, read_logits(engine, GOLDEN_TEXTS))
    golden = json.loads((folder / "golden.json").read_text("utf-8"))
    assert [row["text"] for row in golden] == list(GOLDEN_TEXTS)
    for row, verdict in zip(golden, said, strict=True):
        assert row["sentiment"] == verdict.sentiment
        assert row["probabilities"] == pytest.approx(verdict.probabilities, abs=1e-3)


def test_an_artefact_is_not_exported_twice(exported, tmp_path):
    with pytest.raises(TrainingError, match="exported already"):
        export(exported[0], tmp_path / "again", gates=[])


def test_the_gate_passes_two_engines_that_agree_and_reports_the_figures(phase):
    engine = sure_only(load_engine(str(phase.result.folder), "cpu"))
    figures = check_gate(GateSet("golden", GOLDEN_TEXTS, [0] * len(GOLDEN_TEXTS)), engine, engine)
    assert figures["same_label"] == 1.0
    assert figures["texts"] == len(GOLDEN_TEXTS)
    assert figures["fp32_accuracy"] == figures["int8_accuracy"]


def test_the_gate_refuses_a_broken_int8_with_the_figures(phase):
    exact = sure_only(load_engine(str(phase.result.folder), "cpu"))
    broken = Engine(exact.checkpoint, exact.reader, Opposite(exact.backend, honest=6))
    with pytest.raises(ExportRefused, match=r"on golden: .* 50\.00% of 12 texts \(at least 99% needed\)"):
        check_gate(GateSet("golden", GOLDEN_TEXTS, [0] * 12), exact, broken)


def test_the_gate_refuses_lost_accuracy_even_when_labels_mostly_agree(phase):
    exact = sure_only(load_engine(str(phase.result.folder), "cpu"))
    texts = [f"film number {number}" for number in range(200)]
    truth = [2 if verdict.score > 0 else 0 for verdict in verdicts(exact, texts, read_logits(exact, texts))]
    broken = Engine(exact.checkpoint, exact.reader, Opposite(exact.backend, honest=199))
    with pytest.raises(ExportRefused, match=r"99\.50% against 100\.00%"):
        check_gate(GateSet("films", texts, truth), exact, broken)


def test_a_refused_export_leaves_the_old_artefact_alone(phase, exported, tmp_path, monkeypatch):
    old = shutil.copytree(exported[0], tmp_path / "artefact")
    before = {path.name: path.read_bytes() for path in old.iterdir()}
    monkeypatch.setattr("training.export.MAX_BYTES", 10)
    monkeypatch.setattr("training.export.BUNDLED_FOLDER", old)
    with pytest.raises(ExportRefused, match="carries at most 10"):
        export(phase.result.folder, old, gates=[GateSet("films", FILMS, [0, 2] * 10)])
    assert {path.name: path.read_bytes() for path in old.iterdir()} == before


def test_a_model_of_ones_own_may_be_larger_than_the_bundled_one(phase, tmp_path, monkeypatch):
    monkeypatch.setattr("training.export.MAX_BYTES", 10)
    assert export(phase.result.folder, tmp_path / "large", gates=[])["version"]


def test_the_bundled_model_is_never_replaced_without_the_gate(phase):
    before = open_checkpoint().version
    with pytest.raises(TrainingError, match="without its gate"):
        export(phase.result.folder, BUNDLED_FOLDER, gates=[])
    assert open_checkpoint().version == before


def test_the_reviews_of_the_gate_are_those_that_every_phase_held_out(phase, tmp_path):
    folder = tmp_path / "data"
    for name in ("imdb", "tweet_eval"):
        (folder / name).mkdir(parents=True)
    shutil.copyfile(phase.data / "imdb" / "train.parquet", folder / "imdb" / "train.parquet")
    tweets = {"text": ["so good", "so bad"], "label": [2, 0]}
    Dataset.from_dict(tweets).to_parquet(folder / "tweet_eval" / "validation.parquet")
    checkpoint = shutil.copytree(phase.result.folder, tmp_path / "checkpoint")
    reviews = {gate.name: gate.texts for gate in validation_gates(checkpoint, folder, 100)}["imdb"]
    held_out = split_validation(load_split("imdb", "train", folder), 0.25, phase.recipe.seed)["validation"]
    assert set(reviews) == set(held_out["text"])
    record = json.loads((checkpoint / "training.json").read_text("utf-8"))
    record["base_training"] = {**record, "recipe": {**record["recipe"], "seed": 7}}
    (checkpoint / "training.json").write_text(json.dumps(record), "utf-8")
    with pytest.raises(TrainingError, match="different seeds"):
        validation_gates(checkpoint, folder, 100)


def test_a_layer_kept_in_floats_keeps_its_weights_to_half_precision_on_both_backends(phase, exported, tmp_path):
    manifest = export(phase.result.folder, tmp_path / "half", gates=[], float_layers=(0,))
    assert manifest["float_layers"] == [0]
    name = "distilbert.transformer.layer.0.ffn.lin1.weight"
    exact = load_file(phase.result.folder / "model.safetensors")[name]
    np.testing.assert_array_equal(
        float_weights((tmp_path / "half" / "model.onnx").read_bytes())[name], exact.astype(np.float16)
    )
    assert np.abs(float_weights((exported[0] / "model.onnx").read_bytes())[name] - exact).max() > np.spacing(
        np.float16(exact.max())
    )
    checkpoint = open_checkpoint(str(tmp_path / "half"))
    rows = load_engine(str(tmp_path / "half"), "cpu").reader.read(FILMS[0])
    on_torch, on_onnx = (
        backend.predict(rows) for backend in (TorchBackend(checkpoint, "cpu"), OnnxBackend(checkpoint))
    )
    np.testing.assert_allclose(on_torch, on_onnx, atol=0.01)


def test_a_layer_that_the_network_lacks_cannot_stay_in_floats(phase, tmp_path):
    with pytest.raises(TrainingError, match=r"no layer 1; .* has layers 0 to 0"):
        export(phase.result.folder, tmp_path / "none", gates=[], float_layers=(1,))


def test_fp32_onnx_answers_as_the_checkpoint_does(phase, tmp_path):
    small_checkpoint = phase.result.folder
    output = tmp_path / "floats"
    export_floats(small_checkpoint, output)
    texts = ["this is great", "this is awful", "the bus comes at nine " * 200]
    exact, onnx = (read_logits(load_engine(str(source)), texts) for source in (small_checkpoint, output))
    for one, other in zip(exact, onnx, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
    with pytest.raises(TrainingError, match="exported already"):
        export_floats(output, tmp_path / "again")
