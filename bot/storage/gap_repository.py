"""Gaps: when nothing was seen of what, also those that are not over yet."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, and_, delete, func, insert, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import ColumnElement

from bot.domain.records import Absence, Gap, GapCause
from bot.storage.database import Database
from bot.storage.schema import GapRow, MessageScoreRow

_ABSENCE = (GapRow.cause, GapRow.guild_id, GapRow.channel_id, GapRow.shard, GapRow.shards)
_GAP = (GapRow.guild_id, GapRow.started, GapRow.ended, GapRow.channel_id, GapRow.shard, GapRow.shards, GapRow.cause)


class Noted(NamedTuple):
    """A gap in the database: its number, when it began, and when it ended, None while it lasts."""

    absence: Absence
    number: int
    started: int
    ended: int | None


class GapRepository:
    """Times are whole seconds since the Unix epoch. Every method raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, absence: Absence, started: int) -> int:
        """Notes what is not seen from then on; returns the gap's number."""
        async with self._database.write(own=True) as connection:
            result = await connection.execute(insert(GapRow).values(**_columns(absence), started=started))
            (number,) = result.inserted_primary_key or (0,)
            return int(number)

    async def end(self, number: int, ended: int) -> None:
        """Ends a gap. One that would end before it began, as clocks may have it, is none."""
        async with self._database.write(own=True) as connection:
            await connection.execute(update(GapRow).where(GapRow.number == number).values(ended=ended))
            await connection.execute(delete(GapRow).where(GapRow.number == number, GapRow.ended <= GapRow.started))

    async def add(self, absence: Absence, started: int, ended: int) -> int | None:
        """Notes a gap that is over, and returns its number; None, and nothing is noted, for one that never was."""
        if ended <= started:
            return None
        values = {**_columns(absence), "started": started, "ended": ended}
        async with self._database.write(own=True) as connection:
            (number,) = (await connection.execute(insert(GapRow).values(values))).inserted_primary_key or (0,)
            return int(number)

    async def remove(self, number: int) -> None:
        """Nothing was missed after all."""
        await self.replace(number, ())

    async def replace(self, number: int, parts: Iterable[Gap]) -> None:
        """Puts those parts in the place of a gap that are still missing after the rest of it was caught up."""
        rows = [{**asdict(part), "looked": _AS_OFTEN_AS_EVER} for part in parts if part.started < part.ended]
        async with self._database.write(own=True) as connection:
            await connection.execute(delete(GapRow).where(GapRow.number == number))
            if rows:
                await connection.execute(insert(GapRow), rows)

    async def unfinished(self) -> Mapping[Absence, Noted]:
        """Those that were not over when they were last written of. Of two of the same the older counts.

        Only those of which it is this process's to say when they ended.
        """
        question = select(*_ABSENCE, GapRow.number, GapRow.started, GapRow.ended).order_by(GapRow.number.desc())
        async with self._database.read() as connection:
            rows = (await connection.execute(question.where(GapRow.ended.is_(None)))).all()
        answers = self._database.shards.answer_for
        return {noted.absence: noted for noted in map(_noted, rows) if answers(noted.absence)}

    async def to_catch_up(self, since: int, causes: Collection[GapCause], tries: int) -> Sequence[Noted]:
        """Gaps that ended since then, of these causes, whose history was looked at fewer than `tries` times.

        Of servers of this process alone: of others it can read nothing.
        """
        where = and_(GapRow.ended >= since, GapRow.cause.in_(causes), GapRow.looked < tries)
        question = select(*_ABSENCE, GapRow.number, GapRow.started, GapRow.ended).where(where)
        async with self._database.read() as connection:
            found = [_noted(row) for row in await connection.execute(question.order_by(GapRow.started))]
        return [noted for noted in found if self._database.shards.see_alone(noted.absence)]

    async def looked(self, number: int) -> None:
        """The history of a gap begins to be looked at."""
        async with self._database.write(own=True) as connection:
            more = update(GapRow).where(GapRow.number == number).values(looked=GapRow.looked + 1)
            await connection.execute(more)

    async def lately(self, guild_id: int, since: int, limit: int) -> Sequence[Noted]:
        """The newest gaps of a server and of what is in it that ended since then or last, the newest first."""
        where = and_(_concerns(guild_id), or_(GapRow.ended >= since, GapRow.ended.is_(None)))
        question = select(*_ABSENCE, GapRow.number, GapRow.started, GapRow.ended).where(where)
        newest = question.order_by(func.coalesce(GapRow.ended, _ENDLESS).desc(), GapRow.started.desc()).limit(limit)
        async with self._database.read() as connection:
            return [_noted(row) for row in await connection.execute(newest)]

    async def trim(self, before: int, shortest: int) -> int:
        """Removes gaps that ended before then and were shorter than so many seconds; returns how many."""
        where = and_(GapRow.ended < before, GapRow.ended - GapRow.started < shortest)
        async with self._database.write() as connection:
            return (await connection.execute(delete(GapRow).where(where))).rowcount

    async def held_messages(self, channel_id: int, thread_id: int | None, first: int, last: int) -> frozenset[int]:
        """Ids from `first` to `last` of which a score is held: of a channel without its threads, or of one of them."""
        within = MessageScoreRow.message_id.between(first, last)
        where = and_(MessageScoreRow.channel_id == channel_id, MessageScoreRow.thread_id == thread_id, within)
        async with self._database.read() as connection:
            return frozenset(await connection.scalars(select(MessageScoreRow.message_id).where(where)))


_AS_OFTEN_AS_EVER = 99
"""Times that a gap's history was looked at when nothing more will come of it."""

_ENDLESS = 2**62


async def read_gaps(
    connection: AsyncConnection, guild_id: int, start: int, end: int, channels: Collection[int] | None
) -> tuple[Gap, ...]:
    """The gaps of a server and its channels, or of these, that touch [start, end). One that lasts ends there."""
    whose = _concerns(guild_id)
    if channels is not None:
        whose = and_(whose, or_(GapRow.channel_id.is_(None), GapRow.channel_id.in_(channels)))
    where = and_(whose, GapRow.started < end, or_(GapRow.ended > start, GapRow.ended.is_(None)))
    rows = await connection.execute(select(*_GAP).where(where).order_by(GapRow.started))
    return tuple(
        Gap(guild, started, end if ended is None else ended, channel, shard, shards, _cause(cause))
        for guild, started, ended, channel, shard, shards, cause in rows
    )


def _concerns(guild_id: int) -> ColumnElement[bool]:
    """Gaps of this server, of what is in it, of its shard, and of all servers."""
    its_shard = literal(guild_id >> 22, BigInteger) % GapRow.shards == GapRow.shard
    return or_(GapRow.guild_id == guild_id, and_(GapRow.guild_id.is_(None), or_(GapRow.shards.is_(None), its_shard)))


def _columns(absence: Absence) -> dict[str, Any]:
    return asdict(absence)


def _cause(word: str | None) -> GapCause | None:
    return GapCause(word) if word is not None else None


def _noted(row: Any) -> Noted:
    cause, guild, channel, shard, shards, number, started, ended = row
    return Noted(Absence(_cause(cause), guild, channel, shard, shards), number, started, ended)
