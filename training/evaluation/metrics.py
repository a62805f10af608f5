"""Metrics of a confusion matrix with their 95 % intervals, and how well confidence matches being right.

All of accuracy, macro recall and macro F1 are functions of the table of (truth, answer), so a bootstrap over texts is a
multinomial draw of that table: the same distribution as drawing the texts themselves, a thousand times faster.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix

from model.verdict import SENTIMENTS

_DRAWS = 2_000
_BINS = 15


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric in [0, 1] with its 95 % interval, and over how many texts or pairs it was taken."""

    value: float
    low: float
    high: float
    count: int

    def plain(self) -> dict[str, float]:
        """As numbers of four places for JSON."""
        return {
            "value": round(self.value, 4),
            "low": round(self.low, 4),
            "high": round(self.high, 4),
            "count": self.count,
        }


def table(truth: NDArray[np.int64], found: NDArray[np.int64]) -> NDArray[np.int64]:
    """The confusion matrix, shape (3, 3): rows are the truth, columns the answer."""
    counts: NDArray[np.int64] = confusion_matrix(truth, found, labels=range(len(SENTIMENTS)))
    return counts


def figures(counts: NDArray[np.int64]) -> dict[str, Figure]:
    """Accuracy, macro recall and macro F1 of a confusion matrix, over the classes that the truth has."""
    total = int(counts.sum())
    random = np.random.default_rng(0)
    draws = random.multinomial(total, counts.ravel() / total, size=_DRAWS).reshape(-1, *counts.shape)
    present = counts.sum(axis=1) > 0
    return {
        name: _interval(float(metric(counts[None], present)[0]), metric(draws, present), total)
        for name, metric in (("accuracy", _accuracy), ("macro_recall", _macro_recall), ("macro_f1", _macro_f1))
    }


def share(right: NDArray[np.bool_]) -> Figure:
    """How many of n are right, as a share, with Wilson's interval: few pairs, and often nearly all of them right."""
    low, high = binomtest(int(right.sum()), len(right)).proportion_ci(method="wilson")
    return Figure(float(right.mean()), float(low), float(high), len(right))


def reliability(probabilities: NDArray[np.float64], truth: NDArray[np.int64]) -> list[dict[str, float]]:
    """For each of 15 equal bins of confidence that is not empty: mean confidence, share right, and how many texts."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    which = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    return [
        {
            "confidence": round(float(confidence[which == index].mean()), 4),
            "right": round(float(right[which == index].mean()), 4),
            "count": int((which == index).sum()),
        }
        for index in range(_BINS)
        if (which == index).any()
    ]


def _interval(value: float, draws: NDArray[np.float64], count: int) -> Figure:
    low, high = np.nanquantile(draws, [0.025, 0.975])
    return Figure(value, float(low), float(high), count)


def _accuracy(counts: NDArray[np.int64], _: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.asarray(np.trace(counts, axis1=1, axis2=2) / counts.sum(axis=(1, 2)))


def _macro_recall(counts: NDArray[np.int64], present: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.asarray(_over(counts, counts.sum(axis=2))[:, present].mean(axis=1))


def _macro_f1(counts: NDArray[np.int64], present: NDArray[np.bool_]) -> NDArray[np.float64]:
    both = counts.sum(axis=2) + counts.sum(axis=1)
    return np.asarray(2 * _over(counts, both)[:, present].mean(axis=1))


def _over(counts: NDArray[np.int64], totals: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(np.diagonal(counts, axis1=1, axis2=2) / np.maximum(totals, 1))
