"""When it was worst or best, in words: by local blocks of three hours, out of the hours that everybody may be told of.

Nothing else goes in, so nothing can come out of an hour in which fewer than five people wrote. What the rounding and
the noise of an hour leave uncertain is in its standard error, and what that could explain is not called a dip.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import date
from typing import TypeVar
from zoneinfo import ZoneInfo

from bot.analytics.baseline import Baseline
from bot.analytics.buckets import together
from bot.charts.canvas import zone_name
from bot.domain.local_hours import begins_at
from bot.domain.records import HourMood
from bot.i18n import N_, gettext, pgettext
from bot.i18n.formats import weekday, weekday_and_date
from bot.presentation.text import SLIGHT

BLOCK = 3
"""Hours."""

DIP = 2 * SLIGHT
"""The least difference of mean scores that is worth a word."""

_SURE = 3.0
"""Standard errors that a dip must have: there are 56 blocks in a week to choose the worst of."""

_Key = TypeVar("_Key", bound=Hashable)


def dip(hours: Sequence[HourMood], baseline: Baseline, zone: ZoneInfo) -> str | None:
    """The block furthest below what is usual for it, with its day and clock times; None where none is clearly below."""
    blocks: defaultdict[tuple[date, int], list[HourMood]] = defaultdict(list)
    for hour in hours:
        local = begins_at(hour.hour, zone)
        blocks[local.date(), local.hour // BLOCK].append(hour)
    below = _far({key: (block, baseline.expected(block)) for key, block in blocks.items()}, -1)
    if below is None:
        return None
    days = sorted({day for day, _ in blocks})
    day, block = below
    if len(days) == 1:
        return _clock(block, zone)
    one_of_its_name = sum(other.weekday() == day.weekday() for other in days) == 1
    return _on(weekday(day) if one_of_its_name else weekday_and_date(day), block, zone)


def week_in_words(hours: Sequence[HourMood], zone: ZoneInfo) -> str:
    """When in the week it is usually best and worst; something must be told in `hours`."""
    total = together(hours)
    assert total is not None
    blocks: defaultdict[tuple[int, int], list[HourMood]] = defaultdict(list)
    for hour in hours:
        local = begins_at(hour.hour, zone)
        blocks[local.weekday(), local.hour // BLOCK].append(hour)
    beside = {key: (block, total.mean) for key, block in blocks.items()}
    best, worst = (
        _on(gettext(_DAYS[place[0]]), place[1], zone) if (place := _far(beside, side)) is not None else None
        for side in (1, -1)
    )
    if best is not None and worst is not None:
        return gettext("Usually best {best} and worst {worst}.", best=best, worst=worst)
    if best is not None:
        return gettext("Usually best {best}.", best=best)
    if worst is not None:
        return gettext("Usually worst {worst}.", worst=worst)
    return gettext("About the same all week, at any time.")


_DAYS = (
    N_("Mondays"),
    N_("Tuesdays"),
    N_("Wednesdays"),
    N_("Thursdays"),
    N_("Fridays"),
    N_("Saturdays"),
    N_("Sundays"),
)


def _far(blocks: Mapping[_Key, tuple[Sequence[HourMood], float]], side: int) -> _Key | None:
    """The block that is furthest above (1) or below (-1) the level beside it, if that is no chance."""
    furthest, most = None, 0.0
    for key, (block, level) in blocks.items():
        mood = together(block)
        if mood is None:
            continue
        apart = side * (mood.mean - level)
        if apart >= max(DIP, _SURE * mood.standard_error) and apart > most:
            furthest, most = key, apart
    return furthest


def _on(day: str, block: int, zone: ZoneInfo) -> str:
    return pgettext("when", "{day} {hours}", day=day, hours=_clock(block, zone))


def _clock(block: int, zone: ZoneInfo) -> str:
    """UTC is said, as it is nobody's local time; any other is the server's own."""
    first, end = block * BLOCK, (block + 1) * BLOCK
    if zone_name(zone) == "UTC":
        return gettext("{first}\N{EN DASH}{end} h UTC", first=first, end=end)
    return gettext("{first}\N{EN DASH}{end} h", first=first, end=end)


def cells(hours: Iterable[HourMood], zone: ZoneInfo) -> dict[tuple[int, int], HourMood]:
    """What is told of each hour of the week, together: by weekday (0 is Monday) and local hour."""
    found: dict[tuple[int, int], HourMood] = {}
    for hour in hours:
        local = begins_at(hour.hour, zone)
        place = local.weekday(), local.hour
        found[place] = found[place].plus(hour) if place in found else hour
    return found
