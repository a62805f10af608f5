"""How far histories are read, and which hours were filled in by it: an hour of a channel as a whole, and once.

Hours of which messages are kept are written as they are when they are read live. Of older ones only the sums are made,
what is told of them is decided in the same transaction, and nothing exact is left behind; one that was decided before
is not touched. The place is written along with it, so that whatever ends the process counts nothing twice.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import NamedTuple

from sqlalchemy import and_, delete, insert, select, union, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.backfill import Backfill, BackfillState
from bot.domain.disclosure import Randomness
from bot.domain.records import Gap
from bot.domain.snowflake import SECONDS, first_id_of, hour_of
from bot.storage.chunks import chunks
from bot.storage.database import Database
from bot.storage.filled_hours import Span
from bot.storage.gap_repository import read_gaps
from bot.storage.hourly_rollup import count_history
from bot.storage.own_servers import own
from bot.storage.pending_writes import Scored
from bot.storage.quiet_days import tell_days
from bot.storage.requests import refused_scores
from bot.storage.retention import oldest_kept
from bot.storage.schema import (
    BackfillRow,
    BookkeepingRow,
    FilledRow,
    HourAuthorRow,
    HourRow,
    LateChangeRow,
    MessageScoreRow,
    ToldHourRow,
)
from bot.storage.told_hours import tell_of
from bot.storage.upsert import table_of, upsert

_COLUMNS = tuple(table_of(BackfillRow).c[name] for name in Backfill.__dataclass_fields__)


class Window(NamedTuple):
    """Some hours of a channel, `end` not among them, and since when it has been watched, in seconds."""

    guild_id: int
    channel_id: int
    start: int
    end: int
    watched_since: float


class Held(NamedTuple):
    """What is there of a window already: messages with a row, and hours of which nothing more can be counted.

    `is_whole`: all of it was seen live, so that nothing need be read.
    """

    messages: frozenset[int]
    decided: frozenset[int]
    is_whole: bool = False


class BackfillRepository:
    """One for each server. Every method raises DatabaseUnavailable, and then nothing has changed."""

    def __init__(self, database: Database, retention_days: int) -> None:
        self._database = database
        self._days = retention_days

    async def running(self) -> tuple[Backfill, ...]:
        """Those of all servers of this process that are being read."""
        ours = own(self._database.shards, table_of(BackfillRow).c.guild_id)
        running = and_(BackfillRow.state == BackfillState.RUNNING.value, ours)
        async with self._database.read() as connection:
            rows = await connection.execute(select(*_COLUMNS).where(running))
            return tuple(_record(row) for row in rows)

    async def of(self, guild_id: int) -> Backfill | None:
        """The last one of a server."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(*_COLUMNS).where(BackfillRow.guild_id == guild_id))).one_or_none()
            return None if row is None else _record(row)

    async def begin(self, one: Backfill) -> None:
        """Notes a new one in the place of the server's last."""
        names = [name for name in Backfill.__dataclass_fields__ if name != "guild_id"]
        async with self._database.write() as connection:
            await connection.execute(upsert(self._database.dialect, BackfillRow, *names), [asdict(one)])

    async def mark(self, guild_id: int, state: BackfillState, now: float) -> None:
        """Notes what has become of one that is not over; where it is stays as it was."""
        open_states = [one.value for one in BackfillState if not one.is_over]
        where = (BackfillRow.guild_id == guild_id, BackfillRow.state.in_(open_states))
        async with self._database.write() as connection:
            await connection.execute(update(BackfillRow).where(*where).values(state=state.value, changed=int(now)))

    async def place(self, one: Backfill) -> None:
        """Notes how far it is, if it still runs."""
        async with self._database.write() as connection:
            await note_place(connection, one)

    async def held(self, window: Window, now: float) -> Held:
        """What need not be read of a window."""
        async with self._database.read() as connection:
            within = MessageScoreRow.message_id.between(first_id_of(window.start), first_id_of(window.end) - 1)
            of_channel = MessageScoreRow.channel_id == window.channel_id
            there = await connection.scalars(select(MessageScoreRow.message_id).where(of_channel, within))
            messages = frozenset(there)
            oldest = await _oldest(connection, self._days, now)
            decided = frozenset(hour for hour in await _known_hours(connection, window) if hour < oldest)
            whole = window.watched_since <= window.start * SECONDS and not await _gaps(connection, window)
            return Held(messages, decided, whole)

    async def filled(self, guild_id: int, first_hour: int, end_hour: int) -> dict[int, list[Span]]:
        """The hours in [first_hour, end_hour) that were filled in, by channel of a server."""
        async with self._database.read() as connection:
            return await read_filled(connection, guild_id, first_hour, end_hour, None)

    async def fill(
        self, connection: AsyncConnection, window: Window, scores: Sequence[Scored], now: float, rng: Randomness
    ) -> int:
        """Counts what was read of a window, within the caller's transaction; returns how many messages are new."""
        oldest = await _oldest(connection, self._days, now)
        known = await _known_hours(connection, window)
        decided = {hour for hour in known if hour < oldest}
        refused = await refused_scores(connection, scores)
        fresh = [one for one in scores if hour_of(one.message_id) not in decided and one.message_id not in refused]
        there = await _rows_of(connection, [one.message_id for one in fresh])
        fresh = [one for one in fresh if one.message_id not in there]
        await count_history(connection, fresh, oldest)
        old = sorted({hour_of(one.message_id) for one in fresh if hour_of(one.message_id) < oldest})
        if old:
            for some in chunks(old):
                await tell_of(connection, window.channel_id, some, rng)
        if window.end <= oldest:
            await tell_days(connection, (window.guild_id,), window.end, rng)
        for row in (HourAuthorRow, HourRow, LateChangeRow):
            for some in chunks(old):
                where = and_(table_of(row).c.channel_id == window.channel_id, table_of(row).c.hour.in_(some))
                await connection.execute(delete(row).where(where))
        await _note_filled(connection, window, known, decided)
        return len(fresh)


