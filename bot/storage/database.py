"""The database: opened and migrated, read by many and written by one at a time."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import SecretStr
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from bot.domain.shards import ALL, Shards
from bot.storage.database_url import FILE, UNUSABLE, WRITE_LOCKS, WRITERS_LOCK, claim, database_url
from bot.storage.errors import DatabaseUnavailable, DatabaseUnusable
from bot.storage.migrate import migrate
from bot.storage.patience import Patience
from bot.storage.sqlite_connection import PromptConnection
from bot.storage.sqlite_errors import code_of, in_words
from model.installation import needs_extra

if TYPE_CHECKING:
    from bot.storage.postgres_session import PostgresSession

_log = logging.getLogger(__name__)

_REFUSALS = {
    "InvalidPasswordError",
    "InvalidAuthorizationSpecificationError",
    "InvalidCatalogNameError",
    "ClientConfigurationError",
}
"""PostgreSQL's, as its driver calls them: a wrong password, name or database, or an option that cannot be."""

_PASSING = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL}
"""SQLite's codes of what may be over soon: another program's lock, a disk that is full or fails."""

BUSY_SECONDS = 5.0
"""How long a write waits for another program that has the SQLite file locked, such as one that makes a copy of it."""

_LOCKED_SECONDS, _LOCKED_PAUSE = 0.25, 0.05
"""How long a thread waits for the lock at a time, and the pause until it tries again: it heeds no cancelling."""

NAME = "vibecheck"
"""How connections are called in PostgreSQL, followed by which process they are of."""

CONNECT_SECONDS, COMMAND_SECONDS = 10.0, 120.0
"""How long PostgreSQL may take to let us in, and to do one thing."""

RECYCLE_SECONDS = 86_400
"""How old a connection to PostgreSQL may get: its temporary tables are never frozen, and hold back all others'."""

_ANOTHER_FILE = (
    f"{FILE} in DATA_DIR was moved, replaced or deleted while the bot was running, so new data would be lost. Stop "
    "it, put the file back, and start it again."
)

_WAIT_FOR_TURN = text(f"SELECT pg_advisory_xact_lock({WRITERS_LOCK})")
"""A writer holds it during its transaction, and nobody else writes."""

_WAIT_FOR_TURN_BESIDE_OTHERS = text("""
    WITH beside AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(:writers))
    SELECT pg_advisory_xact_lock(:space, shard) FROM beside, unnest(CAST(:shards AS integer[])) AS shard
""").bindparams(writers=WRITERS_LOCK, space=WRITE_LOCKS)
"""Others write meanwhile, but nobody who wants to be alone, and of these shards nobody else.

In ascending order, after the one that all have: so no two wait for each other.
"""

_A_WRITE = "UPDATE alembic_version SET version_num = version_num"
"""It changes nothing, but a file that may only be read refuses it, where SQLite would let a transaction begin."""

_IS_THERE = text("SELECT 1")

_PRAGMAS = ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON", "secure_delete = ON")


