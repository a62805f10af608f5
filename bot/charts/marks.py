"""Events on a chart: a line at the instant, and below the picture's sentences what changed at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from bot.analytics.baseline import Baseline
from bot.analytics.before_after import FEWEST_BLOCKS, before_and_after
from bot.charts.canvas import BACKGROUND, INK, SMALLEST
from bot.charts.fonts import families, printable, shorter, width_of
from bot.domain.marks import Mark
from bot.domain.records import HourMood
from bot.i18n import N_, gettext, ngettext
from bot.i18n.formats import at_time, day_and_month
from bot.presentation.quoting import escape
from bot.presentation.text import signed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_SHOWN = 6
"""Lines in one picture; of more events the latest."""

SAID = 2
"""Events of which it is said what changed."""

_ROWS = 3
"""Of names, one below the other."""

_ROW, _ABOVE, _BESIDE = 36, 14, 8
"""Pixels: the height of a row, from the top of the panel to the first, and from a line to its name."""

_SHORTEST = 4
"""Letters that are left of a name that is cut."""


def within(marks: Sequence[Mark], start: float, end: float) -> tuple[Mark, ...]:
    """Those of a range that a picture shows, the earliest first; `marks` are the latest first."""
    return tuple(reversed([mark for mark in marks if start <= mark.happened < end][:MOST_SHOWN]))


@dataclass(frozen=True, slots=True)
class NamedMark:
    """An event with its name as it is drawn: in which row above the curve, and on which side of the event's line."""

    happened: int
    name: str
    row: int
    before: bool


def place_names(figure: Figure, marks: Sequence[Mark], edges: Sequence[int], width: float) -> list[NamedMark]:
    """Puts the names into as few rows as hold them, so that none covers another or leaves a panel of that `width`.

    Where all rows are full a name is cut, and left out where not even that helps.
    """
    rows: list[list[tuple[float, float]]] = [[] for _ in range(_ROWS)]
    placed: list[NamedMark] = []
    for mark in marks:
        at = (mark.happened - edges[0]) / (edges[-1] - edges[0]) * width
        name = printable(mark.text)
        while (place := _place(at, width_of(figure, name, SMALLEST), rows, width)) is None and len(name) > _SHORTEST:
            name = shorter(name)
        if place is None:
            placed.append(NamedMark(mark.happened, "", 0, before=False))
            continue
        row, span = place
        rows[row].append(span)
        placed.append(NamedMark(mark.happened, name, row, before=span[0] < at))
    return placed


def _place(
    at: float, wide: float, rows: Sequence[Sequence[tuple[float, float]]], width: float
) -> tuple[int, tuple[float, float]] | None:
    """The first row with room for a name that is so wide, and where it is there; better on the longer side."""
    before, after = (at - wide - 2 * _BESIDE, at), (at, at + wide + 2 * _BESIDE)
    for row, taken in enumerate(rows):
        for span in (before, after) if at > width / 2 else (after, before):
            if _fits(span, taken, width):
                return row, span
    return None


def _fits(span: tuple[float, float], taken: Sequence[tuple[float, float]], width: float) -> bool:
    return span[0] >= 0 and span[1] <= width and all(span[1] <= start or span[0] >= end for start, end in taken)


def headroom(names: Sequence[NamedMark]) -> float:
    """Pixels that the rows of names take."""
    return max((_ABOVE + _ROW * (1 + name.row) for name in names if name.name), default=0.0)


def draw_marks(panels: Sequence[Axes], names: Sequence[NamedMark]) -> None:
    """A line through all panels, with its name beside it in the first."""
    look: dict[str, Any] = {"color": INK, "linewidth": 2, "linestyle": (0, (5, 3)), "alpha": 0.8, "zorder": 4}
    for name in names:
        for panel in panels:
            panel.axvline(name.happened, **look)
        if not name.name:
            continue
        beside, down = -_BESIDE if name.before else _BESIDE, -_ABOVE - _ROW * name.row
        panels[0].annotate(
            name.name, (name.happened, 1), (beside, down), xycoords=("data", "axes fraction"),
            textcoords="offset pixels", ha="right" if name.before else "left", va="top",
            color=INK, fontsize=SMALLEST, fontfamily=list(families()), zorder=5,
            bbox={"facecolor": BACKGROUND, "edgecolor": "none", "alpha": 0.75, "pad": 2},
        )  # fmt: skip


def marks_in_words(
    marks: Sequence[Mark], hours: Sequence[HourMood], baseline: Baseline | None, now: float
) -> list[str]:
    """A sentence for each of the latest events: what changed at it, and how sure that is.

    `hours` are those that are told, of before the picture as well; nothing else goes in.
    """
    return [_sentence(mark, hours, baseline, now) for mark in marks[-SAID:]]


def marks_alt(marks: Sequence[Mark], zone: ZoneInfo) -> str:
    """The events, for whoever does not see the picture; empty without any."""
    if not marks:
        return ""
    instants = [datetime.fromtimestamp(mark.happened, zone) for mark in marks]
    said = [
        f"{mark.text} ({at_time(day_and_month(local, short=True), local)})"
        for mark, local in zip(marks, instants, strict=True)
    ]
    return " " + gettext("Marked: {events}.", events="; ".join(said))


def _sentence(mark: Mark, hours: Sequence[HourMood], baseline: Baseline | None, now: float) -> str:
    name = escape(mark.text)
    found = before_and_after(mark.happened, hours, baseline, now)
    if found is None:
        return ngettext(
            "“{name}”: too early to compare. I need {count} busy stretch of 6 hours before it and after it.",
            "“{name}”: too early to compare. I need {count} busy stretches of 6 hours before it and after it.",
            FEWEST_BLOCKS,
            name=name,
        )
    clear = (_BETTER if found.by > 0 else _WORSE)[baseline is not None]
    said = clear if found.is_clear else _NO_CHANGE
    return gettext(said, name=name, change=signed(found.by), low=signed(found.low), high=signed(found.high))


_NO_CHANGE = N_("“{name}”: no clear change, {change} (95 % interval {low} to {high}).")

_BETTER = (
    N_("“{name}”: {change} after it, so better than before (95 % interval {low} to {high})."),
    N_("“{name}”: {change} after it, so better than before for the time of the week (95 % interval {low} to {high})."),
)
_WORSE = (
    N_("“{name}”: {change} after it, so worse than before (95 % interval {low} to {high})."),
    N_("“{name}”: {change} after it, so worse than before for the time of the week (95 % interval {low} to {high})."),
)
"""The second where what is usual at that time of the week is known."""
