"""Writes what has happened, and corrects the hours it belongs to by exactly the difference.

The difference is always that between the rows which are there and those which replace them, read and written in one
transaction. So nothing is counted twice when the same news is written again, say because a connection broke after
the database had committed and before it could say so.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from operator import add
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, delete, false, func, literal, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import ColumnElement

from bot.domain.records import UNREAD
from bot.domain.snowflake import hour_of
from bot.storage.chunks import CHUNK, chunks
from bot.storage.late_changes import make_anonymous, note_late_changes
from bot.storage.pending_writes import Pending, Scored
from bot.storage.requests import refused_scores
from bot.storage.rollup_in_sets import write_in_sets
from bot.storage.schema import (
    AlertRow,
    AuditRow,
    BackfillRow,
    BookkeepingRow,
    ChannelRuleRow,
    DepartureRow,
    DigestRow,
    FilledRow,
    GapRow,
    GuildSettingsRow,
    HourAuthorRow,
    HourRow,
    LateChangeRow,
    MarkRow,
    MessageScoreRow,
    NoticeRow,
    SnoozeRow,
    TagRow,
    ToldDayRow,
    ToldHourRow,
    WebhookRow,
)
from bot.storage.upsert import table_of, upsert

Cell = tuple[int, int, int]
"""Server, channel and hour."""

_OF_GUILDS = (
    HourRow,
    ToldHourRow,
    ToldDayRow,
    GuildSettingsRow,
    ChannelRuleRow,
    GapRow,
    AlertRow,
    DigestRow,
    AuditRow,
    DepartureRow,
    NoticeRow,
    TagRow,
    SnoozeRow,
    MarkRow,
    WebhookRow,
    BackfillRow,
    FilledRow,
)
"""What goes with its server."""

_MESSAGES = table_of(MessageScoreRow).c
_HOURS = table_of(HourRow).c
_BY_HOUR = (table_of(HourRow), table_of(ToldHourRow))
_AUTHORS = table_of(HourAuthorRow).c

_MESSAGE_NUMBERS = ("negative", "neutral", "positive", "unread")
"""Counts of messages, in the order of their sentiments in `message_scores`."""

_SUMS = (*_MESSAGE_NUMBERS, "score_sum", "score_square_sum")
_NUMBERS = (*_SUMS, "authors", "writers")
_SCORES, _SQUARES, _AUTHOR_COUNT, _WRITER_COUNT = range(len(_MESSAGE_NUMBERS), len(_NUMBERS))


class Deltas:
    """By how much hours change, by person: messages of each sentiment, sums of scores and of squares."""

    def __init__(self) -> None:
        # In the order of `_SUMS`.
        self.people: defaultdict[tuple[Cell, bytes], list[int]] = defaultdict(lambda: [0] * len(_SUMS))

    def count(self, whose: tuple[Cell, bytes], sentiment: int, messages: int, scores: int, squares: int) -> None:
        """`messages` of somebody's, the sum of their scores and of the squares come, or go where negative."""
        numbers = self.people[whose]
        numbers[sentiment] += messages
        numbers[_SCORES] += scores
        numbers[_SQUARES] += squares

    @property
    def changes(self) -> list[tuple[tuple[Cell, bytes], list[int]]]:
        """Those of people of whom anything is different afterwards."""
        return [change for change in self.people.items() if any(change[1])]


class LeftOut(NamedTuple):
    """How many scores were not written: of messages that are too old, and of late edits of what was never counted.

    Also `refused` ones, that their authors do not want kept.
    """

    late: int = 0
    edits: int = 0
    refused: int = 0


