"""Where the time axis of a chart is marked: whole local hours, days and months, whatever the clocks do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from bot.domain.local_hours import first_hour
from bot.domain.snowflake import SECONDS
from bot.i18n.formats import clock, day_and_month, month, weekday_and_day

MOST = 7
"""Marks; more do not fit a phone in letters that can be read there."""

_HOURS, _DAYS, _MONTHS = (1, 2, 3, 6, 12), (1, 2, 7, 14), (1, 2, 3, 6)


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark at an instant, in seconds since the Unix epoch."""

    at: float
    label: str


def ticks(start: float, end: float, zone: ZoneInfo) -> tuple[Tick, ...]:
    """Marks from `start` to `end` (seconds since the Unix epoch): the finest that are at most `MOST`."""
    found: tuple[Tick, ...] = ()
    for unit, steps in (("hours", _HOURS), ("days", _DAYS), ("months", _MONTHS)):
        for step in steps:
            found = tuple(islice(_marks(start, end, unit, step, zone), MOST + 1))
            if len(found) <= MOST:
                return found
    return found[:MOST]


def _marks(start: float, end: float, unit: str, step: int, zone: ZoneInfo) -> Iterator[Tick]:
    local = datetime.fromtimestamp(start, zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    if unit == "months":
        local = local.replace(day=1)
    elif step >= 7:
        local -= timedelta(days=local.weekday())
    last = start - 1.0
    while (at := local.replace(tzinfo=zone).timestamp()) < end:
        shown = datetime.fromtimestamp(at, zone)
        if unit != "hours" or not shown.hour:  # a day is marked where its first hour begins
            at = float(first_hour(local, zone) * SECONDS)
        if start <= at < end and at > last:  # an hour that a change of clocks skips is the next one
            yield Tick(at, _label(shown, unit, step))
            last = at
        local = _next(local, unit, step)


def _next(local: datetime, unit: str, step: int) -> datetime:
    if unit == "months":
        months = local.year * 12 + local.month - 1 + step
        return local.replace(year=months // 12, month=months % 12 + 1)
    return local + (timedelta(hours=step) if unit == "hours" else timedelta(days=step))


def _label(local: datetime, unit: str, step: int) -> str:
    if unit == "months":
        return month(local, year=local.month == 1)
    if unit == "days":
        return weekday_and_day(local) if step < 7 else day_and_month(local, short=True)
    return clock(local) if local.hour else weekday_and_day(local)
