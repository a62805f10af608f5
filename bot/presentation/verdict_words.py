"""A verdict in words, for whoever shows it: Discord's embeds and the page's cards."""

from __future__ import annotations

from model import Explanation, Influence, Sentiment, Verdict
from model.verdict import UNSURE_BELOW

EMOJI = {Sentiment.NEGATIVE: "👎", Sentiment.NEUTRAL: "😐", Sentiment.POSITIVE: "👍"}


SURE_FROM = 0.80
"""Confidence from which on an answer is called sure."""


_BAR = 10


_CONFIDENCE_WORDS = (
    (0.95, "very sure"),
    (SURE_FROM, "sure"),
    (0.65, "fairly sure"),
    (UNSURE_BELOW, "leaning"),
    (0.0, "unsure"),
)


def counted_parts(verdict: Verdict) -> str:
    """How many windows were read, and of how many where the text was too long to be read whole."""
    return f"{verdict.windows} of {verdict.parts}" if verdict.skipped else f"{verdict.windows}"


def interpret(verdict: Verdict) -> str:
    """One plain sentence for the shape of the three probabilities, unless somebody may be in danger."""
    if verdict.danger:
        return "Someone might be in danger, so this isn't rated."
    negative, neutral, positive = verdict.probabilities
    sentiment = verdict.sentiment
    against = {Sentiment.NEGATIVE: positive, Sentiment.POSITIVE: negative}.get(sentiment, 0.0)
    if abstains(verdict):
        return "Neither side is clear enough to call."
    if sentiment is Sentiment.NEUTRAL:
        if neutral >= 0.8:
            return "States something without praise or blame."
        if min(negative, positive) >= 0.2:
            return "Praise and blame about balance out."
        side = "positive" if positive >= negative else "negative"
        return f"Mostly neutral, with a {side} undertone." if max(negative, positive) >= 0.15 else "Mostly neutral."
    word, other = ("Positive", "criticises") if sentiment is Sentiment.POSITIVE else ("Negative", "praises")
    lean = f"Leans {sentiment}"
    if against >= 0.2:
        return f"{lean}, but it {other} as well: mixed."
    if verdict.confidence >= 0.95:
        return f"Clearly {sentiment}."
    if verdict.confidence >= 0.8:
        return f"{word}, with little doubt."
    if neutral >= 0.3:
        return f"{lean}, though it could be meant neutrally."
    return f"{lean}."


def abstains(verdict: Verdict) -> bool:
    """Whether "neutral" only means that a model of two labels was not sure of either."""
    return verdict.sentiment is Sentiment.NEUTRAL and verdict.probabilities[1] < verdict.confidence


def confidence_in_words(confidence: float) -> str:
    """From 95 % "very sure", from 80 "sure", from 65 "fairly sure", from 50 "leaning", below that "unsure"."""
    return next(words for floor, words in _CONFIDENCE_WORDS if confidence >= floor)


def percentages(probabilities: tuple[float, float, float]) -> tuple[int, int, int]:
    """Whole percents that sum to 100: the largest remainders are rounded up."""
    exact = [probability * 100 for probability in probabilities]
    whole = [int(value) for value in exact]
    by_remainder = sorted(range(3), key=lambda index: exact[index] - whole[index], reverse=True)
    for index in by_remainder[: 100 - sum(whole)]:
        whole[index] += 1
    return whole[0], whole[1], whole[2]


def bar(share: float) -> str:
    """A share in [0, 1] as ten blocks."""
    full = round(share * _BAR)
    return "█" * full + "░" * (_BAR - full)


SLIGHT = 0.05
"""Effects below this are not called a reason."""


ALL_OF_THEM = "No single word did it; many words point the same way."


NONE_PULLS = "No single word pulls it to either side."


AS_A_WHOLE = "No single word stands out: the text reads this way as a whole."


def without_reason(verdict: Verdict) -> str:
    """What is said where no single word moved the verdict: one that is sure of a side stands on many of them."""
    if abstains(verdict) or verdict.confidence < SURE_FROM:
        return AS_A_WHOLE
    return NONE_PULLS if verdict.sentiment is Sentiment.NEUTRAL else ALL_OF_THEM


def strongest(explanation: Explanation, most: int = 5) -> list[Influence]:
    """The pieces that had more than a slight effect, the strongest first."""
    strong = [influence for influence in explanation.influences if abs(influence.effect) >= SLIGHT]
    return sorted(strong, key=lambda influence: abs(influence.effect), reverse=True)[:most]
