import json

import pytest

from model.backends.engine import load_engine
from model.checkpoints.checkpoint import BUNDLED, MANIFEST, open_checkpoint
from model.errors import (
    CheckpointError,
    CheckpointNotFound,
    HashMismatch,
    MissingLabels,
    UnsafeCheckpoint,
)
from model.verdict import SENTIMENTS, Sentiment
from tests.model.spoiling import change


def test_an_artefact_opens_with_what_its_manifest_says(artefact):
    checkpoint = open_checkpoint(str(artefact))
    assert checkpoint.labels == SENTIMENTS
    assert checkpoint.is_onnx
    assert (checkpoint.temperature, checkpoint.max_length) == (1.0, 512)
    assert checkpoint.version == json.loads((artefact / MANIFEST).read_text())["version"]


def test_a_copy_keeps_its_version(artefact, small_model):
    assert open_checkpoint(str(artefact)).version == open_checkpoint(str(small_model.int8)).version


def test_a_plain_transformers_folder_opens(plain_folder):
    checkpoint = open_checkpoint(str(plain_folder))
    assert checkpoint.labels == SENTIMENTS
    assert not checkpoint.is_onnx
    assert checkpoint.bytes_of("tokenizer.json") == (plain_folder / "tokenizer.json").read_bytes()


def test_a_plain_folder_brings_its_temperature(plain_folder):
    change(plain_folder / "config.json", calibration_temperature=1.5)
    assert open_checkpoint(str(plain_folder)).temperature == 1.5


def test_safetensors_are_preferred_to_a_pickle_beside_them(plain_folder):
    (plain_folder / "pytorch_model.bin").write_bytes(b"pickle")
    assert open_checkpoint(str(plain_folder)).weights.name == "model.safetensors"


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "config.json", "golden.json"])
def test_a_changed_file_is_a_hash_mismatch_that_names_it(artefact, name):
    with (artefact / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(HashMismatch, match=name):
        open_checkpoint(str(artefact))


@pytest.mark.parametrize(
    "entries", [{"temperature": 2.0}, {"labels": ["positive", "neutral", "negative"]}, {"version": "x"}]
)
def test_a_changed_manifest_is_a_hash_mismatch(artefact, entries):
    change(artefact / MANIFEST, **entries)
    with pytest.raises(HashMismatch, match="changed after it was written"):
        open_checkpoint(str(artefact))


@pytest.mark.parametrize("temperature", [0, -1, "warm", True, None, float("inf"), float("nan")])
def test_a_temperature_that_divides_nothing_is_refused(artefact, temperature):
    change(artefact / MANIFEST, temperature=temperature)
    with pytest.raises(CheckpointError, match="temperature"):
        open_checkpoint(str(artefact))


def test_a_missing_file_of_the_artefact_is_named(artefact):
    (artefact / "tokenizer.json").unlink()
    with pytest.raises(CheckpointNotFound, match=r"tokenizer\.json"):
        open_checkpoint(str(artefact))


def test_a_manifest_may_not_point_out_of_its_folder(artefact):
    (artefact.parent / "outside.txt").write_text("", "utf-8")
    files = json.loads((artefact / MANIFEST).read_text("utf-8"))["files"]
    change(artefact / MANIFEST, files={**files, "../outside.txt": "0"})
    with pytest.raises(CheckpointNotFound):
        open_checkpoint(str(artefact))


@pytest.mark.parametrize("entries", [{"format": 4}, {"files": None}, {"files": {}}, {"files": ["model.onnx"]}])
def test_a_manifest_of_another_kind_is_refused(artefact, entries):
    change(artefact / MANIFEST, **entries)
    with pytest.raises(CheckpointError, match="isn't a manifest this version can read"):
        open_checkpoint(str(artefact))


@pytest.mark.parametrize(
    "names",
    [
        None,
        {},
        {"0": "LABEL_0", "1": "LABEL_1"},
        {"0": "negative", "1": "neutral"},
        {"0": "positive", "1": "positive"},
        {"0": "negative", "1": "positive", "2": "joy"},
        {"1": "negative", "2": "positive"},
        ["negative", "positive"],
    ],
)
def test_outputs_without_known_names_are_missing_labels(plain_folder, names):
    change(plain_folder / "config.json", id2label=names)
    with pytest.raises(MissingLabels, match="id2label"):
        open_checkpoint(str(plain_folder))


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        ({"0": "NEGATIVE", "1": "POSITIVE"}, (Sentiment.NEGATIVE, Sentiment.POSITIVE)),
        ({"0": "pos", "1": "neu", "2": "neg"}, (Sentiment.POSITIVE, Sentiment.NEUTRAL, Sentiment.NEGATIVE)),
    ],
)
def test_usual_spellings_of_labels_are_known(plain_folder, names, labels):
    change(plain_folder / "config.json", id2label=names)
    assert open_checkpoint(str(plain_folder)).labels == labels


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.pkl", "model.ckpt"])
def test_weights_that_are_only_a_pickle_are_never_loaded(plain_folder, name):
    (plain_folder / "model.safetensors").rename(plain_folder / name)
    with pytest.raises(UnsafeCheckpoint, match="safetensors"):
        open_checkpoint(str(plain_folder))


