"""How wrong a wrong answer is, and whether an answer that reads as sure is right."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluation.metrics import share
from training.labels import NEUTRAL

SURE = 0.9
"""Confidence from which an answer reads as sure."""


def polarity_flips(truth: NDArray[np.int64], found: NDArray[np.int64]) -> dict[str, float]:
    """The share of all texts whose answer is the opposite of the truth: negative for positive, or back."""
    return share((truth != NEUTRAL) & (found != NEUTRAL) & (truth != found)).plain()


def sure_and_right(truth: NDArray[np.int64], probabilities: NDArray[np.float64]) -> dict[str, Any] | None:
    """The share that is right of the answers with a confidence of `SURE` or more; None where there are none."""
    sure = probabilities.max(axis=1) >= SURE
    return share((probabilities.argmax(axis=1) == truth)[sure]).plain() if sure.any() else None
