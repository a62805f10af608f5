"""`vibecheck backup` and `vibecheck restore`: a copy of the database, and putting it back without undoing deletions.

A copy is a SQLite file, also of a PostgreSQL, so it can be put back into either kind.
"""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.cli.encryption import Lock, check, decrypt, encrypt, is_encrypted
from bot.cli.postgres_copy import copy_in, copy_out
from bot.cli.sqlite_copy import (
    copy_of_ours,
    existing,
    folder_beside,
    new_file,
    put_in_place,
    sync,
    vacuum_into,
)
from bot.domain.snowflake import SECONDS
from bot.settings import Settings
from bot.storage.database import Database
from bot.storage.database_url import BACKING_UP, BACKUP_LOCK, FILE, RESTORING, claim, is_postgres
from bot.storage.erasure_log import FILE as LOG
from bot.storage.erasure_log import sync_folder
from bot.storage.erasures import Erasures
from bot.storage.errors import DatabaseInUse, DatabaseUnavailable
from bot.storage.file_lock import lock_file
from bot.storage.pseudonyms import open_pseudonyms
from bot.storage.retention import purge

_NAME = re.compile(r"mood-\d{4}-\d\d-\d\dT\d{6}Z\.db(\.age)?")
"""What a backup in a folder is called; others' files there are left alone."""


async def backup(settings: Settings, place: Path, lock: Lock | None = None) -> str:
    """Copies the database to a new file, readable by this account only; returns a sentence of what was done.

    It is one state of the database, whatever the bot writes meanwhile, and holds nothing that was deleted before. What
    was written is read again. In a folder it is named after the time, and those there that are older than
    RETENTION_DAYS are removed. Raises DatabaseUnavailable when the database cannot be read or the file not be made.
    """
    lock = lock or Lock()
    check(lock)
    in_folder = _is_folder(place)
    file = place / _name(lock) if in_folder else place
    if file.exists():
        raise DatabaseUnavailable(f"{file} already exists. Choose the name of a new file.")
    unfinished = file.with_name(file.name + ".new")
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        with (
            _only_one(settings.data_dir),
            folder_beside(settings.data_dir / BACKING_UP if lock else unfinished) as beside,
        ):
            plain = beside / FILE
            if is_postgres(settings.database_url):
                await copy_out(settings, beside)
            else:
                await asyncio.to_thread(vacuum_into, existing(settings.data_dir), plain)
            if lock:
                unfinished.unlink(missing_ok=True)
                new_file(unfinished)
                await asyncio.to_thread(encrypt, plain, unfinished, lock)
                sync(unfinished)
            (unfinished if lock else plain).replace(file)
        sync_folder(file.absolute().parent)
        removed = _remove_old(place, settings.retention_days) if in_folder else 0
    except (sqlite3.Error, OSError) as error:
        raise DatabaseUnavailable(f"I couldn't copy the database to {file} ({error}).") from None
    finally:
        if lock:
            unfinished.unlink(missing_ok=True)
    gone = f" Removed as too old: {removed}." if removed else ""
    return (
        f"{file} is a copy of the database. Keep it no longer than RETENTION_DAYS, {settings.retention_days}, "
        f"and apart from the key.{gone}"
    )


async def restore(
    settings: Settings, file: Path, *, identity_file: Path | None = None, passphrase_file: Path | None = None
) -> str:
    """Puts a copy in the place of the database, and does again what was erased since; returns what to tell.

    All is done beside the database first, and then it changes whole or not at all. Raises DatabaseInUse when the bot
    runs, and another StoreError when the copy cannot be used.
    """
    target = settings.data_dir / FILE
    postgres = is_postgres(settings.database_url)
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        lock = None if postgres else claim(settings.data_dir)
        try:
            with folder_beside(settings.data_dir / RESTORING) as beside:
                copied = file
                if is_encrypted(file):
                    copied = beside / "decrypted.db"
                    new_file(copied)
                    decrypt(file, copied, identity_file=identity_file, passphrase_file=passphrase_file)
                copy_of_ours(copied, beside / FILE)
                again = await _brought_up(settings, beside)
                if not postgres:
                    put_in_place(beside / FILE, target)
        finally:
            if lock is not None:
                os.close(lock)
    except OSError as error:
        raise DatabaseUnavailable(f"I couldn't replace the database ({error.strerror}).") from None
    noted = f"Done again from {LOG}, {again}." if again else f"{LOG} has nothing that was done since."
    return f"{file} is the database now. {noted}"


async def _brought_up(settings: Settings, folder: Path) -> str:
    """Brings the copy in that folder to today's schema and state; returns what was done again, in words.

    With a PostgreSQL it then goes there.
    """
    key = settings.hash_key.get_secret_value() if settings.hash_key is not None else None
    pseudonyms = open_pseudonyms(settings.data_dir, key)
    database = await Database.open(folder)
    try:
        erasures = await Erasures.open(database, settings.data_dir, pseudonyms)
        await purge(database, settings.retention_days)
        if is_postgres(settings.database_url):
            await copy_in(settings, database)
        return erasures.done_again
    finally:
        await database.close()


def _is_folder(place: Path) -> bool:
    return place.is_dir()


def _name(lock: Lock) -> str:
    return time.strftime("mood-%Y-%m-%dT%H%M%SZ.db", time.gmtime()) + (".age" if lock else "")


def _remove_old(folder: Path, days: int) -> int:
    """Removes backups of `backup` that were written more than so many days ago; returns how many. Raises OSError."""
    oldest = time.time() - days * 24 * SECONDS
    old = [file for file in folder.iterdir() if _NAME.fullmatch(file.name) and file.stat().st_mtime < oldest]
    for file in old:
        file.unlink()
    return len(old)


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    try:
        lock = lock_file(folder / BACKUP_LOCK)
    except BlockingIOError:
        raise DatabaseInUse("Another backup is running. Wait until it's done.") from None
    try:
        yield
    finally:
        os.close(lock)