def test_a_checkpoint_with_code_of_its_own_is_never_run(plain_folder):
    change(plain_folder / "config.json", auto_map={"AutoModel": "evil.Model"})
    with pytest.raises(UnsafeCheckpoint, match="auto_map"):
        open_checkpoint(str(plain_folder))


def test_another_architecture_is_named(plain_folder):
    change(plain_folder / "config.json", model_type="roberta")
    with pytest.raises(CheckpointError, match=r"roberta\. I need a DistilBERT"):
        open_checkpoint(str(plain_folder))


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_missing_file_of_a_plain_folder_is_named(plain_folder, name):
    (plain_folder / name).unlink()
    with pytest.raises(CheckpointNotFound, match=name.replace(".", r"\.")):
        open_checkpoint(str(plain_folder))


@pytest.mark.parametrize("content", ["{", "[]", "", '{"a": \udcff}'])
@pytest.mark.parametrize("name", [MANIFEST, "config.json"])
def test_broken_json_is_a_checkpoint_error(plain_folder, name, content):
    (plain_folder / name).write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(CheckpointError, match="JSON"):
        open_checkpoint(str(plain_folder))


@pytest.mark.parametrize("source", ["/no/such/folder", "nowhere", "a/b/c", ""])
def test_a_source_that_is_nowhere_says_what_can_be_given(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointNotFound):
        open_checkpoint(source)


def test_a_hub_id_needs_a_revision():
    with pytest.raises(CheckpointNotFound, match="needs a revision, as in some/model@"):
        open_checkpoint("some/model")


def test_a_folder_that_looks_like_a_hub_id_is_a_folder(plain_folder, monkeypatch):
    monkeypatch.chdir(plain_folder.parent.parent)
    assert open_checkpoint(f"{plain_folder.parent.name}/plain").labels == SENTIMENTS


def test_the_bundled_name_means_the_packages_own_folder(artefact, monkeypatch):
    monkeypatch.setattr("model.checkpoints.checkpoint.BUNDLED_FOLDER", artefact)
    assert open_checkpoint(BUNDLED).folder == artefact


@pytest.mark.parametrize("field", ["max_length", "abstain_below", "metrics"])
@pytest.mark.parametrize("value", ["long", [1]])
def test_a_manifest_with_a_value_of_the_wrong_kind_is_a_checkpoint_error(artefact, field, value):
    change(artefact / MANIFEST, **{field: value})
    with pytest.raises(CheckpointError):
        load_engine(str(artefact), "cpu")


@pytest.mark.parametrize("length", [2, 60, 127])
def test_a_window_too_small_to_overlap_is_refused(artefact, length):
    change(artefact / MANIFEST, max_length=length)
    with pytest.raises(CheckpointError, match="from 128 to"):
        open_checkpoint(str(artefact))


@pytest.mark.parametrize("size", [0, 100, 20_000])
def test_a_truncated_graph_is_a_checkpoint_error(small_model, plain_folder, size):
    (plain_folder / "model.safetensors").unlink()
    (plain_folder / "model.onnx").write_bytes((small_model.int8 / "model.onnx").read_bytes()[:size])
    with pytest.raises(CheckpointError, match=r"model\.onnx"):
        load_engine(str(plain_folder))


def test_truncated_safetensors_are_a_checkpoint_error(small_model, plain_folder):
    whole = (small_model.floats / "model.safetensors").read_bytes()
    (plain_folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        load_engine(str(plain_folder), "cpu")


def test_weights_of_another_shape_are_a_checkpoint_error(small_model, plain_folder):
    (plain_folder / "model.safetensors").write_bytes((small_model.floats / "model.safetensors").read_bytes())
    with pytest.raises(CheckpointError, match="describes another network"):
        load_engine(str(plain_folder), "cpu")


def test_a_graph_with_more_outputs_than_labels_is_found_out_when_loaded(small_model, plain_folder):
    (plain_folder / "model.safetensors").unlink()
    (plain_folder / "model.onnx").write_bytes((small_model.int8 / "model.onnx").read_bytes())
    change(plain_folder / "config.json", id2label={"0": "negative", "1": "positive"})
    with pytest.raises(CheckpointError, match=r"\(1, 3\), instead of \(1, 2\) finite"):
        load_engine(str(plain_folder))
