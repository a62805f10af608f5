"""How channels felt, as it was told when it was published, and when nothing was seen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import BigInteger, and_, cast, exists, func, insert, select
from sqlalchemy.sql import ColumnElement

from bot.domain.records import FEWEST_AUTHORS, Gap, HourMood, Mood
from bot.domain.snowflake import SECONDS
from bot.storage.database import Database
from bot.storage.gap_repository import read_gaps
from bot.storage.quiet_days import read_quiet_days
from bot.storage.schema import Base, BookkeepingRow, GapRow, HourRow, ToldHourRow
from bot.storage.unread import Unread, read_unread
from bot.storage.upsert import table_of

_PART = 500
"""Rows that are read at once."""

_SUMS = ("negative", "neutral", "positive", "score_sum", "score_square_sum")


class MoodRepository:
    """Hours and gaps. Every method raises DatabaseUnavailable when the database does not do it.

    What is told is what `bot.storage.publication` has written, so all who ask are told the same, as often as they ask.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def mood(self, guild_id: int, channel_id: int, first_hour: int, last_hour: int) -> Mood:
        """One channel of a server, its threads counted in, hour by hour; both ends belong to the range.

        A channel of another server has no hours.
        """
        where = and_(ToldHourRow.channel_id == channel_id, ToldHourRow.guild_id == guild_id)
        return await self._mood(guild_id, where, first_hour, last_hour, (channel_id,))

    async def guild_mood(
        self, guild_id: int, first_hour: int, last_hour: int, channels: Sequence[int] | None = None
    ) -> Mood:
        """All channels of a server together, or those named, hour by hour.

        A channel's hour with too few people is left out of the sum, too: otherwise it would be the difference between
        the server and its other channels.
        """
        where = ToldHourRow.guild_id == guild_id
        if channels is not None:
            where = and_(where, ToldHourRow.channel_id.in_(channels))
        mood = await self._mood(guild_id, where, first_hour, last_hour, channels)
        whole = tuple(gap for gap in mood.gaps if gap.channel_id is None)
        return replace(mood, gaps=whole, partly=tuple(gap for gap in mood.gaps if gap.channel_id is not None))

    async def quiet_days(self, guild_id: int, channel_id: int, first_hour: int, end_hour: int) -> tuple[HourMood, ...]:
        """What is told of the hidden hours of whole days in [first_hour, end_hour); see `bot.storage.quiet_days`."""
        async with self._database.read() as connection:
            return await read_quiet_days(connection, guild_id, channel_id, first_hour, end_hour)

    async def unread(
        self, guild_id: int, first_hour: int, last_hour: int, channels: Collection[int] | None = None
    ) -> Unread:
        """How much could not be read in a server, or in those channels there; both ends belong to the range."""
        async with self._database.read() as connection:
            return await read_unread(connection, guild_id, first_hour, last_hour, channels)

    async def told_hours(
        self, first_hour: int, last_hour: int, guilds: Collection[int], channels: Collection[int] | None = None
    ) -> tuple[tuple[int, int, HourMood], ...]:
        """Server, channel and hour of what may be told of these servers, or of those channels there.

        By channel and hour. Without servers nothing is read: the index begins with them.
        """
        return await self._hours(ToldHourRow, first_hour, last_hour, guilds, channels)

    async def hours_to_judge(
        self, first_hour: int, last_hour: int, guilds: Collection[int]
    ) -> tuple[tuple[int, int, HourMood], ...]:
        """The same of the exact sums, also of the hour that is not over, but for hidden ones; for this process alone.

        They tell whether there is something to look at; no number of them may be told, posted or kept.
        """
        return await self._hours(HourRow, first_hour, last_hour, guilds, None)

    async def _hours(
        self,
        row: type[Base],
        first_hour: int,
        last_hour: int,
        guilds: Collection[int],
        channels: Collection[int] | None,
    ) -> tuple[tuple[int, int, HourMood], ...]:
        of = table_of(row).c
        columns = [of[name] for name in ("guild_id", "channel_id", *HourMood.__dataclass_fields__)]
        within = and_(of.guild_id.in_(guilds), of.hour.between(first_hour, last_hour))
        where = and_(within, of.authors >= FEWEST_AUTHORS)
        if channels is not None:
            where = and_(where, of.channel_id.in_(channels))
        if row is HourRow:
            told = table_of(ToldHourRow).c
            same = and_(told.channel_id == of.channel_id, told.hour == of.hour, told.authors == 0)
            where = and_(where, ~exists(select(told.hour).where(same)))
        question = select(*columns).where(where)
        found: list[tuple[int, int, HourMood]] = []
        async with self._database.read() as connection:
            rows = await connection.stream(question.order_by(of.channel_id, of.hour))
            async for part in rows.partitions(_PART):
                found += [(guild, channel, HourMood(*hour)) for guild, channel, *hour in part]
        return tuple(found)

    async def _mood(
        self,
        guild_id: int,
        which: ColumnElement[bool],
        first_hour: int,
        last_hour: int,
        channels: Sequence[int] | None,
    ) -> Mood:
        of = table_of(ToldHourRow).c
        within = and_(which, of.hour.between(first_hour, last_hour))
        sums = [cast(func.sum(of[name]), BigInteger) for name in _SUMS]
        unread = cast(func.sum(of.unread), BigInteger)
        columns: list[ColumnElement[Any]] = [of.hour, *sums, func.max(of.authors), unread]
        told = select(*columns).where(within, of.authors > 0)
        async with self._database.read() as connection:
            rows = await connection.execute(told.group_by(of.hour).order_by(of.hour))
            hours = tuple(HourMood(*row) for row in rows.all())
            few = set(await connection.scalars(select(of.hour).where(within, of.authors == 0).distinct()))
            start, end = first_hour * SECONDS, (last_hour + 1) * SECONDS
            gaps = await read_gaps(connection, guild_id, start, end, channels)
        return Mood(hours, tuple(sorted(few.difference(hour.hour for hour in hours))), gaps)

    async def add_gap(self, gap: Gap) -> None:
        """Notes that the bot was away. One that does not end after it started, as clocks may have it, is left out."""
        if gap.ended <= gap.started:
            return
        async with self._database.write() as connection:
            await connection.execute(insert(GapRow).values(asdict(gap)))

    async def last_alive(self) -> int | None:
        """The buffer's last sign of life, in seconds since the Unix epoch, at most a minute old while the bot runs."""
        async with self._database.read() as connection:
            return await connection.scalar(select(BookkeepingRow.alive))
