"""When a server can have its first alert, in one line: `enable`, `status`, `doctor`, `/setup` and digests say it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from bot.analytics.baseline import WEEKS
from bot.analytics.learning import DAYS, ToldSpan, days_so_far, first_alert, learned_until
from bot.domain.records import FEWEST_AUTHORS, GuildSettings
from bot.domain.snowflake import SECONDS
from bot.i18n import gettext, ngettext
from bot.i18n.formats import day_and_month, weekday
from bot.storage.mood_repository import MoodRepository


@dataclass(frozen=True, slots=True)
class Progress:
    """So many channels are watched and `known` of them learned; `day` and `first` are of the furthest of the others.

    `first` is the hour, since the Unix epoch, from which on there can be an alert; None where all are learned.
    """

    channels: int
    known: int
    day: int = 0
    first: int | None = None


async def progress(moods: MoodRepository, guild_id: int, channels: Collection[int], now: float) -> Progress:
    """How far these channels of a server are; `now` in seconds since the Unix epoch. Raises DatabaseUnavailable."""
    wanted, present = frozenset(channels), int(now // SECONDS)
    until = learned_until(present)
    learned = await moods.told_spans(guild_id, until - WEEKS * 7 * 24 + 1, until, wanted)
    known = {channel for channel, span in learned.items() if ToldSpan(*span).is_enough}
    others = wanted - known
    if not others:
        return Progress(len(wanted), len(known))
    spans = await moods.told_spans(guild_id, present - WEEKS * 7 * 24, present, others)
    there = [ToldSpan(*spans[channel]) if channel in spans else None for channel in others]
    first = min(first_alert(span, present) for span in there)
    return Progress(len(wanted), len(known), max(days_so_far(span, present) for span in there), first)


def in_words(found: Progress, settings: GuildSettings) -> str:
    """One or two sentences; empty where nothing is watched."""
    if not found.channels:
        return ""
    said = [_learned(found)] if found.first is None else _learning(found, found.first, settings)
    if settings.mod_channel_id is None:
        said.append(gettext("Pick a mod channel with `/setup` to get alerts."))
    return " ".join(said)


def _learned(found: Progress) -> str:
    return ngettext(
        "Watching {count:,} channel. I know what's normal in it.",
        "Watching {count:,} channels. I know what's normal in all of them.",
        found.channels,
    )


def _learning(found: Progress, first: int, settings: GuildSettings) -> list[str]:
    day = datetime.fromtimestamp(first * SECONDS, settings.zone)
    said = [ngettext("Watching {count:,} channel.", "Watching {count:,} channels.", found.channels)]
    if found.known:
        said.append(
            ngettext(
                "I know what's normal in {count}; the rest is new.",
                "I know what's normal in {count}; the rest is new.",
                found.known,
            )
        )
    said.append(
        gettext(
            "Learning what's normal: day {day} of {days}; first alert possible on {weekday} {date}.",
            day=found.day,
            days=DAYS,
            weekday=weekday(day),
            date=day_and_month(day),
        )
    )
    said.append(
        ngettext(
            "(I learn from hours with {count}+ person.)", "(I learn from hours with {count}+ people.)", FEWEST_AUTHORS
        )
    )
    return said