async def write_pending(
    connection: AsyncConnection, pending: Pending, oldest_hour: int, *, one_of_several: bool = False
) -> LeftOut:
    """Writes everything in `pending`. A new message of before `oldest_hour`, or of hours that were purged, is left out.

    So is an edit of a message that has no row, made when its hour could be told already. `one_of_several`: so is what
    its author has asked another process not to keep.
    """
    deltas = Deltas()
    for guilds in chunks(sorted(pending.guilds)):
        await _remove_guilds(connection, guilds)
    for channels in chunks(sorted(pending.channels)):
        await _remove_channels(connection, channels)
    for threads in chunks(sorted(pending.channels)):
        await _take_away(connection, _MESSAGES.thread_id.in_(threads), deltas)
    for ids in chunks(list(pending.deleted)):
        await _take_away(connection, _MESSAGES.message_id.in_(ids), deltas)
        await connection.execute(delete(TagRow).where(TagRow.message_id.in_(ids)))
    for moments in chunks(list(pending.emptied.items())):
        await _empty(connection, dict(moments), deltas)
    purged_before = await connection.scalar(select(BookkeepingRow.purged_before)) or 0
    oldest = max(oldest_hour, purged_before)
    return await _write(connection, pending.kept(), deltas, oldest, pending.in_time, one_of_several=one_of_several)


async def count_history(connection: AsyncConnection, scores: Sequence[Scored], oldest_hour: int) -> None:
    """Counts messages that were read afterwards; of those of before `oldest_hour` no row is kept, only their sums."""
    deltas = Deltas()
    rows = [one for one in scores if hour_of(one.message_id) >= oldest_hour]
    for one in scores:
        hour = hour_of(one.message_id)
        if hour < oldest_hour:
            whose = (one.guild_id, one.channel_id, hour), one.author
            deltas.count(whose, one.sentiment, 1, one.score, one.score * one.score)
    await _write(connection, rows, deltas, oldest_hour, {one.message_id for one in rows})


async def remove_messages(connection: AsyncConnection, authors: Sequence[bytes], up_to: int | None = None) -> int:
    """Removes every message of the person with these hashes, and what they add to their hours. An `Eraser`.

    With `up_to` only messages with ids up to that one.
    """
    which: ColumnElement[bool] = _MESSAGES.author.in_(authors)
    if up_to is not None:
        which = and_(which, _MESSAGES.message_id <= up_to)
    deltas = Deltas()
    removed = await _take_away(connection, which, deltas)
    await _write(connection, (), deltas)
    await make_anonymous(connection, authors)
    return removed


async def remove_messages_in(connection: AsyncConnection, authors: Sequence[bytes], guild_id: int, up_to: int) -> None:
    """Removes the messages of the person with these hashes in one server, with ids up to that one."""
    deltas = Deltas()
    theirs = and_(_MESSAGES.author.in_(authors), _MESSAGES.guild_id == guild_id, _MESSAGES.message_id <= up_to)
    await _take_away(connection, theirs, deltas)
    await _write(connection, (), deltas)


async def remove_channels(connection: AsyncConnection, channels: Sequence[int]) -> None:
    """Removes channels, categories or threads with everything in them and about them."""
    deltas = Deltas()
    await _remove_channels(connection, channels)
    await _take_away(connection, _MESSAGES.thread_id.in_(channels), deltas)
    await _write(connection, (), deltas)


async def remove_guilds(connection: AsyncConnection, guilds: Sequence[int]) -> None:
    """Removes everything of these servers."""
    await _remove_guilds(connection, guilds)


async def _write(
    connection: AsyncConnection,
    scores: Sequence[Scored],
    deltas: Deltas,
    oldest_hour: int = 0,
    in_time: Container[int] = (),
    *,
    one_of_several: bool = False,
) -> LeftOut:
    """Writes scores, but for those left out, and corrects the hours by them and by what `deltas` has already."""
    if connection.dialect.name == "postgresql":
        limits: dict[str, Any] = {"oldest_hour": oldest_hour, "in_time": in_time, "one_of_several": one_of_several}
        return LeftOut(*await write_in_sets(connection, scores, deltas.changes, **limits))
    return await write_in_rows(connection, scores, deltas, oldest_hour, in_time, one_of_several=one_of_several)


async def write_in_rows(
    connection: AsyncConnection,
    scores: Sequence[Scored],
    deltas: Deltas,
    oldest_hour: int,
    in_time: Container[int],
    *,
    one_of_several: bool = False,
) -> LeftOut:
    """The same in portions of rows: SQLite's statements cost no way to a server."""
    parts = [LeftOut()]
    for some in chunks(list(scores)):
        refused = await refused_scores(connection, some) if one_of_several else frozenset[int]()
        kept = [one for one in some if one.message_id not in refused]
        left_out = await _score(connection, kept, deltas, oldest_hour, in_time)
        parts.append(left_out._replace(refused=len(refused)))
    await _apply(connection, deltas)
    return LeftOut(*map(sum, zip(*parts, strict=True)))


