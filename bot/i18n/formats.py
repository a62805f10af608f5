"""Numbers, dates and lists as people of a language write them; the rules are Unicode's CLDR, by Babel.

English is written as it always was here, without Babel, which costs a moment and some memory to load.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from string import Formatter
from typing import Any
from zoneinfo import ZoneInfo

from bot.i18n.languages import ENGLISH, LANGUAGES, spoken

MINUS = "\N{MINUS SIGN}"


def fill(text: str, values: Mapping[str, object]) -> str:
    """The text with its names in braces filled in; `{name:,}` is a number, grouped as the language does it."""
    return _FILLER.vformat(text, (), values)


class _Filler(Formatter):
    """Knows names and nothing else: a catalogue cannot reach into what is put in."""

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, str]:
        """The value of that very name."""
        return kwargs[field_name], field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        """Groups the digits of a number where that is asked for."""
        return number(value) if format_spec == "," else super().format_field(value, format_spec)


_FILLER = _Filler()


def number(value: float) -> str:
    """A whole number with its digits grouped: "2,000", "2.000", "2 000"."""
    if spoken() == ENGLISH:
        return f"{value:,}"
    from babel.numbers import format_decimal

    return format_decimal(value, locale=spoken())


def decimal(value: float, digits: int) -> str:
    """A number with so many digits after its point or comma, and a minus where it is below nothing."""
    written = f"{abs(value):,.{digits}f}"
    if spoken() != ENGLISH:
        from babel.numbers import format_decimal

        written = format_decimal(abs(value), format=f"#,##0.{'0' * digits}", locale=spoken())
    return f"{MINUS}{written}" if value < 0 and float(f"{value:.{digits}f}") else written


def percent(value: float) -> str:
    """A whole percent: "12 %", "%12"."""
    if spoken() == ENGLISH:
        return f"{value:.0f} %"
    from babel.numbers import format_percent

    return format_percent(round(value) / 100, locale=spoken())


def weekday(day: date, *, short: bool = False) -> str:
    """The name of the day of the week, standing alone."""
    if spoken() == ENGLISH:
        return f"{day:%a}" if short else f"{day:%A}"
    from babel.dates import format_date

    return format_date(day, "ccc" if short else "cccc", locale=spoken())


def day_and_month(day: date, *, short: bool = False) -> str:
    """Such as "3 May" or "3. Mai"; where it is short, the month is."""
    if spoken() == ENGLISH:
        return f"{day.day} {day:%b}" if short else f"{day.day} {day:%B}"
    from babel.dates import format_skeleton

    return format_skeleton("MMMd" if short else "MMMMd", day, locale=spoken())


def clock(moment: datetime) -> str:
    """The time of day, by 24 hours, in the moment's own zone."""
    if spoken() == ENGLISH:
        return f"{moment:%H:%M}"
    from babel.dates import format_time

    return format_time(moment.time(), "HH:mm", locale=spoken())


def language_name(english: str) -> str:
    """The name of a language, standing alone, for its English one, such as "Spanish"; unknown ones stay as they are."""
    if spoken() == ENGLISH:
        return english
    from babel import Locale

    codes = {name: code for code, name in Locale(ENGLISH).languages.items()}
    code = codes.get(_CLDR_NAMES.get(english, english))
    return Locale.parse(spoken()).languages.get(code, english) if code else english


def language_names(code: str) -> set[str]:
    """What a language, by its code, is called in each language of the bot and in itself, as spoken anywhere."""
    from babel import Locale, UnknownLocaleError

    names = {
        name
        for language in LANGUAGES
        for variety, name in Locale.parse(language).languages.items()
        if variety.partition("_")[0] == code
    }
    with suppress(UnknownLocaleError):  # an image leaves out most
        names.add(Locale.parse(code).get_language_name() or "")
    return names - {""}


_CLDR_NAMES = {"Bengali": "Bangla"}
"""Languages that have another English name there."""


def listed(things: Sequence[str]) -> str:
    """As in "one", "one and two" and "one, two and three"."""
    if spoken() == ENGLISH:
        return " and ".join(filter(None, (", ".join(things[:-1]), *things[-1:])))
    from babel.lists import format_list

    return format_list(list(things), locale=spoken())


_COMMAS = {"ja": "、"}


def series(things: Iterable[str]) -> str:
    """As in "one, two, three"."""
    return _COMMAS.get(spoken(), ", ").join(things)


def capitalised(sentence: str) -> str:
    """The sentence as it stands alone, if it may follow a colon as well and so begins small."""
    first = "İ" if sentence[:1] == "i" and spoken() == "tr" else sentence[:1].upper()
    return f"{first}{sentence[1:]}"


def city(zone: str) -> str:
    """The place that a time zone, an IANA name, is called after."""
    if spoken() == ENGLISH:
        return zone.rpartition("/")[2].replace("_", " ")
    from babel.dates import get_timezone_location

    return get_timezone_location(ZoneInfo(zone), locale=spoken(), return_city=True)


def date_in_full(day: date) -> str:
    """Such as "3 May 2026" or "3. Mai 2026"."""
    if spoken() == ENGLISH:
        return f"{day.day} {day:%B %Y}"
    from babel.dates import format_date

    return format_date(day, "long", locale=spoken())


def weekday_and_day(day: date) -> str:
    """As short as the axis of a chart needs it: "Wed 25", "Mi 25", "25日(水)"."""
    if spoken() == ENGLISH:
        return f"{day:%a} {day.day}"
    from babel.dates import format_skeleton

    return re.sub("[.,]", "", format_skeleton("Ed", day, locale=spoken()))


def weekday_and_date(day: date) -> str:
    """Such as "Friday 27 November" or "Freitag, 27. November"."""
    if spoken() == ENGLISH:
        return f"{day:%A} {day.day} {day:%B}"
    from babel import Locale
    from babel.dates import format_date, match_skeleton

    known = Locale.parse(spoken()).datetime_skeletons
    form = str(known[match_skeleton("MMMMEd", known)])  # its weekday is short
    return format_date(day, re.sub("E+", "EEEE", form), locale=spoken())


def month(day: date, *, year: bool = False) -> str:
    """The month in short, standing alone or with its year: "Sep", "Jan 2027"."""
    if spoken() == ENGLISH:
        return f"{day:%b %Y}" if year else f"{day:%b}"
    from babel.dates import format_skeleton

    return format_skeleton("yMMM" if year else "MMM", day, locale=spoken())


def at_time(day: str, moment: datetime) -> str:
    """A day, as it is written by one of these, and the time of day: "3 May 18:00", "3. Mai, 18:00"."""
    if spoken() == ENGLISH:
        return f"{day} {clock(moment)}"
    from babel.dates import get_datetime_format

    form = str(get_datetime_format("medium", locale=spoken())).replace("'", "")
    return form.replace("{1}", day).replace("{0}", clock(moment))
