"""The database under the bot, PostgreSQL where it is installed: looked into from outside, and brought into trouble."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import asyncpg

from bot.storage.database_url import FILE
from tests.bot.storage.postgres import find_binaries, running_postgres


class Sqlite:
    """The file in the bot's folder. It is locked, not stopped, and cannot crash."""

    kind = "SQLite"
    url: str | None = None

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / FILE

    async def rows(self, question: str) -> list[tuple[Any, ...]]:
        """What the database holds; nothing while there is none."""
        if not self._file.exists():
            return []
        with closing(sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, timeout=20)) as database:
            return [tuple(row) for row in database.execute(question)]

    @asynccontextmanager
    async def standing_still(self) -> AsyncIterator[None]:
        """Nobody else can write."""
        with closing(sqlite3.connect(self._file, timeout=20, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            yield
            database.execute("ROLLBACK")

    async def crash(self) -> None:
        """There is no server that could."""

    async def settled(self) -> None:
        """Everything is in the files already."""


class Postgres:
    """A server of the soak's own."""

    kind = "PostgreSQL"

    def __init__(self, url: str, folder: Path) -> None:
        self.url: str | None = url
        self.folder = folder

    @classmethod
    async def at(cls, url: str) -> Postgres:
        """The server at that address."""
        connection = await asyncpg.connect(url)
        try:
            return cls(url, Path(await connection.fetchval("SHOW data_directory")))
        finally:
            await connection.close()

    async def rows(self, question: str) -> list[tuple[Any, ...]]:
        """What the database holds; nothing before the bot has made its tables."""
        connection = await asyncpg.connect(self.url, timeout=30)
        try:
            return [tuple(row) for row in await connection.fetch(question, timeout=30)]
        except asyncpg.UndefinedTableError:
            return []
        finally:
            await connection.close()

    @asynccontextmanager
    async def standing_still(self) -> AsyncIterator[None]:
        """Connections stand, and nothing answers."""
        stopped = [self._postmaster, *self._backends()]
        for process in stopped:
            _signal(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in reversed(stopped):
                _signal(process, signal.SIGCONT)

    async def crash(self) -> None:
        """One of its processes is killed, upon which it throws everybody out and recovers."""
        connection = await asyncpg.connect(self.url)
        backend = connection.get_server_pid()
        _signal(backend, signal.SIGKILL)
        connection.terminate()
        async with asyncio.timeout(60):
            while not await self._answers():
                await asyncio.sleep(0.2)

    async def settled(self) -> None:
        """Brings everything into the files."""
        connection = await asyncpg.connect(self.url)
        await connection.execute("CHECKPOINT")
        await connection.close()

    async def _answers(self) -> bool:
        try:
            await self.rows("SELECT 1")
        except (OSError, asyncpg.PostgresError):
            return False
        return True

    @property
    def _postmaster(self) -> int:
        return int((self.folder / "postmaster.pid").read_text("ascii").split()[0])

    def _backends(self) -> list[int]:
        return children_of(self._postmaster)


Store = Sqlite | Postgres


@asynccontextmanager
async def opened_store(data: Path, *, sqlite: bool = False) -> AsyncIterator[Store]:
    """PostgreSQL if it is installed, else SQLite."""
    binaries = None if sqlite else find_binaries()
    if binaries is None:
        yield Sqlite(data)
        return
    with ExitStack() as stack:
        url = await asyncio.to_thread(stack.enter_context, running_postgres(binaries))
        yield await Postgres.at(url)


def children_of(parent: int) -> list[int]:
    """The processes that another has started."""
    try:
        listed = Path(f"/proc/{parent}/task/{parent}/children").read_text("ascii")
    except OSError:
        return []
    return [int(number) for number in listed.split()]


def _signal(process: int, number: signal.Signals) -> None:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        return
