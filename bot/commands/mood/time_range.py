"""How far back somebody asks: "7 days", "today", "monday" or "2026-11-01", in the server's own time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.domain.snowflake import SECONDS
from bot.presentation.quoting import excerpt

DEFAULT = "7 days"
SUGGESTED = ("today", "yesterday", "24 hours", DEFAULT, "30 days", "90 days")
LONGEST_DAYS = 366

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HOURS_IN = {"h": 1, "d": 24, "w": 7 * 24, "m": 30 * 24, "y": 365 * 24}
_SPAN = re.compile(r"(?:last |past )?(\d{1,9})? ?(h|hours?|hrs?|d|days?|w|weeks?|months?|y|years?)(?: ago)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}", re.ASCII)


class NoSuchTime(Exception):
    """What was given as `since` cannot be used; the message is one sentence for whoever gave it."""


@dataclass(frozen=True, slots=True)
class Since:
    """A range up to now: its first hour, since the Unix epoch, and how a sentence says it, such as "today"."""

    first_hour: int
    words: str


def read_since(text: str, zone: ZoneInfo, now: float) -> Since:
    """Reads what somebody typed. `now` is in seconds since the Unix epoch. Raises NoSuchTime."""
    asked = " ".join(text.casefold().split()).removeprefix("since ")
    today = datetime.fromtimestamp(now, zone).date()
    if span := _SPAN.fullmatch(asked):
        return _span(int(span[1] or 1), span[2], now)
    if asked in {"today", "yesterday"}:
        yesterday = asked == "yesterday"
        return Since(_midnight(today - timedelta(days=yesterday), zone), "since yesterday" if yesterday else "today")
    if asked in _WEEKDAYS:
        back = (today.weekday() - _WEEKDAYS.index(asked)) % 7
        return Since(_midnight(today - timedelta(days=back), zone), f"since {asked.capitalize()}")
    if _DATE.fullmatch(asked):
        return _day(asked, today, zone)
    raise NoSuchTime(f'I cannot read "{excerpt(text, 40)}" as a time: try `7 days`, `today` or `{today}`.')


def _span(count: int, unit: str, now: float) -> Since:
    if not count:
        raise NoSuchTime("That is no time at all: try `24 hours` or `7 days`.")
    hours = count * _HOURS_IN[unit[0]]
    if hours > LONGEST_DAYS * 24:
        raise _too_long()
    name = {"h": "hour", "d": "day", "w": "week", "m": "month", "y": "year"}[unit[0]]
    return Since(int(now // SECONDS) - hours + 1, f"in the last {f'{count} {name}s' if count > 1 else name}")


def _day(text: str, today: date, zone: ZoneInfo) -> Since:
    try:
        day = date(*(int(part) for part in text.split("-")))
    except ValueError:
        raise NoSuchTime(f"There is no day {text}: a date looks like `{today}`.") from None
    if day > today:
        raise NoSuchTime(f"{day} is still to come; today is {today} in this server's time ({zone.key}).")
    if (today - day).days > LONGEST_DAYS:
        raise _too_long()
    return Since(_midnight(day, zone), f"since {day.day} {day:%B %Y}")


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, time(), zone).timestamp() // SECONDS)


def _too_long() -> NoSuchTime:
    return NoSuchTime(f"I look back {LONGEST_DAYS} days at most: try `90 days`.")