class Database:
    """An open database. Writers take turns, also across processes, so that sums are corrected from what is there.

    Processes that share a PostgreSQL write side by side what is about their own servers alone.
    Every failure, be it of the network, the disk or a statement, is a DatabaseUnavailable.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        lock: int | None = None,
        file: Path | None = None,
        busy_seconds: float = BUSY_SECONDS,
        *,
        process: str = "",
    ) -> None:
        """`file` is that of SQLite. `process` is by what PostgreSQL knows the connections of this one."""
        self.process = process
        self.patience = Patience()
        self._engine = engine
        self._lock = lock
        self._file = file
        self._is = _identity(file)
        self._busy_seconds = busy_seconds
        self._turn = asyncio.Lock()
        self.damage = ""
        """Why nothing may be written any more, in a sentence; empty: all is well, as far as is known."""
        self.shards: Shards = ALL
        """Whose servers are meant where all are asked for, as a job does."""

    @classmethod
    async def open(
        cls,
        folder: Path,
        setting: SecretStr | None = None,
        *,
        busy_seconds: float = BUSY_SECONDS,
        upgrade: bool = True,
    ) -> Self:
        """Opens `folder`/mood.db, or the PostgreSQL that `setting` (DATABASE_URL) names, with this version's schema.

        Without `upgrade` the schema stays as it is.

        Raises DatabaseInUse, DatabaseTooNew or DatabaseUnavailable.
        """
        url = database_url(folder, setting)
        lock = claim(folder) if url.get_backend_name() == "sqlite" else None
        try:
            if upgrade:
                await asyncio.get_running_loop().run_in_executor(None, _migrate, url, busy_seconds)
            process, file = secrets.token_hex(8), folder / FILE if lock is not None else None
            return cls(_engine(url, busy_seconds, process), lock, file, busy_seconds, process=process)
        except BaseException:
            if lock is not None:
                os.close(lock)
            raise

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @property
    def file(self) -> Path | None:
        """SQLite's file."""
        return self._file

    async def answer(self) -> None:
        """Returns when it answers. Raises DatabaseUnavailable."""
        async with self.read() as connection:
            await connection.execute(_IS_THERE)

    async def open_session(self) -> PostgresSession:
        """A connection to the PostgreSQL for locks and for listening. Raises DatabaseUnavailable."""
        from bot.storage.postgres_session import PostgresSession

        with _typed_failures():
            return await PostgresSession.open(_postgres_engine(self._engine.url, self.process, poolclass=NullPool))

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection that sees one state of the database throughout."""
        async with self.patience.limited():
            with _typed_failures():
                async with self._engine.connect() as connection:
                    if self.dialect == "postgresql":
                        await connection.execution_options(isolation_level="REPEATABLE READ")
                    async with _let_go_when_cancelled(connection):
                        yield connection

    @asynccontextmanager
    async def write(self, *, own: bool = False) -> AsyncIterator[AsyncConnection]:
        """A transaction: committed when the block ends, rolled back when it raises.

        `own`: it reads and changes only what is about servers of this process. So other processes may write of theirs
        meanwhile; what is about people, or about everybody's servers, waits for it.
        """
        async with self.patience.turn(self._turn), self.patience.limited():
            with _typed_failures():
                if self.damage:
                    raise DatabaseUnusable(self.damage)
                if _identity(self._file) != self._is:
                    raise DatabaseUnusable(_ANOTHER_FILE)
                async with self._engine.connect() as connection:
                    await connection.execution_options(writes=True, own=own)
                    async with self._begun(connection, own=own):
                        yield connection

    @asynccontextmanager
    async def _begun(self, connection: AsyncConnection, *, own: bool) -> AsyncIterator[None]:
        """A transaction for one who writes. SQLite's lock is waited for here, where waiting can be ended."""
        until, begun = time.monotonic() + self._busy_seconds, False
        while not begun:
            try:
                async with connection.begin(), _let_go_when_cancelled(connection):
                    begun = True
                    if self.dialect == "postgresql":
                        await self._wait_for_turn(connection, own=own)
                    yield
            except DBAPIError as error:
                if begun or not _is_locked(error) or time.monotonic() >= until:
                    raise
                await asyncio.sleep(_LOCKED_PAUSE)

    async def _wait_for_turn(self, connection: AsyncConnection, *, own: bool) -> None:
        if own and self.shards.numbers:
            await connection.execute(_WAIT_FOR_TURN_BESIDE_OTHERS, {"shards": sorted(self.shards.numbers)})
        else:
            await connection.execute(_WAIT_FOR_TURN)

    async def close(self) -> None:
        """Waits for the writer and lets go of everything; a failure is logged."""
        async with self._turn:
            try:
                await self._engine.dispose()
            except (SQLAlchemyError, OSError) as error:
                _log.warning("the database was not closed cleanly (%s)", type(error).__name__)
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None


def writes_beside_others(connection: AsyncConnection) -> bool:
    """Whether a transaction is about this process's own servers alone (`Database.write`)."""
    sync = connection.sync_connection
    return sync is not None and bool(sync.get_execution_options().get("own"))


@asynccontextmanager
async def _let_go_when_cancelled(connection: AsyncConnection) -> AsyncIterator[None]:
    """Or its transaction would be rolled back first, by a server that may have been stopped."""
    try:
        yield
    except asyncio.CancelledError:
        await connection.invalidate()
        raise


