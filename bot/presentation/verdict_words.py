"""A verdict in words, for whoever shows it: Discord's embeds and the page's cards."""

from __future__ import annotations

from bot.i18n import N_, gettext
from model import Explanation, Influence, Sentiment, Verdict
from model.verdict import UNSURE_BELOW

EMOJI = {Sentiment.NEGATIVE: "👎", Sentiment.NEUTRAL: "😐", Sentiment.POSITIVE: "👍"}
MIXED, UNCLEAR = "⚖️", "🤷"

SURE_FROM = 80
"""Printed percent from which on an answer is called sure."""

MIXED_FROM = 20
"""Printed percent that good and bad both have in a text that is called mixed."""

_BAR = 10

_UNSURE = (N_("unsure"), N_("I'm not sure."))

_CONFIDENCE_WORDS = (
    (95, (N_("very sure"), N_("I'm very sure."))),
    (SURE_FROM, (N_("sure"), N_("I'm sure."))),
    (65, (N_("fairly sure"), N_("I'm fairly sure."))),
    (round(100 * UNSURE_BELOW), (N_("a guess"), N_("That's a guess."))),
    (0, _UNSURE),
)
"""From which printed percent on it is called what, alone and as a sentence."""


def headline(verdict: Verdict) -> str:
    """What stands above everything else, in one to three words."""
    if abstains(verdict):
        return gettext("Hard to tell")
    return gettext("Mixed") if is_mixed(verdict) else title_of(verdict.sentiment)


_NAMES = {
    Sentiment.NEGATIVE: (N_("negative"), N_("Negative")),
    Sentiment.NEUTRAL: (N_("neutral"), N_("Neutral")),
    Sentiment.POSITIVE: (N_("positive"), N_("Positive")),
}


def name_of(sentiment: Sentiment) -> str:
    """As in "positive", standing alone: in a sentence the word may need another form."""
    return gettext(_NAMES[sentiment][0])


def title_of(sentiment: Sentiment) -> str:
    """As in "Positive", as a headline or a choice."""
    return gettext(_NAMES[sentiment][1])


def emoji(verdict: Verdict) -> str:
    """The sign that goes with the headline."""
    if abstains(verdict):
        return UNCLEAR
    return MIXED if is_mixed(verdict) else EMOJI[verdict.sentiment]


def interpret(verdict: Verdict) -> str:
    """One plain sentence under the headline, unless somebody may be in danger.

    It judges by the percents as they are printed, so that it never says something else than the numbers beside it.
    """
    if verdict.danger:
        return gettext("Someone might be in danger, so this isn't rated.")
    negative, neutral, positive = percentages(verdict.probabilities)
    if abstains(verdict):
        return gettext("Could be good or bad.")
    return gettext(_mixed_or_plain(verdict, negative, neutral, positive))


def _mixed_or_plain(verdict: Verdict, negative: int, neutral: int, positive: int) -> str:
    sentiment = verdict.sentiment
    if is_mixed(verdict):
        return _MIXED_WORDS[sentiment]
    if sentiment is Sentiment.NEUTRAL:
        if neutral >= SURE_FROM:
            return N_("Just information, no clear feeling.")
        if max(negative, positive) < 15:
            return N_("Mostly neutral.")
        return N_("Mostly neutral, a bit positive.") if positive >= negative else N_("Mostly neutral, a bit negative.")
    confidence = printed_confidence(verdict)
    good = sentiment is Sentiment.POSITIVE
    if confidence >= 95:
        return N_("Clearly positive.") if good else N_("Clearly negative.")
    if confidence >= SURE_FROM:
        return N_("Pretty clearly positive.") if good else N_("Pretty clearly negative.")
    if neutral >= 30:
        return N_("Slightly positive.") if good else N_("Slightly negative.")
    return N_("Mostly positive.") if good else N_("Mostly negative.")


_MIXED_WORDS = {
    Sentiment.NEGATIVE: N_("More bad than good."),
    Sentiment.NEUTRAL: N_("A mix of good and bad."),
    Sentiment.POSITIVE: N_("More good than bad."),
}


def abstains(verdict: Verdict) -> bool:
    """Whether "neutral" only means that a model of two labels was not sure of either."""
    return verdict.sentiment is Sentiment.NEUTRAL and verdict.probabilities[1] < verdict.confidence


def is_mixed(verdict: Verdict) -> bool:
    """Whether good and bad are both in it, each with `MIXED_FROM` printed percent or more."""
    negative, _, positive = percentages(verdict.probabilities)
    return not abstains(verdict) and min(negative, positive) >= MIXED_FROM


def printed_confidence(verdict: Verdict) -> int:
    """The confidence as the percent that people see."""
    return max(percentages(verdict.probabilities))


def sureness(verdict: Verdict) -> str:
    """How sure the model is, by the printed percent; one that abstains is unsure at any."""
    return gettext(_sure(verdict)[0])


def sureness_sentence(verdict: Verdict) -> str:
    """The same as a sentence, as in "I'm fairly sure."."""
    return gettext(_sure(verdict)[1])


def confidence_in_words(percent: int) -> str:
    """From 95 % "very sure", from 80 "sure", from 65 "fairly sure", from 50 "a guess", below that "unsure"."""
    return gettext(_by_percent(percent)[0])


def _sure(verdict: Verdict) -> tuple[str, str]:
    return _UNSURE if abstains(verdict) else _by_percent(printed_confidence(verdict))


def _by_percent(percent: int) -> tuple[str, str]:
    return next(words for floor, words in _CONFIDENCE_WORDS if percent >= floor)


def percentages(probabilities: tuple[float, float, float]) -> tuple[int, int, int]:
    """Whole percents that sum to 100: the largest remainders are rounded up."""
    exact = [probability * 100 for probability in probabilities]
    whole = [int(value) for value in exact]
    by_remainder = sorted(range(3), key=lambda index: exact[index] - whole[index], reverse=True)
    for index in by_remainder[: 100 - sum(whole)]:
        whole[index] += 1
    return whole[0], whole[1], whole[2]


def bar(percent: int) -> str:
    """A printed percent as a thin line of ten parts; more than nothing is never shown as nothing."""
    full = max(round(percent / 100 * _BAR), min(percent, 1))
    return ("━" * full).ljust(_BAR)


SLIGHT = 0.05
"""Effects below this are not called a reason."""

ALL_OF_THEM = N_("No single word did it. Many words point the same way.")
NONE_PULLS = N_("No word pulls it to either side.")
AS_A_WHOLE = N_("No single word did it; it's the whole message.")


def without_reason(verdict: Verdict) -> str:
    """What is said where no single word moved the verdict: one that is sure of a side stands on many of them."""
    if abstains(verdict) or printed_confidence(verdict) < SURE_FROM:
        return gettext(AS_A_WHOLE)
    return gettext(NONE_PULLS if verdict.sentiment is Sentiment.NEUTRAL else ALL_OF_THEM)


def strongest(explanation: Explanation, most: int = 5) -> list[Influence]:
    """The pieces that had more than a slight effect, the strongest first."""
    strong = [influence for influence in explanation.influences if abs(influence.effect) >= SLIGHT]
    return sorted(strong, key=lambda influence: abs(influence.effect), reverse=True)[:most]
