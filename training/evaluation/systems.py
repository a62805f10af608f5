"""What is compared: checkpoints of ours, and the lexicons a user would pick instead."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from model.backends.engine import Engine, load_engine
from model.errors import NothingToRead, Unreadable
from model.text.preprocessing import prepare_in_steps
from model.verdict import SENTIMENTS
from training.errors import TrainingError
from training.labels import NEGATIVE, NEUTRAL, POSITIVE
from training.scoring import read_logits, refused, verdicts


@dataclass(frozen=True, slots=True)
class Answers:
    """What a system says of n texts.

    `found` holds label ids 0 to 2, shape (n,). `score` is in [-1, 1], shape (n,); above 0 it is positive when only two
    answers are allowed, else negative. `probabilities` has shape (n, 3), or is None for a system that gives none.
    `refused` marks the texts of which it says that it can't read them, shape (n,); they count as neutral elsewhere.
    """

    found: NDArray[np.int64]
    score: NDArray[np.float64]
    probabilities: NDArray[np.float64] | None
    refused: NDArray[np.bool_]

    def two_way(self) -> NDArray[np.int64]:
        """Label ids when neutral is no answer, shape (n,)."""
        return np.where(self.score > 0, POSITIVE, NEGATIVE)

    def polar(self) -> NDArray[np.float64] | None:
        """Probabilities without neutral, shape (n, 3): the column of neutral is 0."""
        if self.probabilities is None:
            return None
        sides = self.probabilities * np.array([1.0, 0.0, 1.0])
        return np.asarray(sides / np.maximum(sides.sum(axis=1, keepdims=True), 1e-12))


class System(Protocol):
    """Anything that reads texts as people wrote them. `version` changes when its answers may."""

    name: str
    version: str

    def answer(self, texts: Sequence[str], title: str, language: str = "") -> Answers:
        """Reads texts in that language, "" being English; shows progress under `title`."""
        ...


class CheckpointSystem:
    """A checkpoint as the bot runs it: cleaned, in windows, calibrated."""

    def __init__(self, name: str, source: str, *, identify: bool = False) -> None:
        """With `identify` it finds each text's language out by itself, whatever `answer` is told.

        Raises a ModelError when the source cannot be loaded.
        """
        self.name = name
        self.engine: Engine = load_engine(source)
        self.version = self.engine.checkpoint.version + ("-identified" if identify else "")
        self._identify = identify

    def answer(self, texts: Sequence[str], title: str, language: str = "") -> Answers:
        """A refused text, with nothing to read or unreadable, is neutral."""
        taken_for = [self._identified(text) if self._identify else language for text in texts]
        found = [refused(self.engine)] * len(texts)
        unread = np.ones(len(texts), dtype=bool)
        for one in dict.fromkeys(taken_for):
            if one is None:
                continue
            places = [place for place, other in enumerate(taken_for) if other == one]
            chosen = [texts[place] for place in places]
            logits = read_logits(self.engine, chosen, title, one)
            unread[places] = [not len(rows) for rows in logits]
            for place, verdict in zip(places, verdicts(self.engine, chosen, logits, one), strict=True):
                found[place] = verdict
        return Answers(
            np.array([SENTIMENTS.index(verdict.sentiment) for verdict in found]),
            np.array([verdict.score for verdict in found]),
            np.array([verdict.probabilities for verdict in found]),
            unread,
        )

    def _identified(self, text: str) -> str | None:
        """The language as which the bot reads a text, None for one that it refuses."""
        steps = prepare_in_steps(text, self.engine.checkpoint.languages)
        try:
            while True:
                next(steps)
        except StopIteration as prepared:
            language: str = prepared.value.language
        except (NothingToRead, Unreadable):
            return None
        try:
            self.engine.part(language)
        except Unreadable:
            return None
        return language


class VaderSystem:
    """VADER (Hutto and Gilbert 2014) with its authors' thresholds of 0.05 on the compound score."""

    name = "VADER"

    def __init__(self) -> None:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

        self._analyzer = SentimentIntensityAnalyzer()
        self.version = f"vader-{importlib.metadata.version('vaderSentiment')}"

    def answer(self, texts: Sequence[str], title: str, language: str = "") -> Answers:
        """The raw text is read: capitals, punctuation and emoji count for VADER."""
        scores = [self._analyzer.polarity_scores(text)["compound"] for text in tqdm(texts, desc=title, unit="text")]
        return _by_threshold(np.array(scores), 0.05)


class TextBlobSystem:
    """TextBlob's default analyzer; its documentation gives no threshold, so 0 is neutral and nothing else."""

    name = "TextBlob"

    def __init__(self) -> None:
        from textblob import TextBlob

        self._blob = TextBlob
        self.version = f"textblob-{importlib.metadata.version('textblob')}"

    def answer(self, texts: Sequence[str], title: str, language: str = "") -> Answers:
        """The raw text is read."""
        scores = [self._blob(text).sentiment.polarity for text in tqdm(texts, desc=title, unit="text")]
        return _by_threshold(np.array(scores), 1e-9)


def open_systems(models: Sequence[str], *, peers: bool, identify: bool = False) -> list[System]:
    """Systems for "NAME=SOURCE" or "SOURCE" strings, the peers first; `identify` as for a CheckpointSystem.

    Raises TrainingError when one has no name or source or two have one name, and a ModelError when a source cannot be
    loaded.
    """
    named = [tuple(model.split("=", 1)) if "=" in model else (model, model) for model in models]
    if nameless := [model for model, pair in zip(models, named, strict=True) if not all(pair)]:
        raise TrainingError(f"{nameless[0]!r} lacks its name or its source; say --model NAME=SOURCE.")
    names = [*(system.name for system in (VaderSystem, TextBlobSystem) if peers), *(name for name, _ in named)]
    if len(set(names)) < len(names):
        raise TrainingError(f"Two models are named {max(names, key=names.count)!r}; say --model NAME=SOURCE for each.")
    systems: list[System] = [VaderSystem(), TextBlobSystem()] if peers else []
    systems.extend(CheckpointSystem(name, source, identify=identify) for name, source in named)
    return systems


def _by_threshold(scores: NDArray[np.float64], threshold: float) -> Answers:
    found = np.where(scores >= threshold, POSITIVE, np.where(scores <= -threshold, NEGATIVE, NEUTRAL))
    return Answers(found, scores, None, np.zeros(len(scores), dtype=bool))
