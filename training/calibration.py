"""Probabilities that mean what they say (Guo et al. 2017, arXiv:1706.04599)."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities along the last axis."""
    shifted = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(-1, keepdims=True))


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature in [0.25, 8] that minimises the negative log-likelihood of `labels`.

    `logits` has shape (n, classes), `labels` shape (n,). Divide logits by it before the softmax.
    """

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        peak = scaled.max(-1)
        total = peak + np.log(np.exp(scaled - peak[:, None]).sum(-1))
        return float((total - scaled[np.arange(len(labels)), labels]).mean())

    best = minimize_scalar(loss, bounds=(np.log(0.25), np.log(8.0)), method="bounded")
    return float(np.exp(best.x))


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy over equal-width bins of confidence, in [0, 1]."""
    confidence = probabilities.max(-1)
    right = probabilities.argmax(-1) == labels
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(confidence[which == index].mean() - right[which == index].mean()) * (which == index).mean()
        for index in range(bins)
        if (which == index).any()
    ]
    return float(np.sum(gaps))
