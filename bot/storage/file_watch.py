"""Whether the SQLite file is whole."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from bot.storage.database import Database
from bot.storage.sqlite_errors import RESTORE, code_of
from model.concurrency import in_thread

_log = logging.getLogger(__name__)

LOOK_SECONDS = 60.0
_SHARE = 0.01
"""Of the time a look may take at most: one that took a second is followed by another in 100 seconds."""

_TABLES = "SELECT count(*) FROM sqlite_master"
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class FileWatch:
    """Looks whether the file is whole, when it has changed: SQLite itself sees damage only where it happens to read.

    It may go on for days with what it has in memory, and all of that would be lost.
    """

    def __init__(self, database: Database, steady: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._steady = steady
        self._seen: tuple[int, int] | None = None
        self._next = float("-inf")
        self._whole: float | None = None

    async def look(self, _now: float) -> None:
        """A job. From the look on that finds damage nothing more is written, and what is to be waits in memory."""
        file, begun = self._database.file, self._steady()
        if file is None or self._database.damage or begun < self._next:
            return
        try:
            stat = await in_thread(file.stat)
        except OSError:  # whoever writes says so
            return
        state = (stat.st_mtime_ns, stat.st_size)
        if state == self._seen:
            return
        whole = await in_thread(lambda: _is_whole(file))
        self._next = self._steady() + (self._steady() - begun) / _SHARE
        if whole:
            self._seen, self._whole = state, begun
            return
        since = "before" if self._whole is None else f"in the last {(self._steady() - self._whole) / 60:.0f} minutes"
        self._database.damage = (
            f"{file.name} in DATA_DIR is damaged, and what was written {since} may be lost: {RESTORE}"
        )
        _log.error("%s Nothing more is written to it.", self._database.damage)


def _is_whole(file: Path) -> bool:
    """Looks with a connection of its own: those that are open have pages in memory that are long gone."""
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True)) as connection:
            whole = connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
            return bool(whole and connection.execute(_TABLES).fetchone() > (0,))  # an empty file is whole as well
    except sqlite3.DatabaseError as error:
        return code_of(error) not in _DAMAGED
