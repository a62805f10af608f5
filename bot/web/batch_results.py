"""What a batch came to: a summary, a chart, a table and a CSV to take away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape

from bot.presentation import palette
from bot.presentation.text import signed
from bot.presentation.verdict_words import EMOJI, percentages
from bot.web.bulk_scoring import Answer, Progress
from model import SENTIMENTS, NothingToRead, Sentiment, Unreadable, Verdict
from model.tables import UNREADABLE, Table, described, header_line, row_line

TABLE_HEADER = ("Line", "Sentiment", "Sure", "Score", "Text")

_SHOWN = 300
"""Characters of a text that the table shows; the download has all."""

_BINS = 21
_WIDTH, _HEIGHT, _BASE = 441, 140, 114


def understood(table: Table) -> str:
    """How a file is understood, as a quiet line where the result will be."""
    return f'<div class="vc-card vc-empty"><p>{escape(described(table))}</p></div>'


def progress_bar(progress: Progress) -> str:
    """How far a batch is, with what is left in words."""
    percent = 100 * progress.done // max(1, progress.total)
    left = f" · about {max(1, round(progress.left))} s left" if progress.done < progress.total else ""
    return (
        f'<div class="vc-card"><label class="vc-progress">Reading: {progress.done:,} of {progress.total:,} lines{left}'
        f'<progress max="{progress.total}" value="{progress.done}">{percent} %</progress></label></div>'
    )


def summary(answers: Sequence[Answer], seconds: float) -> str:
    """How many lines of each sentiment, as a sentence, a bar and a chart of the scores: of the lines that are rated."""
    verdicts = [answer for answer in answers if isinstance(answer, Verdict)]
    rated = [verdict for verdict in verdicts if not verdict.danger]
    empty = sum(isinstance(answer, NothingToRead) for answer in answers)
    foreign = sum(isinstance(answer, Unreadable) for answer in answers)
    long = sum(verdict.skipped > 0 for verdict in verdicts)
    endangered = len(verdicts) - len(rated)
    counted = (
        (empty, "had nothing to read"),
        (foreign, "wasn't English" if foreign == 1 else "weren't English"),
        (long, f"{'was' if long == 1 else 'were'} too long to be read whole"),
        (endangered, f"{'isn' if endangered == 1 else 'aren'}'t rated, because somebody may be in danger"),
        (len(answers) - len(verdicts) - empty - foreign, "couldn't be read"),
    )
    lines = "1 line" if len(answers) == 1 else f"{len(answers):,} lines"
    said = f"{lines} read in {seconds:.1f} s" + "".join(f"; {number:,} {what}" for number, what in counted if number)
    chart = _shares(rated) + histogram([verdict.score for verdict in rated]) if rated else ""
    return f'<section class="vc-card" aria-label="The result"><p class="vc-sentence">{said}.</p>{chart}</section>'


def histogram(scores: Sequence[float]) -> str:
    """How many lines have which score, as an SVG; the sentence it stands for is its label."""
    counts = Counter(min(_BINS - 1, int((score + 1) / 2 * _BINS)) for score in scores)
    tallest = max(counts.values())
    step = _WIDTH / _BINS
    bars = "".join(
        f'<rect x="{place * step + 2:.1f}" y="{_BASE - height:.1f}" width="{step - 4:.1f}" height="{height:.1f}" '
        f'rx="3" fill="{_colour_at(place)}"><title>{count:,} lines, score {_bin_words(place)}</title></rect>'
        for place, count in sorted(counts.items())
        for height in [max(2.0, 104 * count / tallest)]
    )
    mean = sum(scores) / len(scores)
    ticks = "".join(
        f'<text x="{(score + 1) / 2 * _WIDTH:.0f}" y="{_HEIGHT - 8}" text-anchor="{anchor}">{words}</text>'
        for score, anchor, words in (
            (-1, "start", "negative \N{MINUS SIGN}1"),
            (0, "middle", "0"),
            (1, "end", "positive +1"),
        )
    )
    label = f"Distribution of {len(scores):,} scores from negative to positive; the mean is {mean:+.2f}."
    return (
        f'<figure class="vc-chart"><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">'
        f'<line x1="0" x2="{_WIDTH}" y1="{_BASE}" y2="{_BASE}"/>{bars}{ticks}</svg>'
        f"<figcaption>How many lines have which score; the mean is {signed(mean)}.</figcaption></figure>"
    )


def table_rows(table: Table, answers: Sequence[Answer]) -> list[list[str | float]]:
    """What the page's table shows, a row for each line; text as it was typed."""
    return [
        [number, *_shown(answer), _short(text)]
        for number, (text, answer) in enumerate(zip(table.texts, answers, strict=True), 1)
    ]


def as_csv(table: Table, answers: Sequence[Answer]) -> str:
    """The rows that were handed in with what was found, as `vibecheck score --csv` writes them."""
    lines = (row_line(row, answer) for row, answer in zip(table.rows, answers, strict=True))
    return "".join((header_line(table.header), *lines))


def _shares(verdicts: Sequence[Verdict]) -> str:
    counts = Counter(verdict.sentiment for verdict in verdicts)
    total = len(verdicts)
    negative, neutral, positive = (counts[sentiment] / total for sentiment in SENTIMENTS)
    percents = dict(zip(SENTIMENTS, percentages((negative, neutral, positive)), strict=True))
    items = "".join(
        f'<li style="--mood:{palette.as_hex(palette.SENTIMENT[sentiment])};--share:{counts[sentiment] / total:.4f}">'
        f'<span><span class="vc-symbol" aria-hidden="true">{EMOJI[sentiment]}</span> {sentiment.capitalize()}</span>'
        f'<span class="vc-bar" aria-hidden="true"></span>'
        f'<span class="vc-percent">{percents[sentiment]} % · {counts[sentiment]:,}</span></li>'
        for sentiment in reversed(SENTIMENTS)
    )
    return f'<ul class="vc-bars vc-shares" aria-label="Shares">{items}</ul>'


def _shown(answer: Answer) -> tuple[str, str, str | float]:
    if isinstance(answer, Verdict):
        if answer.danger:
            return "not rated", "", ""
        return (
            f"{EMOJI[answer.sentiment]} {answer.sentiment}",
            f"{max(percentages(answer.probabilities))} %",
            round(answer.score, 2),
        )
    if isinstance(answer, Unreadable):
        return UNREADABLE, "", ""
    return "nothing to read" if isinstance(answer, NothingToRead) else "not read", "", ""


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"


def _colour_at(place: int) -> str:
    score = (place + 0.5) / _BINS * 2 - 1
    side = Sentiment.POSITIVE if score > 0 else Sentiment.NEGATIVE
    share = min(1.0, abs(score) * 1.4)
    mixed = (
        round(strong * share + grey * (1 - share))
        for strong, grey in zip(
            _channels(palette.SENTIMENT[side]), _channels(palette.SENTIMENT[Sentiment.NEUTRAL]), strict=True
        )
    )
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def _channels(colour: int) -> tuple[int, int, int]:
    return colour >> 16, colour >> 8 & 255, colour & 255


def _bin_words(place: int) -> str:
    low, high = (edge / _BINS * 2 - 1 for edge in (place, place + 1))
    return f"{signed(low)} to {signed(high)}"
