"""Artefacts that somebody made to harm: each costs a sentence, and nothing that was not checked is ever loaded."""

import hashlib
import json
import os
import shutil

import numpy as np
import onnx
import pytest
from onnx import external_data_helper, numpy_helper

from model.backends.engine import load_engine
from model.checkpoints.checkpoint import MANIFEST, artefact_version, open_checkpoint
from model.errors import CheckpointError, CheckpointNotFound, HashMismatch, UnsafeCheckpoint


def sealed(folder, **entries):
    """The artefact with hashes that fit what its manifest lists: whoever makes one can do so."""
    manifest = json.loads((folder / MANIFEST).read_text("utf-8")) | entries
    files = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in manifest["files"]}
    manifest["files"] = files
    manifest["version"] = artefact_version(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest), "utf-8")


def listed_without(folder, name):
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    del manifest["files"][name]
    (folder / MANIFEST).write_text(json.dumps(manifest), "utf-8")
    sealed(folder)


def outside(folder, place):
    """The artefact with its weights beside the graph, at a place that the graph names."""
    graph = onnx.load(str(folder / "model.onnx"))
    external_data_helper.convert_model_to_external_data(graph, location="weights.data", size_threshold=64)
    (folder / "model.onnx").unlink()
    onnx.save_model(graph, str(folder / "model.onnx"))
    graph = onnx.load(str(folder / "model.onnx"), load_external_data=False)
    for tensor in graph.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = place
    (folder / "model.onnx").write_bytes(graph.SerializeToString())
    return folder / "weights.data"


@pytest.mark.parametrize("name", ["tokenizer.json", "config.json"])
def test_a_manifest_lists_all_that_a_model_is_made_of(artefact, name):
    listed_without(artefact, name)
    with pytest.raises(CheckpointError, match="isn't a manifest this version can read"):
        open_checkpoint(str(artefact))


@pytest.mark.parametrize("name", ["weights.data", "helper.py", "pytorch_model.bin", "tokenizer_config.json", "more"])
def test_what_the_manifest_does_not_list_is_refused(artefact, name):
    (artefact / name).write_bytes(b"")
    with pytest.raises(UnsafeCheckpoint, match=name):
        open_checkpoint(str(artefact))


@pytest.mark.parametrize("name", ["README.md", "LICENSE", ".gitattributes"])
def test_what_a_hub_puts_beside_an_artefact_may_stand_there(artefact, name):
    (artefact / name).write_text("", "utf-8")
    assert open_checkpoint(str(artefact)).version


def test_weights_beside_the_graph_are_not_loaded_whatever_the_manifest_says(artefact, monkeypatch):
    weights = outside(artefact, "weights.data")
    manifest = json.loads((artefact / MANIFEST).read_text("utf-8"))
    sealed(artefact, files={**manifest["files"], weights.name: ""})
    monkeypatch.setattr("model.checkpoints.files._LARGEST_OTHER", weights.stat().st_size)
    monkeypatch.chdir(artefact)  # where the runtime would look for them
    with pytest.raises(CheckpointError, match=r"model\.onnx can't be loaded"):
        load_engine(str(artefact), "cpu", 1)


@pytest.mark.parametrize("kind", ["absolute", "upwards", "in the working directory"])
def test_weights_from_elsewhere_are_not_loaded(artefact, tmp_path, monkeypatch, kind):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    places = {"absolute": str(elsewhere / "weights.data"), "upwards": "../elsewhere/weights.data"}
    weights = outside(artefact, places.get(kind, "weights.data"))
    shutil.move(weights, elsewhere / "weights.data")
    sealed(artefact)
    monkeypatch.chdir(elsewhere)
    with pytest.raises(CheckpointError, match=r"model\.onnx can't be loaded"):
        load_engine(str(artefact), "cpu", 1)


@pytest.mark.torch
def test_nor_does_the_other_backend_load_them(artefact, tmp_path, monkeypatch):
    from model.backends.torch_gpu import TorchBackend

    weights = outside(artefact, "weights.data")
    shutil.move(weights, tmp_path / "weights.data")
    sealed(artefact)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match="nothing has checked"):
        TorchBackend(open_checkpoint(str(artefact)), "cpu")


