"""The hours that alerts judge, of all servers by a handful of statements, however many servers there are.

They are those of the present hour and of the one before, and the latest of channels with an alert that lasts. Only
servers that watch something and have a channel for alerts are looked through; the database itself knows which.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Select, and_, exists, false, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import ColumnElement, FromClause

from bot.domain.disclosure import FEWEST_WITHOUT_NOISE, needs_noise
from bot.domain.records import FEWEST_AUTHORS, HourMood, Mode
from bot.domain.shards import ALL, Shards
from bot.storage.chunks import CHUNK
from bot.storage.own_servers import own
from bot.storage.schema import AlertRow, ChannelRuleRow, GuildSettingsRow, HourRow, ToldHourRow
from bot.storage.told_hours import read_shares_where
from bot.storage.upsert import table_of

_TOLD, _EXACT = table_of(ToldHourRow), table_of(HourRow)


class Judged(NamedTuple):
    """An hour of a channel that is judged: as it was `told`, or exactly, for it is not told yet."""

    guild_id: int
    channel_id: int
    hour: HourMood
    told: bool


async def read_judged_hours(
    connection: AsyncConnection, first: int, present: int, shards: Shards = ALL
) -> list[Judged]:
    """The two latest hours, and from `first` on those of channels with an alert; each hour once."""
    of_ours = own(shards, _TOLD.c.guild_id)
    lasting = and_(AlertRow.recovered.is_(None), AlertRow.channel_id == _TOLD.c.channel_id)
    before = and_(_TOLD.c.hour >= first, _TOLD.c.hour < present - 1, AlertRow.guild_id == _TOLD.c.guild_id)
    # From the few alerts to their hours: the hours of all other channels are not looked at.
    of_alerts = _columns(_TOLD).distinct().join(table_of(AlertRow), lasting)
    found = []
    for told in (_columns(_TOLD).where(_is_looked_through(_TOLD), _lately(_TOLD, present)), of_alerts.where(before)):
        rows = await connection.stream(told.where(_TOLD.c.authors >= FEWEST_AUTHORS, of_ours))
        async for part in rows.partitions(CHUNK):
            found += [Judged(guild, channel, HourMood(*hour), told=True) for guild, channel, *hour in part]
    has_alert = exists().where(
        AlertRow.recovered.is_(None),
        AlertRow.channel_id == _EXACT.c.channel_id,
        AlertRow.guild_id == _EXACT.c.guild_id,
    )
    recent = and_(_is_looked_through(_EXACT), _lately(_EXACT, present))
    exact = and_(or_(recent, has_alert), own(shards, _EXACT.c.guild_id))
    return found + await read_exact_hours(connection, first, present, exact)


async def read_exact_hours(
    connection: AsyncConnection, first: int, last: int, which: ColumnElement[bool]
) -> list[Judged]:
    """Exact sums of hours that are not told yet, also of the one that is not over; for this process alone.

    Only of hours that would be told without noise: of `FEWEST_WITHOUT_NOISE` people and more of whom none dominates.
    Of any other an alert, which comes or does not from one minute to the next, would be a scale on which somebody
    weighs another's messages with their own. No number of them may be told or posted.
    """
    many = and_(_EXACT.c.told == false(), _EXACT.c.authors >= FEWEST_WITHOUT_NOISE)
    where = and_(_EXACT.c.hour.between(first, last), many, which)
    found = []
    shares = await read_shares_where(connection, where)
    rows = await connection.stream(_columns(_EXACT).where(where).order_by(_EXACT.c.channel_id, _EXACT.c.hour))
    async for part in rows.partitions(CHUNK):
        for guild, channel, *sums in part:
            hour = HourMood(*sums)
            share = shares.get((channel, hour.hour))
            if share is not None and not needs_noise(hour.authors, hour.messages, share.most, share.leading):
                found.append(Judged(guild, channel, hour, told=False))
    return found


def _columns(hours: FromClause) -> Select[Any]:
    return select(*(hours.c[name] for name in ("guild_id", "channel_id", *HourMood.__dataclass_fields__)))


def _lately(hours: FromClause, present: int) -> ColumnElement[bool]:
    return hours.c.hour.between(present - 1, present)


def _is_looked_through(hours: FromClause) -> ColumnElement[bool]:
    """Whether an hour's server watches something, and has a channel for alerts."""
    watches = exists().where(
        ChannelRuleRow.guild_id == GuildSettingsRow.guild_id, ChannelRuleRow.mode == Mode.WATCH.value
    )
    servers = select(GuildSettingsRow.guild_id).where(GuildSettingsRow.mod_channel_id.is_not(None), watches)
    return hours.c.guild_id.in_(servers)
