"""Signs of life: up to then the bot has dealt with all that it was told. What it may have missed since is looked for.

They are whole seconds, of which the first sign counts from the beginning, and the second to the end.
"""

from __future__ import annotations

from math import ceil

from sqlalchemy import or_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.schema import BookkeepingRow

_ALIVE = BookkeepingRow.alive


ON_THE_WAY = 2.0
"""Seconds that an event may be on its way from Discord, and in this process before anybody takes it in hand."""


async def sign_of_life(connection: AsyncConnection, now: float, dealt_with_until: float) -> None:
    """Written with everything else: all that was told before `dealt_with_until` is written, but for what is on its way.

    It goes back only when the clock did. What happened in that second is looked for again, since it may be missing.
    """
    second = int(min(now, dealt_with_until) - ON_THE_WAY)
    another = or_(_ALIVE.is_(None), second > _ALIVE, ceil(now) < _ALIVE)
    await connection.execute(update(BookkeepingRow).where(another).values(alive=second))


async def final_sign_of_life(connection: AsyncConnection, now: float) -> None:
    """Written in the transaction of what must not be undone where the log of erasures does not take it.

    Somebody has their messages deleted, or opts in again: nothing that was written before it is looked for again, by
    whomever, up to a second of what comes after it included. Before the first sign there is nothing to look for.
    """
    second = ceil(now)
    await connection.execute(update(BookkeepingRow).where(second > _ALIVE).values(alive=second))
