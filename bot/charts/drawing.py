"""The chart of a mood: scores with their interval, shares, and how many messages there were, over the same time.

Drawn with matplotlib's objects and without pyplot, which keeps figures of its own and is for one thread. The library is
imported when it is first needed. Colours are told apart with every common colour blindness and by their lightness
(`bot.presentation.palette`), on the background of Discord's dark theme; letters are as large as a phone needs, which
shows the picture at a third.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, isnan
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from bot.analytics.buckets import Bucket, Size, Timeline
from bot.charts.canvas import (
    BACKGROUND,
    BETTER,
    FAINT,
    GRID,
    INK,
    MARGIN,
    PAD,
    SMALL,
    SMALLEST,
    WIDTH,
    WORSE,
    as_png,
    heading,
    new_figure,
    zone_name,
)
from bot.charts.fonts import families, fitting, picture_language, printable_apart, widest, width_of
from bot.charts.gaps import INTERVAL, explain_gaps, mark_few, mark_filled, mark_gaps, times_of_few
from bot.charts.marks import draw_marks, headroom, place_names
from bot.charts.ticks import Tick, ticks
from bot.domain.marks import Mark
from bot.domain.snowflake import SECONDS
from bot.i18n import N_, gettext, pgettext, speaking
from bot.presentation import palette
from bot.presentation.text import signed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT = 860
"""Pixels, of a picture without names of events and with one row of signs that are explained."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 125, 25, 60, 125
"""Pixels around the panels."""

_HEIGHTS = {1: ((254, 132, 121), 84), 2: ((367, 220), 88)}
"""Pixels of the panels and between them, by how many lines there are."""

_BETWEEN = 8
"""Pixels between two labels of the time at least."""

_ROOM_FOR_ZERO = 48
"""Pixels between a label of two lines and that of the score 0."""

_ASCENT = 0.76
"""The height of letters above their baseline, as a share of their size."""

_PER_SIZE = {
    Size.HOUR: N_("Messages per hour"),
    Size.QUARTER: N_("Messages per 6 hours"),
    Size.DAY: N_("Messages per day"),
    Size.WEEK: N_("Messages per week"),
}

_LINES = tuple(map(palette.as_hex, palette.LINES))
_MARKERS = ("o", "s")
_NOTHING = float("nan")


@dataclass(frozen=True, slots=True)
class Line:
    """A channel or server over time.

    `usual` is the mean that each bucket would usually have, None where it has no hours; empty: nothing is known of it.
    """

    name: str
    timeline: Timeline
    usual: tuple[float | None, ...] = ()


def draw(lines: Sequence[Line], zone: ZoneInfo, *, full_scale: bool = False, marks: Sequence[Mark] = ()) -> bytes:
    """A PNG of one line, or of two to compare, which have the same buckets. It may take a second: not for the loop.

    The scores are drawn as large as fits, or, on the `full_scale`, from -1 to 1 as in every other such chart. `marks`
    are events, the earliest first. Its words are in the language that is spoken, if there are letters for it.
    """
    with speaking(picture_language()):
        return as_png(_drawn(lines, zone, full_scale=full_scale, marks=marks))


def _drawn(lines: Sequence[Line], zone: ZoneInfo, *, full_scale: bool, marks: Sequence[Mark]) -> Figure:
    figure = new_figure(HEIGHT)
    single = len(lines) == 1
    timeline = lines[0].timeline
    bounds = [bucket.start for bucket in timeline.buckets] + [timeline.buckets[-1].end]
    edges = [bound * SECONDS for bound in bounds]
    few = times_of_few(
        [[bucket.mood is None for bucket in line.timeline.buckets] for line in lines], timeline.gaps, edges
    )
    filled = sorted({span for line in lines for span in line.timeline.filled})
    below = explain_gaps(figure, hatched=bool(timeline.gaps), dotted=bool(few), bars=not single, solid=bool(filled))
    names = place_names(figure, marks, edges, WIDTH - _LEFT - _RIGHT)
    panels = _panels(figure, *_HEIGHTS[len(lines)], above=headroom(names), below=below)
    _draw_scores(panels[0], lines, edges, full_scale=full_scale, above=headroom(names))
    if single:
        _draw_shares(panels[1], timeline.buckets, edges)
    _draw_volume(panels[-1], lines, edges, zone)
    for panel in panels:
        mark_gaps(panel, timeline.gaps, edges)
    mark_few(panels[0], few)
    mark_filled(panels[0], filled)
    _mark_time(panels, edges, zone)
    draw_marks(panels, names)
    return figure


