"""The picture of a usual week: a square for each hour of each weekday, the better the lighter."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from math import ceil
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from bot.charts.canvas import (
    BACKGROUND,
    BETTER,
    FAINT,
    GRID,
    INK,
    LARGE,
    MARGIN,
    PAD,
    SMALL,
    SMALLEST,
    WIDTH,
    WORSE,
    as_png,
    new_figure,
    zone_name,
)
from bot.charts.fonts import families, fitting, picture_language, widest, width_of
from bot.domain.records import FEWEST_AUTHORS, HourMood
from bot.i18n import gettext, ngettext, speaking
from bot.i18n.formats import weekday
from bot.presentation import palette
from bot.presentation.text import signed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEIGHT = 640
"""Pixels."""

_DAYS = [date(2024, 1, day) for day in range(1, 8)]
"""A week from Monday on, for its names."""

_LEFT = 0.1
"""The share of the width that is left of the squares."""


def draw_heatmap(cells: Mapping[tuple[int, int], HourMood], zone: ZoneInfo, *, full_scale: bool = False) -> bytes:
    """A PNG of `cells` by weekday and local hour (of `bot.charts.rhythm`). Not for the loop.

    The scale reaches as far as the scores do, the same to both sides of 0, or on the `full_scale` from -1 to 1. Its
    words are in the language that is spoken, if there are letters for it.
    """
    with speaking(picture_language()):
        return as_png(_drawn(cells, zone, 1.0 if full_scale else reach(cells)))


def _drawn(cells: Mapping[tuple[int, int], HourMood], zone: ZoneInfo, most: float) -> Figure:
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    scale_of = [palette.as_hex(colour) for colour in palette.WORSE_TO_BETTER]
    colours = LinearSegmentedColormap.from_list("mood", scale_of).with_extremes(bad=BACKGROUND)
    means = [[_mean(cells.get((day, hour))) for hour in range(24)] for day in range(7)]
    figure = new_figure(HEIGHT)
    panel = figure.add_axes((_LEFT, 0.3, 0.975 - _LEFT, 0.58), facecolor=BACKGROUND)
    scale = Normalize(-most, most)
    panel.pcolormesh(range(25), range(8), means, cmap=colours, norm=scale, edgecolors=BACKGROUND, linewidth=2)
    empty = [(hour + 0.5, day + 0.5) for day in range(7) for hour in range(24) if (day, hour) not in cells]
    panel.plot([x for x, _ in empty], [y for _, y in empty], ".", color=GRID, markersize=6)
    panel.set_ylim(7, 0)
    days = [weekday(day, short=True) for day in _DAYS]
    panel.set_yticks([day + 0.5 for day in range(7)], days)
    panel.set_xticks(range(0, 25, 6), [f"{hour}:00" for hour in range(0, 25, 6)])
    letters: dict[str, Any] = {"colors": FAINT, "length": 0, "labelfontfamily": list(families())}
    panel.tick_params(labelsize=SMALL, pad=PAD, **letters)
    size = fitting(SMALL, lambda size: widest(figure, days, size), _LEFT * WIDTH - MARGIN)
    panel.tick_params(axis="y", labelsize=size)
    panel.get_xticklabels()[-1].set_horizontalalignment("right")
    for side in panel.spines.values():
        side.set_visible(False)
    title: dict[str, Any] = {"ha": "left", "va": "bottom", "colour": INK, "size": LARGE}
    _write(figure, (_LEFT, 0.9), gettext("Mood by hour and weekday"), 0.985 - _LEFT, **title)
    legend = figure.add_axes((0.26, 0.075, 0.3, 0.045))
    legend.imshow([[step / 99 for step in range(100)]], cmap=colours, aspect="auto", extent=(-most, most, 0, 1))
    legend.set_yticks([])
    legend.set_xticks([-most, 0, most], [signed(-most, 1), "0", signed(most, 1)])
    legend.tick_params(labelsize=SMALLEST * 0.85, pad=4, **letters)
    for side in legend.spines.values():
        side.set_visible(False)
    better = gettext(BETTER)
    _write(figure, (0.245, 0.097), gettext(WORSE), 0.24, ha="right")
    _write(figure, (0.575, 0.097), better, 0.3, ha="left")
    few = gettext("dot: under {fewest} people", fewest=FEWEST_AUTHORS)
    _write(figure, (0.975, 0.097), few, 0.375 - width_of(figure, better, SMALLEST) / WIDTH, ha="right")
    _write(figure, (0.975, 0.04), zone_name(zone), 0.375, ha="right")
    return figure


def _write(
    figure: Figure,
    at: tuple[float, float],
    words: str,
    room: float,
    *,
    ha: str,
    va: str = "center",
    colour: str = FAINT,
    size: float = SMALLEST,
) -> None:
    """Words at a place in the picture; that and the width they may have are shares of it."""
    fits = fitting(size, lambda size: width_of(figure, words, size), room * WIDTH)
    figure.text(*at, words, color=colour, fontsize=fits, fontfamily=list(families()), ha=ha, va=va)


def reach(cells: Mapping[tuple[int, int], HourMood]) -> float:
    """How far from 0 the scale goes: to the next tenth, and to 0.2 at least, so that chance looks like little."""
    return max(0.2, ceil(10 * max((abs(mood.mean) for mood in cells.values()), default=0.0) - 1e-9) / 10)


def heatmap_alt(name: str, cells: Mapping[tuple[int, int], HourMood], zone: ZoneInfo) -> str:
    """What the picture shows, for whoever does not see it."""
    means = [mood.mean for mood in cells.values()]
    return ngettext(
        "Heatmap of {name} by weekday and hour ({zone}): {count} of 168 hours of the week has data, "
        "mean scores between {low} and {high}.",
        "Heatmap of {name} by weekday and hour ({zone}): {count} of 168 hours of the week have data, "
        "mean scores between {low} and {high}.",
        len(cells),
        name=name,
        zone=zone_name(zone),
        low=signed(min(means)),
        high=signed(max(means)),
    )[:1024]


def _mean(mood: HourMood | None) -> float:
    return mood.mean if mood is not None else float("nan")
