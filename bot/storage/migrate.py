"""Brings a database to the schema of this version when the bot starts."""

from __future__ import annotations

import logging
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from bot.storage import schema_floor
from bot.storage.errors import DatabaseTooNew, DatabaseUnusable

_log = logging.getLogger(__name__)

FOLDER = Path(__file__).parent / "migrations"


def migrate(connection: Connection) -> None:
    """Runs every step that is missing, in the transaction of `connection`: all of them or none.

    A newer database that works with this version as well is left as it is. Raises DatabaseTooNew for another one.
    """
    config = _config(connection)
    script = ScriptDirectory.from_config(config)
    now = str(script.get_current_head())
    there = _heads(connection)
    if newer := _newer(script, there):
        _require_that_it_works(connection, newer, now)
        return
    command.upgrade(config, "head")
    schema_floor.note(connection, int(now), schema_floor.oldest_that_works(script))
    if there and there != (now,):
        _log.info("the database was brought from schema %s to %s", there[0], now)


def require_this_schema(connection: Connection) -> None:
    """Changes nothing. Raises DatabaseTooNew, or DatabaseUnusable when the schema is older or there is none."""
    script = ScriptDirectory.from_config(_config(connection))
    now = str(script.get_current_head())
    there = _heads(connection)
    if newer := _newer(script, there):
        raise _too_new(newer, now)
    if there != (now,):
        raise DatabaseUnusable(
            f"The database has schema {there[0]} and this version's is {now}: use the version that wrote it, or "
            "start the bot at it once (`vibecheck run`), which brings it up."
            if there
            else "There are no tables of this bot in the database yet; it makes them at its start."
        )


def has_schema(connection: Connection) -> bool:
    """Whether it has any version's."""
    return bool(_heads(connection))


def _config(connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    return config


def _heads(connection: Connection) -> tuple[str, ...]:
    return MigrationContext.configure(connection).get_current_heads()


def _newer(script: ScriptDirectory, there: tuple[str, ...]) -> str:
    """The schema of the database, if this version does not know it; else empty."""
    for revision in there:
        try:
            script.get_revision(revision)
        except CommandError:
            return revision
    return ""


def _require_that_it_works(connection: Connection, newer: str, now: str) -> None:
    noted = schema_floor.noted(connection)
    if noted is None or str(noted[0]) != newer or noted[1] > int(now):
        raise _too_new(newer, now)
    _log.warning("the database has schema %s, of a newer version, which works with this one's, %s, as well", newer, now)


def _too_new(newer: str, now: str) -> DatabaseTooNew:
    return DatabaseTooNew(
        f"The database was written by a newer version of the bot (its schema is {newer}, and this version "
        f"knows {now}): install that version again, or put back the backup from before the upgrade with "
        "`vibecheck restore FILE`; "
        'docs/operations.md, "Back to an older version", has each step.'
    )
