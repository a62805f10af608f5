"""What every picture is made of: a dark ground, large letters, and words above a panel."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from bot.charts.fonts import families, fitting, shorter, width_of
from bot.i18n import N_

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 1000
"""Pixels."""

_DPI = 100
BACKGROUND, INK, FAINT, GRID = "#1e1f22", "#f2f3f5", "#a7abb3", "#3a3c42"
BETTER, WORSE = N_("better ↑"), N_("worse ↓")

_POINTS = 72 / _DPI
LARGE, SMALL, SMALLEST = 33 * _POINTS, 30 * _POINTS, 25 * _POINTS

PAD = 8
"""Points between a panel and what is written at its axis."""

MARGIN = PAD / _POINTS + 2
"""Pixels for that, and from what is written to the edge of the picture."""

_APART = 26
"""Pixels between two words above a panel."""

_SMALLER = 0.75
"""To what share of their size words above a panel are made smaller before they are cut."""

_SHORTEST = 6
"""Letters that are left of a word that is cut."""


def new_figure(height: int) -> Figure:
    """An empty picture, `height` pixels high."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH / _DPI, height / _DPI), dpi=_DPI, facecolor=BACKGROUND)
    FigureCanvasAgg(figure)
    return figure


def as_png(figure: Figure) -> bytes:
    """The picture as a file."""
    png = io.BytesIO()
    figure.savefig(png, format="png", facecolor=BACKGROUND)
    return png.getvalue()


def zone_name(zone: ZoneInfo) -> str:
    """As people know it: UTC has a dozen names."""
    return "UTC" if zone.key.rpartition("/")[2] in _UTC else zone.key


_UTC = {"UTC", "UCT", "Universal", "Zulu"}


def heading(panel: Axes, parts: Sequence[tuple[str, str]], *, beside: float = 0.0) -> None:
    """Words above a panel, each in the colour of what it names, so that no legend covers anything.

    They leave `beside` pixels free at the right. What is too wide is written smaller, and then its longest word cut.
    """
    figure: Any = panel.figure
    room = panel.get_position().width * WIDTH - beside - _APART * (len(parts) - 1)
    texts = [text for text, _ in parts]

    def width(size: float) -> float:
        return sum(width_of(figure, text, size) for text in texts)

    size = fitting(LARGE, width, room, _SMALLER)
    while width(size) > room and len(longest := max(texts, key=len)) > _SHORTEST:
        texts[texts.index(longest)] = shorter(longest)
    before: Any = None
    for text, (_, colour) in zip(texts, parts, strict=True):
        style: dict[str, Any] = {"color": colour, "fontsize": size, "fontfamily": list(families())}
        style |= {"va": "bottom", "ha": "left"}
        if before is None:
            before = panel.annotate(text, (0, 1), (0, 9), "axes fraction", textcoords="offset pixels", **style)
        else:
            before = panel.annotate(text, (1, 0), (_APART, 0), before, textcoords="offset pixels", **style)
