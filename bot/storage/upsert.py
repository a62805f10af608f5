"""Insert rows, or change those that are there: the same in SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from bot.storage.schema import Base


def table_of(row: type[Base]) -> Table:
    """The table behind a class of `bot.storage.schema`."""
    return cast("Table", row.__table__)


def upsert(dialect: str, row: type[Base], *changing: str, adding: bool = False) -> sqlite.Insert | postgresql.Insert:
    """A statement for many rows at once.

    Of a row whose primary key is there already it changes the columns named, to the new values, or by them when
    `adding`; none named: it leaves the row as it is.
    """
    table = table_of(row)
    make: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    insert = make(table)
    if not changing:
        return cast("sqlite.Insert | postgresql.Insert", insert.on_conflict_do_nothing())
    new = {name: table.c[name] + insert.excluded[name] if adding else insert.excluded[name] for name in changing}
    return cast(
        "sqlite.Insert | postgresql.Insert",
        insert.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=new),
    )
