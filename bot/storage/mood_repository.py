"""How channels felt, as it was told when it was published, and when nothing was seen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import BigInteger, and_, cast, func, insert, select
from sqlalchemy.sql import ColumnElement

from bot.domain.records import FEWEST_AUTHORS, Gap, HourMood, Mood
from bot.domain.snowflake import SECONDS, written_at
from bot.storage.among import among
from bot.storage.backfill_repository import read_filled
from bot.storage.chunks import CHUNK
from bot.storage.database import Database
from bot.storage.filled_hours import any_of, without
from bot.storage.gap_repository import read_gaps
from bot.storage.judged_hours import Judged, read_judged_hours
from bot.storage.quiet_days import read_quiet_days
from bot.storage.schema import BookkeepingRow, GapRow, MessageScoreRow, ToldHourRow
from bot.storage.sign_of_life import Shard, read_signs
from bot.storage.unread import Unread, read_unread
from bot.storage.upsert import table_of

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
        of = table_of(ToldHourRow).c
        columns = [of[name] for name in ("guild_id", "channel_id", *HourMood.__dataclass_fields__)]
        within = and_(of.guild_id.in_(guilds), of.hour.between(first_hour, last_hour))
        where = and_(within, of.authors >= FEWEST_AUTHORS)
        if channels is not None:
            where = and_(where, of.channel_id.in_(channels))
        question = select(*columns).where(where)
        found: list[tuple[int, int, HourMood]] = []
        async with self._database.read() as connection:
            rows = await connection.stream(question.order_by(of.channel_id, of.hour))
            async for part in rows.partitions(CHUNK):
                found += [(guild, channel, HourMood(*hour)) for guild, channel, *hour in part]
        return tuple(found)

    async def told_spans(
        self, guild_id: int, first_hour: int, last_hour: int, channels: Collection[int]
    ) -> dict[int, tuple[int, int, int]]:
        """Of each of these channels with hours that may be told: the first, the last, and how many there are."""
        of = table_of(ToldHourRow).c
        within = and_(of.guild_id == guild_id, of.hour.between(first_hour, last_hour), of.authors >= FEWEST_AUTHORS)
        sums = (of.channel_id, func.min(of.hour), func.max(of.hour), func.count())
        async with self._database.read() as connection:
            rows = await connection.execute(select(*sums).where(within).group_by(of.channel_id))
            return {channel: (first, last, count) for channel, first, last, count in rows if channel in channels}

    async def hours_to_judge(self, first_hour: int, present: int) -> list[Judged]:
        """The latest hours of this process's servers that may have alerts; see `bot.storage.judged_hours`."""
        async with self._database.read() as connection:
            return await read_judged_hours(connection, first_hour, present, self._database.shards)

    async def pasts(self, channels: Collection[int], first_hour: int, last_hour: int) -> dict[int, list[HourMood]]:
        """What may be told of each of these channels, hour by hour, by one statement."""
        of = table_of(ToldHourRow).c
        columns = [of[name] for name in ("channel_id", *HourMood.__dataclass_fields__)]
        which = among(self._database.dialect, of.channel_id, channels)
        where = and_(which, of.hour.between(first_hour, last_hour), of.authors > 0)
        found: dict[int, list[HourMood]] = {channel: [] for channel in channels}
        async with self._database.read() as connection:
            rows = await connection.stream(select(*columns).where(where).order_by(of.channel_id, of.hour))
            async for part in rows.partitions(CHUNK):
                for channel, *hour in part:
                    found[channel].append(HourMood(*hour))
        return found

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
            filled = await read_filled(connection, guild_id, first_hour, last_hour + 1, channels)
        hidden = tuple(sorted(few.difference(hour.hour for hour in hours)))
        return Mood(hours, hidden, without(gaps, filled, channels), filled=any_of(filled))

    async def add_gap(self, gap: Gap) -> None:
        """Notes that the bot was away. One that does not end after it started, as clocks may have it, is left out."""
        if gap.ended <= gap.started:
            return
        async with self._database.write(own=True) as connection:
            await connection.execute(insert(GapRow).values(asdict(gap)))

    async def oldest_message(self) -> float | None:
        """When the oldest message was written of which a score is kept, in seconds since the Unix epoch."""
        async with self._database.read() as connection:
            number = await connection.scalar(select(func.min(MessageScoreRow.message_id)))
            return None if number is None else written_at(number)

    async def last_alive(self) -> int | None:
        """The buffer's last sign of life, in seconds since the Unix epoch, at most a minute old while the bot runs."""
        async with self._database.read() as connection:
            return await connection.scalar(select(BookkeepingRow.alive))

    async def shards_alive(self) -> dict[Shard, int]:
        """The last sign of life of each shard."""
        async with self._database.read() as connection:
            return await read_signs(connection)
