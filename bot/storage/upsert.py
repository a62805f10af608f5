"""Insert rows, or change those that are there: the same in SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from sqlalchemy import Table, case
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import ColumnElement

from bot.storage.schema import Base


def table_of(row: type[Base]) -> Table:
    """The table behind a class of `bot.storage.schema`."""
    return cast("Table", row.__table__)


def greatest(dialect: str, row: type[Base], *growing: str) -> sqlite.Insert | postgresql.Insert:
    """A statement for many rows at once, which leaves the greater of what is there and what is new in each column."""
    table = table_of(row)
    make: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    insert = make(table)
    new = {
        name: case((insert.excluded[name] > table.c[name], insert.excluded[name]), else_=table.c[name])
        for name in growing
    }
    keys = list(table.primary_key.columns)
    return cast("sqlite.Insert | postgresql.Insert", insert.on_conflict_do_update(index_elements=keys, set_=new))


def upsert(
    dialect: str,
    row: type[Base],
    *changing: str,
    adding: bool = False,
    only_where: Callable[[Any, Any], ColumnElement[bool]] | None = None,
) -> sqlite.Insert | postgresql.Insert:
    """A statement for many rows at once.

    Of a row whose primary key is there already it changes the columns named, to the new values, or by them when
    `adding`; none named: it leaves the row as it is. So it does unless `only_where`, of the columns that are there and
    the new ones, is true.
    """
    table = table_of(row)
    make: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    insert = make(table)
    if not changing:
        return cast("sqlite.Insert | postgresql.Insert", insert.on_conflict_do_nothing())
    new = {name: table.c[name] + insert.excluded[name] if adding else insert.excluded[name] for name in changing}
    return cast(
        "sqlite.Insert | postgresql.Insert",
        insert.on_conflict_do_update(
            index_elements=list(table.primary_key.columns),
            set_=new,
            where=only_where(table.c, insert.excluded) if only_where is not None else None,
        ),
    )
