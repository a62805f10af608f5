"""Which digest is due, in a server's own time. Daylight saving neither drops one nor brings one twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.domain.local_hours import first_hour
from bot.domain.records import DigestKind
from bot.domain.snowflake import SECONDS
from bot.i18n import gettext
from bot.i18n.formats import day_and_month, weekday

LATEST = {DigestKind.DAILY: 12 * 3600.0, DigestKind.WEEKLY: 48 * 3600.0}
"""Seconds after it was due until which a digest is still sent, as after a downtime; later it would be old news."""


@dataclass(frozen=True, slots=True)
class Period:
    """The days that a digest tells of, from their first hour up to, not including, `end`; `due` is an instant."""

    key: str
    first: date
    last: date
    first_hour: int
    end: int
    due: float

    @property
    def title(self) -> str:
        """The day or the week, in the language that is spoken."""
        first, last = day_and_month(self.first), day_and_month(self.last)
        if self.first == self.last:
            return gettext("{weekday} {date}", weekday=weekday(self.first), date=first)
        return gettext("Week {number}: {first} to {last}", number=self.first.isocalendar().week, first=first, last=last)


def latest_due(kind: DigestKind, at_hour: int, zone: ZoneInfo, now: float) -> Period:
    """The period whose digest was due last. A day is told of on the next day, a week on the Monday after it.

    A local time that the clocks skip is due when they have skipped it, one that they show twice at the first time.
    """
    step = timedelta(days=7 if kind is DigestKind.WEEKLY else 1)
    day = datetime.fromtimestamp(now, zone).date()
    if kind is DigestKind.WEEKLY:
        day -= timedelta(days=day.weekday())
    while (due := _due(day, at_hour, zone)) > now:
        day -= step
    first, last = day - step, day - timedelta(days=1)
    year, week, _ = first.isocalendar()
    key = f"{year}-W{week:02}" if kind is DigestKind.WEEKLY else first.isoformat()
    return Period(key, first, last, first_hour(first, zone), first_hour(day, zone), due)


def _due(day: date, at_hour: int, zone: ZoneInfo) -> float:
    """The instant of a local hour, but not before the hour in which midnight falls is over: that is told of as well."""
    return max(datetime.combine(day, time(at_hour), zone).timestamp(), float(first_hour(day, zone) * SECONDS))
