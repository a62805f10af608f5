"""A PostgreSQL into a SQLite file of the same tables, and back: one kind of backup for both, and no other tools."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.cli.sqlite_copy import fold_in_log, sync
from bot.settings import Settings
from bot.storage.database import Database
from bot.storage.database_url import FILE, UNUSABLE, WRITERS_LOCK
from bot.storage.errors import DatabaseInUse, DatabaseUnavailable, DatabaseUnusable
from bot.storage.migrate import migrate, require_this_schema
from bot.storage.table_copy import Progress, Sums, copy_tables, say_nothing, sums_of

_OTHERS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user "
    "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)
_LOOK_AGAIN = text("SELECT pg_stat_clear_snapshot()")
"""Or a transaction goes on seeing the sessions that it has seen first."""

_LOOKS, _PAUSE = 10, 0.2
"""How often others' sessions are looked for: one that has just ended may still be listed."""

_KEEP_WRITERS_OUT = text(f"SELECT pg_advisory_lock({WRITERS_LOCK})")
"""Until the connection ends."""

Look = Callable[[Connection], None]
"""Looks at a database, or makes it ready, before anything is copied; raises StoreError when it will not do."""


async def copy_out(
    settings: Settings,
    folder: Path,
    *,
    alone: bool = False,
    look: Look = require_this_schema,
    progress: Progress = say_nothing,
) -> Sums:
    """Writes one state of the PostgreSQL to `folder`/mood.db, and compares what stands there with what was read.

    `alone`: nobody writes to it before this has ended. Returns the sums. Raises StoreError: the database is
    unavailable, of another schema, not what was read, or, where it must be alone, in use.
    """
    source = await Database.open(folder, settings.database_url, upgrade=False)
    try:
        await _reach(source)
        async with _with_nobody(source) if alone else source.read() as reading:
            await reading.run_sync(look)
            target = await Database.open(folder)
            try:
                async with target.write() as writing:
                    read = await copy_tables(reading, writing, progress)
                async with target.read() as again:
                    written = await sums_of(again, progress)
            finally:
                await target.close()
    finally:
        await source.close()
    if read != written:
        raise DatabaseUnavailable("What I wrote isn't what I read back. Check that disk, and try again.")
    fold_in_log(folder / FILE)
    sync(folder / FILE)
    return read


async def copy_in(
    settings: Settings, copy: Database, *, look: Look = migrate, progress: Progress = say_nothing
) -> Sums:
    """Puts what is in `copy` in the place of all that the PostgreSQL has, whole or not at all, and compares it there.

    Its tables are made in the same transaction. Returns the sums. Raises DatabaseInUse when the bot runs, and another
    StoreError when it cannot be done.
    """
    target = await Database.open(settings.data_dir, settings.database_url, upgrade=False)
    try:
        await _reach(target)
        async with target.read() as connection:  # before it waits for its turn: who has that may have it for long
            await _alone(connection)
        async with copy.read() as reading, target.write() as writing:
            await _alone(writing)
            await writing.run_sync(look)
            read = await copy_tables(reading, writing, progress)
            kept = await sums_of(writing, progress)
            if differing := [name for name in read if kept[name] != read[name]]:
                raise DatabaseUnavailable(
                    f"The database didn't keep what was written to {', '.join(differing)}. It's unchanged."
                )
        return read
    finally:
        await target.close()


async def _reach(database: Database) -> None:
    """Raises StoreError when it does not answer, or DATABASE_URL has what asyncpg does not know."""
    try:
        await database.answer()
    except TypeError:  # of an option that its `connect` has not; its words may hold a secret
        raise DatabaseUnusable(UNUSABLE) from None


@asynccontextmanager
async def _with_nobody(source: Database) -> AsyncIterator[AsyncConnection]:
    """A connection that sees one state of it, which stays the last one: a bot that starts waits.

    Raises DatabaseInUse.
    """
    async with source.read() as connection:
        await _alone(connection)
        await connection.execute(_KEEP_WRITERS_OUT)
        await connection.rollback()  # what is seen from now on is the state after the last of the others' writes
        await _alone(connection)
        yield connection


async def _alone(connection: AsyncConnection) -> None:
    """Raises DatabaseInUse when another session of this account uses the database, as the bot's do."""
    for look in range(_LOOKS):
        await connection.execute(_LOOK_AGAIN)
        if not await connection.scalar(_OTHERS):
            return
        await asyncio.sleep(_PAUSE if look + 1 < _LOOKS else 0)
    raise DatabaseInUse("Someone else is using this PostgreSQL with the bot's account. Stop the bot first.")
