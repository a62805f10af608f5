"""What a larger network says of the rows of a phase, and of chat that nobody has labelled: a smaller one learns it too.

Knowledge distillation (Hinton et al. 2015, arXiv:1503.02531): how sure the teacher is of each label tells more than the
label alone, and it can be asked of any text. Its probabilities are softened by the temperature that fits them to rows
which it has not seen.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset, concatenate_datasets
from numpy.typing import NDArray

from model.checkpoints.values import labels_of_config
from model.verdict import SENTIMENTS
from training.calibration import softmax
from training.checkpointing import explained, read_json, read_record, whole_folder
from training.data import fingerprint, load_texts
from training.datasets_catalog import CHAT_SETS
from training.errors import DataError, TrainingError
from training.labels import NEUTRAL
from training.mixture import LABELLED, UNLABELLED, load_mixture
from training.recipe import Recipe
from training.train import read_network

FEWEST_WORDS, MOST_WORDS = 2, 50
"""Of single words and of reviews the teacher knows no more than their labels say, and reviews take long."""

MOST_NEUTRAL = 0.4
"""Of talk most is neutral. More of it than this share teaches little."""

FEWEST_NEUTRAL = 0.1
"""Of what is called neutral at least this share is kept, though a teacher calls all of it so."""


def write_soft_labels(checkpoint: Path, recipe: Recipe, data: Path | None, rows: int, output: Path) -> dict[str, Any]:
    """Asks `checkpoint`, a teacher of three labels, and writes what it says to the folder `output`.

    `recipe` is that of the phase to be taught: its rows, but for long reviews, get the teacher's probabilities. `rows`
    texts of `CHAT_SETS` are asked of besides, of which those that it calls neutral are thinned out. Returns the record
    that is written beside them. Raises TrainingError for a checkpoint of other labels, and DataError where there is no
    text.
    """
    record = read_record(checkpoint)
    _check_labels(checkpoint)
    temperature = float(record.get("temperature", 1.0))
    sources = tuple(source for source in recipe.sources if not source.name.endswith(".parquet"))
    texts = set(load_mixture(sources, data, recipe.seed, copied=False).rows["text"][:])
    own = sorted(text for text in texts if len(text.split()) <= MOST_WORDS)
    labelled = _asked(checkpoint, recipe, own, temperature)
    talk = _asked(checkpoint, recipe, _talk(data, rows, recipe.seed, own), temperature)
    talk = _thinned(talk, recipe.seed)
    written = {
        "teacher": {name: record[name] for name in ("base", "metrics") if name in record},
        "temperature": temperature,
        "labelled": len(labelled),
        "unlabelled": len(talk),
        "shares": np.bincount(talk["label3"], minlength=3).tolist(),
        "data": fingerprint(concatenate_datasets([labelled, talk])),
    }
    with explained(output), whole_folder(output) as beside:
        labelled.to_parquet(str(beside / LABELLED))
        talk.to_parquet(str(beside / UNLABELLED))
        for name in (LABELLED, UNLABELLED):
            (beside / name).with_suffix(".json").write_text(json.dumps(written, indent=2) + "\n", "utf-8")
    return written


def _check_labels(checkpoint: Path) -> None:
    """By the config: a mean of checkpoints has no recipe that would say what its outputs are."""
    labels = labels_of_config(read_json(checkpoint / "config.json"), checkpoint)
    if labels != SENTIMENTS:
        raise TrainingError(
            f"{checkpoint} has {len(labels)} labels ({', '.join(labels)}); a teacher of chat knows three: "
            f"{', '.join(SENTIMENTS)}."
        )


def _talk(data: Path | None, rows: int, seed: int, known: Sequence[str]) -> list[str]:
    """Distinct cleaned texts of the sets of chat, some of each."""
    found: list[str] = []
    for name, share in CHAT_SETS.items():
        texts = load_texts(name, data, without=known)
        fit = texts.filter(lambda row: FEWEST_WORDS <= len(row["text"].split()) <= MOST_WORDS, desc="of some words")
        found += fit.shuffle(seed=seed).select(range(min(int(rows * share), len(fit))))["text"]
    if not found:
        raise DataError("There's no unlabelled chat to ask the teacher about.")
    return list(dict.fromkeys(found))


def _asked(checkpoint: Path, recipe: Recipe, texts: Sequence[str], temperature: float) -> Dataset:
    """The texts with the teacher's label and probabilities."""
    shares: NDArray[np.float64] = softmax(read_network(checkpoint, recipe, texts).astype(np.float64) / temperature)
    return Dataset.from_dict(
        {"text": list(texts), "label3": shares.argmax(-1), "probabilities": shares.round(4).tolist()}
    )


def _thinned(talk: Dataset, seed: int) -> Dataset:
    """Less of what the teacher calls neutral, drawn at random, so that it makes up `MOST_NEUTRAL`."""
    labels = np.array(talk["label3"])
    neutral = np.flatnonzero(labels == NEUTRAL)
    fewest = math.ceil(len(neutral) * FEWEST_NEUTRAL)
    room = max(fewest, int((len(labels) - len(neutral)) * MOST_NEUTRAL / (1 - MOST_NEUTRAL)))
    kept = np.random.default_rng(seed).permutation(neutral)[:room]
    return talk.select(sorted([*np.flatnonzero(labels != NEUTRAL), *kept]))
