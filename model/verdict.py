"""What the model says of a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import exp

import numpy as np
from numpy.typing import NDArray

from model.register import Register, Traits

_NO_REGISTER, _NO_TRAITS = Register(), Traits()


class Sentiment(StrEnum):
    """The three classes; `SENTIMENTS.index` of one is its label id in every artefact and data set."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


SENTIMENTS = tuple(Sentiment)


UNSURE_BELOW = 0.5
"""Calibrated confidence under which an answer is called unsure: it is likelier wrong than right."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One text's sentiment.

    `probabilities` are calibrated, in the order of `SENTIMENTS`, and sum to 1. `windows` is how many windows of at
    most 512 tokens were read, and `skipped` how many more the text has: it was too long to be read whole. `model` is
    the version of the artefact: a short hash of its files. `danger` says that somebody may be in danger
    (`model.text.danger`): the sentiment is negative then, whatever the network says, and not to be shown as a rating.
    `temperature` is what its logits were divided by. `language` is the one as which the text was read, by its code of
    ISO 639; empty with a model for English alone.
    """

    sentiment: Sentiment
    probabilities: tuple[float, float, float]
    windows: int
    model: str
    skipped: int = 0
    danger: bool = False
    temperature: float = 1.0
    language: str = ""

    @property
    def parts(self) -> int:
        """How many windows the text has, whether they were read or not."""
        return self.windows + self.skipped

    @property
    def confidence(self) -> float:
        """The largest probability, in [1/3, 1]."""
        return max(self.probabilities)

    @property
    def score(self) -> float:
        """P(positive) - P(negative), in [-1, 1]."""
        negative, _, positive = self.probabilities
        return positive - negative

    def score_at(self, temperature: float) -> float:
        """The score that it would have at another temperature: to compare with a text of another register."""
        if temperature == self.temperature:
            return self.score
        negative, neutral, positive = (pow(one, self.temperature / temperature) for one in self.probabilities)
        return float((positive - negative) / (negative + neutral + positive))


def in_danger(verdict: Verdict) -> Verdict:
    """The verdict on a text in which somebody may be in danger: negative, and not to be shown as a rating.

    Its numbers look like any other's, so that nothing which keeps them says whose text was such a one.
    """
    negative, neutral, positive = verdict.probabilities
    polar = negative + positive
    probabilities = (max(polar, neutral), min(polar, neutral), 0.0)
    return replace(verdict, sentiment=Sentiment.NEGATIVE, probabilities=probabilities, danger=True)


def decide(
    logits: NDArray[np.float32],
    labels: Sequence[Sentiment],
    *,
    temperature: float,
    abstain_below: float,
    version: str,
    register: Register = _NO_REGISTER,
    traits: Traits = _NO_TRAITS,
    language: str = "",
) -> Verdict:
    """Merges a text's windows into one verdict.

    `logits` has shape (windows, len(labels)) and is finite; the windows' logits are averaged, so a strong passage
    outweighs a bland one. They are divided by `temperature`, and by what `register` says of a text with these `traits`.
    Without a neutral label the verdict is neutral when the larger probability is below `abstain_below`.
    """
    # In plain floats: for three numbers each call of NumPy costs more than all of this.
    means = [sum(label) / len(label) for label in zip(*logits.tolist(), strict=True)]
    if register and Sentiment.NEUTRAL in labels:  # without that label, how sure it is decides what it says
        second, first = sorted(means)[-2:]
        temperature *= register.factor(traits, first - second)
    scaled = [mean / temperature for mean in means]
    largest = max(scaled)
    exponentials = [exp(value - largest) for value in scaled]
    total = sum(exponentials)
    by_label = {label: value / total for label, value in zip(labels, exponentials, strict=True)}
    negative, neutral, positive = (by_label.get(sentiment, 0.0) for sentiment in SENTIMENTS)
    sentiment = labels[means.index(max(means))]
    if Sentiment.NEUTRAL not in by_label and by_label[sentiment] < abstain_below:
        sentiment = Sentiment.NEUTRAL
    probabilities = (negative, neutral, positive)
    return Verdict(sentiment, probabilities, len(logits), version, temperature=temperature, language=language)
