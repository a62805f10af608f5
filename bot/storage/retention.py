"""What is exact is kept for days; then only what was told of the hours stays."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select, tuple_, update
from sqlalchemy.sql import ColumnElement

from bot.domain.disclosure import Randomness
from bot.domain.snowflake import SECONDS, first_id_of, hour_of
from bot.storage.chunks import chunks
from bot.storage.database import Database
from bot.storage.quiet_days import guilds_with_hidden_hours, tell_days
from bot.storage.schema import (
    AuditRow,
    Base,
    BookkeepingRow,
    HourAuthorRow,
    HourRow,
    LateChangeRow,
    MessageScoreRow,
    TagRow,
)
from bot.storage.told_hours import tell_hours
from bot.storage.upsert import table_of

LONGEST_DAYS = 30

SLICE = 500
"""Rows removed in one transaction: some milliseconds in which nobody else can write."""

_SLICES_READ = 100
"""Slices of which the keys are read together."""

_GUILDS = 20
"""Servers of whose days one transaction decides."""


@dataclass(frozen=True, slots=True)
class Purged:
    """How many rows were removed: of messages, and of people in hours; and how many audit entries lost their actor."""

    messages: int
    hour_authors: int
    actors: int


def oldest_kept(days: int, now: float) -> int:
    """The oldest hour of which messages are kept; done hourly, nothing gets older than `days` times 24 hours.

    So the hour that becomes too old while the present one lasts goes at its beginning. `now` is in seconds since the
    Unix epoch.
    """
    return int(now // SECONDS) - days * 24 + 2


async def purge(database: Database, days: int, now: float | None = None, rng: Randomness | None = None) -> Purged:
    """Removes everything exact, messages, people and sums, that would be older than `days` (1 to 30) within the hour.

    What is told of those hours stays; of one of which it was not decided yet, it is decided first. What is purged is
    noted before it goes, so that a late score of those hours is not counted a second time. Doing it again removes
    nothing. `now` is in seconds since the Unix epoch. Raises ValueError for other days, and DatabaseUnavailable.

    It is done in slices, between which others write; one that is broken off goes on where it was, the next time. The
    messages go first and the sums last: what happens to a message meanwhile finds the sums that it is counted in.
    """
    if not 1 <= days <= LONGEST_DAYS:
        raise ValueError(f"messages are kept for 1 to {LONGEST_DAYS} days")
    instant = int(time.time() if now is None else now)
    oldest = oldest_kept(days, instant)
    await _tell_what_is_left(database, oldest, random.SystemRandom() if rng is None else rng)
    await _note_purged(database, oldest)
    messages = await remove_in_slices(database, MessageScoreRow, MessageScoreRow.message_id < first_id_of(oldest))
    await remove_in_slices(database, TagRow, TagRow.message_id < first_id_of(oldest))
    await remove_in_slices(database, LateChangeRow, LateChangeRow.hour < oldest)
    authors = await remove_in_slices(database, HourAuthorRow, HourAuthorRow.hour < oldest)
    await remove_in_slices(database, HourRow, HourRow.hour < oldest)
    old_entries = (AuditRow.done < oldest * SECONDS, AuditRow.actor.is_not(None))
    async with database.write() as connection:
        actors = (await connection.execute(update(AuditRow).where(*old_entries).values(actor=None))).rowcount
    return Purged(messages, authors, actors)


async def remove_in_slices(database: Database, row: type[Base], which: ColumnElement[bool]) -> int:
    """Removes rows, `SLICE` of them in a transaction of their own; returns how many.

    Which there are is read beforehand, in the order of the primary key, so that whoever waits to write waits for the
    removal of one slice and never for a look through the table.
    """
    table = table_of(row)
    columns = list(table.primary_key.columns)
    key: Any = tuple_(*columns) if len(columns) > 1 else columns[0]
    question = select(*columns).where(which).order_by(*columns).limit(SLICE * _SLICES_READ)
    after, removed = question, 0
    while True:
        async with database.read() as connection:
            found = [tuple(one) for one in await connection.execute(after)]
        keys = found if len(columns) > 1 else [one for (one,) in found]
        for part in chunks(keys, SLICE):
            async with database.write() as connection:
                removed += (await connection.execute(delete(table).where(key.in_(part), which))).rowcount
        if len(keys) < SLICE * _SLICES_READ:
            return removed
        after = question.where(key > (tuple_(*keys[-1]) if len(columns) > 1 else keys[-1]))


async def _tell_what_is_left(database: Database, oldest: int, rng: Randomness) -> None:
    while True:
        async with database.write() as connection:
            if not await tell_hours(connection, oldest, rng):
                break
    async with database.read() as connection:
        guilds = await guilds_with_hidden_hours(connection, oldest)
    for some in chunks(list(guilds), _GUILDS):
        async with database.write() as connection:
            await tell_days(connection, some, oldest, rng)


async def _note_purged(database: Database, oldest: int) -> None:
    async with database.read() as connection:
        too_old = MessageScoreRow.message_id < first_id_of(oldest)
        newest = await connection.scalar(select(func.max(MessageScoreRow.message_id)).where(too_old))
        newest_hour = await connection.scalar(select(func.max(HourRow.hour)).where(HourRow.hour < oldest))
    purged = [hour for hour in (newest_hour, None if newest is None else hour_of(newest)) if hour is not None]
    if not purged:
        return
    # Not `oldest`: a clock that once went too far ahead must not make everything after it look purged.
    before = max(purged) + 1
    noted = update(BookkeepingRow).where(BookkeepingRow.purged_before < before)
    async with database.write() as connection:
        await connection.execute(noted.values(purged_before=before))
