"""What a visitor reads of one text, as HTML. Everything typed is escaped; nothing here knows of Gradio."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from bot.presentation import palette
from bot.presentation.danger import BEFORE_LINK, NOT_RATED, WITHOUT_LINK
from bot.presentation.text import signed
from bot.presentation.verdict_words import (
    EMOJI,
    SLIGHT,
    abstains,
    confidence_in_words,
    counted_parts,
    interpret,
    percentages,
    strongest,
    without_reason,
)
from model import BUNDLED, SENTIMENTS, Explanation, Influence, ModelInfo, Sentiment, Verdict

LEGEND = (
    "This is the text as it was read. Marked are the words that moved it: ▲ towards positive, ▼ towards negative, "
    "measured by leaving each out. The stronger the colour, the stronger the push."
)
TOO_LONG_TO_EXPLAIN = "This text is too long to be tried without each of its words."
TOO_BUSY_TO_EXPLAIN = "So much is to be read just now that its words were not tried one by one."
STILL_LOOKING = "Looking for the words that moved it…"

EMPTY = '<div class="vc-card vc-empty"><p>The answer appears here.</p></div>'


def notice(sentence: str) -> str:
    """A friendly line where an answer would stand."""
    return f'<div class="vc-card vc-notice" role="status"><p>{escape(sentence)}</p></div>'


def kind_card(help_url: str) -> str:
    """What stands where a rating would, when somebody may be in danger."""
    url = escape(help_url)
    way = f'{BEFORE_LINK} <a href="{url}" target="_blank" rel="noopener noreferrer">{url}</a>' if url else WITHOUT_LINK
    return f'<div class="vc-card vc-notice" role="status"><p>{NOT_RATED} {way}</p></div>'


def verdict_card(verdict: Verdict, explanation: Explanation | None = None, remark: str = "") -> str:
    """The whole answer about a text; `remark` stands where its words would be explained."""
    why = remark_line(remark) if remark else ""
    if explanation is not None:
        why = _explained(explanation)
    return (
        f'<section class="vc-card" style="--mood:{_hex(verdict.sentiment)}" aria-label="The answer">'
        f"{_headline(verdict)}{_bars(verdict)}{why}{_footer(verdict)}</section>"
    )


def comparison_cards(verdicts: Sequence[tuple[str, Verdict]], sentence: str) -> str:
    """Two models' answers side by side; each comes with the name of its model."""
    cards = "".join(
        f'<section class="vc-card" style="--mood:{_hex(verdict.sentiment)}" aria-label="{escape(name)}">'
        f'<p class="vc-model">{escape(name)}</p>{_headline(verdict)}{_bars(verdict)}{_footer(verdict)}</section>'
        for name, verdict in verdicts
    )
    return f'<p class="vc-sentence">{escape(sentence)}</p><div class="vc-pair">{cards}</div>'


def difference(first: Verdict, second: Verdict) -> str:
    """One sentence on how two verdicts on the same text differ."""
    change = abs(first.score - second.score)
    if first.sentiment is not second.sentiment:
        return f"They disagree: {first.sentiment} here, {second.sentiment} there."
    if change < SLIGHT:
        return f"They agree: {first.sentiment}, and about as sure."
    surer = "first" if first.confidence > second.confidence else "second"
    return f"They agree: {first.sentiment}; the {surer} is surer of it."


def model_line(info: ModelInfo) -> str:
    """Which model answers on this page, and whether it is the one that should."""
    name = "the bundled model" if info.source == BUNDLED else escape(info.source)
    line = f"<p>Answering: <b>{name}</b>, version <code>{escape(info.version)}</code>.</p>"
    return line + (f'<p class="vc-fallback" role="note">{escape(info.fallback)}</p>' if info.fallback else "")


def remark_line(sentence: str) -> str:
    """A quiet line inside a card."""
    return f'<p class="vc-quiet">{escape(sentence)}</p>'


def marked(text: str, influences: Sequence[Influence]) -> str:
    """`text` escaped, with the pieces that moved the verdict marked by direction and strength."""
    shown: list[str] = []
    position = 0
    for influence in sorted(influences, key=lambda piece: piece.start):
        up = influence.effect > 0
        strength = min(1.0, abs(influence.effect))
        spoken = "towards positive" if up else "towards negative"
        shown += [
            escape(text[position : influence.start]),
            f'<mark class="{"vc-up" if up else "vc-down"}" style="--strength:{strength:.2f}" '
            f'title="{signed(influence.effect)} {spoken}">{escape(text[influence.start : influence.end])}'
            f'<span class="vc-arrow" aria-hidden="true">{"▲" if up else "▼"}</span>'
            f'<span class="vc-spoken"> ({spoken}) </span></mark>',
        ]
        position = influence.end
    return "".join([*shown, escape(text[position:])])


def _headline(verdict: Verdict) -> str:
    words = "unsure" if abstains(verdict) else confidence_in_words(verdict.confidence)
    percent = max(percentages(verdict.probabilities))
    return (
        f'<header><span class="vc-emoji" aria-hidden="true">{EMOJI[verdict.sentiment]}</span>'
        f'<div><h2>{verdict.sentiment.capitalize()}</h2><p class="vc-sentence">{interpret(verdict)}</p></div>'
        f'<p class="vc-sure"><b>{percent} %</b><span>{words}</span></p></header>'
    )


def _bars(verdict: Verdict) -> str:
    rows = zip(SENTIMENTS, verdict.probabilities, percentages(verdict.probabilities), strict=True)
    items = "".join(
        f'<li style="--mood:{_hex(sentiment)};--share:{probability:.4f}"><span>{sentiment.capitalize()}</span>'
        f'<span class="vc-bar" aria-hidden="true"></span><span class="vc-percent">{percent} %</span></li>'
        for sentiment, probability, percent in reversed(list(rows))
    )
    return f'<ul class="vc-bars" aria-label="Probabilities">{items}</ul>'


def _explained(explanation: Explanation) -> str:
    ranked = strongest(explanation, len(explanation.influences))
    if not ranked:
        return remark_line(without_reason(explanation.verdict))
    return (
        f'<p class="vc-text" tabindex="0" role="group" aria-label="The text, with the words that moved it">'
        f"{marked(explanation.text, ranked)}</p>{remark_line(LEGEND)}"
    )


def _footer(verdict: Verdict) -> str:
    parts = "1 part" if verdict.parts == 1 else f"{counted_parts(verdict)} parts"
    return f"<footer>Read in {parts} of at most 512 tokens · model <code>{escape(verdict.model)}</code></footer>"


def _hex(sentiment: Sentiment) -> str:
    return palette.as_hex(palette.SENTIMENT[sentiment])
