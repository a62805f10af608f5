"""A mood in three plain sentences, and the picture's alternative text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.analytics.baseline import Baseline
from bot.analytics.buckets import Size, Timeline, together
from bot.charts.canvas import zone_name
from bot.charts.drawing import Line
from bot.charts.rhythm import dip
from bot.domain.records import FEWEST_AUTHORS, HourMood
from bot.domain.snowflake import SECONDS
from bot.i18n import N_, gettext, ngettext, pgettext
from bot.i18n.formats import at_time, day_and_month, percent, weekday
from bot.presentation.text import SLIGHT, STRONG, UNREAD_FROM, signed, span, unread_in_words

_ALT_LIMIT = 1024
"""Characters Discord takes as an alternative text."""


def sentences(
    line: Timeline,
    hours: Sequence[HourMood],
    baseline: Baseline | None,
    zone: ZoneInfo,
    unread: int | None = None,
    *,
    english_only: bool = True,
) -> str:
    """How it was beside what is usual, how many messages of how many people, and what is missing.

    `hours` are the hours told, of which the comparison is made; something must be told in `line`. `unread` is the
    share of the messages that could not be read, in percent, where it may be told. `english_only`: no other language is
    read there.
    """
    total = line.total
    assert total is not None
    said = [beside_usual(total, hours, baseline, zone), _volume(total)]
    if unread is None or unread < UNREAD_FROM:
        return "\n".join((*said, _missing(line, line.hidden)))
    return "\n".join(
        (*said, unread_in_words(unread, english_only=english_only), _missing(line, line.hidden, readable=True))
    )


def beside_usual(total: HourMood, hours: Sequence[HourMood], baseline: Baseline | None, zone: ZoneInfo) -> str:
    """One sentence. A difference that the sampling error could explain is called none."""
    if baseline is None or not hours:
        return gettext(
            "I don't know yet what's normal here (that takes about a week); mean score {score}, "
            "from \N{MINUS SIGN}1 to +1.",
            score=signed(total.mean),
        )
    usual = baseline.expected(hours)
    own = together(hours)
    assert own is not None
    difference = own.mean - usual
    days = sorted({datetime.fromtimestamp(hour.hour * SECONDS, zone).date() for hour in hours})
    if abs(difference) < max(SLIGHT, 2 * own.standard_error):
        week = 6 <= (days[-1] - days[0]).days <= 7
        sentence = _NORMAL[_DAY if len(days) == 1 else _WEEK if week else _OTHER]
    else:
        time = _DAY if len(days) == 1 else _OTHER
        sentence = _UNUSUAL[difference > 0, abs(difference) >= STRONG, time]
    worst = dip(hours, baseline, zone)
    return gettext(
        sentence[worst is not None],
        weekday=weekday(days[0]),
        score=signed(total.mean),
        usual=signed(usual),
        worst=worst,
    )


_DAY, _WEEK, _OTHER = "day", "week", "other"

_NORMAL = {
    _DAY: (
        N_("A normal {weekday} (mean score {score}, usually {usual})."),
        N_("A normal {weekday} (mean score {score}, usually {usual}); worst {worst}."),
    ),
    _WEEK: (
        N_("A normal week (mean score {score}, usually {usual})."),
        N_("A normal week (mean score {score}, usually {usual}); worst {worst}."),
    ),
    _OTHER: (
        N_("About normal (mean score {score}, usually {usual})."),
        N_("About normal (mean score {score}, usually {usual}); worst {worst}."),
    ),
}
"""By how long a time it is said of; the second sentence where some hours were clearly worse than usual."""

_UNUSUAL = {
    (True, True, _DAY): (
        N_("Much more positive than a usual {weekday} (mean score {score}, usually {usual})."),
        N_("Much more positive than a usual {weekday} (mean score {score}, usually {usual}); worst {worst}."),
    ),
    (True, False, _DAY): (
        N_("More positive than a usual {weekday} (mean score {score}, usually {usual})."),
        N_("More positive than a usual {weekday} (mean score {score}, usually {usual}); worst {worst}."),
    ),
    (False, True, _DAY): (
        N_("Much more negative than a usual {weekday} (mean score {score}, usually {usual})."),
        N_("Much more negative than a usual {weekday} (mean score {score}, usually {usual}); worst {worst}."),
    ),
    (False, False, _DAY): (
        N_("More negative than a usual {weekday} (mean score {score}, usually {usual})."),
        N_("More negative than a usual {weekday} (mean score {score}, usually {usual}); worst {worst}."),
    ),
    (True, True, _OTHER): (
        N_("Much more positive than usual (mean score {score}, usually {usual})."),
        N_("Much more positive than usual (mean score {score}, usually {usual}); worst {worst}."),
    ),
    (True, False, _OTHER): (
        N_("More positive than usual (mean score {score}, usually {usual})."),
        N_("More positive than usual (mean score {score}, usually {usual}); worst {worst}."),
    ),
    (False, True, _OTHER): (
        N_("Much more negative than usual (mean score {score}, usually {usual})."),
        N_("Much more negative than usual (mean score {score}, usually {usual}); worst {worst}."),
    ),
    (False, False, _OTHER): (
        N_("More negative than usual (mean score {score}, usually {usual})."),
        N_("More negative than usual (mean score {score}, usually {usual}); worst {worst}."),
    ),
}
"""By whether it is better than usual, and much so."""


def compared(names: tuple[str, str], lines: tuple[Timeline, Timeline]) -> str:
    """Two channels in sentences; something must be told of both."""
    first, second = (line.total for line in lines)
    assert first is not None and second is not None
    difference = first.mean - second.mean
    error = (first.standard_error**2 + second.standard_error**2) ** 0.5
    if abs(difference) < max(SLIGHT, 2 * error):
        sentence = N_("{first} and {second} feel about the same ({one} and {other}).")
    else:
        sentence = _APART[difference > 0, abs(difference) >= STRONG]
    levels = {"one": signed(first.mean), "other": signed(second.mean)}
    said = [gettext(sentence, first=names[0], second=names[1], **levels)]
    for name, total in zip(names, (first, second), strict=True):
        said.append(pgettext("a channel and its numbers", "{channel}: {numbers}", channel=name, numbers=_volume(total)))
    return "\n".join((*said, _missing(lines[0], lines[0].hidden + lines[1].hidden)))


_APART = {
    (True, True): N_("{first} is much more positive than {second} ({one} and {other})."),
    (True, False): N_("{first} is more positive than {second} ({one} and {other})."),
    (False, True): N_("{first} is much more negative than {second} ({one} and {other})."),
    (False, False): N_("{first} is more negative than {second} ({one} and {other})."),
}
"""By whether the first is better, and much so."""


def alternative_text(lines: Sequence[Line], zone: ZoneInfo) -> str:
    """What the picture shows, for whoever does not see it."""
    first = lines[0].timeline
    begun, ended = (
        datetime.fromtimestamp(hour * SECONDS, zone) for hour in (first.buckets[0].start, first.buckets[-1].end)
    )
    said = [
        gettext(
            _CHART_BY[first.size],
            begun=at_time(day_and_month(begun), begun),
            ended=at_time(day_and_month(ended), ended),
            zone=zone_name(zone),
        )
    ]
    for line in lines:
        told = [bucket.mood for bucket in line.timeline.buckets if bucket.mood is not None]
        if told:
            means = [mood.mean for mood in told]
            said.append(
                ngettext(
                    "{name}: mean score between {low} and {high}, at the end {last}; {count:,} message.",
                    "{name}: mean score between {low} and {high}, at the end {last}; {count:,} messages.",
                    sum(mood.messages for mood in told),
                    name=line.name,
                    low=signed(min(means)),
                    high=signed(max(means)),
                    last=signed(means[-1]),
                )
            )
    if first.gaps:
        said.append(gettext("Hatched: {time} in which I couldn't see anything.", time=span(first.missing_seconds)))
    filled = max(line.timeline.filled_seconds for line in lines)
    if filled:
        said.append(gettext("Solid line on top: {time} that I read later, because an admin asked.", time=span(filled)))
    return " ".join(said)[:_ALT_LIMIT]


_CHART_BY = {
    Size.HOUR: N_("Chart from {begun} to {ended} ({zone}), by hour."),
    Size.QUARTER: N_("Chart from {begun} to {ended} ({zone}), by 6 hours."),
    Size.DAY: N_("Chart from {begun} to {ended} ({zone}), by day."),
    Size.WEEK: N_("Chart from {begun} to {ended} ({zone}), by week."),
}


def _volume(total: HourMood) -> str:
    shares = {
        name: percent(100 * getattr(total, name) / total.messages) for name in ("positive", "neutral", "negative")
    }
    return ngettext(
        "{count:,} message {by_people}: {positive} positive, {neutral} neutral, {negative} negative.",
        "{count:,} messages {by_people}: {positive} positive, {neutral} neutral, {negative} negative.",
        total.messages,
        by_people=ngettext("by {count:,}+ person", "by {count:,}+ people", total.authors),
        **shares,
    )


def _missing(line: Timeline, hidden: int, *, readable: bool = False) -> str:
    """What is not in a mood; with `readable`, of quiet hours it is said that only people who can be read count."""
    parts = []
    if line.gaps:
        parts.append(gettext("I couldn't see anything for {time}.", time=span(line.missing_seconds)))
    if line.partly:
        parts.append(
            ngettext(
                "I couldn't see {count:,} channel all the time.",
                "I couldn't see {count:,} channels all the time.",
                line.partly,
            )
        )
    if hidden:
        parts.append(_hidden(hidden, readable=readable, by_day=line.size in (Size.DAY, Size.WEEK)))
    return " ".join(parts) if parts else gettext("Nothing is missing.")


def _hidden(hours: int, *, readable: bool, by_day: bool) -> str:
    if readable and by_day:
        return ngettext(
            "{count:,} quiet hour (under {fewest} people I can read) is hidden, or only in the day's total.",
            "{count:,} quiet hours (under {fewest} people I can read) are hidden, or only in the day's total.",
            hours,
            fewest=FEWEST_AUTHORS,
        )
    if readable:
        return ngettext(
            "{count:,} quiet hour (under {fewest} people I can read) is hidden.",
            "{count:,} quiet hours (under {fewest} people I can read) are hidden.",
            hours,
            fewest=FEWEST_AUTHORS,
        )
    if by_day:
        return ngettext(
            "{count:,} quiet hour (under {fewest} people) is hidden, or only in the day's total.",
            "{count:,} quiet hours (under {fewest} people) are hidden, or only in the day's total.",
            hours,
            fewest=FEWEST_AUTHORS,
        )
    return ngettext(
        "{count:,} quiet hour (under {fewest} people) is hidden.",
        "{count:,} quiet hours (under {fewest} people) are hidden.",
        hours,
        fewest=FEWEST_AUTHORS,
    )
