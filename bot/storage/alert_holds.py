"""What moderators say to alerts: that one was a false alarm, and that a channel is to have none for a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, delete, func, select, update

from bot.storage.among import among
from bot.storage.database import Database
from bot.storage.schema import AlertRow, SnoozeRow
from bot.storage.upsert import table_of, upsert

RAISED_SECONDS = 24 * 3600
"""For how long a false alarm makes the next alert of its channel harder."""

COUNTED_SECONDS = 30 * 24 * 3600
"""The time of which false alarms are counted."""


@dataclass(frozen=True, slots=True)
class Hold:
    """What holds back a channel's alerts at some moment: until when none starts, and until when it takes more."""

    snoozed_until: int | None = None
    raised_until: int | None = None


class AlertHolds:
    """False alarms and snoozes; nobody is noted with them. Every method raises DatabaseUnavailable."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    async def say_false(self, guild_id: int, number: int) -> bool:
        """Notes that an alert was a false alarm; False when that was said before, or it is forgotten."""
        return await self._mark(guild_id, number, AlertRow.false_alarm.is_(None), int(self._clock()))

    async def take_back(self, guild_id: int, number: int) -> bool:
        """It was none after all; False when nobody said so."""
        return await self._mark(guild_id, number, AlertRow.false_alarm.is_not(None), None)

    async def _mark(self, guild_id: int, number: int, only: Any, value: int | None) -> bool:
        where = and_(AlertRow.number == number, AlertRow.guild_id == guild_id, only)
        async with self._database.write(own=True) as connection:
            done = await connection.execute(update(AlertRow).where(where).values(false_alarm=value))
            return done.rowcount > 0

    async def snooze(self, guild_id: int, channel_id: int, seconds: int) -> int:
        """No alert of this channel starts for so long; returns until when. The last word counts."""
        until = int(self._clock()) + seconds
        row = {"channel_id": channel_id, "guild_id": guild_id, "until": until}
        async with self._database.write(own=True) as connection:
            await connection.execute(upsert(self._database.dialect, SnoozeRow, "guild_id", "until"), [row])
        return until

    async def wake(self, guild_id: int, channel_id: int) -> bool:
        """Alerts of this channel may start again; False when they might already."""
        where = and_(SnoozeRow.channel_id == channel_id, SnoozeRow.guild_id == guild_id)
        async with self._database.write(own=True) as connection:
            return (await connection.execute(delete(SnoozeRow).where(where))).rowcount > 0

    async def of(self, guilds: Collection[int]) -> dict[int, Hold]:
        """What holds at this moment in these servers, by channel."""
        now = int(self._clock())
        snoozed = select(SnoozeRow.channel_id, SnoozeRow.until).where(
            among(self._database.dialect, table_of(SnoozeRow).c.guild_id, guilds), SnoozeRow.until > now
        )
        falsely = select(AlertRow.channel_id, func.max(AlertRow.false_alarm)).where(
            among(self._database.dialect, table_of(AlertRow).c.guild_id, guilds),
            AlertRow.false_alarm > now - RAISED_SECONDS,
        )
        async with self._database.read() as connection:
            until = {row[0]: row[1] for row in await connection.execute(snoozed)}
            rows = await connection.execute(falsely.group_by(AlertRow.channel_id))
            raised = {channel: moment + RAISED_SECONDS for channel, moment in rows if moment is not None}
        return {channel: Hold(until.get(channel), raised.get(channel)) for channel in until.keys() | raised.keys()}

    async def false_alarms(self, guild_id: int) -> dict[int, int]:
        """How many alerts of the last 30 days were called false, by channel."""
        since = int(self._clock()) - COUNTED_SECONDS
        where = and_(AlertRow.guild_id == guild_id, AlertRow.false_alarm > since)
        counted = select(AlertRow.channel_id, func.count()).where(where).group_by(AlertRow.channel_id)
        async with self._database.read() as connection:
            return {row[0]: row[1] for row in await connection.execute(counted)}
