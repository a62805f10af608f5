"""The servers, channels, threads and roles that the database knows of: to be compared with what is there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CompoundSelect, func, select, union
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import ColumnElement

from bot.domain.records import TargetKind
from bot.storage.database import Database
from bot.storage.schema import (
    AlertRow,
    AuditRow,
    BackfillRow,
    Base,
    ChannelRuleRow,
    DepartureRow,
    DigestRow,
    FilledRow,
    GapRow,
    GuildSettingsRow,
    HourRow,
    MarkRow,
    MessageScoreRow,
    NoticeRow,
    SnoozeRow,
    ToldHourRow,
    WebhookRow,
)
from bot.storage.upsert import table_of

_OF_GUILDS: tuple[type[Base], ...] = (
    GuildSettingsRow,
    ChannelRuleRow,
    AuditRow,
    AlertRow,
    DigestRow,
    GapRow,
    DepartureRow,
    NoticeRow,
    SnoozeRow,
    MarkRow,
    WebhookRow,
    BackfillRow,
    FilledRow,
)
"""Small tables; those of the hours, which are not, are walked from server to server."""

_HOURS = (HourRow, ToldHourRow)

_CHANNEL_KINDS = (TargetKind.CATEGORY, TargetKind.CHANNEL, TargetKind.THREAD)
_PART = 500


@dataclass(frozen=True, slots=True)
class Places:
    """What is known of one server: ids of channels, categories and threads, and of roles."""

    channels: frozenset[int]
    roles: frozenset[int]


async def places_of(database: Database, guild_id: int) -> Places:
    """Everything in a server that something is held of. Raises DatabaseUnavailable."""
    async with database.read() as connection:
        channels = frozenset(await connection.scalars(_channels(guild_id)))
        roles = select(ChannelRuleRow.target_id).where(
            ChannelRuleRow.guild_id == guild_id, ChannelRuleRow.target_kind == TargetKind.ROLE
        )
        return Places(channels - {None}, frozenset(await connection.scalars(roles)))


async def guilds_known(connection: AsyncConnection) -> set[int]:
    """The servers of which anything is held."""
    small = union(*(select(table_of(row).c.guild_id) for row in _OF_GUILDS))
    found = {*await connection.scalars(small)}
    for guild_id in (table_of(row).c.guild_id for row in _HOURS):
        first = select(func.min(guild_id).label("guild_id")).cte("walk", recursive=True)
        following = select(func.min(guild_id)).where(guild_id > first.c.guild_id).scalar_subquery()
        walk = first.union_all(select(following).where(first.c.guild_id.is_not(None)))
        found.update(await connection.scalars(select(walk.c.guild_id)))
    return {guild for guild in found if guild is not None}


async def known_among(
    connection: AsyncConnection, guilds: Collection[int], channels: Collection[int]
) -> tuple[list[int], list[int]]:
    """Those of these servers, and of these channels, categories and threads, of which anything is held."""
    known_guilds, known_channels = set[int](), set[int]()
    for start in range(0, len(guilds), _PART):
        part = sorted(guilds)[start : start + _PART]
        tables: tuple[type[Base], ...] = (*_HOURS, *_OF_GUILDS)
        theirs = [select(table_of(row).c.guild_id).where(table_of(row).c.guild_id.in_(part)) for row in tables]
        known_guilds.update(await connection.scalars(union(*theirs)))
    for start in range(0, len(channels), _PART):
        part = sorted(channels)[start : start + _PART]
        rows = (HourRow, ToldHourRow, MessageScoreRow, AlertRow, SnoozeRow)
        columns = [MessageScoreRow.thread_id, *(table_of(row).c.channel_id for row in rows)]
        questions = [select(column).where(column.in_(part)) for column in columns]
        questions += [
            select(ChannelRuleRow.target_id).where(_about_channels(), ChannelRuleRow.target_id.in_(part)),
            select(GuildSettingsRow.mod_channel_id).where(GuildSettingsRow.mod_channel_id.in_(part)),
            select(NoticeRow.channel_id).where(NoticeRow.channel_id.in_(part)),
            select(GapRow.channel_id).where(GapRow.channel_id.in_(part)),
            select(FilledRow.channel_id).where(FilledRow.channel_id.in_(part)),
        ]
        known_channels.update(await connection.scalars(union(*questions)))
    return sorted(known_guilds), sorted(known_channels)


def _channels(guild_id: int) -> CompoundSelect[Any]:
    counted = select(HourRow.channel_id).where(HourRow.guild_id == guild_id).distinct()
    threads = select(MessageScoreRow.thread_id).where(
        MessageScoreRow.channel_id.in_(counted), MessageScoreRow.thread_id.is_not(None)
    )
    return union(
        counted,
        select(ToldHourRow.channel_id).where(ToldHourRow.guild_id == guild_id).distinct(),
        threads,
        select(AlertRow.channel_id).where(AlertRow.guild_id == guild_id),
        select(SnoozeRow.channel_id).where(SnoozeRow.guild_id == guild_id),
        select(GuildSettingsRow.mod_channel_id).where(GuildSettingsRow.guild_id == guild_id),
        select(ChannelRuleRow.target_id).where(ChannelRuleRow.guild_id == guild_id, _about_channels()),
        select(NoticeRow.channel_id).where(NoticeRow.guild_id == guild_id),
        select(GapRow.channel_id).where(GapRow.guild_id == guild_id),
        select(FilledRow.channel_id).where(FilledRow.guild_id == guild_id),
    )


def _about_channels() -> ColumnElement[bool]:
    return ChannelRuleRow.target_kind.in_(_CHANNEL_KINDS)
