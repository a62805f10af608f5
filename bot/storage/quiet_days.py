"""Days of a quiet channel: enough people wrote in the day, though never enough in one hour.

While it is known who, as a hash, wrote in which hour, people can be counted over several hours. The hidden hours of a
day are then told as one sum when five distinct people wrote in these hours alone what could be read. So what remains
when somebody takes the hours that are told from the day is never of fewer than five people. For the same reason hidden
hours are only ever put together by the whole day, told when it is over, and by the same days always: a server that
changes its settings, among which is its time zone, starts anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.records import FEWEST_AUTHORS, AdminAction, HourMood
from bot.domain.snowflake import SECONDS
from bot.storage.schema import AuditRow, HourAuthorRow, HourRow
from bot.storage.upsert import table_of

_SUMS = ("negative", "neutral", "positive", "score_sum", "score_square_sum")

_PART = 500
"""Rows that are read at once."""


async def read_quiet_days(
    connection: AsyncConnection, guild_id: int, channel_id: int, days: Sequence[tuple[int, int]], now: float
) -> tuple[HourMood, ...]:
    """What may be told of the hidden hours of these days, each from its first hour up to, not including, its second.

    The sums stand under the day's first hour, and `authors` is the exact number of people in the hidden hours.
    """
    changed = select(func.max(AuditRow.done)).where(AuditRow.guild_id == guild_id)
    since = await connection.scalar(changed.where(AuditRow.action == AdminAction.SETTINGS.value)) or 0
    settled = [(first, end) for first, end in days if end < now // SECONDS and first * SECONDS > since]
    if not settled:
        return ()
    hours = HourRow.hour.between(settled[0][0], settled[-1][1] - 1)
    hidden = and_(HourRow.channel_id == channel_id, HourRow.guild_id == guild_id, HourRow.authors < FEWEST_AUTHORS)
    columns = [table_of(HourRow).c[name] for name in ("hour", *_SUMS)]
    rows = {row.hour: row for row in await connection.execute(select(*columns).where(hidden, hours))}
    # In a subquery: of a busy channel's people, nearly all wrote in hours that are told.
    wrote = select(HourAuthorRow.hour, HourAuthorRow.author).where(
        HourAuthorRow.channel_id == channel_id,
        HourAuthorRow.messages > 0,  # whoever only wrote what could not be read hides nobody else in the sum
        HourAuthorRow.hour.in_(select(HourRow.hour).where(hidden, hours)),
    )
    who: defaultdict[int, set[bytes]] = defaultdict(set)
    async for people_of_hours in (await connection.stream(wrote)).partitions(_PART):
        for hour, author in people_of_hours:
            who[hour].add(author)
    told = []
    for first, end in settled:
        part = [rows[hour] for hour in range(first, end) if hour in rows]
        people = set().union(*(who[row.hour] for row in part))
        if len(people) >= FEWEST_AUTHORS:
            sums = {name: sum(getattr(row, name) for row in part) for name in _SUMS}
            told.append(HourMood(hour=first, authors=len(people), **sums))
    return tuple(told)
