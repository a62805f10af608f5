"""Which commands one of several processes has registered with Discord, and which versions of the bot run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, insert, select, text

from bot.storage.database import Database
from bot.storage.lease_statements import VERSIONS
from bot.storage.schema import RegistrationRow
from bot.storage.upsert import table_of

_MOST_TIMES = 5
"""Of the last registrations, whose times are kept."""


class RegisteredCommands:
    """What all of them know. Every method raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self) -> dict[str, dict[str, Any]]:
        """What was kept last, by scope: hashes of what was `sent` and `held`, `times` of late, and the `version`."""
        async with self._database.read() as connection:
            rows = (await connection.execute(select(*table_of(RegistrationRow).c))).mappings().all()
        return {row["scope"]: {**row, "times": [int(one) for one in row["times"].split()]} for row in rows}

    async def keep(self, known: Mapping[str, Mapping[str, Any]]) -> None:
        """In the place of what was kept before."""
        rows = [
            {
                "scope": scope,
                "version": one["version"][:32],
                "sent": one["sent"],
                "held": one["held"],
                "times": " ".join(str(int(at)) for at in one["times"][-_MOST_TIMES:]),
            }
            for scope, one in known.items()
        ]
        async with self._database.write() as connection:
            await connection.execute(delete(RegistrationRow))
            if rows:
                await connection.execute(insert(RegistrationRow), rows)

    async def versions(self) -> frozenset[str]:
        """Those of the processes that run."""
        async with self._database.read() as connection:
            return frozenset(await connection.scalars(text(VERSIONS)))
