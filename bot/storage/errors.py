"""What can be wrong with the store; each message is one sentence for the operator, without any password."""

from __future__ import annotations


class StoreError(Exception):
    """Something is wrong with the store."""


class DatabaseUnavailable(StoreError):
    """The database cannot be reached, is broken, or refused what was asked of it."""


class DatabaseUnusable(DatabaseUnavailable):
    """It will not do before somebody puts something right: a setting, an installation, a damaged file."""


class ErasureWaits(DatabaseUnavailable):
    """The database could not erase what it was asked to; it is noted on the disk, and done as soon as it can."""


class ShardsTaken(StoreError):
    """Another process has taken a shard, so that this one may not write beside it."""


class DatabaseTooNew(StoreError):
    """The database was written by a newer version of the bot."""


class DatabaseInUse(StoreError):
    """Another process has the SQLite file open."""


class StoreNotEmpty(StoreError):
    """Something is where another store is to go."""


class BadHashKey(StoreError):
    """HASH_KEY or its file cannot be used."""


class UnknownTimezone(StoreError):
    """No time zone has this name; the sentence is for the person who gave it."""
