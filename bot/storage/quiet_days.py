"""Days of a quiet channel: enough people wrote in the day, though never enough in one hour.

While it is known who, as a hash, wrote in which hour, people can be counted over several hours. When a local day is
over, its hidden hours are told as one sum if five distinct people wrote in these hours alone what could be read. That
is decided once and stays: an hour is in no more than one such sum, and in none if it was ever told itself. So what
remains when somebody takes from the day the hours that are told is never of fewer than five people, whatever changes
later, be it the server's time zone; and the sum is rounded and noisy as an hour is.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, insert, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.disclosure import Noise, Randomness, Sums, draw_noise, needs_noise, perturbed
from bot.domain.local_days import day_of
from bot.domain.records import FEWEST_AUTHORS, GuildSettings, HourMood
from bot.domain.shards import ALL, Shards
from bot.storage.chunks import chunks
from bot.storage.own_servers import own
from bot.storage.schema import GuildSettingsRow, HourAuthorRow, HourRow, ToldDayRow, ToldHourRow
from bot.storage.told_hours import SUMS, sums_of
from bot.storage.upsert import table_of

_HOURS, _TOLD, _DAYS = table_of(HourRow).c, table_of(ToldHourRow).c, table_of(ToldDayRow).c

_Day = tuple[int, int, int]
"""A channel, and the first hour of a local day and of the next."""


async def guilds_with_hidden_hours(connection: AsyncConnection, before: int, shards: Shards = ALL) -> tuple[int, ...]:
    """Servers of `shards` with hidden hours before `before` of which the exact sums are still there."""
    theirs = _hidden_hours().where(_HOURS.hour < before, own(shards, _HOURS.guild_id))
    places = theirs.with_only_columns(_HOURS.guild_id).distinct()
    return tuple((await connection.scalars(places.order_by(_HOURS.guild_id))).all())


async def tell_days(
    connection: AsyncConnection, guilds: Collection[int], before: int, rng: Randomness, since: int | None = None
) -> None:
    """Decides of the days of these servers that end until `before`, up to which hours must have been decided of.

    A server of which no day has ended after the hour `since` is passed over; None: none is.
    """
    chosen = select(GuildSettingsRow.guild_id, GuildSettingsRow.timezone).where(GuildSettingsRow.guild_id.in_(guilds))
    zones = {guild: GuildSettings(guild, zone).zone for guild, zone in await connection.execute(chosen)}
    for guild in guilds:
        zone = zones.get(guild, GuildSettings(guild).zone)
        first_of_today, _ = day_of(before, zone)
        if since is None or first_of_today > since:
            await _tell_days(connection, guild, zone, first_of_today, rng)


async def read_quiet_days(
    connection: AsyncConnection, guild_id: int, channel_id: int, first_hour: int, end_hour: int
) -> tuple[HourMood, ...]:
    """What is told of the hidden hours of whole days from `first_hour` up to, not including, `end_hour`.

    The sums stand under the day's first hour, and `authors` is a number of people that there were at least.
    """
    columns = [_DAYS[name] for name in ("first_hour", *SUMS)]
    of_channel = (_DAYS.channel_id == channel_id, _DAYS.guild_id == guild_id, _DAYS.authors > 0)
    within = (_DAYS.first_hour >= first_hour, _DAYS.end_hour <= end_hour)
    found = await connection.execute(select(*columns).where(*of_channel, *within).order_by(_DAYS.first_hour))
    return tuple(HourMood(*row) for row in found)


def _hidden_hours() -> Any:
    """The exact sums of hours that are hidden and have never been told."""
    same = (_HOURS.channel_id == _TOLD.channel_id) & (_HOURS.hour == _TOLD.hour)
    hidden = select(*_HOURS).join_from(table_of(ToldHourRow), table_of(HourRow), same)
    return hidden.where(_TOLD.authors == 0, _TOLD.version == 0)


async def _tell_days(connection: AsyncConnection, guild: int, zone: ZoneInfo, before: int, rng: Randomness) -> None:
    hidden = _hidden_hours().where(_TOLD.guild_id == guild, _TOLD.hour < before).order_by(_TOLD.hour)
    days: defaultdict[_Day, list[Row[Any]]] = defaultdict(list)
    for row in await connection.execute(hidden):
        first, end = day_of(row.hour, zone)
        days[row.channel_id, first, end].append(row)
    if not days:
        return
    earliest = min(first for _, first, _ in days)
    decided = select(_DAYS.channel_id, _DAYS.first_hour, _DAYS.end_hour)
    taken: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for channel, first, end in await connection.execute(
        decided.where(_DAYS.guild_id == guild, _DAYS.end_hour > earliest)
    ):
        taken[channel].append((first, end))
    new = {
        day: rows
        for day, rows in days.items()
        if day[2] <= before and not any(first < day[2] and day[1] < end for first, end in taken[day[0]])
    }
    who = await _people(connection, [row for rows in new.values() for row in rows])
    told = [_told(guild, day, rows, who, rng) for day, rows in new.items()]
    for some in chunks(told):
        await connection.execute(insert(ToldDayRow), some)


async def _people(connection: AsyncConnection, rows: Iterable[Row[Any]]) -> dict[tuple[int, int], Counter[bytes]]:
    """How many messages that could be read each person wrote, by channel and hour."""
    of = (HourAuthorRow.channel_id, HourAuthorRow.hour)
    who: defaultdict[tuple[int, int], Counter[bytes]] = defaultdict(Counter)
    for places in chunks([(row.channel_id, row.hour) for row in rows]):
        wrote = select(*of, HourAuthorRow.author, HourAuthorRow.messages)
        enough = HourAuthorRow.messages > 0  # whoever only wrote what could not be read hides nobody else in the sum
        for channel, hour, author, messages in await connection.execute(wrote.where(tuple_(*of).in_(places), enough)):
            who[channel, hour][author] += messages
    return who


def _told(
    guild: int, day: _Day, rows: list[Row[Any]], who: dict[tuple[int, int], Counter[bytes]], rng: Randomness
) -> dict[str, Any]:
    people: Counter[bytes] = Counter()
    for row in rows:
        people.update(who[row.channel_id, row.hour])
    parts = [sums_of(row) for row in rows]
    sums = {name: sum(getattr(part, name) for part in parts) for name in SUMS} | {"authors": len(people)}
    exact, noise = Sums(**sums), Noise()
    first = [messages for _, messages in people.most_common(FEWEST_AUTHORS)]
    if first and needs_noise(exact.authors, exact.messages, first[0], sum(first)):
        noise = draw_noise(first[0], rng)
    told = perturbed(exact, noise, rng)
    values = dict.fromkeys(SUMS, 0) if told is None else {name: getattr(told, name) for name in SUMS}
    return {"channel_id": day[0], "first_hour": day[1], "end_hour": day[2], "guild_id": guild, **values}
