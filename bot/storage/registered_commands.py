"""Which commands one of several processes has registered with Discord, and which versions of the bot run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select, text

from bot.storage.database import Database
from bot.storage.lease_statements import VERSIONS
from bot.storage.schema import RegistrationRow
from bot.storage.upsert import table_of, upsert

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

    async def keep(self, scope: str, known: Mapping[str, Any] | None) -> None:
        """In the place of what was kept before of that scope; None: nothing is any more."""
        table = table_of(RegistrationRow)
        async with self._database.write() as connection:
            if known is None:
                await connection.execute(delete(table).where(table.c.scope == scope))
                return
            row = {
                "scope": scope,
                "version": known["version"][:32],
                "sent": known["sent"],
                "held": known["held"],
                "times": " ".join(str(int(at)) for at in known["times"][-_MOST_TIMES:]),
            }
            changing = [name for name in row if name != "scope"]
            await connection.execute(upsert(self._database.dialect, RegistrationRow, *changing), [row])

    async def versions(self) -> frozenset[str]:
        """Those of the processes that run."""
        async with self._database.read() as connection:
            return frozenset(await connection.scalars(text(VERSIONS)))
