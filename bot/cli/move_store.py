"""`vibecheck move-store`: all that is kept, from SQLite to PostgreSQL or back; whole or not at all, and compared."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import Connection, create_engine, inspect, select
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

from bot.cli.postgres_copy import copy_in, copy_out
from bot.cli.sqlite_copy import existing, folder_beside, put_in_place, require_whole
from bot.settings import Settings, secret_in
from bot.storage.database import Database
from bot.storage.database_url import FILE, RESTORING, is_postgres, keep_others_out
from bot.storage.errors import BadHashKey, DatabaseUnavailable, DatabaseUnusable, StoreNotEmpty
from bot.storage.migrate import has_schema, migrate, require_this_schema
from bot.storage.pseudonyms import KEY_FILE, open_pseudonyms
from bot.storage.schema import BookkeepingRow
from bot.storage.table_copy import Progress, Sums, rows_in, say_nothing, tables

_OF_EVERY_STORE = {"bookkeeping", "signs_of_life", "processes", "leases", "changes", "registrations"}
"""Tables that have rows as soon as a bot has been started."""

_POSTGRES = "The PostgreSQL"


@dataclass(frozen=True, slots=True)
class Moved:
    """What was moved: the sums, the same in both stores, a line for the settings, what is left, and for how long."""

    sums: Sums
    line: str
    left: str
    days: int

    def __str__(self) -> str:
        width = max(map(len, self.sums))
        rows = [f"{name:<{width}}  {total.rows:>13,}  {total.digest:016x}" for name, total in self.sums.items()]
        return "\n".join(
            [
                f"{'table':<{width}}  {'rows':>13}  sum, the same in both",
                *rows,
                "All is moved. Put this line into the settings, in the place of what they say of the database:",
                self.line,
                f"{self.left} is as it was. What people have deleted from now on stays there: remove it within "
                f"RETENTION_DAYS, {self.days}.",
            ]
        )


async def move_store(
    settings: Settings, address: Path | None, *, replace: bool = False, progress: Progress = say_nothing
) -> Moved:
    """Copies the store that the settings name into one of the other kind, which has nothing in it yet; compares both.

    `address` is a file with the address of the PostgreSQL it goes to; None: it goes from there to the file in DATA_DIR.
    With `replace` what is there goes. The store that it comes from is left as it is, and where this fails or is killed
    so is the other one. Raises StoreError or SettingsError.
    """
    if is_postgres(settings.database_url) == (address is not None):
        raise DatabaseUnusable(
            "DATABASE_URL names a PostgreSQL already. To get from one to another, use `vibecheck backup` and `restore`."
            if address is not None
            else "DATABASE_URL names no PostgreSQL to move from. To move to one, use `--to-postgres FILE`."
        )
    try:
        if address is not None:
            return await _to_postgres(settings, address, replace, progress)
        return await _to_sqlite(settings, replace, progress)
    except (OSError, sqlite3.Error) as error:
        raise DatabaseUnavailable(f"The store couldn't be moved ({error}). Both are unchanged.") from None


async def _to_postgres(settings: Settings, address: Path, replace: bool, progress: Progress) -> Moved:
    file = existing(settings.data_dir)
    url = SecretStr(secret_in(address, "--to-postgres"))
    source = await Database.open(settings.data_dir, upgrade=False)
    try:
        require_whole(file)
        async with source.read() as reading:
            await reading.run_sync(partial(_require_source, settings))
        target = settings.model_copy(update={"database_url": url})
        sums = await copy_in(target, source, look=partial(_make_ready, replace), progress=progress)
    finally:
        await source.close()
    return Moved(sums, f"DATABASE_URL_FILE={_whole_name(address)}", str(file), settings.retention_days)


async def _to_sqlite(settings: Settings, replace: bool, progress: Progress) -> Moved:
    file = settings.data_dir / FILE
    lock = keep_others_out(settings.data_dir)
    try:
        _require_room_at(file, replace)
        with folder_beside(settings.data_dir / RESTORING) as beside:
            look = partial(_require_source, settings)
            sums = await copy_out(settings, beside, alone=True, look=look, progress=progress)
            put_in_place(beside / FILE, file)
    finally:
        os.close(lock)
    line = "DATABASE_URL=" if settings.database_url_file is None else "DATABASE_URL_FILE="
    return Moved(sums, line, _POSTGRES, settings.retention_days)


def _whole_name(file: Path) -> Path:
    return file.absolute()


def _require_source(settings: Settings, connection: Connection) -> None:
    """Raises StoreError unless it has this version's schema, and was written with a key that is known here."""
    require_this_schema(connection)
    key = connection.scalar(select(BookkeepingRow.key))
    if key is not None and key not in _known_keys(settings):
        raise BadHashKey(
            "The store was written with a hash key that is neither in HASH_KEY nor in hash.key in DATA_DIR: put that "
            "key back first, or nobody is found again and whoever opted out is read."
        )


def _known_keys(settings: Settings) -> frozenset[str]:
    """Their fingerprints; none is made here."""
    key = settings.hash_key.get_secret_value() if settings.hash_key is not None else ""
    if not key and not (settings.data_dir / KEY_FILE).exists():
        return frozenset()
    return open_pseudonyms(settings.data_dir, key).fingerprints


def _make_ready(replace: bool, connection: Connection) -> None:
    """Makes the tables in a PostgreSQL that has none. Raises StoreError when there is no room in it."""
    if has_schema(connection):
        _require_room(connection, _POSTGRES, replace)
        return
    names = {table.name for table in tables()}
    if strange := sorted(names.intersection(inspect(connection).get_table_names())):
        raise StoreNotEmpty(
            f"{_POSTGRES} has a table {strange[0]} that isn't this bot's. Give the address of an empty database."
        )
    migrate(connection)


def _require_room_at(file: Path, replace: bool) -> None:
    """The same for a file, in which nothing is changed."""
    if not file.exists() or not file.stat().st_size:
        return
    try:
        with _opened(file) as connection:
            if has_schema(connection):
                _require_room(connection, str(file), replace)
                return
    except DatabaseError:
        pass
    raise StoreNotEmpty(f"I can't read {file} as a database of this bot. Move it away first.")


def _require_room(connection: Connection, place: str, replace: bool) -> None:
    """Raises StoreError where it has rows that are not to be replaced, or the tables of another version."""
    require_this_schema(connection)
    rows = sum(count for table, count in rows_in(connection).items() if table not in _OF_EVERY_STORE)
    if rows and not replace:
        raise StoreNotEmpty(f"{place} has {rows:,} rows already: with `--replace` they go for good.")


def say_each_tenth(say: Callable[[str], None]) -> Progress:
    """Says how far it is, some ten times for each thing that is done."""
    said: tuple[str, int] | None = None

    def progress(doing: str, done: int, of: int) -> None:
        nonlocal said
        now = doing, done * 10 // of
        if now != said:
            say(f"{doing} {done:,} of {of:,} rows")
        said = now

    return progress


@contextmanager
def _opened(file: Path) -> Iterator[Connection]:
    def connect() -> sqlite3.Connection:
        return sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True)

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    with engine.connect() as connection:
        yield connection