async def note_place(connection: AsyncConnection, one: Backfill) -> bool:
    """The same within the caller's transaction; False, and nothing is noted, for one that does not run any more."""
    running = (BackfillRow.guild_id == one.guild_id, BackfillRow.state == BackfillState.RUNNING.value)
    values = {name: getattr(one, name) for name in ("channel_id", "hour", "messages", "left_out")}
    return (await connection.execute(update(BackfillRow).where(*running).values(values))).rowcount > 0


async def read_filled(
    connection: AsyncConnection, guild_id: int, first_hour: int, end_hour: int, channels: Collection[int] | None
) -> dict[int, list[Span]]:
    """The hours in [first_hour, end_hour) that were filled in, by channel of a server, or of these."""
    question = select(FilledRow.channel_id, FilledRow.first_hour, FilledRow.end_hour).where(
        FilledRow.guild_id == guild_id, FilledRow.first_hour < end_hour, FilledRow.end_hour > first_hour
    )
    found: dict[int, list[Span]] = {}
    for channel, start, end in await connection.execute(question.order_by(FilledRow.first_hour)):
        if channels is None or channel in channels:
            found.setdefault(channel, []).append((max(start, first_hour), min(end, end_hour)))
    return found


async def _oldest(connection: AsyncConnection, days: int, now: float) -> int:
    """The oldest hour of which messages are kept."""
    purged = await connection.scalar(select(BookkeepingRow.purged_before)) or 0
    return max(oldest_kept(days, now), purged)


async def _known_hours(connection: AsyncConnection, window: Window) -> frozenset[int]:
    """Hours of a window in which something is counted, or of which it was decided what is told."""
    parts = [
        select(table_of(row).c.hour).where(
            table_of(row).c.channel_id == window.channel_id,
            table_of(row).c.hour.between(window.start, window.end - 1),
        )
        for row in (HourRow, ToldHourRow)
    ]
    return frozenset(await connection.scalars(union(*parts)))


async def _gaps(connection: AsyncConnection, window: Window) -> tuple[Gap, ...]:
    return await read_gaps(
        connection, window.guild_id, window.start * SECONDS, window.end * SECONDS, (window.channel_id,)
    )


async def _rows_of(connection: AsyncConnection, ids: list[int]) -> set[int]:
    there: set[int] = set()
    for some in chunks(ids):
        rows = await connection.scalars(select(MessageScoreRow.message_id).where(MessageScoreRow.message_id.in_(some)))
        there.update(rows)
    return there


async def _note_filled(
    connection: AsyncConnection, window: Window, known: Collection[int], decided: Collection[int]
) -> None:
    """Notes the hours that were not seen live, next to those that were noted before: they belong together."""
    guild, channel, start, end, since = window
    gaps = await _gaps(connection, window)
    before = (await read_filled(connection, guild, start, end, (channel,))).get(channel, [])
    hours = []
    for hour in range(start, end):
        unseen = any(gap.started < (hour + 1) * SECONDS and gap.ended > hour * SECONDS for gap in gaps)
        never = hour * SECONDS < since and hour not in known
        if (unseen or never) and hour not in decided and not any(a <= hour < b for a, b in before):
            hours.append(hour)
    for first, last in _runs(hours):
        joined = update(FilledRow).where(FilledRow.channel_id == channel, FilledRow.first_hour == last)
        if not (await connection.execute(joined.values(first_hour=first))).rowcount:
            row = {"channel_id": channel, "first_hour": first, "end_hour": last, "guild_id": guild}
            await connection.execute(insert(FilledRow).values(row))


def _runs(hours: Sequence[int]) -> list[Span]:
    """Hours in order, as spans without holes."""
    breaks = [place for place, (one, other) in enumerate(pairwise(hours), 1) if other != one + 1]
    parts = [hours[a:b] for a, b in pairwise([0, *breaks, len(hours)])] if hours else []
    return [(part[0], part[-1] + 1) for part in parts]


def _record(row: Sequence[object]) -> Backfill:
    found = Backfill(*row)  # type: ignore[arg-type]
    return Backfill(**{**asdict(found), "state": BackfillState(found.state)})
