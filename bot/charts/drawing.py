"""The chart of a mood: scores with their interval, shares, and how many messages there were, over the same time.

Drawn with matplotlib's objects and without pyplot, which keeps figures of its own and is for one thread. The library is
imported when it is first needed. Colours are Okabe and Ito's (2008), told apart with every common colour blindness, on
the background of Discord's dark theme; letters are as large as a phone needs, which shows the picture at a third.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import ceil, floor, isnan
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from bot.analytics.buckets import Bucket, Timeline
from bot.charts.ticks import ticks
from bot.domain.snowflake import SECONDS
from bot.presentation import palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 1000, 860
"""Pixels."""

_DPI = 100
_BACKGROUND, _INK, _FAINT, _GRID = "#1e1f22", "#f2f3f5", "#a7abb3", "#3a3c42"
_BLUE, _ORANGE = map(palette.as_hex, (palette.SKY_BLUE, palette.ORANGE))
_NEGATIVE, _NEUTRAL, _POSITIVE = map(
    palette.as_hex, (palette.VERMILLION, palette.NEUTRAL_IN_CHARTS, palette.BLUISH_GREEN)
)
LINE_COLOURS = (_BLUE, _ORANGE)

_POINTS = 72 / _DPI
_LARGE, _SMALL = 33 * _POINTS, 30 * _POINTS
_LONGEST_NAME = 24
_NOTHING = float("nan")


@dataclass(frozen=True, slots=True)
class Line:
    """A channel or server over time.

    `usual` is the mean that each bucket would usually have, None where it has no hours; empty: nothing is known of it.
    """

    name: str
    timeline: Timeline
    usual: tuple[float | None, ...] = ()


def draw(lines: Sequence[Line], zone: ZoneInfo) -> bytes:
    """A PNG of one line, or of two to compare, which have the same buckets. It may take a second: not for the loop."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH / _DPI, HEIGHT / _DPI), dpi=_DPI, facecolor=_BACKGROUND)
    FigureCanvasAgg(figure)
    single = len(lines) == 1
    panels = _panels(figure, [5, 2.6, 2.4] if single else [5, 3])
    timeline = lines[0].timeline
    bounds = [bucket.start for bucket in timeline.buckets] + [timeline.buckets[-1].end]
    edges = [bound * SECONDS for bound in bounds]
    _draw_scores(panels[0], lines, edges)
    if single:
        _draw_shares(panels[1], timeline.buckets, edges)
    _draw_volume(panels[-1], lines, edges)
    for panel in panels:
        _mark_gaps(panel, timeline.gaps, edges)
    _mark_time(panels, edges, zone)
    png = io.BytesIO()
    figure.savefig(png, format="png", facecolor=_BACKGROUND)
    return png.getvalue()


def import_library() -> None:
    """Imports matplotlib, half a second's work: at the start of the process, so that nobody waits for it later."""
    import matplotlib.backends.backend_agg
    import matplotlib.figure
    import matplotlib.font_manager  # noqa: F401


def _panels(figure: Figure, heights: list[float]) -> list[Axes]:
    grid = figure.add_gridspec(
        len(heights),
        1,
        height_ratios=heights,
        left=0.11,
        right=0.975,
        top=0.93,
        bottom=0.12,
        hspace=0.5 if len(heights) > 2 else 0.3,
    )
    panels: list[Axes] = []
    for row in range(len(heights)):
        panel = figure.add_subplot(grid[row, 0], facecolor=_BACKGROUND)
        panel.tick_params(colors=_FAINT, labelsize=_SMALL, length=0, pad=8)
        panel.tick_params(axis="x", pad=12)
        for side in ("top", "right", "left"):
            panel.spines[side].set_visible(False)
        panel.spines["bottom"].set_color(_GRID)
        panels.append(panel)
    return panels