def test_what_was_checked_is_what_is_loaded_whatever_becomes_of_the_files(artefact, monkeypatch):
    """Another program may change them between the look at the hashes and the load."""
    expected = load_engine(str(artefact), "cpu", 1).backend.predict([[101, 2204, 102]])

    def opened(source):
        checkpoint = open_checkpoint(source)
        graph = onnx.load(str(checkpoint.weights))
        for tensor in graph.graph.initializer:
            if tensor.name == "classifier.bias":
                biased = np.add(numpy_helper.to_array(tensor), [40, 0, -40]).astype(np.float32)
                tensor.CopyFrom(numpy_helper.from_array(biased, tensor.name))
        onnx.save_model(graph, str(checkpoint.weights))
        (artefact / "tokenizer.json").write_text("{}", "utf-8")
        return checkpoint

    monkeypatch.setattr("model.backends.engine.open_checkpoint", opened)
    engine = load_engine(str(artefact), "cpu", 1)
    assert engine.backend.predict(engine.reader.read("good")).tolist() == expected.tolist()
    with pytest.raises(HashMismatch):
        open_checkpoint(str(artefact))


def test_the_weights_are_not_kept_in_memory_a_second_time(artefact):
    engine = load_engine(str(artefact), "cpu", 1)
    assert set(engine.checkpoint.contents) == {"config.json", "golden.json"}
    with pytest.raises(CheckpointError, match=r"has no model\.onnx in memory"):
        engine.checkpoint.bytes_of("model.onnx")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_length", float("inf")),
        ("max_length", -5),
        ("max_length", 10**9),
        ("max_length", "512"),
        ("max_length", None),
        ("max_length", True),
        ("abstain_below", float("nan")),
        ("abstain_below", 7),
        ("temperature", 1e-300),
        ("temperature", 1e300),
        ("metrics", {"a": "x"}),
        ("metrics", {"a": [1]}),
        ("metrics", [["a", 1]]),
        ("metrics", {"a": float("nan")}),
        ("labels", {"negative": 0, "positive": 1}),
        ("labels", ["negative", ["positive"]]),
    ],
)
def test_a_value_of_another_kind_is_named(artefact, field, value):
    sealed(artefact)
    manifest = json.loads((artefact / MANIFEST).read_text("utf-8")) | {field: value}
    if field == "temperature":
        manifest["version"] = artefact_version(manifest)
    (artefact / MANIFEST).write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(CheckpointError) as refused:
        open_checkpoint(str(artefact))
    assert "as a model (" not in str(refused.value)


@pytest.mark.parametrize("files", [{"model.onnx": None}, {"model.onnx": 1}, {"model.onnx": ["x"]}])
def test_a_hash_that_is_none_is_refused(artefact, files):
    manifest = json.loads((artefact / MANIFEST).read_text("utf-8"))
    manifest["files"] |= files
    (artefact / MANIFEST).write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(CheckpointError, match="isn't a manifest this version can read"):
        open_checkpoint(str(artefact))


@pytest.mark.parametrize(
    "content",
    ["[" * 200_000, '{"a":' * 200_000, '{"max_length": ' + "9" * 5000 + "}"],
    ids=["list", "object", "digits"],
)
@pytest.mark.parametrize("name", [MANIFEST, "config.json"])
def test_json_that_is_too_deep_or_too_long_is_a_checkpoint_error(plain_folder, name, content):
    (plain_folder / name).write_text(content, "utf-8")
    with pytest.raises(CheckpointError, match="JSON"):
        open_checkpoint(str(plain_folder))


@pytest.mark.parametrize(
    "content", ["[" * 200_000, "null", "{}", '[{"text": "a"}]', '[{"text": 1, "probabilities": 2}]']
)
def test_golden_examples_that_are_none_refuse_the_model(artefact, content):
    from model.acceptance import check_golden

    (artefact / "golden.json").write_text(content, "utf-8")
    sealed(artefact)
    with pytest.raises(CheckpointError, match=r"golden\.json"):
        check_golden(load_engine(str(artefact), "cpu", 1))


@pytest.mark.parametrize("name", ["tokenizer.json", "model.onnx", MANIFEST])
def test_a_file_that_fills_the_memory_is_not_read(artefact, name):
    with (artefact / name).open("r+b") as file:
        file.truncate(3 << 30)  # of which nothing is on the disk
    with pytest.raises(CheckpointError, match="larger than"):
        open_checkpoint(str(artefact))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such files")
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(artefact):
    (artefact / "golden.json").unlink()
    os.mkfifo(artefact / "golden.json")
    with pytest.raises(CheckpointNotFound, match=r"golden\.json"):
        open_checkpoint(str(artefact))