def import_library() -> None:
    """Imports matplotlib, half a second's work, and looks for fonts: at the start, so that nobody waits later."""
    import matplotlib.backends.backend_agg
    import matplotlib.figure
    import matplotlib.font_manager  # noqa: F401

    families()


def _panels(figure: Figure, heights: Sequence[int], apart: int, *, above: float, below: float) -> list[Axes]:
    """Panels from top to bottom, the first of them higher by `above`; the picture grows by that and by `below`."""
    total = _TOP + sum(heights) + apart * (len(heights) - 1) + _BOTTOM + above + below
    figure.set_size_inches(WIDTH / figure.dpi, round(total) / figure.dpi)
    width = (WIDTH - _LEFT - _RIGHT) / WIDTH
    panels: list[Axes] = []
    top = total - _TOP
    for height in (heights[0] + above, *heights[1:]):
        panel = figure.add_axes((_LEFT / WIDTH, (top - height) / total, width, height / total), facecolor=BACKGROUND)
        top -= height + apart
        look: dict[str, Any] = {"colors": FAINT, "labelsize": SMALL, "labelfontfamily": list(families())}
        panel.tick_params(length=0, pad=PAD, **look)
        panel.tick_params(axis="x", pad=12 + _ASCENT * SMALL)
        for side in ("top", "right", "left"):
            panel.spines[side].set_visible(False)
        panel.spines["bottom"].set_color(GRID)
        panels.append(panel)
    return panels


def _draw_scores(panel: Axes, lines: Sequence[Line], edges: Sequence[int], *, full_scale: bool, above: float) -> None:
    seen = [-0.1, 0.1]
    middles = [(start + end) / 2 for start, end in pairwise(edges)]
    for number, (line, colour) in enumerate(zip(lines, _LINES, strict=False)):
        means, lows, highs = _intervals(line.timeline.buckets)
        if len(lines) == 1:
            panel.stairs(highs, edges, baseline=lows, fill=True, color=colour, alpha=0.28, linewidth=0)
        else:  # two bands would blend into a third colour
            aside = (number - 0.5) * 0.25
            xs = [middle + aside * (end - start) for middle, (start, end) in zip(middles, pairwise(edges), strict=True)]
            panel.vlines(xs, lows, highs, color=colour, linewidth=1.6)
        xs, ys = _broken(line.timeline, means)
        panel.plot(xs, ys, color=colour, linewidth=3.2, marker=_MARKERS[number], markersize=5.5, solid_capstyle="round")
        usual = [_NOTHING if value is None else value for value in line.usual]
        if usual:
            panel.plot(middles, usual, color=INK, linewidth=2, linestyle=(0, (1, 2.2)), alpha=0.75)
        seen += [value for value in (*lows, *highs, *usual) if not isnan(value)]
    low, high = max(-1.0, floor(min(seen) * 10) / 10), min(1.0, ceil(max(seen) * 10) / 10)
    if full_scale:
        low, high = -1.0, 1.0
    margin = (high - low) * 0.03
    data = _HEIGHTS[len(lines)][0][0]
    panel.set_ylim(low - margin, high + margin + (high - low + 2 * margin) * above / data)
    better, worse = gettext(BETTER), gettext(WORSE)
    zero = "0" if min(-low, high) / (high - low) * data >= _ROOM_FOR_ZERO else ""
    panel.set_yticks([low, 0, high], [f"{signed(low, 1)}\n{worse}", zero, f"{better}\n{signed(high, 1)}"])
    figure: Any = panel.figure
    size = fitting(SMALLEST, lambda size: widest(figure, (better, worse), size), _LEFT - MARGIN)
    panel.tick_params(axis="y", labelsize=size)
    panel.axhline(0, color=GRID, linewidth=2, zorder=0)
    mood = pgettext("what a chart shows", "Mood")
    if len(lines) == 1:
        parts = [(mood, _LINES[0]), (gettext("band: {interval}", interval=gettext(INTERVAL)), FAINT)]
        heading(panel, [*parts, (gettext("dots: usual"), FAINT)] if lines[0].usual else parts)
    else:
        signs = zip(printable_apart([line.name for line in lines]), _LINES, "●■", strict=False)
        named = [(f"{sign} {name}", colour) for name, colour, sign in signs]
        heading(panel, [(mood, INK), *named])


