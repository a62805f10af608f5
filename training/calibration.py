"""Probabilities that mean what they say (Guo et al. 2017, arXiv:1706.04599)."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log

import numpy as np
from scipy.optimize import minimize, minimize_scalar

from model.register import MOST_MARGIN, USUAL_TOKENS, Register, Traits


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


def fit_register(
    logits: np.ndarray, labels: np.ndarray, traits: Sequence[Traits], groups: np.ndarray
) -> tuple[float, Register]:
    """The temperature and the weights of `Register` that minimise the negative log-likelihood of `labels`.

    `logits` has shape (n, classes), `labels` and `groups` shape (n,): each group, such as chat or reviews, weighs as
    much as any other, however many rows it has. Which label is the first stays as it is, for temperatures are above 0,
    and of two texts of one register that with the larger margin stays the surer.
    """
    second, first = np.sort(logits, axis=-1)[:, -2:].T
    features = np.stack(
        [
            [log(max(1, one.tokens) / USUAL_TOKENS) for one in traits],
            [one.pieces for one in traits],
            np.minimum(first - second, MOST_MARGIN),
        ],
        axis=-1,
    )
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    weight = 1.0 / (sizes[group] * len(sizes))

    def loss(found: np.ndarray) -> float:
        scaled = logits / np.exp(found[0] + np.clip(features @ found[1:], -2.0, 2.0))[:, None]
        peak = scaled.max(-1)
        total = peak + np.log(np.exp(scaled - peak[:, None]).sum(-1))
        return float((weight * (total - scaled[np.arange(len(labels)), labels])).sum())

    start = np.array([log(fit_temperature(logits, labels)), 0.0, 0.0, 0.0])
    bounds = [(log(0.25), log(8.0)), (-1.0, 1.0), (-2.0, 2.0), (-0.12, 0.1)]
    best = minimize(loss, start, method="L-BFGS-B", bounds=bounds)
    temperature, *weights = best.x
    return float(exp(temperature)), Register(*(round(float(one), 4) for one in weights))


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
