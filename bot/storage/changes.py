"""What one process has changed, so that the others know it within a second: rules, settings, notices, and people's say.

A change is noted in the transaction that makes it, and PostgreSQL tells everybody who listens. That is a hint and no
more: the others read what is noted, also when nobody has told them, and what must not happen is refused where it is
written (`bot.storage.requests`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import StrEnum

from sqlalchemy import func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.database import Database, writes_beside_others
from bot.storage.errors import DatabaseUnavailable
from bot.storage.schema import ChangeRow

_log = logging.getLogger(__name__)

CHANNEL = "vibecheck"
"""In which PostgreSQL tells of changes."""

LOOK_SECONDS = 20.0
"""How often it is looked whether something has changed of which nobody has told."""

KEPT_SECONDS = 24 * 3600
"""For how long a change is noted: a process that has not looked for longer reads everything again."""

_ENDING_SECONDS = 0.2
_TELL = text(f"SELECT pg_notify('{CHANNEL}', '')")


class Changed(StrEnum):
    """What a change is about."""

    PEOPLE = "people"
    SERVER = "server"
    MODEL = "model"


async def note_change(connection: AsyncConnection, what: Changed, target_id: int = 0) -> None:
    """Notes a change in the transaction that makes it, and tells of it when that is committed.

    `target_id` is the server that it is about. A file has one process, which knows it. In that transaction nobody else
    writes (`Database.write`): numbers given side by side would appear out of order, and whoever follows pass some over.
    """
    if connection.dialect.name != "postgresql":
        return
    assert not writes_beside_others(connection), "others write beside this one"
    row = {"kind": what.value, "target_id": target_id, "made": int(time.time())}
    await connection.execute(insert(ChangeRow).values(row))
    await connection.execute(_TELL)


class ChangeFollower:
    """Learns what other processes have changed. For one event loop.

    `people` is called when somebody's say has changed, `server` with the id of a server of this process's that has
    chosen something else, `model` when a release of a model has moved. Its own changes it learns as well, which changes
    nothing.
    """

    def __init__(self, database: Database) -> None:
        self.people: Callable[[], Awaitable[None]] = _nothing
        self.server: Callable[[int], Awaitable[None]] = _no_server
        self.model: Callable[[], None] = _no_model
        self.everything: Callable[[], Awaitable[None]] = _nothing
        self._database = database
        self._told = asyncio.Event()
        self._last = 0
        self._looked = time.monotonic()
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """What is read from now on has all that was changed before. Raises DatabaseUnavailable."""
        async with self._database.read() as connection:
            self._last = await connection.scalar(select(func.max(ChangeRow.number))) or 0
        self._looked = time.monotonic()

    def tell(self) -> None:
        """Something may have changed."""
        self._told.set()

    def start(self) -> None:
        """Follows from now on, in a task of its own, until `close`."""
        self._task = asyncio.get_running_loop().create_task(self._follow_now_and_then(), name="changes")

    async def close(self) -> None:
        """Ends the task."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,), timeout=_ENDING_SECONDS)

    async def follow(self) -> None:
        """Learns what has changed since the last look. Raises DatabaseUnavailable, and then it is all learned later."""
        columns = (ChangeRow.number, ChangeRow.kind, ChangeRow.target_id)
        async with self._database.read() as connection:
            question = select(*columns).where(ChangeRow.number > self._last).order_by(ChangeRow.number)
            rows = (await connection.execute(question)).all()
            last = rows[-1].number if rows else self._last
        if time.monotonic() - self._looked >= KEPT_SECONDS / 2:
            await self.people()
            await self.everything()
        elif rows:
            if any(row.kind == Changed.PEOPLE for row in rows):
                await self.people()
            if any(row.kind == Changed.MODEL for row in rows):
                self.model()
            servers = {row.target_id for row in rows if row.kind == Changed.SERVER}
            for server in sorted(filter(self._database.shards.have, servers)):
                await self.server(server)
        self._last, self._looked = last, time.monotonic()

    async def _follow_now_and_then(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._told.wait()
            self._told.clear()
            try:
                await self.follow()
            except DatabaseUnavailable as error:
                _log.debug("what has changed could not be read (%s)", error)
            except Exception as error:  # a mistake of ours must not end the task: the next look may pass
                _log.error("what has changed could not be learned (%s) and is tried again", type(error).__name__)


async def _nothing() -> None:
    """Nobody wants to know."""


def _no_model() -> None:
    """Nobody wants to know."""


async def _no_server(_guild_id: int) -> None:
    """Nobody wants to know."""
