"""How far back somebody asks: "7 days", "monday", "last tuesday at 3pm" or "nov 1", in the server's own time."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.commands.mood.own_words import in_english
from bot.domain.local_hours import begins_at, first_hour
from bot.domain.snowflake import SECONDS
from bot.i18n import N_, gettext, ngettext, spoken
from bot.i18n.formats import clock, date_in_full
from bot.presentation.quoting import excerpt
from bot.presentation.text import counted_days, counted_hours

DEFAULT = "7 days"
SUGGESTED = ("today", "yesterday", "24 hours", DEFAULT, "30 days", "90 days")
LONGEST_DAYS = 366

_TODAY, _YESTERDAY = N_("today"), N_("yesterday")
_SINCE_WEEKDAY = (
    N_("since Monday"),
    N_("since Tuesday"),
    N_("since Wednesday"),
    N_("since Thursday"),
    N_("since Friday"),
    N_("since Saturday"),
    N_("since Sunday"),
)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HOURS_IN = {"h": 1, "d": 24, "w": 7 * 24, "m": 30 * 24, "y": 365 * 24}
_SPAN = re.compile(
    r"(?:(?:in\sthe\s)?(?:last|past) )?(\d{1,9})? ?(h|hours?|hrs?|d|days?|w|weeks?|months?|y|years?)(?: ago)?", re.ASCII
)
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}", re.ASCII)

_WEEKDAY = "mon(?:day)?|tue(?:s|sday)?|wed(?:nesday)?|thu(?:r|rs|rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
_MONTH = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    "|nov(?:ember)?|dec(?:ember)?"
)
_NUMBER = r"\d{1,4}|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_PIECE = f"(?:{_NUMBER}) (?:hour|day|week|fortnight|month|year)s?"
_AGO = re.compile(f"{_PIECE}(?:(?:,| and|, and)? {_PIECE})* ago", re.ASCII)
_NUMBERED = r"(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?"
_DAY = (
    rf"(?:last |on )?(?:{_WEEKDAY})"
    rf"|(?:{_MONTH})(?: (?:the )?{_NUMBERED})?(?:,? \d{{4}})?"
    rf"|(?:the )?{_NUMBERED} (?:of )?(?:{_MONTH})(?:,? \d{{4}})?"
    rf"|(?:the )?day before yesterday|yesterday|today"
)
_CLOCK = r"(?:[01]?\d|2[0-3]):[0-5]\d|(?:0?[1-9]|1[0-2])(?::[0-5]\d)? ?[ap]m|noon|midnight"
_WHEN = re.compile(rf"(?P<day>{_DAY})(?:,? (?:at )?(?P<clock>{_CLOCK}))?|(?:{_CLOCK})", re.ASCII)
"""What is given to dateparser. It would read far more, and guess: 12/11, "99", "monday nov 1", "an"."""


class NoSuchTime(Exception):
    """What was given as `since` cannot be used; the message is one sentence for whoever gave it."""


@dataclass(frozen=True, slots=True)
class Since:
    """A range up to now: its first hour, since the Unix epoch, and how a sentence says it, such as "today"."""

    first_hour: int
    words: str


def suggested(typed: str) -> list[tuple[str, str]]:
    """What is often asked for that holds what was typed: as it is shown in the asker's language, and in English."""
    wanted = " ".join(typed.casefold().split())
    shown = [(_in_own_words(text), text) for text in SUGGESTED]
    return [(own, text) for own, text in shown if wanted in own.casefold() or wanted in text]


def _in_own_words(text: str) -> str:
    count, _, unit = text.partition(" ")
    if not unit:
        return gettext(text)
    return counted_hours(int(count)) if unit == "hours" else counted_days(int(count))


def read_since(text: str, zone: ZoneInfo, now: float) -> Since:
    """Reads what somebody typed, in English or in the language that is spoken.

    `now` is in seconds since the Unix epoch. Raises NoSuchTime.
    """
    found = _read(text, zone, now) or _read(in_english(text, spoken()), zone, now)
    if found is None:
        raise NoSuchTime(
            gettext(
                'I don\'t understand "{typed}" as a time. Try `{days}`, `{today}` or `{date}`.',
                typed=excerpt(text, 40),
                days=counted_days(7),
                today=gettext(_TODAY),
                date=datetime.fromtimestamp(now, zone).date(),
            )
        )
    return found


