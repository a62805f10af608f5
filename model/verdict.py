"""What the model says of a text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Sentiment(StrEnum):
    """The three classes; `SENTIMENTS.index` of one is its label id in every artefact and data set."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


SENTIMENTS = tuple(Sentiment)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One text's sentiment.

    `probabilities` are calibrated, in the order of `SENTIMENTS`, and sum to 1. `windows` is how many windows of at
    most 512 tokens were read. `model` is the version of the artefact: a short hash of its files.
    """

    sentiment: Sentiment
    probabilities: tuple[float, float, float]
    windows: int
    model: str

    @property
    def confidence(self) -> float:
        """The largest probability, in [1/3, 1]."""
        return max(self.probabilities)

    @property
    def score(self) -> float:
        """P(positive) - P(negative), in [-1, 1]."""
        negative, _, positive = self.probabilities
        return positive - negative
