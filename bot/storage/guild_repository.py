"""What is known of servers, channels and people: read and changed by commands, a few times a minute."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Row, and_, cast, delete, func, insert, not_, or_, select, union
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import ColumnElement

from bot.domain.records import (
    FEWEST_AUTHORS,
    AdminAction,
    Answer,
    Audited,
    DigestKind,
    Feedback,
    Gap,
    GuildSettings,
    Held,
    HourMood,
    Mode,
    Mood,
    Rule,
    Sensitivity,
    TargetKind,
)
from bot.domain.snowflake import SECONDS
from bot.storage.database import Database
from bot.storage.errors import UnknownTimezone
from bot.storage.held import audited, read_held
from bot.storage.quiet_days import read_quiet_days
from bot.storage.schema import (
    AlertRow,
    AuditRow,
    BookkeepingRow,
    ChannelRuleRow,
    DigestRow,
    FeedbackRow,
    GapRow,
    GuildSettingsRow,
    HourRow,
)
from bot.storage.unread import Unread, read_unread
from bot.storage.upsert import table_of, upsert
from model.verdict import SENTIMENTS, Sentiment

_PART = 500
"""Rows that are read at once."""

_KEYS = ("guild_id", "target_kind", "target_id")
_SUMS = ("negative", "neutral", "positive", "score_sum", "score_square_sum")


class Store:
    """Reads and admin writes. Every method raises DatabaseUnavailable when the database does not do it.

    What `WriteBuffer` has not written yet is not in the database: flush it first where somebody asks about their own.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    async def settings(self, guild_id: int) -> GuildSettings:
        """What a server has chosen, or the defaults."""
        columns = table_of(GuildSettingsRow).c
        async with self._database.read() as connection:
            row = (await connection.execute(select(*columns).where(columns.guild_id == guild_id))).one_or_none()
        if row is None:
            return GuildSettings(guild_id)
        return _settings(row)

    async def guild_ids(self) -> set[int]:
        """The servers that have chosen anything, in which anything was done, or of which anything was posted."""
        tables = (GuildSettingsRow, ChannelRuleRow, AuditRow, AlertRow, DigestRow)
        async with self._database.read() as connection:
            return set(await connection.scalars(union(*(select(table_of(row).c.guild_id) for row in tables))))

    async def digest_settings(self) -> tuple[GuildSettings, ...]:
        """The settings of the servers that want digests and have a channel for them."""
        columns = table_of(GuildSettingsRow).c
        wanted = and_(columns.digest != DigestKind.OFF.value, columns.mod_channel_id.is_not(None))
        async with self._database.read() as connection:
            rows = (await connection.execute(select(*columns).where(wanted).order_by(columns.guild_id))).all()
        return tuple(_settings(row) for row in rows)

    async def set_settings(self, settings: GuildSettings) -> None:
        """Keeps what a server has chosen. Raises UnknownTimezone."""
        try:
            ZoneInfo(settings.timezone)
        except (KeyError, OSError, ValueError):  # no such name, a folder of names, a path
            raise UnknownTimezone(_no_such_zone(settings.timezone)) from None
        values = asdict(settings)
        changing = [name for name in values if name != "guild_id"]
        async with self._database.write() as connection:
            await connection.execute(upsert(self._database.dialect, GuildSettingsRow, *changing), [values])

    async def rules(self, guild_id: int | None = None) -> tuple[Rule, ...]:
        """The rules of a server; None: of all servers, as a bot reads them when it starts."""
        columns = table_of(ChannelRuleRow).c
        question = select(*columns).order_by(*(columns[name] for name in _KEYS))
        if guild_id is not None:
            question = question.where(columns.guild_id == guild_id)
        async with self._database.read() as connection:
            rows = (await connection.execute(question)).all()
        return tuple(
            Rule(
                row.guild_id,
                TargetKind(row.target_kind),
                row.target_id,
                Mode(row.mode),
                row.tagging,
                Sensitivity(row.sensitivity),
            )
            for row in rows
        )

    async def set_rule(self, rule: Rule) -> None:
        """Keeps a rule, in the place of the one its target had."""
        statement = upsert(self._database.dialect, ChannelRuleRow, "mode", "tagging", "sensitivity")
        async with self._database.write() as connection:
            await connection.execute(statement, [asdict(rule)])

    async def remove_rule(self, guild_id: int, target_kind: TargetKind, target_id: int) -> bool:
        """Removes what was said of a target; False when nothing was."""
        columns = table_of(ChannelRuleRow).c
        values = dict(zip(_KEYS, (guild_id, target_kind, target_id), strict=True))
        where = and_(*(columns[name] == value for name, value in values.items()))
        async with self._database.write() as connection:
            return (await connection.execute(delete(ChannelRuleRow).where(where))).rowcount > 0

    async def mood(self, guild_id: int, channel_id: int, first_hour: int, last_hour: int) -> Mood:
        """One channel of a server, its threads counted in, hour by hour; both ends belong to the range.

        A channel of another server has no hours.
        """
        where = and_(HourRow.channel_id == channel_id, HourRow.guild_id == guild_id)
        return await self._mood(guild_id, where, first_hour, last_hour)

    async def guild_mood(
        self, guild_id: int, first_hour: int, last_hour: int, channels: Sequence[int] | None = None
    ) -> Mood:
        """All channels of a server together, or those named, hour by hour.

        A channel's hour with too few people is left out of the sum, too: otherwise it would be the difference between
        the server and its other channels.
        """
        where = HourRow.guild_id == guild_id
        if channels is not None:
            where = and_(where, HourRow.channel_id.in_(channels))
        return await self._mood(guild_id, where, first_hour, last_hour)

    async def quiet_days(
        self, guild_id: int, channel_id: int, days: Sequence[tuple[int, int]], now: float
    ) -> tuple[HourMood, ...]:
        """What may be told of the hidden hours of whole days; see `bot.storage.quiet_days`."""
        async with self._database.read() as connection:
            return await read_quiet_days(connection, guild_id, channel_id, days, now)

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
        columns = [table_of(HourRow).c[name] for name in HourMood.__dataclass_fields__]
        within = and_(HourRow.guild_id.in_(guilds), HourRow.hour.between(first_hour, last_hour))
        where = and_(within, HourRow.authors >= FEWEST_AUTHORS)
        if channels is not None:
            where = and_(where, HourRow.channel_id.in_(channels))
        question = select(HourRow.guild_id, HourRow.channel_id, *columns).where(where)
        told: list[tuple[int, int, HourMood]] = []
        async with self._database.read() as connection:
            rows = await connection.stream(question.order_by(HourRow.channel_id, HourRow.hour))
            async for part in rows.partitions(_PART):
                told += [(guild, channel, HourMood(*hour)) for guild, channel, *hour in part]
        return tuple(told)

    async def _mood(self, guild_id: int, which: ColumnElement[bool], first_hour: int, last_hour: int) -> Mood:
        within = and_(which, HourRow.hour.between(first_hour, last_hour))
        enough = HourRow.authors >= FEWEST_AUTHORS
        sums = [cast(func.sum(table_of(HourRow).c[name]), BigInteger) for name in _SUMS]
        unread = cast(func.sum(HourRow.unread), BigInteger)
        columns: list[ColumnElement[Any]] = [table_of(HourRow).c.hour, *sums, func.max(HourRow.authors), unread]
        told = select(*columns).where(within, enough)
        async with self._database.read() as connection:
            rows = await connection.execute(told.group_by(HourRow.hour).order_by(HourRow.hour))
            hours = tuple(HourMood(*row) for row in rows.all())
            few = set(await connection.scalars(select(HourRow.hour).where(within, not_(enough)).distinct()))
            gaps = await _gaps(connection, guild_id, first_hour * SECONDS, (last_hour + 1) * SECONDS)
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

    async def held_about(self, authors: Sequence[bytes]) -> Held:
        """Everything in the database about the person with these hashes (`Pseudonyms.authors`)."""
        async with self._database.read() as connection:
            return await read_held(connection, authors)

    async def add_feedback(self, answer: Answer, label: Sentiment) -> None:
        """Notes what somebody, we do not keep who, says an answer should have been: the same label says it is right."""
        values = {
            "label": SENTIMENTS.index(label),
            "answered": SENTIMENTS.index(answer.sentiment),
            "score": answer.score,
            "model": answer.model,
            "hour": int(self._clock() // SECONDS),
        }
        async with self._database.write() as connection:
            await connection.execute(insert(FeedbackRow).values(values))

    async def feedback(self) -> tuple[Feedback, ...]:
        """All feedback, counted by model, label answered and label said."""
        group = (FeedbackRow.model, FeedbackRow.answered, FeedbackRow.label)
        async with self._database.read() as connection:
            rows = await connection.execute(select(*group, func.count()).group_by(*group).order_by(*group))
            return tuple(Feedback(*row) for row in rows)

    async def add_audit(self, entry: Audited) -> None:
        """Notes what an admin has done."""
        async with self._database.write() as connection:
            await connection.execute(insert(AuditRow).values(asdict(entry)))

    async def audit(self, guild_id: int, limit: int = 50) -> tuple[Audited, ...]:
        """What a server's admins have done, the latest first."""
        columns = [table_of(AuditRow).c[name] for name in Audited.__dataclass_fields__]
        question = select(*columns).where(AuditRow.guild_id == guild_id).order_by(AuditRow.number.desc()).limit(limit)
        async with self._database.read() as connection:
            return tuple(audited(row) for row in await connection.execute(question))

    async def remove_notices(self, guild_id: int, channel_ids: Collection[int]) -> None:
        """Forgets that notices were posted in these channels and threads of a server."""
        noted = (AuditRow.guild_id == guild_id, AuditRow.action == AdminAction.NOTICE)
        async with self._database.write() as connection:
            await connection.execute(delete(AuditRow).where(*noted, AuditRow.target_id.in_(channel_ids)))

    async def notices(self) -> tuple[tuple[int, int], ...]:
        """Server and channel of every notice that was posted, for all servers, as a bot reads them when it starts."""
        columns = (AuditRow.guild_id, AuditRow.target_id)
        question = select(*columns).where(AuditRow.action == AdminAction.NOTICE).distinct()
        async with self._database.read() as connection:
            rows = await connection.execute(question)
            return tuple((guild, channel) for guild, channel in rows if channel is not None)


async def _gaps(connection: AsyncConnection, guild_id: int, start: int, end: int) -> tuple[Gap, ...]:
    """The gaps that touch [start, end), of this server or of all."""
    where = and_(
        or_(GapRow.guild_id == guild_id, GapRow.guild_id.is_(None)), GapRow.started < end, GapRow.ended > start
    )
    question = select(GapRow.guild_id, GapRow.started, GapRow.ended).where(where).order_by(GapRow.started)
    return tuple(Gap(*row) for row in await connection.execute(question))


def _settings(row: Row[Any]) -> GuildSettings:
    return GuildSettings(**{**row._mapping, "digest": DigestKind(row.digest)})


def _no_such_zone(name: str) -> str:
    return f"There is no time zone {name[:64]!r}; they are named like Europe/Berlin or America/New_York."
