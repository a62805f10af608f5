"""A mood in three plain sentences, and the picture's alternative text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.analytics.baseline import Baseline
from bot.analytics.buckets import Size, Timeline, together
from bot.charts.drawing import Line
from bot.domain.records import FEWEST_AUTHORS, HourMood
from bot.domain.snowflake import SECONDS
from bot.presentation.text import SLIGHT, STRONG, UNREAD_FROM, signed, span, unread_in_words

_ALT_LIMIT = 1024
"""Characters Discord takes as an alternative text."""


def sentences(
    line: Timeline, hours: Sequence[HourMood], baseline: Baseline | None, zone: ZoneInfo, unread: int | None = None
) -> str:
    """How it was beside what is usual, how many messages of how many people, and what is missing.

    `hours` are the hours told, of which the comparison is made; something must be told in `line`. `unread` is the
    share of the messages that could not be read, in percent, where it may be told.
    """
    total = line.total
    assert total is not None
    said = [beside_usual(total, hours, baseline, zone), _volume(total)]
    if unread is None or unread < UNREAD_FROM:
        return "\n".join((*said, _missing(line)))
    return "\n".join((*said, unread_in_words(unread), _missing(line, people="people I can read")))


def beside_usual(total: HourMood, hours: Sequence[HourMood], baseline: Baseline | None, zone: ZoneInfo) -> str:
    """One sentence. A difference that the sampling error could explain is called none."""
    level = f"mean score {signed(total.mean)}"
    if baseline is None or not hours:
        return f"Too little is stored yet to say what is usual here; {level}, from \N{MINUS SIGN}1 to +1."
    usual = baseline.expected(hours)
    own = together(hours)
    assert own is not None
    difference = own.mean - usual
    days = {datetime.fromtimestamp(hour.hour * SECONDS, zone).date() for hour in hours}
    than = f"its usual {days.pop():%A}" if len(days) == 1 else "usual at these hours of the week"
    known = f"({level}, usually {signed(usual)})"
    if abs(difference) < max(SLIGHT, 2 * own.standard_error):
        return f"About as {than.removeprefix('its ')} {known}."
    much = "Much more" if abs(difference) >= STRONG else "More"
    return f"{much} {'positive' if difference > 0 else 'negative'} than {than} {known}."


def compared(names: tuple[str, str], lines: tuple[Timeline, Timeline]) -> str:
    """Two channels in sentences; something must be told of both."""
    first, second = (line.total for line in lines)
    assert first is not None and second is not None
    difference = first.mean - second.mean
    error = (first.standard_error**2 + second.standard_error**2) ** 0.5
    levels = f"({signed(first.mean)} and {signed(second.mean)})"
    if abs(difference) < max(SLIGHT, 2 * error):
        said = f"{names[0]} and {names[1]} are about as positive as each other {levels}."
    else:
        side = "more positive" if difference > 0 else "more negative"
        said = f"{names[0]} is {'much ' if abs(difference) >= STRONG else ''}{side} than {names[1]} {levels}."
    volumes = (f"{name}: {_volume(total)}" for name, total in zip(names, (first, second), strict=True))
    hidden = lines[0].hidden + lines[1].hidden
    return "\n".join((said, *volumes, _missing(lines[0], hidden)))


def alternative_text(lines: Sequence[Line], zone: ZoneInfo) -> str:
    """What the picture shows, for whoever does not see it."""
    first = lines[0].timeline
    begun, ended = (
        datetime.fromtimestamp(hour * SECONDS, zone) for hour in (first.buckets[0].start, first.buckets[-1].end)
    )
    said = [f"Chart from {begun.day} {begun:%B %H:%M} to {ended.day} {ended:%B %H:%M} ({zone.key}), by {first.size}."]
    for line in lines:
        told = [bucket.mood for bucket in line.timeline.buckets if bucket.mood is not None]
        if told:
            means = [mood.mean for mood in told]
            said.append(
                f"{line.name}: mean score between {signed(min(means))} and {signed(max(means))}, "
                f"at the end {signed(means[-1])}; {sum(mood.messages for mood in told):,} messages."
            )
    if first.gaps:
        said.append(f"Nothing could be seen for {span(first.missing_seconds)}, shown hatched.")
    return " ".join(said)[:_ALT_LIMIT]


def _volume(total: HourMood) -> str:
    shares = ", ".join(
        f"{100 * getattr(total, name) / total.messages:.0f} % {name}" for name in ("positive", "neutral", "negative")
    )
    return f"{total.messages:,} messages by at least {total.authors:,} people: {shares}."


def _missing(line: Timeline, hidden: int | None = None, people: str = "people") -> str:
    hidden = line.hidden if hidden is None else hidden
    parts = []
    if line.gaps:
        parts.append(f"{span(line.missing_seconds)} missing, because I could see nothing")
    if line.partly:
        some = "1 channel" if line.partly == 1 else f"{line.partly:,} channels"
        parts.append(f"{some} of it not seen all the time")
    if hidden:
        some = "1 hour" if hidden == 1 else f"{hidden:,} hours"
        by_day = line.size in (Size.DAY, Size.WEEK)
        shown = "not shown, or only in their day's sum" if by_day else "not shown"
        parts.append(f"{some} with fewer than {FEWEST_AUTHORS} {people} {shown}")
    return f"{'; '.join(parts)}." if parts else "Nothing is missing."
