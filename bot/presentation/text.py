"""Numbers, times and counts as people read them."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.i18n import N_, gettext, ngettext
from bot.i18n.formats import decimal
from bot.i18n.formats import percent as written_percent

SLIGHT, STRONG = 0.05, 0.2
"""Differences of mean scores: under the first nothing is called different, from the second on it is much."""

UNREAD_FROM = 5
"""Percent of the messages that cannot be read from which on a mood says so."""


_NEARLY_ALL = 98
"""Percent from which on there is no rest to speak of."""


def unread_in_words(
    percent: int, channel_id: int | None = None, *, server: bool = False, english_only: bool = True
) -> str:
    """One sentence for whoever reads a mood: how much of what is written is not in it, and why.

    It says "here" unless a channel is named, or the whole server. `english_only`: no other language is read there.
    """
    here, in_channel, in_server = _NOT_ENGLISH if english_only else _NOT_READ
    sentences = in_channel if channel_id is not None else in_server if server else here
    share = written_percent(percent)
    return gettext(sentences[percent >= _NEARLY_ALL], share=share, where=f"<#{channel_id}>")


# Each for a mood that covers the rest, and for one of which there is no rest to speak of.
_NOT_ENGLISH = (
    (
        N_("{share} of the messages here aren't in English: the mood covers the rest."),
        N_("{share} of the messages here aren't in English, and I only read English."),
    ),
    (
        N_("{share} of the messages in {where} aren't in English: the mood covers the rest."),
        N_("{share} of the messages in {where} aren't in English, and I only read English."),
    ),
    (
        N_("{share} of the messages in this server aren't in English: the mood covers the rest."),
        N_("{share} of the messages in this server aren't in English, and I only read English."),
    ),
)
_NOT_READ = (
    (
        N_("{share} of the messages here are in languages I don't read: the mood covers the rest."),
        N_("{share} of the messages here are in languages I don't read."),
    ),
    (
        N_("{share} of the messages in {where} are in languages I don't read: the mood covers the rest."),
        N_("{share} of the messages in {where} are in languages I don't read."),
    ),
    (
        N_("{share} of the messages in this server are in languages I don't read: the mood covers the rest."),
        N_("{share} of the messages in this server are in languages I don't read."),
    ),
)


def span(seconds: int) -> str:
    """A length of time in words, to the minute or, from two days on, to the hour."""
    minutes = max(1, round(seconds / 60))
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days >= 2:
        parts = (counted_days(days), counted_hours(hours) if hours else "")
    else:
        hours += days * 24
        parts = (counted_hours(hours) if hours else "", counted_minutes(rest) if rest else "")
    return " ".join(filter(None, parts))


def counted_days(count: int) -> str:
    """As in "1 day" and "2 days", standing alone; in a sentence that says more, count inside of it."""
    return ngettext("{count:,} day", "{count:,} days", count)


def counted_hours(count: int) -> str:
    """As in "1 hour" and "2 hours", standing alone."""
    return ngettext("{count:,} hour", "{count:,} hours", count)


def counted_minutes(count: int) -> str:
    """As in "1 minute" and "2 minutes", standing alone."""
    return ngettext("{count:,} minute", "{count:,} minutes", count)


def after_days(count: int) -> str:
    """As in "is deleted after 7 days"."""
    return ngettext("after {count:,} day", "after {count:,} days", count)


def signed(value: float, digits: int = 2) -> str:
    """A score with its sign and so many digits."""
    written = decimal(value, digits)
    return written if value < 0 or not round(value, digits) else f"+{written}"


def as_time(seconds: float | None) -> str | None:
    """An instant, in seconds since the Unix epoch, as ISO 8601 in UTC, whole seconds; None stays None."""
    return None if seconds is None else datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def as_id(number: int | None) -> str | None:
    """A snowflake as text: JSON readers that take numbers for floating point would round it; None stays None."""
    return None if number is None else str(number)
