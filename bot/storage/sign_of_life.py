"""A sign of life: up to then everything that the bot was told has been dealt with, and is not asked for again."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.schema import BookkeepingRow


async def sign_of_life(connection: AsyncConnection, now: float) -> None:
    """Writes one in the transaction of something that what was written before must not undo.

    What is caught up after a restart begins behind the last sign of life: nothing that somebody has just had deleted,
    or wrote while they were opted out, is read then. Before the first sign there is nothing to catch up.
    """
    later = update(BookkeepingRow).where(BookkeepingRow.alive < int(now))
    await connection.execute(later.values(alive=int(now)))
