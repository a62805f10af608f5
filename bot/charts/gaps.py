"""Times of which a chart shows nothing, and the legend that says why."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from bot.charts.canvas import FAINT, SMALLEST, WIDTH
from bot.charts.fonts import families
from bot.domain.records import FEWEST_AUTHORS
from bot.i18n import N_, gettext

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

NO_DATA = N_("no data (under {fewest} people)")
UNSEEN = N_("I couldn't see")
FILLED = N_("read later")
INTERVAL = N_("95 % interval")

_HATCHED: dict[str, Any] = {"facecolor": "#2b2d31", "edgecolor": "#8d919a", "hatch": "///", "linewidth": 0}
_SOLID: dict[str, Any] = {"color": FAINT, "linewidth": 3.5}
_DOTTED: dict[str, Any] = {"color": FAINT, "linewidth": 3.5, "linestyle": (0, (1, 1.6))}

_BELOW_TOP = 6
"""Pixels from the top of a panel to the line over what was read later."""


def mark_gaps(panel: Axes, gaps: Sequence[tuple[int, int]], edges: Sequence[int]) -> None:
    """Hatched where nothing could be seen, at least a few pixels wide."""
    narrowest = (edges[-1] - edges[0]) / 250
    for start, end in gaps:
        wider = max(0.0, narrowest - (end - start)) / 2
        panel.axvspan(start - wider, end + wider, zorder=3, **_HATCHED)


def times_of_few(
    few: Sequence[Sequence[bool]], gaps: Sequence[tuple[int, int]], edges: Sequence[int]
) -> list[tuple[int, int]]:
    """Where nothing is told of any line although it could be seen.

    `few` says of each line in which buckets nothing is. The last bucket is left out: it may not be over yet.
    """
    spans: list[tuple[int, int]] = []
    for (start, end), *nothing in zip(pairwise(edges[:-1]), *(line[:-1] for line in few), strict=True):
        away = sum(min(end, b) - max(start, a) for a, b in gaps if a < end and b > start)
        if not all(nothing) or away * 2 > end - start:
            continue
        if spans and spans[-1][1] == start:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans


def mark_few(panel: Axes, spans: Sequence[tuple[int, int]]) -> None:
    """Dotted where nothing is told. It does not say whether some people wrote there, or nobody."""
    for start, end in spans:
        panel.hlines(0.02, start, end, transform=panel.get_xaxis_transform(), **_DOTTED)


def mark_filled(panel: Axes, filled: Sequence[tuple[int, int]]) -> None:
    """A solid line along the top over what was read from the history when an admin asked for it."""
    at = 1 - _BELOW_TOP / panel.get_window_extent().height
    for start, end in filled:
        panel.hlines(at, start, end, transform=panel.get_xaxis_transform(), capstyle="butt", **_SOLID)


def explain_gaps(figure: Figure, *, hatched: bool, dotted: bool, bars: bool = False, solid: bool = False) -> float:
    """A legend below everything: the kinds of gap that are there, what was filled in, and the bars of two channels.

    Returns the pixels that it needs above those of one row: what is too wide goes into several.
    """
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    signs: list[Any] = [Patch(label=gettext(UNSEEN), **_HATCHED)] if hatched else []
    signs += [Line2D([], [], label=gettext(NO_DATA, fewest=FEWEST_AUTHORS), **_DOTTED)] if dotted else []
    signs += [Line2D([], [], label=gettext(FILLED), solid_capstyle="butt", **_SOLID)] if solid else []
    if bars:
        bar: dict[str, Any] = {"marker": "|", "markersize": 18, "linewidth": 0}
        signs.append(Line2D([], [], label=gettext(INTERVAL), color=FAINT, **bar))
    height = one_row = 0.0
    for columns in range(len(signs), 0, -1):
        legend = _legend(figure, signs, columns)
        box = legend.get_window_extent()
        height, one_row = box.height, one_row or box.height
        if box.x1 <= WIDTH or columns == 1:
            break
        legend.remove()
    return height - one_row


def _legend(figure: Figure, signs: Sequence[Any], columns: int) -> Legend:
    letters = {"family": list(families()), "size": SMALLEST}
    look: dict[str, Any] = {"frameon": False, "prop": letters, "labelcolor": FAINT, "borderaxespad": 0.3}
    apart: dict[str, Any] = {"handlelength": 1.6, "handletextpad": 0.5, "columnspacing": 1.4, "labelspacing": 0.3}
    return figure.legend(
        handles=signs, loc="lower left", bbox_to_anchor=(0.105, -0.005), ncols=columns, **look, **apart
    )
