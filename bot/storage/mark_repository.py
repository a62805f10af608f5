"""Events that a server's charts show, such as a patch: when it was, and what a moderator has called it."""

from __future__ import annotations

from sqlalchemy import and_, delete, func, insert, select

from bot.domain.marks import MOST_MARKS, Mark
from bot.storage.database import Database
from bot.storage.schema import MarkRow
from bot.storage.upsert import table_of


class MarkRepository:
    """Marks; nobody is noted with them. Every method raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, guild_id: int, happened: int, text: str) -> Mark | None:
        """Keeps a mark; None where the server has as many as it may have."""
        table = table_of(MarkRow)
        row = {"guild_id": guild_id, "happened": happened, "text": text}
        async with self._database.write() as connection:
            there = await connection.scalar(select(func.count()).where(MarkRow.guild_id == guild_id)) or 0
            if there >= MOST_MARKS:
                return None
            number = await connection.scalar(insert(table).values(row).returning(table.c.number))
        assert number is not None
        return Mark(number, happened, text)

    async def remove(self, guild_id: int, number: int) -> bool:
        """Takes one away; False when it is not there, or is another server's."""
        where = and_(MarkRow.number == number, MarkRow.guild_id == guild_id)
        async with self._database.write() as connection:
            return (await connection.execute(delete(MarkRow).where(where))).rowcount > 0

    async def all(self, guild_id: int, since: int = 0) -> tuple[Mark, ...]:
        """Those of a server since then, in seconds since the Unix epoch, the latest first."""
        question = select(MarkRow.number, MarkRow.happened, MarkRow.text)
        question = question.where(MarkRow.guild_id == guild_id, MarkRow.happened >= since)
        async with self._database.read() as connection:
            rows = await connection.execute(question.order_by(MarkRow.happened.desc(), MarkRow.number.desc()))
            return tuple(Mark(*row) for row in rows)
