"""What a batch came to: a summary, a chart, a table and a CSV to take away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bot.presentation import palette
from bot.presentation.text import signed
from bot.presentation.verdict_words import EMOJI, percentages
from bot.web.bulk_scoring import Answer, Progress
from bot.web.templating import render
from bot.web.verdict_html import css_colour
from model import SENTIMENTS, NothingToRead, Sentiment, Unreadable, Verdict
from model.tables import UNREADABLE, Table, described, header_line, row_line

TABLE_HEADER = ("Line", "Sentiment", "Sure", "Score", "Text")

_SHOWN = 300
"""Characters of a text that the table shows; the download has all."""

_BINS = 21
_WIDTH, _HEIGHT, _BASE = 441, 140, 114


@dataclass(frozen=True, slots=True)
class Share:
    """How many lines are of one sentiment."""

    name: str
    emoji: str
    colour: str
    share: float
    percent: int
    count: int


@dataclass(frozen=True, slots=True)
class ChartBar:
    """One bar of the chart, in the units of its drawing."""

    x: float
    width: float
    height: float
    colour: str
    title: str


@dataclass(frozen=True, slots=True)
class Chart:
    """The chart of the scores."""

    label: str
    mean: str
    bars: tuple[ChartBar, ...]
    width: int = _WIDTH
    height: int = _HEIGHT
    base: int = _BASE


def understood(table: Table) -> str:
    """How a file is understood, as a quiet line where the result will be."""
    return render("quiet", sentence=described(table))


def progress_bar(progress: Progress) -> str:
    """How far a batch is, with what is left in words."""
    percent = 100 * progress.done // max(1, progress.total)
    left = max(1, round(progress.left)) if progress.done < progress.total else 0
    return render("progress", done=progress.done, total=progress.total, percent=percent, seconds_left=left)


def summary(answers: Sequence[Answer], seconds: float) -> str:
    """How many lines of each sentiment, as a sentence, a bar and a chart of the scores: of the lines that are rated."""
    verdicts = [answer for answer in answers if isinstance(answer, Verdict)]
    rated = [verdict for verdict in verdicts if not verdict.danger]
    empty = sum(isinstance(answer, NothingToRead) for answer in answers)
    foreign = sum(isinstance(answer, Unreadable) for answer in answers)
    long = sum(verdict.skipped > 0 for verdict in verdicts)
    endangered = len(verdicts) - len(rated)
    several = any(verdict.language for verdict in verdicts)
    be = "was" if foreign == 1 else "were"
    counted = (
        (empty, "had nothing to read"),
        (foreign, f"{be} in a language I can't read" if several else f"{be}n't English"),
        (long, f"{'was' if long == 1 else 'were'} too long to be read whole"),
        (endangered, f"{'isn' if endangered == 1 else 'aren'}'t rated, because someone may be in danger"),
        (len(answers) - len(verdicts) - empty - foreign, "couldn't be read"),
    )
    lines = "1 line" if len(answers) == 1 else f"{len(answers):,} lines"
    said = f"{lines} read in {seconds:.1f} s" + "".join(f"; {number:,} {what}" for number, what in counted if number)
    return render(
        "summary",
        sentence=f"{said}.",
        shares=_shares(rated) if rated else (),
        chart=_histogram([verdict.score for verdict in rated]) if rated else None,
    )


def _histogram(scores: Sequence[float]) -> Chart:
    """How many lines have which score; the sentence that the drawing stands for is its label."""
    counts = Counter(min(_BINS - 1, int((score + 1) / 2 * _BINS)) for score in scores)
    tallest = max(counts.values())
    step = _WIDTH / _BINS
    mean = sum(scores) / len(scores)
    bars = tuple(
        ChartBar(
            place * step + 2,
            step - 4,
            max(2.0, 104 * count / tallest),
            _colour_at(place),
            f"{count:,} lines, score {_bin_words(place)}",
        )
        for place, count in sorted(counts.items())
    )
    label = f"Distribution of {len(scores):,} scores from negative to positive; the mean is {mean:+.2f}."
    return Chart(label, signed(mean), bars)


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


def _shares(verdicts: Sequence[Verdict]) -> list[Share]:
    counts = Counter(verdict.sentiment for verdict in verdicts)
    negative, neutral, positive = (counts[sentiment] / len(verdicts) for sentiment in SENTIMENTS)
    rows = zip(SENTIMENTS, (negative, neutral, positive), percentages((negative, neutral, positive)), strict=True)
    return [
        Share(one.capitalize(), EMOJI[one], css_colour(one), share, percent, counts[one])
        for one, share, percent in reversed(list(rows))
    ]


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
