"""Artefacts made to harm, each refused with one sentence by looking at them."""

import hashlib
import json
import os
import shutil
from dataclasses import replace

import pytest

from model.checkpoints.checkpoint import MANIFEST, open_checkpoint
from model.checkpoints.trial import Trials
from model.errors import CheckpointError, HashMismatch, UnsafeCheckpoint
from tests.model.checkpoints.test_hostile_artefacts import sealed


def manifest_of(folder):
    return json.loads((folder / MANIFEST).read_text("utf-8"))


def written(folder, **entries):
    (folder / MANIFEST).write_text(json.dumps(manifest_of(folder) | entries), "utf-8")


def listing(name, data=b""):
    """Lists a file more, with a hash that fits."""

    def spoil(folder):
        digest = hashlib.sha256(data).hexdigest()
        written(folder, files={**manifest_of(folder)["files"], name: digest})

    return spoil


def config(**entries):
    def spoil(folder):
        content = json.loads((folder / "config.json").read_text("utf-8")) | entries
        (folder / "config.json").write_text(json.dumps(content), "utf-8")
        sealed(folder)

    return spoil


def manifest(**entries):
    return lambda folder: written(folder, **entries)


def twice(folder):
    text = (folder / MANIFEST).read_text("utf-8").rstrip().removesuffix("}")
    (folder / MANIFEST).write_text(f'{text}, "max_length": 128, "max_length": 512}}', "utf-8")


def many_files(folder):
    files = manifest_of(folder)["files"]
    written(folder, files=files | {f"file{number}": "0" * 64 for number in range(100_000)})


def fewer_files(folder):
    files = manifest_of(folder)["files"]
    written(folder, files=files | {f"file{number}": "0" * 64 for number in range(40)})


def endless_device(folder):
    (folder / "golden.json").unlink()
    (folder / "golden.json").symlink_to("/dev/zero")


def nowhere(folder):
    (folder / MANIFEST).unlink()
    (folder / MANIFEST).symlink_to("nowhere")


def nowhere_else(folder):
    (folder / MANIFEST).unlink()
    (folder / MANIFEST).symlink_to(MANIFEST)


def pipe(folder):
    (folder / MANIFEST).unlink()
    os.mkfifo(folder / MANIFEST)


def folder_for_file(folder):
    (folder / MANIFEST).unlink()
    (folder / MANIFEST).mkdir()


def circle(folder):
    (folder / "golden.json").unlink()
    (folder / "golden.json").symlink_to("golden.json")


def sparse(folder):
    with (folder / "config.json").open("r+b") as file:
        file.truncate(1 << 40)


SEEN = {
    "path upwards": (listing("../secret.json"), "no such file beside it"),
    "absolute path": (listing("/etc/passwd"), "no such file beside it"),
    "path of Windows": (listing("..\\secret.json"), "no such file beside it"),
    "name with a line break": (listing("a\n2026 ERROR all is lost"), r"no such file beside it"),
    "name that is a pattern": (listing("*"), "no such file beside it"),
    "name of a hidden file": (listing(".env"), "no such file beside it"),
    "100,000 files": (many_files, "larger than"),
    "40 files": (fewer_files, "isn't a manifest this version can read"),
    "key given twice": (twice, "a key is there twice"),
    "format that is true": (manifest(format=True), "isn't a manifest"),
    "format that is a fraction": (manifest(format=1.0), "isn't a manifest"),
    "temperature of 400 digits": (manifest(temperature=10**400), "no usable temperature"),
    "temperature that is no number": (manifest(temperature=float("nan")), "no usable temperature"),
    "temperature that is a list": (manifest(temperature=[1]), "no usable temperature"),
    "share of 400 digits": (manifest(abstain_below=10**400), "no usable abstain_below"),
    "share below nothing": (manifest(abstain_below=-1), "no usable abstain_below"),
    "metric without end": (manifest(metrics={"accuracy": 10**400}), "metrics that aren't numbers"),
    "10,000 metrics": (manifest(metrics={f"m{n}": 1 for n in range(10_000)}), "metrics"),
    "a million labels": (manifest(labels=["negative"] * 1_000_000), "larger than|which of its outputs"),
    "labels of no kind": (manifest(labels=[{"a": 1}, None, []]), "which of its outputs"),
    "windows of two tokens": (manifest(max_length=2), "length of a window"),
    "version of another": (manifest(version="0000000000"), "changed after it was written"),
    "code in the config": (config(auto_map={"AutoModel": "evil.Evil"}), "auto_map"),
    "fewer positions than tokens": (config(max_position_embeddings=128), "max_position_embeddings"),
    "vocabulary below nothing": (config(vocab_size=-1), "vocab_size"),
    "device without end": (endless_device, "should hold golden.json|no ordinary file"),
    "manifest that leads nowhere": (nowhere, "leads nowhere"),
    "manifest that leads to itself": (nowhere_else, "leads nowhere"),
    "manifest that is a pipe": (pipe, "isn't an ordinary file"),
    "manifest that is a folder": (folder_for_file, "isn't an ordinary file"),
    "file that leads to itself": (circle, r"golden\.json|as a model \("),
    "file of a terabyte": (sparse, "larger than"),
}


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such files")
@pytest.mark.parametrize("kind", SEEN)
def test_it_is_refused_by_looking_at_it(artefact, kind, monkeypatch):
    spoil, sentence = SEEN[kind]
    spoil(artefact)
    monkeypatch.setattr("subprocess.Popen", None)  # nothing is started for it
    with pytest.raises(CheckpointError, match=sentence) as refused:
        open_checkpoint(str(artefact))
    said = str(refused.value)
    assert "\n" not in said
    assert len(said) <= 1000