def _read(text: str, zone: ZoneInfo, now: float) -> Since | None:
    """What is typed in English; None where that is no time."""
    asked = re.sub(r"(?<=[a-z])\.", "", " ".join(text.casefold().split())).removeprefix("since ")
    today = datetime.fromtimestamp(now, zone).date()
    if span := _SPAN.fullmatch(asked):
        return _span(int(span[1] or 1), span[2], now)
    if asked == _TODAY:
        return _since(today, zone, now, gettext(_TODAY))
    if asked == _YESTERDAY:
        return _since(today - timedelta(days=1), zone, now, gettext("since yesterday"))
    if re.fullmatch(_WEEKDAY, asked):
        meant = next(number for number, name in enumerate(_WEEKDAYS) if name.startswith(asked[:3]))
        back = (today.weekday() - meant) % 7
        return _since(today - timedelta(days=back), zone, now, gettext(_SINCE_WEEKDAY[meant]))
    if _DATE.fullmatch(asked):
        return _day(asked, today, zone, now)
    return _worked_out(asked, zone, now)


def _worked_out(asked: str, zone: ZoneInfo, now: float) -> Since | None:
    """What dateparser makes of it, or None. Its first call takes a third of a second, so not on the event loop."""
    ago, when = _AGO.fullmatch(asked), _WHEN.fullmatch(asked)
    if ago is None and when is None:
        return None
    import dateparser

    here = datetime.fromtimestamp(now, zone).replace(tzinfo=None)
    start: datetime | None = dateparser.parse(
        asked,
        languages=["en"],
        settings={
            "RELATIVE_BASE": here,
            "TIMEZONE": "UTC",  # both are without a zone; with any other name it asks the system for one
            "PREFER_DATES_FROM": "past",
            "PREFER_DAY_OF_MONTH": "current" if ago else "first",
        },
    )
    if start is None:
        return None
    if ago:
        hours = math.ceil((here - start).total_seconds() / SECONDS)
        return _span(hours // 24, "days", now) if hours % 24 == 0 else _span(hours, "hours", now)
    if when is not None and when["day"] and not when["clock"]:
        return _day(f"{start:%Y-%m-%d}", here.date(), zone, now)
    if start > here:
        raise _to_come(f"{start:%Y-%m-%d %H:%M}", here.date(), zone)
    if (here - start).days > LONGEST_DAYS:
        raise _too_long()
    first = int(start.replace(tzinfo=zone).timestamp() // SECONDS)
    begun = begins_at(first, zone)
    if begun.date() < start.date():  # that hour is the day before's
        return _since(start.date(), zone, now, gettext("since {date}", date=date_in_full(start)))
    return Since(first, gettext("since {date}, {time}", date=date_in_full(begun), time=clock(begun)))


def _span(count: int, unit: str, now: float) -> Since:
    if not count:
        raise NoSuchTime(
            gettext("That's no time at all. Try `{hours}` or `{days}`.", hours=counted_hours(24), days=counted_days(7))
        )
    hours = count * _HOURS_IN[unit[0]]
    if hours > LONGEST_DAYS * 24:
        raise _too_long()
    return Since(int(now // SECONDS) - hours + 1, _in_the_last(count, unit[0]))


def _in_the_last(count: int, unit: str) -> str:
    if unit == "h":
        return ngettext("in the last hour", "in the last {count} hours", count)
    if unit == "d":
        return ngettext("in the last day", "in the last {count} days", count)
    if unit == "w":
        return ngettext("in the last week", "in the last {count} weeks", count)
    if unit == "m":
        return ngettext("in the last month", "in the last {count} months", count)
    return ngettext("in the last year", "in the last {count} years", count)


def _day(text: str, today: date, zone: ZoneInfo, now: float) -> Since:
    try:
        day = date(*(int(part) for part in text.split("-")))
    except ValueError:
        raise NoSuchTime(
            gettext("There's no day {typed}. A date looks like `{date}`.", typed=text, date=today)
        ) from None
    if day > today:
        raise _to_come(str(day), today, zone)
    if (today - day).days > LONGEST_DAYS:
        raise _too_long()
    return _since(day, zone, now, gettext("since {date}", date=date_in_full(day)))


def _since(day: date, zone: ZoneInfo, now: float, words: str) -> Since:
    """From the first hour of a day that is not to come."""
    first = first_hour(day, zone)
    if first > now // SECONDS:
        raise NoSuchTime(
            gettext(
                "The first whole hour of {day} begins at {time} in this server's time ({zone}): "
                "ask again then, or try `{hours}`.",
                day=day,
                time=clock(begins_at(first, zone)),
                zone=zone.key,
                hours=counted_hours(24),
            )
        )
    return Since(first, words)


def _to_come(when: str, today: date, zone: ZoneInfo) -> NoSuchTime:
    return NoSuchTime(
        gettext(
            "{when} is still to come; today is {today} in this server's time ({zone}).",
            when=when,
            today=today,
            zone=zone.key,
        )
    )


def _too_long() -> NoSuchTime:
    return NoSuchTime(
        gettext("I can only look back {limit} days. Try `{days}`.", limit=LONGEST_DAYS, days=counted_days(90))
    )
