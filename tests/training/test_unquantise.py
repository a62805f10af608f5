"""An exported model as something to train on from."""

import shutil

import numpy as np
import pytest
import torch

from model.backends.engine import load_engine
from model.checkpoints.checkpoint import BUNDLED_FOLDER
from training import base as bases
from training.base import history_of_base, load_base
from training.checkpointing import held_out_by, history, read_json
from training.errors import TrainingError
from training.scoring import read_logits
from training.unquantise import unquantise

pytestmark = pytest.mark.torch
THREE = ("negative", "neutral", "positive")
TEXTS = ["this slaps", "servers down again lol", "raid at 20:00, need one more healer", "dead 💀", "meh", "W stream"]


@pytest.fixture(scope="module")
def floats(tmp_path_factory):
    return unquantise(BUNDLED_FOLDER, tmp_path_factory.mktemp("unquantised") / "bundled")


def test_it_says_what_the_bundled_model_says(floats):
    exported, again = load_engine("bundled"), load_engine(str(floats))
    np.testing.assert_allclose(read_logits(again, TEXTS), read_logits(exported, TEXTS), atol=0.25)


def test_every_weight_of_the_network_is_there(floats):
    network, tokenizer = load_base(str(floats), THREE, dropout=0.1, attention_dropout=0.0)
    assert tuple(network.config.id2label.values()) == THREE
    assert tokenizer.cls_token == "[CLS]"
    fresh = type(network)(network.config).state_dict()
    assert all(not torch.equal(values, fresh[name]) for name, values in network.state_dict().items())


def test_how_it_was_trained_goes_with_it(floats):
    steps = list(history(read_json(BUNDLED_FOLDER / "vibecheck.json")["training"]))
    assert list(history(read_json(floats / "training.json"))) == steps
    assert held_out_by(floats)[0] > 0


def test_the_bundled_model_is_a_base_by_its_name(tmp_path, monkeypatch):
    monkeypatch.setattr(bases, "RUNS", tmp_path)
    network, _ = load_base("bundled", THREE, dropout=0.1, attention_dropout=0.0)
    assert network.config.dim == 384
    assert history_of_base("bundled")["temperature"] > 0


def test_a_folder_without_an_exported_model_is_one_sentence(tmp_path):
    with pytest.raises(TrainingError, match="no model that can be read"):
        unquantise(tmp_path, tmp_path / "out")
    shutil.copytree(BUNDLED_FOLDER, tmp_path / "broken")
    (tmp_path / "broken" / "model.onnx").write_bytes(b"not a graph")
    with pytest.raises(TrainingError, match="no model that can be read"):
        unquantise(tmp_path / "broken", tmp_path / "out")
    assert not (tmp_path / "out").exists()