def _draw_scores(panel: Axes, lines: Sequence[Line], edges: Sequence[int]) -> None:
    seen = [-0.1, 0.1]
    for line, colour in zip(lines, LINE_COLOURS, strict=False):
        means, lows, highs = _intervals(line.timeline.buckets)
        panel.stairs(highs, edges, baseline=lows, fill=True, color=colour, alpha=0.28, linewidth=0)
        xs, ys = _broken(line.timeline, means)
        panel.plot(xs, ys, color=colour, linewidth=3.2, marker="o", markersize=5.5, solid_capstyle="round")
        usual = [_NOTHING if value is None else value for value in line.usual]
        if usual:
            middles = [(start + end) / 2 for start, end in pairwise(edges)]
            panel.plot(middles, usual, color=_INK, linewidth=2, linestyle=(0, (1, 2.2)), alpha=0.75)
        seen += [value for value in (*lows, *highs, *usual) if not isnan(value)]
    low, high = max(-1.0, floor(min(seen) * 10) / 10), min(1.0, ceil(max(seen) * 10) / 10)
    margin = (high - low) * 0.03
    panel.set_ylim(low - margin, high + margin)
    panel.set_yticks([low, 0, high], [_signed(low), "0", _signed(high)])
    panel.axhline(0, color=_GRID, linewidth=2, zorder=0)
    if len(lines) == 1:
        parts = [("Mood", _BLUE), ("band: 95 % interval", _FAINT)]
        _heading(panel, [*parts, ("dots: usual", _FAINT)] if lines[0].usual else parts)
    else:
        named = [(printable(line.name), colour) for line, colour in zip(lines, LINE_COLOURS, strict=False)]
        _heading(panel, [("Mood", _INK), *named])


def _draw_shares(panel: Axes, buckets: Sequence[Bucket], edges: Sequence[int]) -> None:
    below = [0.0] * len(buckets)
    for name, colour in (("negative", _NEGATIVE), ("neutral", _NEUTRAL), ("positive", _POSITIVE)):
        above = [
            low + 100 * getattr(bucket.mood, name) / bucket.mood.messages if bucket.mood else _NOTHING
            for low, bucket in zip(below, buckets, strict=True)
        ]
        baseline = [low if bucket.mood else _NOTHING for low, bucket in zip(below, buckets, strict=True)]
        panel.stairs(above, edges, baseline=baseline, fill=True, color=colour, linewidth=0)
        below = above
    panel.set_ylim(0, 100)
    panel.set_yticks([0, 50, 100], ["0", "50", "100"])
    _heading(panel, [("%", _INK), ("negative", "#f0803c"), ("neutral", "#a9adb6"), ("positive", "#2cc295")])


def _draw_volume(panel: Axes, lines: Sequence[Line], edges: Sequence[int]) -> None:
    most = 1
    for line, colour in zip(lines, LINE_COLOURS, strict=False):
        counts = [bucket.mood.messages if bucket.mood else 0 for bucket in line.timeline.buckets]
        most = max([most, *counts])
        if len(lines) == 1:
            panel.stairs(counts, edges, fill=True, color=colour, alpha=0.75, linewidth=0)
        else:
            panel.stairs(counts, edges, fill=True, color=colour, alpha=0.25, linewidth=0)
            panel.stairs(counts, edges, color=colour, linewidth=2.5)
    top = round_up(most)
    panel.set_ylim(0, top)
    panel.set_yticks([0, top], ["0", short_number(top)])
    parts = [(f"Messages per {lines[0].timeline.size}", _INK)]
    _heading(panel, [*parts, ("hatched: nothing seen", _FAINT)] if lines[0].timeline.gaps else parts)


def _mark_gaps(panel: Axes, gaps: Sequence[tuple[int, int]], edges: Sequence[int]) -> None:
    """Hatched where nothing could be seen, at least a few pixels wide."""
    narrowest = (edges[-1] - edges[0]) / 250
    for start, end in gaps:
        wider = max(0.0, narrowest - (end - start)) / 2
        panel.axvspan(
            start - wider, end + wider, facecolor="#2b2d31", edgecolor="#8d919a", hatch="///", linewidth=0, zorder=3
        )


