"""A SQLite database in one file: copied while others write to it, and looked at before anybody relies on it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from shutil import rmtree

from bot.storage.database_url import FILE
from bot.storage.erasure_log import sync_folder
from bot.storage.errors import DatabaseUnavailable

_TABLE = "bookkeeping"
"""A table that every database of the bot has."""


def existing(folder: Path) -> Path:
    """The database file in a folder. Raises DatabaseUnavailable when there is none, or nothing in it."""
    file = folder / FILE
    if not file.exists() or not file.stat().st_size:
        raise DatabaseUnavailable(f"There's no database in {folder} yet. The bot makes one when it starts.")
    return file


@contextmanager
def folder_beside(folder: Path) -> Iterator[Path]:
    """A folder for this account alone, with nothing in it, and gone afterwards. Raises OSError."""
    rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # a file, of a version that made one of this name
        folder.unlink()
    folder.mkdir(0o700)
    try:
        yield folder
    finally:
        rmtree(folder, ignore_errors=True)


def new_file(file: Path) -> None:
    """Makes an empty file that this account alone may read. Raises OSError."""
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def vacuum_into(source: Path, file: Path) -> None:
    """Writes one state of `source`, without anything that was deleted, to `file`, and sees that it is whole there.

    Raises sqlite3.Error, OSError, or DatabaseUnavailable when it is not.
    """
    new_file(file)
    with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True)) as connection:
        connection.execute("VACUUM INTO ?", (str(file),))
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as copy:
        if not _is_whole(copy):
            raise DatabaseUnavailable(f"{file} isn't what I wrote to it. Check that disk, and try again.")
    sync(file)


def copy_of_ours(file: Path, fresh: Path) -> None:
    """Copies a database that is whole and the bot's own. Raises DatabaseUnavailable for another file."""
    if not file.is_file():
        raise DatabaseUnavailable(f"There's no file {file}.")
    try:
        new_file(fresh)
        with (
            closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(fresh)) as target,
        ):
            source.backup(target)
            whole = _is_whole(target)
            ours = target.execute("SELECT count(*) FROM sqlite_master WHERE name = ?", (_TABLE,)).fetchone() == (1,)
            target.execute("PRAGMA journal_mode = DELETE")  # so that all of it is in one file
        sync(fresh)
    except sqlite3.Error as error:
        raise DatabaseUnavailable(f"{file} can't be used as a database ({error}).") from None
    if not whole:
        raise DatabaseUnavailable(f"{file} is damaged. Use another backup. The database is unchanged.")
    if not ours:
        raise DatabaseUnavailable(f"{file} isn't a database of this bot. The database is unchanged.")


def require_whole(file: Path) -> None:
    """Raises DatabaseUnavailable when it is damaged."""
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True)) as connection:
        try:
            whole = _is_whole(connection)
        except sqlite3.DatabaseError:
            whole = False
    if not whole:
        raise DatabaseUnavailable(f"{file} is damaged: put a backup back first, with `vibecheck restore FILE`.")


def put_in_place(fresh: Path, target: Path) -> None:
    """A file that is whole becomes the database, whatever was there; killed at any point, it is the one or the other.

    Raises OSError.
    """
    fold_in_log(target)
    for ending in ("-wal", "-shm"):  # of the database that was there: not to be taken for this one's
        target.with_name(target.name + ending).unlink(missing_ok=True)
    fresh.replace(target)
    sync_folder(target.parent)


def fold_in_log(file: Path) -> None:
    """What a process that was killed left in the log beside the file goes into it: killed now, we leave it all there.

    A file that is damaged is left as it is: it is about to go.
    """
    if file.exists():
        with (
            suppress(sqlite3.DatabaseError),
            closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True)) as connection,
        ):
            connection.execute("PRAGMA journal_mode = DELETE")


def sync(file: Path) -> None:
    """Has all of it on the disk. Raises OSError."""
    number = os.open(file, os.O_RDWR)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _is_whole(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))
