"""Numbers, times and counts as people read them."""

from __future__ import annotations

from datetime import UTC, datetime

SLIGHT, STRONG = 0.05, 0.2
"""Differences of mean scores: under the first nothing is called different, from the second on it is much."""

UNREAD_FROM = 5
"""Percent of the messages that cannot be read from which on a mood says so."""


_NEARLY_ALL = 98
"""Percent from which on there is no rest to speak of."""


def unread_in_words(percent: int, where: str = "here") -> str:
    """One sentence for whoever reads a mood: how much of what is written is not in it, and why."""
    rest = ", and I only read English" if percent >= _NEARLY_ALL else ": the mood covers the rest"
    return f"{percent} % of the messages {where} aren't in English{rest}."


def span(seconds: int) -> str:
    """A length of time in words, to the minute or, from two days on, to the hour."""
    minutes = max(1, round(seconds / 60))
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days >= 2:
        return _joined(_counted(days, "day"), _counted(hours, "hour"))
    return _joined(_counted(days * 24 + hours, "hour"), _counted(rest, "minute"))


def signed(value: float) -> str:
    """A score with its sign and two digits."""
    return f"{value:+.2f}".replace("-", "\N{MINUS SIGN}") if round(value, 2) else "0.00"


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _counted(count: int, name: str) -> str:
    if not count:
        return ""
    return f"1 {name}" if count == 1 else f"{count} {name}s"


def count(number: int, thing: str) -> str:
    """As in "1 message" and "2,000 messages"."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def as_time(seconds: float | None) -> str | None:
    """An instant, in seconds since the Unix epoch, as ISO 8601 in UTC, whole seconds; None stays None."""
    return None if seconds is None else datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def as_id(number: int | None) -> str | None:
    """A snowflake as text: JSON readers that take numbers for floating point would round it; None stays None."""
    return None if number is None else str(number)
