"""What phase 2 gains on chat and loses on reviews, along the straight line between the two phases' weights.

Wortsman et al. 2022 (arXiv:2109.01903) interpolate so to keep what fine-tuning would forget. Held-out texts only:
validation tweets, and reviews that neither phase saw.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer

from model.verdict import SENTIMENTS
from training.base import load_base
from training.data import load_split, split_validation
from training.errors import TrainingError
from training.labels import NEGATIVE, POSITIVE
from training.recipe import Recipe
from training.train import macro_recall, read_network
from training.weight_blend import WEIGHTS, labels_of_phase_two

METRICS = {"reviews": "IMDB, two-way accuracy", "tweets": "TweetEval validation, macro recall"}


def forgetting_curve(
    first: Path, second: Path, recipe: Recipe, data: Path | None, *, rows: int = 1_000, points: int = 6
) -> dict[str, Any]:
    """Scores `points` checkpoints from phase 1's folder to phase 2's, both ends included.

    `recipe` is phase 2's: its held-out share of reviews is scored. Returns {"metrics": labels, "between": names of
    the two folders, "points": [{"share", "reviews", "tweets"}]}, shares and metrics in [0, 1]. Raises TrainingError
    when the networks differ in shape.
    """
    if points < 2:
        raise TrainingError(f"A curve needs at least 2 points, not {points}.")
    labels = labels_of_phase_two(second)
    order = [SENTIMENTS.index(label) for label in labels]
    network, _ = load_base(str(first), tuple(label.value for label in labels), dropout=0.0, attention_dropout=0.0)
    start, end = network.state_dict(), load_file(second / WEIGHTS)
    if {name: tuple(values.shape) for name, values in start.items()} != {
        name: tuple(values.shape) for name, values in end.items()
    }:
        raise TrainingError(f"{first} and {second} are networks of different shapes.")
    tweets = load_split("tweet_eval", "validation", data)
    reviews = split_validation(load_split("imdb", "train", data), recipe.validation_share, recipe.seed)["validation"]
    tweets, reviews = (part.shuffle(seed=0).select(range(min(rows, len(part)))) for part in (tweets, reviews))
    found = []
    with tempfile.TemporaryDirectory() as scratch:
        AutoTokenizer.from_pretrained(str(second)).save_pretrained(scratch)
        for share in np.linspace(0, 1, points):
            between = {name: torch.lerp(start[name].float(), end[name].float(), float(share)) for name in start}
            network.load_state_dict(between)
            network.save_pretrained(scratch)
            polar = read_network(Path(scratch), recipe, reviews["text"])[
                :, [order.index(NEGATIVE), order.index(POSITIVE)]
            ]
            right = (polar.argmax(axis=1) == 1) == (np.array(reviews["label3"]) == POSITIVE)
            logits = read_network(Path(scratch), recipe, tweets["text"])[:, [order.index(label) for label in range(3)]]
            found.append(
                {
                    "share": round(float(share), 3),
                    "reviews": round(float(right.mean()), 4),
                    "tweets": round(macro_recall(logits, np.array(tweets["label3"])), 4),
                }
            )
    return {
        "metrics": METRICS,
        "between": [first.name, second.name],
        "rows": {"reviews": len(reviews), "tweets": len(tweets)},
        "points": found,
    }
