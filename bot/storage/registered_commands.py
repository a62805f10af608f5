"""Which commands one of several processes has registered with Discord, and which versions of the bot run."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import select, text, update

from bot.storage.database import Database
from bot.storage.lease_statements import VERSIONS
from bot.storage.schema import BookkeepingRow


class RegisteredCommands:
    """What all of them know. Every method raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self) -> dict[str, Any]:
        """What was kept last, by scope; nothing where it cannot be understood."""
        async with self._database.read() as connection:
            kept = await connection.scalar(select(BookkeepingRow.commands))
        try:
            known = json.loads(kept or "{}")
        except ValueError:
            return {}
        return known if isinstance(known, dict) else {}

    async def keep(self, known: dict[str, Any]) -> None:
        """In the place of what was kept before."""
        async with self._database.write() as connection:
            await connection.execute(update(BookkeepingRow).values(commands=json.dumps(known)))

    async def versions(self) -> frozenset[str]:
        """Those of the processes that run."""
        async with self._database.read() as connection:
            return frozenset(await connection.scalars(text(VERSIONS)))