def test_what_passed_says_nothing_of_another_with_the_same_version(artefact, monkeypatch):
    """Ten digits can be made to agree, and say nothing of a config or golden examples that changed places."""
    tried = []
    monkeypatch.setattr(Trials, "_try", lambda _, checkpoint, fingerprint: tried.append(fingerprint))
    trials, checkpoint = Trials(), open_checkpoint(str(artefact))
    others = [
        replace(checkpoint, contents={**checkpoint.contents, "tokenizer.json": b"{}"}),
        replace(checkpoint, contents={**checkpoint.contents, "model.onnx": b""}),
        replace(checkpoint, max_length=128),
        replace(checkpoint, abstain_below=0.0),
    ]
    for each in (checkpoint, *others, checkpoint, *others):
        assert each.version == checkpoint.version
        trials.check(each)
    assert len(set(tried)) == len(tried) == 5


def test_a_model_that_passed_waits_for_no_other_trial(artefact):
    trials, checkpoint = Trials(), open_checkpoint(str(artefact))
    trials.check(checkpoint)
    with trials._one_at_a_time:
        trials.check(checkpoint)


def test_a_link_to_a_file_is_read_like_a_file_as_a_hub_keeps_them(artefact, tmp_path):
    shutil.move(artefact / "golden.json", tmp_path / "blob")
    (artefact / "golden.json").symlink_to(tmp_path / "blob")
    assert open_checkpoint(str(artefact)).version
    (tmp_path / "blob").write_text("[]", "utf-8")
    with pytest.raises(HashMismatch):
        open_checkpoint(str(artefact))


@pytest.mark.torch
@pytest.mark.parametrize(
    "entries",
    [
        {"n_layers": 10**6},
        {"dim": 10**6},
        {"vocab_size": 10**7},
        {"hidden_dim": "3072"},
        {"activation": {"a": 1}},
        {"activation": "evil/kernel"},
    ],
    ids=str,
)
def test_a_config_makes_no_other_network_than_the_weights(artefact, entries):
    from model.backends.torch_gpu import TorchBackend

    config(**entries)(artefact)
    with pytest.raises(CheckpointError, match="another network"):
        TorchBackend(open_checkpoint(str(artefact)), "cpu")


@pytest.mark.torch
def test_a_config_brings_no_code_to_the_network(artefact):
    """Transformers fetches attention from a hub where a config names some."""
    from model.backends.torch_gpu import TorchBackend

    expected = TorchBackend(open_checkpoint(str(artefact)), "cpu").predict([[101, 2204, 102]])
    config(attn_implementation="evil/attention", _attn_implementation="evil/attention", chunk_size_feed_forward=7)(
        artefact
    )
    backend = TorchBackend(open_checkpoint(str(artefact)), "cpu")
    assert "evil" not in str(backend._network.config)
    assert backend.predict([[101, 2204, 102]]).tolist() == expected.tolist()


@pytest.mark.torch
def test_what_goes_onto_a_gpu_is_tried_as_it_is_read_for_it(artefact):
    config(n_layers=10**6)(artefact)
    checkpoint = open_checkpoint(str(artefact))
    Trials().check(checkpoint)  # ONNX Runtime does not look at it
    with pytest.raises(CheckpointError, match="another network"):
        Trials(on_gpu=True).check(checkpoint)


def test_what_hangs_beside_an_artefact_is_refused_before_it_is_read(artefact):
    (artefact / "more").symlink_to("/dev/zero")
    with pytest.raises(UnsafeCheckpoint, match="more"):
        open_checkpoint(str(artefact))
