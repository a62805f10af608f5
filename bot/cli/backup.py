"""`vibecheck backup` and `vibecheck restore`: a copy of the database, and putting it back without undoing deletions."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from shutil import rmtree

from bot.settings import Settings, SettingsError
from bot.storage.database import Database
from bot.storage.database_url import FILE, RESTORING, claim
from bot.storage.erasure_log import FILE as LOG
from bot.storage.erasure_log import sync_folder
from bot.storage.erasures import Erasures
from bot.storage.errors import DatabaseUnavailable
from bot.storage.pseudonyms import open_pseudonyms
from bot.storage.retention import purge

_POSTGRES = "DATABASE_URL names a PostgreSQL: use pg_dump and pg_restore, as docs/operations.md says."

_TABLE = "bookkeeping"
"""A table that every database of the bot has."""


def backup(settings: Settings, file: Path) -> str:
    """Copies the SQLite database to a new file, readable by this account only; returns a sentence of what was done.

    It is one state of the database, whatever the bot writes meanwhile, and holds nothing that was deleted before.
    Raises SettingsError for a PostgreSQL, and DatabaseUnavailable when it cannot be read or the file not be made.
    """
    source = _sqlite_file(settings)
    if not source.exists():
        raise DatabaseUnavailable(f"There is no database in {settings.data_dir} yet; the bot makes one at its start.")
    if file.exists():
        raise DatabaseUnavailable(f"{file} is there already; give the name of a new file.")
    unfinished = file.with_name(file.name + ".new")
    try:
        unfinished.unlink(missing_ok=True)
        os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True)) as connection:
            connection.execute("VACUUM INTO ?", (str(unfinished),))
        _sync(unfinished)
        unfinished.replace(file)
        sync_folder(file.absolute().parent)
    except (sqlite3.Error, OSError) as error:
        unfinished.unlink(missing_ok=True)
        raise DatabaseUnavailable(f"The database could not be copied to {file} ({error}).") from None
    return (
        f"{file} is a copy of the database. Keep it no longer than RETENTION_DAYS, {settings.retention_days}, "
        "and apart from the key."
    )


async def restore(settings: Settings, file: Path) -> str:
    """Puts a copy in the place of the database, and does again what was erased since; returns what to tell.

    All is done beside the database first, and then it changes whole or not at all. Raises SettingsError for a
    PostgreSQL, DatabaseInUse when the bot runs, and another StoreError when the copy cannot be used.
    """
    target = _sqlite_file(settings)
    beside = settings.data_dir / RESTORING
    lock = claim(settings.data_dir)
    try:
        rmtree(beside, ignore_errors=True)
        beside.mkdir(0o700)
        _copy(file, beside / FILE)
        again = await _brought_up(settings, beside)
        _fold_in_log(target)
        for ending in ("-wal", "-shm"):  # of the database that was there: its writes must not go into this one
            target.with_name(FILE + ending).unlink(missing_ok=True)
        (beside / FILE).replace(target)
        sync_folder(settings.data_dir)
    except OSError as error:
        raise DatabaseUnavailable(f"{target} could not be replaced ({error.strerror}).") from None
    finally:
        rmtree(beside, ignore_errors=True)
        os.close(lock)
    noted = f"Done again from {LOG}, {again}." if again else f"{LOG} has nothing that was done since."
    return f"{file} is the database now. {noted}"


async def _brought_up(settings: Settings, folder: Path) -> str:
    """Brings the database in that folder to today's schema and state; returns what was done again, in words."""
    key = settings.hash_key.get_secret_value() if settings.hash_key is not None else None
    pseudonyms = open_pseudonyms(settings.data_dir, key)
    database = await Database.open(folder)
    try:
        erasures = await Erasures.open(database, settings.data_dir, pseudonyms)
        await purge(database, settings.retention_days)
        return erasures.done_again
    finally:
        await database.close()


def _sqlite_file(settings: Settings) -> Path:
    if settings.database_url is not None and settings.database_url.get_secret_value().strip():
        raise SettingsError(_POSTGRES)
    return settings.data_dir / FILE


def _copy(file: Path, fresh: Path) -> None:
    """Copies a database that is whole and the bot's own. Raises DatabaseUnavailable for another file."""
    if not file.is_file():
        raise DatabaseUnavailable(f"There is no file {file}.")
    try:
        os.close(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with (
            closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(fresh)) as target,
        ):
            source.backup(target)
            whole = target.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            ours = target.execute("SELECT count(*) FROM sqlite_master WHERE name = ?", (_TABLE,)).fetchone() == (1,)
            target.execute("PRAGMA journal_mode = DELETE")  # so that all of it is in one file
        _sync(fresh)
    except sqlite3.Error as error:
        raise DatabaseUnavailable(f"{file} cannot be used as a database ({error}).") from None
    if not whole:
        raise DatabaseUnavailable(f"{file} is damaged; take another backup. The database is as it was.")
    if not ours:
        raise DatabaseUnavailable(f"{file} is no database of this bot. The database is as it was.")


def _fold_in_log(file: Path) -> None:
    """What a bot that was killed left in the log beside the file goes into it: killed now, we leave all of it there.

    A file that is damaged is left as it is: it is about to go.
    """
    if file.exists():
        with (
            suppress(sqlite3.DatabaseError),
            closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True)) as connection,
        ):
            connection.execute("PRAGMA journal_mode = DELETE")


def _sync(file: Path) -> None:
    number = os.open(file, os.O_RDWR)
    try:
        os.fsync(number)
    finally:
        os.close(number)
