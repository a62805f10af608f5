"""Which whole hours a local day has."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from math import ceil
from zoneinfo import ZoneInfo

from bot.domain.snowflake import SECONDS


def day_of(hour: int, zone: ZoneInfo) -> tuple[int, int]:
    """The first hour of the local day in which an hour begins, and the first of the next; 23 to 25 hours apart."""
    day = datetime.fromtimestamp(hour * SECONDS, zone).date()
    return _midnight(day, zone), _midnight(day + timedelta(days=1), zone)


def _midnight(day: date, zone: ZoneInfo) -> int:
    return ceil(datetime.combine(day, time(), zone).timestamp() / SECONDS)
