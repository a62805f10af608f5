"""What SQLite says, in words for whoever runs the bot, with what to do about it."""

from __future__ import annotations

import sqlite3

RESTORE = (
    "stop the bot and restore a backup with `vibecheck restore`, or move the file away to start with an empty one."
)

_ADVICE = {
    sqlite3.SQLITE_CORRUPT: f"It is damaged: {RESTORE}",
    sqlite3.SQLITE_NOTADB: f"It is damaged: {RESTORE}",
    sqlite3.SQLITE_FULL: "Make room on its disk.",
    sqlite3.SQLITE_IOERR: "Check that its disk works and has room.",
    sqlite3.SQLITE_READONLY: "Check that the bot's account may write to it and its folder.",
    sqlite3.SQLITE_CANTOPEN: "Check that it's there, and that the bot's account may write to its folder.",
}


def in_words(error: sqlite3.DatabaseError) -> str:
    """One sentence of what is wrong, and another of what to do where that is known."""
    return f"I can't use the database file in DATA_DIR: {error}. {_ADVICE.get(code_of(error), '')}".rstrip()


def code_of(error: sqlite3.DatabaseError) -> int:
    """SQLite's primary result code; that of an error of Python's own is SQLITE_ERROR."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF
