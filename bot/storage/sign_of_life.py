"""Signs of life: up to then the bot has dealt with all that it was told. What it may have missed since is looked for.

They are whole seconds, of which the first sign counts from the beginning, and the second to the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import ColumnElement

from bot.domain.shards import Shards
from bot.storage.schema import BookkeepingRow, SignOfLifeRow
from bot.storage.upsert import upsert

Shard = tuple[int, int]
"""A shard's number, and of how many: with the number of shards a server's changes."""

_ALIVE = BookkeepingRow.alive


ON_THE_WAY = 2.0
"""Seconds that an event may be on its way from Discord, and in this process before anybody takes it in hand."""


async def give_signs(
    connection: AsyncConnection, whose: Shards, now: float, until: float, by_shard: Mapping[Shard, float]
) -> None:
    """A process says that it is alive, and each of its shards; for all it says so only where all are its own."""
    if whose.are_all:
        await sign_of_life(connection, now, until)
    await signs_of_shards(connection, now, by_shard)
    if not whose.are_all:
        await sign_of_all(connection, whose.count)


async def sign_of_life(connection: AsyncConnection, now: float, dealt_with_until: float) -> None:
    """Written with everything else: all that was told before `dealt_with_until` is written, but for what is on its way.

    It goes back only when the clock did. What happened in that second is looked for again, since it may be missing.
    """
    second = int(min(now, dealt_with_until) - ON_THE_WAY)
    another = or_(_ALIVE.is_(None), second > _ALIVE, ceil(now) < _ALIVE)
    await connection.execute(update(BookkeepingRow).where(another).values(alive=second))


async def signs_of_shards(connection: AsyncConnection, now: float, dealt_with_until: Mapping[Shard, float]) -> None:
    """The same for each of these shards: one of which something is not seen holds back its own sign alone."""
    rows = [
        {"shard": shard, "shards": shards, "alive": int(min(now, until) - ON_THE_WAY)}
        for (shard, shards), until in dealt_with_until.items()
    ]
    if not rows:
        return
    whole_now = ceil(now)

    def goes_on(there: Any, new: Any) -> ColumnElement[bool]:
        return or_(new.alive > there.alive, there.alive > whole_now)

    await connection.execute(upsert(connection.dialect.name, SignOfLifeRow, "alive", only_where=goes_on), rows)


async def sign_of_all(connection: AsyncConnection, shards: int) -> None:
    """The sign of all, where each of so many shards writes its own: the earliest of these, once all have one.

    So whoever starts with another number of shards, or knows no signs but that one, misses nothing of any. While
    another process writes it, it is left to that one, and to the next write.
    """
    count = func.count(SignOfLifeRow.shard)
    earliest = select(func.min(SignOfLifeRow.alive)).where(SignOfLifeRow.shards == shards).having(count == shards)
    alive = await connection.scalar(earliest)
    if alive is None:
        return
    moved = select(BookkeepingRow.number).where(_ALIVE.is_distinct_from(alive)).with_for_update(skip_locked=True)
    number = await connection.scalar(moved)
    if number is not None:
        await connection.execute(update(BookkeepingRow).where(BookkeepingRow.number == number).values(alive=alive))


async def read_signs(connection: AsyncConnection) -> dict[Shard, int]:
    """The last sign of every shard that had one."""
    columns = (SignOfLifeRow.shard, SignOfLifeRow.shards, SignOfLifeRow.alive)
    return {(shard, shards): alive for shard, shards, alive in await connection.execute(select(*columns))}


async def final_sign_of_life(connection: AsyncConnection, now: float) -> None:
    """Written in the transaction of what must not be undone where the log of erasures does not take it.

    Somebody has their messages deleted, or opts in again: nothing that was written before it is looked for again, by
    whomever, up to a second of what comes after it included. Before the first sign there is nothing to look for.
    """
    second = ceil(now)
    await connection.execute(update(BookkeepingRow).where(second > _ALIVE).values(alive=second))
    theirs = update(SignOfLifeRow).where(second > SignOfLifeRow.alive)
    await connection.execute(theirs.values(alive=second))
