"""One connection to PostgreSQL for what ends with it: advisory locks, and listening. Only imported where that is used.

It must lead to PostgreSQL itself: a pooler that lends connections for single transactions has the locks at others'.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

import asyncpg
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.storage.errors import DatabaseUnavailable

STATEMENT_SECONDS = 5.0
"""How long a statement may take before the connection is given up, and with it the locks."""

_GONE = "The connection that holds this process's locks in PostgreSQL is gone."


class PostgresSession:
    """One statement at a time, each in a transaction of its own. Every method raises DatabaseUnavailable.

    `ended` is set when the connection is gone, whoever ended it; `pid` is the server's process for it.
    """

    def __init__(self, engine: AsyncEngine, connection: AsyncConnection, driver: Any) -> None:
        self.ended = asyncio.Event()
        self.pid: int = driver.get_server_pid()
        self._engine = engine
        self._connection = connection
        self._driver = driver
        self._turn = asyncio.Lock()
        driver.add_termination_listener(lambda _: self.ended.set())

    @classmethod
    async def open(cls, engine: AsyncEngine) -> Self:
        """Connects; the engine is this connection's alone. Raises what SQLAlchemy and the driver raise."""
        try:
            connection = await engine.connect()
            raw = await connection.get_raw_connection()
            return cls(engine, connection, raw.driver_connection)
        except BaseException:
            await engine.dispose()
            raise

    async def ask(self, statement: str, *values: Any, seconds: float = STATEMENT_SECONDS) -> list[Any]:
        """The rows of a statement with `$1` and so on for its values."""
        async with self._turn:
            if self.ended.is_set():
                raise DatabaseUnavailable(_GONE)
            try:
                return list(await self._driver.fetch(statement, *values, timeout=seconds))
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
                self._driver.terminate()  # whatever it was, what is held by it is not certain any more
                self.ended.set()
                raise DatabaseUnavailable(_GONE) from error

    async def lock(self, space: int, number: int) -> bool:
        """Takes an advisory lock until it is let go or the connection ends; False when another has it."""
        ((taken,),) = await self.ask("SELECT pg_try_advisory_lock($1, $2)", space, number)
        return bool(taken)

    async def unlock(self, space: int, number: int) -> None:
        """Lets go of one that this connection has."""
        await self.ask("SELECT pg_advisory_unlock($1, $2)", space, number)

    async def listen(self, channel: str, heard: Callable[[], None]) -> None:
        """Has `heard` called at each NOTIFY in that channel."""
        async with self._turn:
            try:
                await self._driver.add_listener(channel, lambda *_: heard())
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
                raise DatabaseUnavailable(_GONE) from error

    async def close(self) -> None:
        """Ends the connection, and so lets go of all that it has."""
        self.ended.set()
        with suppress(SQLAlchemyError, OSError, asyncpg.InterfaceError, TimeoutError):
            await self._connection.invalidate()
        self._driver.terminate()
        with suppress(SQLAlchemyError, OSError):
            await self._engine.dispose()