async def _score(
    connection: AsyncConnection, scores: Sequence[Scored], deltas: Deltas, oldest_hour: int, in_time: Container[int]
) -> LeftOut:
    """Writes scores, but for those left out. Where a message was said, when and by whom never changes."""
    known = (
        _MESSAGES.message_id,
        _MESSAGES.guild_id,
        _MESSAGES.channel_id,
        _MESSAGES.hour,
        _MESSAGES.author,
        _MESSAGES.edited,
        _MESSAGES.score,
        _MESSAGES.sentiment,
    )
    found = await connection.execute(select(*known).where(_MESSAGES.message_id.in_([one.message_id for one in scores])))
    there = {row.message_id: row for row in found}
    rows, late, edits = [], 0, 0
    for one in scores:
        hour, row = hour_of(one.message_id), there.get(one.message_id)
        whose = (one.guild_id, one.channel_id, hour), one.author
        if row is not None:
            if row.edited > one.edited:
                continue
            whose = (row.guild_id, row.channel_id, row.hour), row.author
            deltas.count(whose, row.sentiment, -1, -row.score, -row.score * row.score)
        elif hour < oldest_hour:
            late += 1
            continue
        elif one.message_id not in in_time:
            edits += 1
            continue
        deltas.count(whose, one.sentiment, 1, one.score, one.score * one.score)
        rows.append({**one._asdict(), "hour": hour})
    if rows:
        statement = upsert(connection.dialect.name, MessageScoreRow, "edited", "score", "sentiment", "model")
        await connection.execute(statement, rows)
    return LeftOut(late, edits)


async def _take_away(connection: AsyncConnection, which: ColumnElement[bool], deltas: Deltas) -> int:
    """Removes messages and notes by how much their hours change; returns how many there were."""
    group = (_MESSAGES.guild_id, _MESSAGES.channel_id, _MESSAGES.hour, _MESSAGES.author, _MESSAGES.sentiment)
    sums = (func.count(), func.sum(_MESSAGES.score), func.sum(_MESSAGES.score * _MESSAGES.score))
    found = await connection.execute(select(*group, *sums).where(which).group_by(*group))
    removed = 0
    for part in found.partitions(CHUNK):
        for guild, channel, hour, author, sentiment, messages, scores, squares in part:
            deltas.count(((guild, channel, hour), author), sentiment, -messages, -scores, -squares)
            removed += messages
        await asyncio.sleep(0)
    if removed:
        await connection.execute(delete(MessageScoreRow).where(which))
    return removed


async def _empty(connection: AsyncConnection, moments: Mapping[int, int], deltas: Deltas) -> None:
    """Removes these messages, except those of which a version from after its moment is there."""
    columns = (_MESSAGES.message_id, _MESSAGES.edited)
    found = await connection.execute(select(*columns).where(_MESSAGES.message_id.in_(moments)))
    over = [row.message_id for row in found if row.edited <= moments[row.message_id]]
    if over:
        await _take_away(connection, _MESSAGES.message_id.in_(over), deltas)


async def _remove_channels(connection: AsyncConnection, channels: Sequence[int]) -> None:
    """Removes channels with everything in them, and what was chosen for them, for categories and for threads."""
    everything = (MessageScoreRow, HourAuthorRow, HourRow, ToldHourRow, ToldDayRow, LateChangeRow)
    for row in (*everything, AlertRow, NoticeRow, TagRow, GapRow, FilledRow, SnoozeRow):
        await connection.execute(delete(row).where(table_of(row).c.channel_id.in_(channels)))
    await connection.execute(delete(TagRow).where(TagRow.thread_id.in_(channels)))
    kinds = ("channel", "category", "thread")
    rules = and_(ChannelRuleRow.target_kind.in_(kinds), ChannelRuleRow.target_id.in_(channels))
    await connection.execute(delete(ChannelRuleRow).where(rules))
    posts = GuildSettingsRow.mod_channel_id.in_(channels)
    await connection.execute(update(GuildSettingsRow).where(posts).values(mod_channel_id=None))


