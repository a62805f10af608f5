"""What a larger network says of the rows of a phase, and of chat that nobody has labelled: a smaller one learns it too.

Knowledge distillation (Hinton et al. 2015, arXiv:1503.02531): how sure the teacher is of each label tells more than the
label alone, and it can be asked of any text. Its probabilities are softened by the temperature that fits them to rows
which it has not seen.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from datasets import Dataset, concatenate_datasets
from numpy.typing import NDArray

from training.calibration import softmax
from training.checkpointing import explained, read_record, whole_folder
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

SURELY_NEUTRAL = 0.7
"""Of chat that a quick network calls neutral with this probability only `FEWEST_NEUTRAL` is asked of."""


@dataclass(frozen=True, slots=True)
class _Teacher:
    """A checkpoint that is asked, and the temperature that makes its answers as sure as they are right."""

    checkpoint: Path
    temperature: float
    told: dict[str, Any]

    @classmethod
    def of(cls, checkpoint: Path) -> Self:
        """Raises TrainingError for a checkpoint of other labels."""
        record = read_record(checkpoint)
        if (labels := record.get("recipe", {}).get("labels")) is not None and len(labels) != 3:
            raise TrainingError(f"{checkpoint} has {len(labels)} labels; a teacher of chat knows three.")
        told = {name: record[name] for name in ("base", "metrics") if name in record}
        return cls(checkpoint, float(record.get("temperature", 1.0)), told)

    def shares(self, recipe: Recipe, texts: Sequence[str]) -> NDArray[np.float64]:
        """Probabilities of the labels, shape (n, 3)."""
        logits = read_network(self.checkpoint, recipe, texts).astype(np.float64)
        return softmax(logits / self.temperature)


def write_soft_labels(  # noqa: PLR0917
    checkpoint: Path, recipe: Recipe, data: Path | None, rows: int, output: Path, beside: Path | None = None
) -> dict[str, Any]:
    """Asks `checkpoint`, a teacher of three labels, and writes what it says to the folder `output`.

    `recipe` is that of the phase to be taught: its rows, but for long reviews, get the teacher's probabilities. `rows`
    texts of `CHAT_SETS` are asked of besides, of which those that it calls neutral are thinned out. `beside` is another
    checkpoint, smaller and quicker: the mean of both is written, and of the chat that it is sure is neutral most is
    left out before the teacher is asked. Returns the record that is written beside them. Raises TrainingError for a
    checkpoint of other labels, and DataError where there is no text.
    """
    teacher = _Teacher.of(checkpoint)
    quick = _Teacher.of(beside) if beside else None
    asked = (teacher, quick) if quick else (teacher,)
    sources = tuple(source for source in recipe.sources if not source.name.endswith(".parquet"))
    texts = set(load_mixture(sources, data, recipe.seed, copied=False).rows["text"][:])
    own = sorted(text for text in texts if len(text.split()) <= MOST_WORDS)
    labelled = _labelled(own, [one.shares(recipe, own) for one in asked])
    talk = _thinned(_asked_of_talk(teacher, quick, recipe, _talk(data, rows, recipe.seed, own)), recipe.seed)
    written = {
        "teacher": teacher.told,
        **({"beside": quick.told} if quick else {}),
        "temperature": teacher.temperature,
        "labelled": len(labelled),
        "unlabelled": len(talk),
        "shares": np.bincount(talk["label3"], minlength=3).tolist(),
        "data": fingerprint(concatenate_datasets([labelled, talk])),
    }
    with explained(output), whole_folder(output) as folder:
        labelled.to_parquet(str(folder / LABELLED))
        talk.to_parquet(str(folder / UNLABELLED))
        for name in (LABELLED, UNLABELLED):
            (folder / name).with_suffix(".json").write_text(json.dumps(written, indent=2) + "\n", "utf-8")
    return written


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


def _asked_of_talk(teacher: _Teacher, quick: _Teacher | None, recipe: Recipe, texts: Sequence[str]) -> Dataset:
    """The texts and what is said of them, but for most of those that a quick network is sure are neutral."""
    if quick is None:
        return _labelled(texts, [teacher.shares(recipe, texts)])
    shares = quick.shares(recipe, texts)
    drawn = np.random.default_rng(recipe.seed).random(len(texts)) < FEWEST_NEUTRAL
    kept = np.flatnonzero(drawn | (shares[:, NEUTRAL] < SURELY_NEUTRAL))
    worth = [texts[index] for index in kept]
    return _labelled(worth, [shares[kept], teacher.shares(recipe, worth)])


def _labelled(texts: Sequence[str], said: Sequence[NDArray[np.float64]]) -> Dataset:
    """The texts with the mean of what is said of them, each of shape (n, 3), and its likeliest label."""
    shares: NDArray[np.float64] = np.mean(said, axis=0)
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