@contextmanager
def _typed_failures() -> Iterator[None]:
    """Makes a DatabaseUnavailable of whatever the database's libraries raise."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        raise (DatabaseUnusable if _is_for_good(error) else DatabaseUnavailable)(_sentence(error)) from error


def _is_for_good(error: BaseException) -> bool:
    """Whether the file cannot be used, or PostgreSQL refuses what DATABASE_URL says: a later try would not help."""
    if isinstance(error, DBAPIError) and isinstance(error.orig, sqlite3.DatabaseError):
        return code_of(error.orig) not in _PASSING
    return _kind(error) in _REFUSALS


def _is_locked(error: DBAPIError) -> bool:
    return isinstance(error.orig, sqlite3.DatabaseError) and code_of(error.orig) == sqlite3.SQLITE_BUSY


def _identity(file: Path | None) -> tuple[int, int] | None:
    """What tells a file from another that has its name; None: there is none, or no system that tells."""
    try:
        stat = file.stat() if file is not None else None
    except OSError:
        return None
    return (stat.st_dev, stat.st_ino) if stat is not None else None


def _kind(error: BaseException) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return type(cause.__cause__ or cause).__name__


def _sentence(error: BaseException) -> str:
    name = _kind(error)
    if isinstance(error, DBAPIError) and isinstance(error.orig, sqlite3.DatabaseError):
        return in_words(error.orig)
    return f"The database didn't do what I asked ({name}). Check that DATABASE_URL is right and that it's running."


def _migrate(url: URL, busy_seconds: float) -> None:
    """Runs in a thread of its own: Alembic's work is synchronous. PostgreSQL's driver gets a loop of its own there."""
    with _typed_failures():
        if url.get_backend_name() == "sqlite":
            engine = create_engine(url.set(drivername="sqlite"), poolclass=NullPool, **_sqlite_options(busy_seconds))
            _use_as_sqlite(engine)
            with engine.connect().execution_options(writes=True) as connection, connection.begin():
                migrate(connection)
                connection.exec_driver_sql(_A_WRITE)
        else:
            asyncio.run(_migrate_postgres(url))


async def _migrate_postgres(url: URL) -> None:
    engine = _postgres_engine(url, "migrates", poolclass=NullPool)
    try:
        async with aclosing(await _connected(engine)) as connection, connection.begin():
            await connection.execute(_WAIT_FOR_TURN)
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()


async def _connected(engine: AsyncEngine) -> AsyncConnection:
    """A connection to what DATABASE_URL names.

    Raises DatabaseUnusable for an option behind its "?" that the driver does not know; its own error would repeat it.
    """
    try:
        return await engine.connect()
    except TypeError:
        raise DatabaseUnusable(UNUSABLE) from None


def _engine(url: URL, busy_seconds: float, process: str) -> AsyncEngine:
    if url.get_backend_name() != "sqlite":
        return _postgres_engine(url, process)
    options = _sqlite_options(min(busy_seconds, _LOCKED_SECONDS))
    options["connect_args"]["factory"] = PromptConnection
    engine = create_async_engine(url, **options)
    _use_as_sqlite(engine.sync_engine)
    return engine


def _postgres_engine(url: URL, process: str, **options: Any) -> AsyncEngine:
    try:
        from bot.storage.postgres_connection import PromptConnection

        how: dict[str, Any] = {"timeout": CONNECT_SECONDS, "command_timeout": COMMAND_SECONDS}
        how |= {"connection_class": PromptConnection, "server_settings": {"application_name": f"{NAME} {process}"}}
        options |= {"pool_pre_ping": True, "pool_recycle": RECYCLE_SECONDS, "hide_parameters": True}
        return create_async_engine(url, connect_args=how, **options)
    except ModuleNotFoundError:
        raise DatabaseUnusable(needs_extra("PostgreSQL", "postgres")) from None
    except ArgumentError:  # such as a port that is no number, which the error repeats
        raise DatabaseUnusable(UNUSABLE) from None


def _sqlite_options(busy_seconds: float) -> dict[str, Any]:
    # Python's sqlite3 would begin transactions itself, too late and never for a change of schema: so we do.
    return {"connect_args": {"isolation_level": None, "timeout": busy_seconds}, "hide_parameters": True}


def _use_as_sqlite(engine: Engine) -> None:
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)


def _set_up(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
