"""Servers that the bot is not in any more: noted for a day, in which nothing of theirs is told, and then removed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.sql import ColumnElement

from bot.storage.database import Database
from bot.storage.own_servers import own
from bot.storage.schema import BookkeepingRow, DepartureRow
from bot.storage.upsert import table_of, upsert


class Departures:
    """Which servers were left, and whose database this is. Every method raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> dict[int, int]:
        """Every server of this process that was left, with the time since when, in seconds since the Unix epoch."""
        ours = own(self._database.shards, table_of(DepartureRow).c.guild_id)
        async with self._database.read() as connection:
            rows = await connection.execute(select(DepartureRow.guild_id, DepartureRow.since).where(ours))
            return {row.guild_id: row.since for row in rows}

    async def add(self, guild_id: int, since: int) -> None:
        """Notes that the bot is not in this server; one that is noted keeps its time."""
        async with self._database.write() as connection:
            row = [{"guild_id": guild_id, "since": since}]
            await connection.execute(upsert(self._database.dialect, DepartureRow), row)

    async def remove(self, guild_id: int) -> None:
        """The bot is in this server again."""
        async with self._database.write() as connection:
            await connection.execute(delete(DepartureRow).where(DepartureRow.guild_id == guild_id))

    async def application(self) -> int | None:
        """The application that this database belongs to; None: that is not known yet."""
        async with self._database.read() as connection:
            found: int | None = await connection.scalar(select(BookkeepingRow.application_id))
            return found

    async def set_application(self, application_id: int) -> None:
        """Notes the application that this database belongs to, once and for all."""
        unknown = update(BookkeepingRow).where(BookkeepingRow.application_id.is_(None))
        async with self._database.write() as connection:
            await connection.execute(unknown.values(application_id=application_id))


def is_here(guild_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """For a question: only servers that have not been left."""
    return guild_id.not_in(select(DepartureRow.guild_id))
