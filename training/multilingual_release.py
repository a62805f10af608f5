"""From a checkpoint that reads several languages to the artefact: which of them it reads well enough, and how surely.

Both are found out on validation splits; test splits are for the report.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray

from model.backends.engine import Engine, load_engine
from model.text.languages import ENGLISH
from model.verdict import SENTIMENTS
from training.calibration import fit_temperature, softmax
from training.checkpointing import RECORD, explained, read_json, read_record, whole_folder
from training.data import load_split
from training.datasets_catalog import CORPORA
from training.errors import TrainingError
from training.evaluation.suites import UMSAB
from training.export import GateSet, export
from training.golden import GOLDEN_TEXTS
from training.languages import LANGUAGES, golden_texts
from training.scoring import read_logits
from training.train import macro_recall

LEAST_RECALL, SURE, MOST_SURELY_WRONG = 0.70, 0.90, 0.08
"""A language is released whose macro recall is at least so much, and of whose texts at most so many get a wrong label
with a probability of `SURE` and more."""

GATE_ROWS = 2000


@dataclass(frozen=True, slots=True)
class Language:
    """What a checkpoint is worth in a language, on its validation rows. All but `temperature` and `rows` in [0, 1]."""

    code: str
    rows: int
    temperature: float
    recall: float
    surely_wrong: float

    @property
    def released(self) -> bool:
        """Whether it is good enough to be read."""
        return self.recall >= LEAST_RECALL and self.surely_wrong <= MOST_SURELY_WRONG

    def __str__(self) -> str:
        """One line."""
        worth = f"macro recall {self.recall:.1%}, surely wrong {self.surely_wrong:.1%} of {self.rows}"
        return f"{self.code}: {worth}, temperature {self.temperature:.2f}{'' if self.released else ', not released'}"


def measure_languages(checkpoint: Path, data: Path | None) -> list[Language]:
    """Each language's temperature and worth; chat of our own is what it is measured on. Raises TrainingError.

    Tweets calibrate besides, where there are some in `data`.
    """
    engine = load_engine(str(checkpoint))
    found = []
    for code in (ENGLISH, *LANGUAGES):
        chat = load_split("chat" if code == ENGLISH else f"languages:{code}", "validation", data)
        logits, labels = _answers(engine, chat, code)
        tweets = _tweets(code, data)
        fitted, truth = logits, labels
        if tweets is not None:
            more, their_labels = _answers(engine, tweets, f"{code}, tweets")
            fitted, truth = np.concatenate([logits, more]), np.concatenate([labels, their_labels])
        temperature = fit_temperature(fitted, truth)
        probabilities = softmax(logits / temperature)
        wrong = (probabilities.max(-1) >= SURE) & (probabilities.argmax(-1) != labels)
        found.append(
            Language(code, len(labels), round(temperature, 4), macro_recall(logits, labels), float(wrong.mean()))
        )
    return found


def release(checkpoint: Path, output: Path, languages: Sequence[Language], data: Path | None) -> dict[str, Any]:
    """Writes the int8 artefact, with the languages that are good enough, and returns its manifest.

    int8 is held against floats on validation rows of our own chat in all languages, of tweets in several, and of
    TweetEval. Raises TrainingError where no language is good enough, ExportRefused as `export` does.
    """
    released = {one.code: one.temperature for one in languages if one.released}
    if not released:
        raise TrainingError("No language is good enough to be read, so nothing is written.")
    _calibrate(checkpoint, released)
    gates = [_gate("languages", load_split("languages", "validation", data))]
    for name in ("umsab", "tweet_eval"):
        if data is not None and CORPORA[name].file(data, "validation").is_file():
            gates.append(_gate(name, load_split(name, "validation", data)))
    english = tuple((text, ENGLISH) for text in GOLDEN_TEXTS[:4] if ENGLISH in released)
    return export(
        checkpoint, output, gates, golden=english + tuple(one for one in golden_texts() if one[1] in released)
    )


def _tweets(code: str, data: Path | None) -> Dataset | None:
    name = "tweet_eval" if code == ENGLISH else f"umsab:{code}"
    if code not in (ENGLISH, *UMSAB) or data is None:
        return None
    if not CORPORA[name.partition(":")[0]].file(data, "validation").is_file():
        return None
    rows = load_split(name, "validation", data)
    return rows.shuffle(seed=0).select(range(min(300, len(rows))))


def _answers(engine: Engine, rows: Dataset, title: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Logits in the order of `SENTIMENTS`, shape (n, 3), and labels, shape (n,), of what can be read."""
    order = [engine.checkpoint.labels.index(sentiment) for sentiment in SENTIMENTS]
    read = read_logits(engine, rows["text"][:], title)
    kept = [place for place, windows in enumerate(read) if len(windows)]
    labels = rows["label3"][:]
    logits = np.array([read[place].mean(axis=0)[order] for place in kept], dtype=np.float64)
    return logits, np.array([labels[place] for place in kept])


def _gate(name: str, rows: Dataset) -> GateSet:
    chosen = rows.shuffle(seed=0).select(range(min(GATE_ROWS, len(rows))))
    return GateSet(name, chosen["text"][:], chosen["label3"][:])


def _calibrate(checkpoint: Path, languages: dict[str, float]) -> None:
    temperature = float(np.median(list(languages.values())))
    with explained(checkpoint), whole_folder(checkpoint) as folder:
        config = read_json(checkpoint / "config.json")
        config |= {"calibration_temperature": temperature, "calibration_languages": languages}
        (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
        if record := read_record(checkpoint):
            (folder / RECORD).write_text(json.dumps(record | {"temperature": temperature}, indent=2) + "\n", "utf-8")