async def _remove_guilds(connection: AsyncConnection, guilds: Sequence[int]) -> None:
    """Removes everything of these servers."""
    counted, told = (select(hours.c.channel_id).where(hours.c.guild_id.in_(guilds)) for hours in _BY_HOUR)
    channels = counted.union(told)
    for by_channel in (MessageScoreRow, HourAuthorRow, LateChangeRow):
        await connection.execute(delete(by_channel).where(table_of(by_channel).c.channel_id.in_(channels)))
    for by_guild in _OF_GUILDS:
        await connection.execute(delete(by_guild).where(table_of(by_guild).c.guild_id.in_(guilds)))


async def _apply(connection: AsyncConnection, deltas: Deltas) -> None:
    cells: defaultdict[Cell, list[int]] = defaultdict(lambda: [0] * len(_NUMBERS))
    for changes in chunks(deltas.changes):
        for (cell, _), change in changes:
            cells[cell] = [*map(add, cells[cell], (*change, 0, 0))]
        await _count_authors(connection, dict(changes), cells)
    add_up = upsert(connection.dialect.name, HourRow, *_NUMBERS, adding=True)
    emptied = []
    for some in chunks([item for item in cells.items() if any(item[1])]):
        rows = []
        for (guild, channel, hour), numbers in some:
            counted = dict(zip(_NUMBERS, numbers, strict=True))
            rows.append({"guild_id": guild, "channel_id": channel, "hour": hour, **counted})
            if sum(numbers[: len(_MESSAGE_NUMBERS)]) < 0:
                emptied.append({"of_channel": channel, "of_hour": hour})
        await connection.execute(add_up, rows)
    nothing_left = and_(
        _HOURS.channel_id == bindparam("of_channel"),
        _HOURS.hour == bindparam("of_hour"),
        sum((_HOURS[name] for name in _MESSAGE_NUMBERS), literal(0)) == 0,
        _HOURS.told == false(),  # one that was told keeps that, and its noise, until it is purged
    )
    for hours in chunks(emptied):
        await connection.execute(delete(HourRow).where(nothing_left), hours)


async def _count_authors(
    connection: AsyncConnection, changes: Mapping[tuple[Cell, bytes], Sequence[int]], cells: dict[Cell, list[int]]
) -> None:
    """Counts messages of people in hours, and corrects the numbers of people where somebody is new or has none left.

    Where an hour has been told already, it is noted whose messages have changed.
    """
    keys = [(channel, hour, author) for (_, channel, hour), author in changes]
    columns = (_AUTHORS.channel_id, _AUTHORS.hour, _AUTHORS.author)
    question = select(*columns, _AUTHORS.messages, _AUTHORS.unread).where(tuple_(*columns).in_(keys))
    found = await connection.execute(question)
    there = {(channel, hour, author): counts for channel, hour, author, *counts in found}
    counted, none_left, changed = [], [], []
    for (cell, author), change in changes.items():
        key = (cell[1], cell[2], author)
        before = there.get(key, [0, 0])
        more = (sum(change[:UNREAD]), change[UNREAD])
        messages, unread = (max(0, count + some) for count, some in zip(before, more, strict=True))
        cells[cell][_AUTHOR_COUNT] += (messages > 0) - (before[0] > 0)
        cells[cell][_WRITER_COUNT] += (messages + unread > 0) - any(before)
        if any(change[:UNREAD]) or any(change[_SCORES:]):
            changed.append((*key, max(messages, before[0])))
        if not any(more):
            continue
        if messages + unread:
            counts = {"messages": messages, "unread": unread}
            counted.append({"channel_id": key[0], "hour": key[1], "author": author, **counts})
        elif any(before):
            none_left.append({"of_channel": key[0], "of_hour": key[1], "of_author": author})
    await note_late_changes(connection, changed)
    if counted:
        await connection.execute(upsert(connection.dialect.name, HourAuthorRow, "messages", "unread"), counted)
    if none_left:
        names = ("of_channel", "of_hour", "of_author")
        where = and_(*(column == bindparam(name) for column, name in zip(columns, names, strict=True)))
        await connection.execute(delete(HourAuthorRow).where(where), none_left)
