"""A teacher for unlabelled reviews: a fine-tuned checkpoint and a bag of words, which err on different texts.

Each alone reads about as well as the other; together they read better than either, and what they say of the 50,000
unlabelled IMDB reviews is more to learn from than the 25,000 labels (self-training; arXiv:1911.04252). The bag of words
is a logistic regression over tf-idf of one and two words, scaled by naive Bayes log-count ratios (Wang and Manning
2012, "Baselines and Bigrams").
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from tqdm import tqdm

from model.checkpoints.checkpoint import open_checkpoint
from training.checkpointing import explained, whole_folder
from training.data import fingerprint, load_split, load_texts, split_validation
from training.errors import DataError, TrainingError
from training.labels import NEGATIVE, POSITIVE
from training.recipe import Recipe
from training.train import read_network

_WORD = r"(?u)\b\w+(?:'\w+)?\b|[!?]"


class WordTeacher:
    """Logistic regression over naive-Bayes-scaled tf-idf of words and pairs of words."""

    def __init__(self) -> None:
        self._words = TfidfVectorizer(
            ngram_range=(1, 2), min_df=2, sublinear_tf=True, token_pattern=_WORD, dtype=np.float32
        )
        self._model = LogisticRegression(C=30, solver="liblinear", dual=True, random_state=0)
        self._ratio: NDArray[np.float32] = np.zeros(0, np.float32)

    def fit(self, texts: Sequence[str], positive: NDArray[np.bool_]) -> None:
        """Learns from texts and whether each is positive, shape (n,)."""
        counts = self._words.fit_transform(texts)
        present = counts > 0
        praise, blame = (1 + np.asarray(present[side].sum(axis=0)).ravel() for side in (positive, ~positive))
        self._ratio = np.log((praise / praise.sum()) / (blame / blame.sum())).astype(np.float32)
        self._model.fit(self._scaled(counts), positive)

    def decide(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Log-odds of positive, shape (n,)."""
        return np.asarray(self._model.decision_function(self._scaled(self._words.transform(texts))))

    def _scaled(self, counts: csr_matrix) -> csr_matrix:
        return counts.multiply(self._ratio).tocsr()


def teach(checkpoint: Path, recipe: Recipe, data: Path | None, rows: int, output: Path) -> dict[str, Any]:
    """Writes `rows` unlabelled reviews with the teacher's P(positive) to the Parquet file `output`.

    `checkpoint` is phase 1's folder and `recipe` its recipe, whose held-out reviews say how much each of the two
    teachers is worth. Returns the record that is also written beside the file: accuracies on those reviews, in
    [0, 1], and the number of rows. Raises TrainingError for a checkpoint that is not two-way, and
    CheckpointErrors for what is none.
    """
    if (labels := len(open_checkpoint(str(checkpoint)).labels)) != 2:
        raise TrainingError(f"{checkpoint} has {labels} labels; the teacher is a checkpoint of phase 1.")
    labelled = split_validation(load_split("imdb", "train", data), recipe.validation_share, recipe.seed)
    truth = np.array(labelled["validation"]["label3"]) == POSITIVE
    words = WordTeacher()
    words.fit(labelled["train"]["text"][:], np.array(labelled["train"]["label3"]) == POSITIVE)
    held_out = _both(words, checkpoint, recipe, labelled["validation"]["text"][:])
    together = LogisticRegression().fit(held_out, truth)
    known = [text for rows_of_split in labelled.values() for text in rows_of_split["text"][:]]
    texts = load_texts("imdb_unsupervised", data, without=known)
    if rows:
        texts = texts.shuffle(seed=recipe.seed).select(range(min(rows, len(texts))))
    if len(texts) == 0:
        raise DataError("There are no unlabelled reviews to teach from.")
    positive = together.predict_proba(_both(words, checkpoint, recipe, texts["text"][:]))[:, 1]
    taught = Dataset.from_dict(
        {
            "text": texts["text"][:],
            "label3": np.where(positive > 0.5, POSITIVE, NEGATIVE),
            "probabilities": np.stack([1 - positive, np.zeros_like(positive), positive], axis=1).round(4).tolist(),
        }
    )
    record = {
        "checkpoint_accuracy": float(((held_out[:, 0] > 0) == truth).mean()),
        "words_accuracy": float(((held_out[:, 1] > 0) == truth).mean()),
        "together_accuracy": float((together.predict(held_out) == truth).mean()),
        "weights": [*together.coef_[0].tolist(), float(together.intercept_[0])],
        "rows": len(taught),
        "data": fingerprint(taught),
    }
    with explained(output), whole_folder(output.parent) as beside:
        taught.to_parquet(str(beside / output.name))
        (beside / output.with_suffix(".json").name).write_text(json.dumps(record, indent=2) + "\n", "utf-8")
    return record


def _both(words: WordTeacher, checkpoint: Path, recipe: Recipe, texts: Sequence[str]) -> NDArray[np.float64]:
    """Log-odds of positive by each teacher, shape (n, 2)."""
    with tqdm(total=2, desc="teachers", unit="teacher") as progress:
        by_words = words.decide(texts)
        progress.update()
        logits = read_network(checkpoint, recipe, texts)
        progress.update()
    return np.stack([logits[:, 1] - logits[:, 0], by_words], axis=1)