def _mark_time(panels: Sequence[Axes], edges: Sequence[int], zone: ZoneInfo) -> None:
    marks = ticks(edges[0], edges[-1], zone)
    for panel in panels:
        panel.set_xlim(edges[0], edges[-1])
        panel.set_xticks([mark.at for mark in marks], [])
        panel.grid(axis="x", color=_GRID, linewidth=1.5, zorder=0)
        panel.set_axisbelow(True)
    panels[-1].set_xticklabels([mark.label for mark in marks])
    for mark, label in zip(marks, panels[-1].get_xticklabels(), strict=True):
        place = (mark.at - edges[0]) / (edges[-1] - edges[0])
        label.set_horizontalalignment("right" if place > 0.95 else "center")
    panels[-1].annotate(
        zone.key, (1, 0), (0, -78), xycoords="axes fraction", textcoords="offset pixels",
        ha="right", va="center", color=_FAINT, fontsize=_SMALL * 0.8,
    )  # fmt: skip


def _heading(panel: Axes, parts: Sequence[tuple[str, str]]) -> None:
    """Words above a panel, each in the colour of what it names, so that no legend covers anything."""
    before: Any = None
    for text, colour in parts:
        style: dict[str, Any] = {"color": colour, "fontsize": _LARGE, "va": "bottom", "ha": "left"}
        if before is None:
            before = panel.annotate(text, (0, 1), (0, 9), "axes fraction", textcoords="offset pixels", **style)
        else:
            before = panel.annotate(text, (1, 0), (26, 0), before, textcoords="offset pixels", **style)


def _intervals(buckets: Sequence[Bucket]) -> tuple[list[float], list[float], list[float]]:
    """Each bucket's mean, and the lower and upper ends of its 95 % interval; nan where nothing is told."""
    means, lows, highs = [], [], []
    for bucket in buckets:
        mean = low = high = _NOTHING
        if bucket.mood is not None:
            mean, half = bucket.mood.mean, 1.96 * bucket.mood.standard_error
            low, high = max(-1.0, mean - half), min(1.0, mean + half)
        means.append(mean)
        lows.append(low)
        highs.append(high)
    return means, lows, highs


def _broken(timeline: Timeline, means: Sequence[float]) -> tuple[list[float], list[float]]:
    """The line through the buckets' middles, broken where nothing is told and where nothing was seen between two."""
    xs: list[float] = []
    ys: list[float] = []
    for bucket, mean in zip(timeline.buckets, means, strict=True):
        middle = (bucket.start + bucket.end) / 2 * SECONDS
        longest = (bucket.end - bucket.start) / 4 * SECONDS
        if xs and any(min(end, middle) - max(start, xs[-1]) > longest for start, end in timeline.gaps):
            xs.append((xs[-1] + middle) / 2)
            ys.append(_NOTHING)
        xs.append(middle)
        ys.append(mean)
    return xs, ys


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "\N{MINUS SIGN}")


def round_up(count: int) -> int:
    """The next round number: 5, 6, 8, 10, 20, 30 and so on."""
    size = 1
    while True:
        for step in (1, 2, 3, 4, 5, 6, 8):
            if step * size >= max(5, count):
                return step * size
        size *= 10


def short_number(count: int) -> str:
    """Fits the edge of the picture: 20k for 20,000."""
    if count >= 1_000_000:
        return f"{count // 1_000_000}M"
    return f"{count // 1000}k" if count >= 1000 else str(count)


def printable(name: str) -> str:
    """A channel's name as far as the font can draw it, not as a formula, and short."""
    drawn = "".join(letter for letter in name if _has_glyph(letter)).replace("$", r"\$").strip()
    return (drawn if len(drawn) <= _LONGEST_NAME else f"{drawn[:_LONGEST_NAME]}…") or "#…"


def _has_glyph(letter: str) -> bool:
    return letter.isprintable() and _font().get_char_index(ord(letter)) > 0


@cache
def _font() -> Any:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return get_font(findfont(FontProperties()))
