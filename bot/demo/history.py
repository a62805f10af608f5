"""Four weeks that never were: made-up hours of two channels, so that `/mood` has something to show at once.

They have the rhythm of a day and a week, one bad evening, a night on which hardly anybody wrote, and a time in which
the bot was away. The same moment and server give the same past. The made-up people go on writing for a few hours, so
that what a visitor writes is not alone in its hour, which would then be hidden, and a storm can be judged at once.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert

from bot.demo.conversations import MODS, NOTICE_MINUTES_AGO, STORM_IN
from bot.domain.notice import Notice
from bot.domain.records import Alert, DigestKind, Gap, GuildSettings, Mode, Rule, Sensitivity, TargetKind
from bot.domain.snowflake import SECONDS
from bot.storage.chunks import chunks
from bot.storage.database import Database
from bot.storage.guild_repository import GuildRepository
from bot.storage.mood_repository import MoodRepository
from bot.storage.notice_repository import NoticeRepository
from bot.storage.pseudonyms import HASH_BYTES
from bot.storage.publication import Publication
from bot.storage.retention import purge
from bot.storage.schema import AlertRow, HourAuthorRow, HourRow

DAYS, HOURS_AHEAD = 28, 6

_NAMED_DAYS = 7
"""For so many days it is known, as hashes of nobody, who wrote; as long as the bot keeps it by default."""

_DAY = (7, 6, 5, 4, 4, 3, 4, 5, 6, 7, 7, 7, 9, 9, 8, 8, 9, 11, 13, 15, 16, 15, 12, 9)
"""How much is written at each local hour of a day."""

_AWAY_DAYS_AGO, _AWAY_FROM, _AWAY_TO = 5, 3, 13
_QUIET_DAYS_AGO = 4


@dataclass(frozen=True, slots=True)
class Character:
    """What a made-up channel is like: so many regulars, messages in its busiest hour, and its usual mean score.

    In the bad evening, so many days ago and from a local hour on, the mean falls by `drop` for a few hours.
    """

    people: int
    busiest: int
    mood: float
    bad_days_ago: int
    bad_from: int
    drop: float


CHARACTERS = {
    "general": Character(people=34, busiest=30, mood=0.16, bad_days_ago=2, bad_from=18, drop=0.75),
    "gaming": Character(people=22, busiest=22, mood=0.02, bad_days_ago=9, bad_from=19, drop=0.5),
}
"""The channels that have a past, by name. Others are not watched: a visitor may have them watched."""

_BAD_HOURS = (0.6, 1.0, 0.9, 0.6, 0.3)
"""How much of the drop there is in each hour of a bad evening."""


@dataclass(frozen=True, slots=True)
class MadeHour:
    """An hour of a channel: scores in thousandths, and how many of the regulars wrote."""

    hour: int
    scores: tuple[int, ...]
    people: int


def made_up(character: Character, zone: ZoneInfo, now: float, seed: int) -> Iterator[MadeHour]:
    """The hours from four weeks before `now` (seconds since the Unix epoch) until a few hours after it."""
    rng = random.Random(seed)  # noqa: S311  # nothing here is a secret
    present = int(now // SECONDS)
    today = datetime.fromtimestamp(now, zone).date()
    drift = 0.0
    for hour in range(present - DAYS * 24, present + HOURS_AHEAD):
        local = datetime.fromtimestamp(hour * SECONDS, zone)
        days_ago, weekend = (today - local.date()).days, local.weekday() >= 5
        drift = 0.9 * drift + rng.gauss(0, 0.02)
        volume = character.busiest * _DAY[(local.hour - 2 * weekend) % 24] / max(_DAY) * (1.2 if weekend else 1.0)
        mood = character.mood + drift + 0.06 * weekend + (0.05 if local.hour >= 17 else 0.0)
        if days_ago == _QUIET_DAYS_AGO and local.hour < 8:
            volume /= 6
        since = local.hour - character.bad_from
        if days_ago == character.bad_days_ago and 0 <= since < len(_BAD_HOURS):
            volume *= 1.0 + 0.8 * _BAD_HOURS[since]
            mood -= character.drop * _BAD_HOURS[since]
        count = round(volume * rng.uniform(0.75, 1.25))
        if hour >= present:
            count = max(count, 12)
        scores = tuple(_score(rng, mood) for _ in range(count))
        people = min(character.people, count, max(1, round(count * rng.uniform(0.45, 0.7))))
        if hour >= present:
            people = max(people, 10)
        if scores and not (days_ago == _AWAY_DAYS_AGO and _AWAY_FROM <= local.hour < _AWAY_TO):
            yield MadeHour(hour, scores, people)


def _score(rng: random.Random, mood: float) -> int:
    """The score of one message: most are plainly one thing, as the model's are."""
    positive, negative = 0.26 + 0.55 * mood, 0.26 - 0.55 * mood
    chance = rng.random()
    if chance < positive:
        return round(1000 * rng.uniform(0.45, 0.97))
    if chance < positive + negative:
        return -round(1000 * rng.uniform(0.45, 0.97))
    return round(1000 * rng.uniform(-0.28, 0.28))


