"""Which older versions of the program may go on working at a database, written into it by the version that changed it.

A step of the schema that only adds what an older version can do without says so: `works_with` in its file is the oldest
schema whose program works at it. So two versions can use one PostgreSQL while one is exchanged for the other: expand in
one release, and contract in a later one.
"""

from __future__ import annotations

import re

from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

_COMMENT = re.compile(r"schema (\d+) works with (\d+) and later")
_STEPS = 10_000
"""SQLite keeps one number for us: the schema times this, and the oldest that works with it."""

_COMMENT_OF = text("SELECT obj_description('alembic_version'::regclass)")


def oldest_that_works(script: ScriptDirectory) -> int:
    """The oldest schema whose program works at the newest: no step after it asks for more."""
    needs = {
        int(step.revision): int(getattr(step.module, "works_with", step.revision)) for step in script.walk_revisions()
    }
    oldest = max(needs)
    while oldest > 1 and all(needed < oldest for schema, needed in needs.items() if schema >= oldest):
        oldest -= 1
    return oldest


def note(connection: Connection, schema: int, oldest: int) -> None:
    """Writes into the database that programs of schema `oldest` and later work at it, if that is not there yet."""
    if noted(connection) == (schema, oldest):
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA user_version = {schema * _STEPS + oldest}")
    else:
        said = f"schema {schema} works with {oldest} and later"
        connection.exec_driver_sql(f"COMMENT ON TABLE alembic_version IS '{said}'")


def noted(connection: Connection) -> tuple[int, int] | None:
    """For which schema it was written, and the oldest that works at it; None: nothing was."""
    if connection.dialect.name == "sqlite":
        number = int(connection.exec_driver_sql("PRAGMA user_version").scalar() or 0)
        return divmod(number, _STEPS) if number else None
    found = _COMMENT.fullmatch(connection.execute(_COMMENT_OF).scalar() or "")
    return (int(found[1]), int(found[2])) if found else None