def _draw_shares(panel: Axes, buckets: Sequence[Bucket], edges: Sequence[int]) -> None:
    below = [0.0] * len(buckets)
    for name, colour in ((sentiment.value, palette.as_hex(colour)) for sentiment, colour in palette.SHARES.items()):
        above = [
            low + 100 * getattr(bucket.mood, name) / bucket.mood.messages if bucket.mood else _NOTHING
            for low, bucket in zip(below, buckets, strict=True)
        ]
        baseline = [low if bucket.mood else _NOTHING for low, bucket in zip(below, buckets, strict=True)]
        panel.stairs(above, edges, baseline=baseline, fill=True, color=colour, linewidth=0)
        if any(below):
            panel.stairs(below, edges, baseline=None, color=BACKGROUND, linewidth=2.5)
        below = above
    panel.set_ylim(0, 100)
    panel.set_yticks([0, 50, 100], ["0", "50", "100"])
    negative, neutral, positive = (
        pgettext("messages", "negative"),
        pgettext("messages", "neutral"),
        pgettext("messages", "positive"),
    )
    heading(panel, [("%", INK), (negative, "#f0803c"), (neutral, "#a9adb6"), (positive, "#4cd3a6")])


def _draw_volume(panel: Axes, lines: Sequence[Line], edges: Sequence[int], zone: ZoneInfo) -> None:
    most = 1
    for line, colour in zip(lines, _LINES, strict=False):
        counts = [bucket.mood.messages if bucket.mood else _NOTHING for bucket in line.timeline.buckets]
        most = max([most, *(bucket.mood.messages for bucket in line.timeline.buckets if bucket.mood)])
        if len(lines) == 1:
            panel.stairs(counts, edges, fill=True, color=colour, alpha=0.75, linewidth=0)
        else:
            panel.stairs(counts, edges, color=colour, linewidth=2.5)
    top = round_up(most)
    panel.set_ylim(0, top)
    panel.set_yticks([0, top], ["0", short_number(top)])
    figure: Any = panel.figure
    beside = width_of(figure, zone_name(zone), SMALLEST) + 20
    heading(panel, [(gettext(_PER_SIZE[lines[0].timeline.size]), INK)], beside=beside)


def _mark_time(panels: Sequence[Axes], edges: Sequence[int], zone: ZoneInfo) -> None:
    marks = ticks(edges[0], edges[-1], zone)
    for panel in panels:
        panel.set_xlim(edges[0], edges[-1])
        panel.set_xticks([mark.at for mark in marks], [])
        panel.grid(axis="x", color=GRID, linewidth=1.5, zorder=0)
        panel.set_axisbelow(True)
    panels[-1].set_xticklabels([mark.label for mark in marks])
    panels[-1].tick_params(axis="x", labelsize=_size_of_ticks(panels[-1], marks, edges))
    for mark, label in zip(marks, panels[-1].get_xticklabels(), strict=True):
        place = (mark.at - edges[0]) / (edges[-1] - edges[0])
        label.set_horizontalalignment("right" if place > 0.95 else "center")
        label.set_verticalalignment("baseline")  # from the top "śr" would be lower than "wt"
    panels[-1].annotate(
        zone_name(zone), (1, 1), (0, 11), xycoords="axes fraction", textcoords="offset pixels",
        ha="right", va="bottom", color=FAINT, fontsize=SMALLEST, fontfamily=list(families()),
    )  # fmt: skip


def _size_of_ticks(panel: Axes, marks: Sequence[Tick], edges: Sequence[int]) -> float:
    """The size in which no label touches the next one."""
    figure: Any = panel.figure
    pixels = (WIDTH - _LEFT - _RIGHT) / (edges[-1] - edges[0])

    def overlap(size: float) -> float:
        """Of those two that are closest, in pixels; less than nothing where there is room between them."""
        ends = [(mark.at * pixels, width_of(figure, mark.label, size) / 2) for mark in marks]
        return max((first[0] + first[1] - second[0] + second[1] for first, second in pairwise(ends)), default=-_BETWEEN)

    return fitting(SMALL, overlap, -_BETWEEN)


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
