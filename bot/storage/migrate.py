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

from bot.storage.errors import DatabaseTooNew

_log = logging.getLogger(__name__)

FOLDER = Path(__file__).parent / "migrations"


def migrate(connection: Connection) -> None:
    """Runs every step that is missing, in the transaction of `connection`: all of them or none.

    Raises DatabaseTooNew when the database has a step that this version does not know.
    """
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    there = MigrationContext.configure(connection).get_current_heads()
    for revision in there:
        try:
            script.get_revision(revision)
        except CommandError:
            raise DatabaseTooNew(
                f"The database was written by a newer version of the bot (its schema is {revision}): "
                "install that version, or set another DATA_DIR or DATABASE_URL."
            ) from None
    command.upgrade(config, "head")
    now = script.get_current_head()
    if there and there != (now,):
        _log.info("the database was brought from schema %s to %s", there[0], now)
