"""Local days out of whole hours: an hour belongs to the day, and to the quarter of one, in which it begins.

What is stored are whole hours of UTC. Where a zone is half an hour or a quarter off, midnight falls into one of them.
That one goes to the day in which it begins, whole and once: a day begins at 00:30 in India and at 00:45 in Nepal.
Nothing that was written before midnight is in it; what was written in the minutes after it is told with the day before.
"""

from __future__ import annotations

from datetime import date, datetime, time
from math import ceil
from zoneinfo import ZoneInfo

from bot.domain.snowflake import SECONDS

_NOT_A_PLACE = {"right", "posix", "localtime", "posixrules", "Factory"}
"""Names, or folders of them, that some machines have beside the zones: with leap seconds, or with their own time."""


def known_zone(name: str) -> ZoneInfo | None:
    """The time zone of that IANA name, as the machine has it or else tzdata; None where there is none."""
    if name.partition("/")[0] in _NOT_A_PLACE:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # no such name, a folder of names, a path
        return None


def first_hour(local: date | datetime, zone: ZoneInfo) -> int:
    """The first whole hour (since the Unix epoch) that begins at a local time, of a day at its midnight, or after it.

    A time that the clocks show twice is meant the first time; one that they skip is when they have skipped it.
    """
    moment = local if isinstance(local, datetime) else datetime.combine(local, time())
    return ceil(moment.replace(tzinfo=zone).timestamp() / SECONDS)


def begins_at(hour: int, zone: ZoneInfo) -> datetime:
    """The local time at which an hour (since the Unix epoch) begins."""
    return datetime.fromtimestamp(hour * SECONDS, zone)
