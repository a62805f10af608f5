"""How right a model is, on test splits it was never chosen by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.engine import Engine
from model.verdict import Sentiment
from training.calibration import expected_calibration_error
from training.data import load_split
from training.scoring import read_logits, verdicts

_BOOTSTRAPS = 1_000


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric with its 95 % interval (bootstrap over `texts` texts), all in [0, 1]."""

    name: str
    value: float
    low: float
    high: float
    texts: int

    def __str__(self) -> str:
        return f"{self.name:<32} {self.value:7.2%}  [{self.low:.2%}, {self.high:.2%}]  {self.texts:,} texts"


def evaluate(engine: Engine, data: Path | None, rows: int = 0) -> list[Figure]:
    """IMDB two-way accuracy and TweetEval three-way macro recall and accuracy, with calibration errors.

    Two-way means that only P(negative) and P(positive) are compared. `rows` above 0 takes that many random rows of
    each split, the same ones each time. Raises DataError when a set cannot be had.
    """
    figures: list[Figure] = []
    truth, probabilities = _score(engine, "imdb", data, rows)
    polar = probabilities[:, [0, 2]]
    right = (polar.argmax(1) * 2 == truth).astype(float)
    figures.append(_figure("IMDB accuracy, two-way", right[:, None], lambda sample: float(sample.mean())))
    if Sentiment.NEUTRAL in engine.checkpoint.labels:
        truth, probabilities = _score(engine, "tweet_eval", data, rows)
        pairs = np.stack([truth, probabilities.argmax(1)], axis=1)
        figures.append(_figure("TweetEval macro recall, three-way", pairs, _macro_recall))
        figures.append(_figure("TweetEval accuracy, three-way", pairs, lambda s: float((s[:, 0] == s[:, 1]).mean())))
        error = expected_calibration_error(probabilities, truth)
        figures.append(Figure("TweetEval calibration error", error, error, error, len(truth)))
    return figures


def _score(engine: Engine, name: str, data: Path | None, rows: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    split = load_split(name, "test", data)
    if rows and rows < len(split):
        split = split.shuffle(seed=0).select(range(rows))
    found = verdicts(engine, read_logits(engine, split["text"], title=f"{name}/test"))
    return np.array(split["label3"]), np.array([verdict.probabilities for verdict in found])


def _macro_recall(pairs: NDArray[np.int64]) -> float:
    truth, found = pairs[:, 0], pairs[:, 1]
    return float(np.mean([(found[truth == label] == label).mean() for label in np.unique(truth)]))


def _figure(name: str, sample: NDArray[Any], metric: Callable[[NDArray[Any]], float]) -> Figure:
    random = np.random.default_rng(0)
    draws = [metric(sample[random.integers(0, len(sample), len(sample))]) for _ in range(_BOOTSTRAPS)]
    low, high = np.quantile(draws, [0.025, 0.975])
    return Figure(name, float(metric(sample)), float(low), float(high), len(sample))
