"""What a visitor reads of one text, as HTML by the templates; nothing here knows of Gradio."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.presentation import palette
from bot.presentation.danger import BEFORE_LINK, NOT_RATED, WITHOUT_LINK
from bot.presentation.language_words import english_name
from bot.presentation.text import signed
from bot.presentation.verdict_words import (
    SLIGHT,
    emoji,
    headline,
    interpret,
    percentages,
    strongest,
    sureness,
    without_reason,
)
from bot.web.templating import render
from model import BUNDLED, SENTIMENTS, Explanation, Influence, ModelInfo, Sentiment, Verdict
from model.text.languages import ENGLISH

LEGEND = (
    "Your text, with the words that mattered: ▲ pushed it up, ▼ pulled it down. I tried the text without each of "
    "them. The stronger the colour, the stronger the push."
)
TOO_LONG_TO_EXPLAIN = "This text is too long to try without each of its words."
TOO_BUSY_TO_EXPLAIN = "I'm too busy right now to try its words one by one."
STILL_LOOKING = "Looking for the words that mattered…"

EMPTY = render("quiet", sentence="The answer shows up here.")


@dataclass(frozen=True, slots=True)
class Bar:
    """One class of a verdict: a colour as CSS has it, a share of 1 and the same in percent."""

    name: str
    colour: str
    share: float
    percent: int


@dataclass(frozen=True, slots=True)
class VerdictView:
    """A verdict as the templates show it: in words, colours and whole percents."""

    name: str
    emoji: str
    colour: str
    sentence: str
    percent: int
    sure: str
    bars: tuple[Bar, ...]
    parts: str
    model: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the text: with an effect it is marked, by direction and strength from 0 to 1."""

    text: str
    effect: float | None = None
    strength: float = 0.0
    signed: str = ""


def notice(sentence: str) -> str:
    """A friendly line where an answer would stand."""
    return render("notice", sentence=sentence)


def kind_card(help_url: str) -> str:
    """What stands where a rating would, when somebody may be in danger."""
    return render("danger", not_rated=NOT_RATED, before_link=BEFORE_LINK, without_link=WITHOUT_LINK, url=help_url)


def verdict_card(verdict: Verdict, explanation: Explanation | None = None, remark: str = "") -> str:
    """The whole answer about a text; `remark` stands where its words would be explained."""
    pieces: list[Piece] = []
    if explanation is not None:
        ranked = strongest(explanation, len(explanation.influences))
        pieces = list(_pieces(explanation.text, ranked)) if ranked else []
        remark = LEGEND if ranked else without_reason(explanation.verdict)
    return render("verdict", verdict=_view(verdict), pieces=pieces, why=remark)


def comparison_cards(verdicts: Sequence[tuple[str, Verdict]], sentence: str) -> str:
    """Two models' answers side by side; each comes with the name of its model."""
    shown = [(name, _view(verdict)) for name, verdict in verdicts]
    return render("comparison", verdicts=shown, sentence=sentence)


def difference(first: Verdict, second: Verdict) -> str:
    """One sentence on how two verdicts on the same text differ."""
    change = abs(first.score - second.score)
    if first.sentiment is not second.sentiment:
        return f"They disagree: {first.sentiment} here, {second.sentiment} there."
    if change < SLIGHT:
        return f"They agree: {first.sentiment}, and about as sure."
    surer = "first" if first.confidence > second.confidence else "second"
    return f"They agree: {first.sentiment}, but the {surer} is surer."


def model_line(info: ModelInfo) -> str:
    """Which model answers on this page, and whether it is the one that should."""
    return render("model", model=model_view(info))


def model_view(info: ModelInfo) -> dict[str, str]:
    """What the line about the model says."""
    name = "the bundled model" if info.source == BUNDLED else info.source
    return {"name": name, "version": info.version, "fallback": info.fallback}


def marked(text: str, influences: Sequence[Influence]) -> str:
    """`text` escaped, with the pieces that moved the verdict marked by direction and strength."""
    return render("marked", pieces=list(_pieces(text, influences)))


def css_colour(sentiment: Sentiment) -> str:
    """A sentiment's colour as CSS has it."""
    return palette.as_hex(palette.SENTIMENT[sentiment])


def _pieces(text: str, influences: Sequence[Influence]) -> Iterator[Piece]:
    position = 0
    for found in sorted(influences, key=lambda influence: influence.start):
        yield Piece(text[position : found.start])
        yield Piece(text[found.start : found.end], found.effect, min(1.0, abs(found.effect)), signed(found.effect))
        position = found.end
    yield Piece(text[position:])


def _view(verdict: Verdict) -> VerdictView:
    percents = percentages(verdict.probabilities)
    bars = tuple(
        Bar(sentiment.capitalize(), css_colour(sentiment), probability, percent)
        for sentiment, probability, percent in zip(SENTIMENTS, verdict.probabilities, percents, strict=True)
    )
    return VerdictView(
        name=headline(verdict),
        emoji=emoji(verdict),
        colour=css_colour(verdict.sentiment),
        sentence=interpret(verdict),
        percent=max(percents),
        sure=sureness(verdict),
        bars=bars[::-1],
        parts=_parts_read(verdict),
        model=verdict.model,
        language=english_name(verdict.language) if verdict.language not in {"", ENGLISH} else "",
    )


def _parts_read(verdict: Verdict) -> str:
    """How many windows were read, and of how many where the text was too long to be read whole."""
    if verdict.skipped:
        return f"{verdict.windows} of {verdict.parts} parts"
    return "1 part" if verdict.parts == 1 else f"{verdict.windows} parts"