async def write_history(
    folder: Path, guild_id: int, channels: dict[str, int], now: float, notices: Mapping[str, int] | None = None
) -> None:
    """Writes the past of `channels` (ids by name) into the bot's database in `folder`, and has them watched.

    `notices` are the messages that tell people so, by the channel's name.
    """
    zone = local_zone()
    database = await Database.open(folder)
    try:
        guilds, told = GuildRepository(database), NoticeRepository(database)
        await guilds.set_settings(_settings(guild_id, zone, channels.get(MODS), now))
        hours: list[dict[str, Any]] = []
        people: list[dict[str, Any]] = []
        named_from = int(now // SECONDS) - _NAMED_DAYS * 24
        for number, (name, character) in enumerate(CHARACTERS.items()):
            channel_id = channels[name]
            sensitivity = Sensitivity.HIGH if name == STORM_IN else Sensitivity.NORMAL
            await guilds.set_rule(Rule(guild_id, TargetKind.CHANNEL, channel_id, Mode.WATCH, sensitivity=sensitivity))
            await told.post(
                Notice(guild_id, channel_id, (notices or {}).get(name) or None, int(now - 60 * NOTICE_MINUTES_AGO))
            )
            for made in made_up(character, zone, now, seed=number):
                hours.append(_hour_row(made, guild_id, channel_id))
                if made.hour >= named_from:
                    people += _people_rows(made, channel_id)
        async with database.write() as connection:
            for row, rows in ((HourRow, hours), (HourAuthorRow, people)):
                for some in chunks(rows):
                    await connection.execute(insert(row), some)
        await Publication(database).publish(now)
        await purge(database, _NAMED_DAYS, now)
        await MoodRepository(database).add_gap(_away(zone, now))
        await _write_alert(database, past_alert(guild_id, channels["general"], now))
    finally:
        await database.close()


def past_alert(guild_id: int, channel_id: int, now: float) -> Alert:
    """The alert of the bad evening in #general, with its end; levels as that evening has them."""
    zone, evening = local_zone(), CHARACTERS["general"]
    day = datetime.fromtimestamp(now, zone).replace(minute=6, second=0, microsecond=0)
    started = int((day - timedelta(days=evening.bad_days_ago)).replace(hour=evening.bad_from + 1).timestamp())
    ended = started + 4 * SECONDS
    return Alert(1, guild_id, channel_id, None, -500, 200, started, started + 300, ended)


async def _write_alert(database: Database, alert: Alert) -> None:
    async with database.write() as connection:
        await connection.execute(insert(AlertRow).values({**asdict(alert), "post_id": 1}))


def _settings(guild_id: int, zone: ZoneInfo, mod_channel_id: int | None, now: float) -> GuildSettings:
    """A server whose daily digest was due a moment ago, so that the bot posts it when it starts."""
    settings = GuildSettings(guild_id, zone.key, mod_channel_id)
    if mod_channel_id is None:
        return settings
    hour = datetime.fromtimestamp(now, zone).hour
    return replace(settings, digest=DigestKind.DAILY, digest_hour=hour)


def local_zone() -> ZoneInfo:
    """The time zone of this machine, where it can be found out; else UTC."""
    link = Path("/etc/localtime")
    for name in (os.environ.get("TZ", "").lstrip(":"), str(link.resolve()).partition("zoneinfo/")[2]):
        with suppress(KeyError, OSError, ValueError):
            return ZoneInfo(name)
    return ZoneInfo("UTC")


def _away(zone: ZoneInfo, now: float) -> Gap:
    day = datetime.fromtimestamp(now, zone).replace(minute=0, second=0, microsecond=0) - timedelta(days=_AWAY_DAYS_AGO)
    return Gap(None, int(day.replace(hour=_AWAY_FROM).timestamp()), int(day.replace(hour=_AWAY_TO).timestamp()))


def _hour_row(made: MadeHour, guild_id: int, channel_id: int) -> dict[str, Any]:
    third = 333
    return {
        "channel_id": channel_id,
        "hour": made.hour,
        "guild_id": guild_id,
        "negative": sum(score < -third for score in made.scores),
        "neutral": sum(-third <= score <= third for score in made.scores),
        "positive": sum(score > third for score in made.scores),
        "score_sum": sum(made.scores),
        "score_square_sum": sum(score * score for score in made.scores),
        "authors": made.people,
        "unread": 0,
        "writers": made.people,
    }


def _people_rows(made: MadeHour, channel_id: int) -> Iterator[dict[str, Any]]:
    """Which of the regulars wrote, each about as much as the others."""
    each, more = divmod(len(made.scores), made.people)
    for number in range(made.people):
        yield {
            "channel_id": channel_id,
            "hour": made.hour,
            "author": number.to_bytes(HASH_BYTES, "big"),
            "messages": each + (number < more),
            "unread": 0,
        }
