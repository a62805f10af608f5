"""Where the database is: a file in DATA_DIR, or a PostgreSQL by DATABASE_URL."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from bot.storage.errors import DatabaseInUse, DatabaseUnavailable, DatabaseUnusable
from bot.storage.file_lock import lock_file

FILE = "mood.db"
LOCK = "mood.lock"
WRITERS_LOCK = 1986617957
"""PostgreSQL's advisory lock that whoever writes holds; the number is "vibe"."""
WRITE_LOCKS = WRITERS_LOCK + 4
"""A space of advisory locks: one for each shard, of those who write side by side. `lease_statements` has the others."""
RESTORING = "restoring"
"""A folder in DATA_DIR, for as long as a copy is being put back."""
BACKING_UP, BACKUP_LOCK = "backing-up", "backup.lock"
"""The same for as long as an encrypted copy is made, and what keeps a second one out."""

_POSTGRES = ("postgres", "postgresql", "postgresql+asyncpg")
UNUSABLE = "DATABASE_URL can't be used. It should look like postgresql://name:password@host/database, or be empty."


def database_url(folder: Path, setting: SecretStr | None) -> URL:
    """The address of the database. The password in it is masked wherever the address is shown.

    Raises DatabaseUnavailable when DATABASE_URL is no address of a PostgreSQL.
    """
    text = setting.get_secret_value().strip() if setting is not None else ""
    if not text:
        return URL.create("sqlite+aiosqlite", database=str(folder / FILE))
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise DatabaseUnusable(UNUSABLE) from None
    if url.drivername not in _POSTGRES or not url.database:
        raise DatabaseUnusable(UNUSABLE)
    ssl = url.query.get("sslmode")
    if ssl is not None:  # asyncpg's own word for what everybody else's addresses call sslmode
        url = url.difference_update_query(["sslmode"]).update_query_dict({"ssl": ssl})
    return url.set(drivername="postgresql+asyncpg")


def is_postgres(setting: SecretStr | None) -> bool:
    """Whether DATABASE_URL is set."""
    return setting is not None and bool(setting.get_secret_value().strip())


def claim(folder: Path) -> int:
    """Keeps other processes out of `folder`, and makes its database file, for this account only, if there is none.

    Returns the open lock, which the system lets go of when it is closed or the process ends, however that happens.
    Raises DatabaseInUse when another process has it, and DatabaseUnavailable when nothing can be written there.
    """
    lock = keep_others_out(folder)
    try:
        # Only ever a new file: closing one that SQLite has open in this process would drop SQLite's own locks on it.
        with suppress(FileExistsError):
            os.close(os.open(folder / FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        os.close(lock)
        raise _unwritable(folder, error) from None
    return lock


def keep_others_out(folder: Path) -> int:
    """The same as `claim`, but makes no database file."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return lock_file(folder / LOCK)
    except BlockingIOError:
        raise DatabaseInUse(
            f"Another process is using the database in {folder}. Stop it first, or set another DATA_DIR."
        ) from None
    except OSError as error:
        raise _unwritable(folder, error) from None


def _unwritable(folder: Path, error: OSError) -> DatabaseUnavailable:
    return DatabaseUnusable(f"I can't write to DATA_DIR, {folder} ({error.strerror}).")
