"""Every row of one database into another, of whatever kind both are, and a sum over all of it that must agree."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Boolean, Connection, Table, column, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.schema import Base

_AT_ONCE = 5_000
"""Rows that are in memory at a time."""

_BITS = 64

_SEQUENCE = text("SELECT pg_get_serial_sequence(:table, :column)")
"""Its name, as it is written in a statement."""

_NEXT = select(column("last_value", BigInteger), column("is_called", Boolean))
"""Of a sequence: the number that it has given last or, where it has not been called yet, the one that it will give."""

_GIVEN = text("SELECT seq FROM sqlite_sequence WHERE name = :table")
_FORGET_GIVEN = text("DELETE FROM sqlite_sequence WHERE name = :table")
_NOTE_GIVEN = text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :highest)")


class TableSum(NamedTuple):
    """How many rows a table has, and a sum over every value of them that does not depend on their order."""

    rows: int = 0
    digest: int = 0

    def with_rows(self, rows: Iterable[Sequence[Any]]) -> TableSum:
        """The same with more rows."""
        count, digest = self
        for row in rows:
            # A hash of each row, added up: no order is needed, and a row that is there twice counts twice.
            hashed = blake2b(repr(tuple(row)).encode(), digest_size=_BITS // 8).digest()
            count, digest = count + 1, (digest + int.from_bytes(hashed)) % 2**_BITS
        return TableSum(count, digest)


Sums = dict[str, TableSum]

Progress = Callable[[str, int, int], None]
"""Told what is being done, with how many rows of how many; from within, so it must not take long."""


def say_nothing(_doing: str, _done: int, _of: int) -> None:
    """Where nobody watches."""


def tables() -> list[Table]:
    """Those of this version's schema."""
    return list(Base.metadata.sorted_tables)


async def copy_tables(source: AsyncConnection, target: AsyncConnection, progress: Progress = say_nothing) -> Sums:
    """Empties the tables of `target` and writes the rows of `source` there; returns the sums of what was read.

    Both have this version's schema, and `target` a transaction.
    """
    sums: Sums = {}
    done, of = 0, sum((await source.run_sync(rows_in)).values())
    for table in tables():
        await target.execute(table.delete())
        total = TableSum()
        async for rows in _portions(source, table):
            total = total.with_rows(rows)
            await target.execute(insert(table), [dict(row._mapping) for row in rows])
            done += len(rows)
            progress("copied", done, of)
        sums[table.name] = total
        await _go_on_counting(source, target, table)
    return sums


async def sums_of(connection: AsyncConnection, progress: Progress = say_nothing) -> Sums:
    """The sums of what is there."""
    sums: Sums = {}
    done, of = 0, sum((await connection.run_sync(rows_in)).values())
    for table in tables():
        total = TableSum()
        async for rows in _portions(connection, table):
            total = total.with_rows(rows)
            done += len(rows)
            progress("compared", done, of)
        sums[table.name] = total
    return sums


def rows_in(connection: Connection) -> dict[str, int]:
    """How many rows each table has."""
    count = select(func.count())
    return {table.name: connection.execute(count.select_from(table)).scalar_one() for table in tables()}


async def _portions(connection: AsyncConnection, table: Table) -> AsyncIterator[Sequence[Any]]:
    result = await connection.stream(select(table), execution_options={"yield_per": _AT_ONCE})
    async for rows in result.partitions():
        yield rows


async def _go_on_counting(source: AsyncConnection, target: AsyncConnection, table: Table) -> None:
    """New rows get numbers above all that were given in `source`, also of rows that are gone, where it knows these.

    PostgreSQL numbers new rows by a sequence beside the table, which has not seen those that were written, and SQLite
    by a row of its own, for tables that never give a number twice.
    """
    numbered = table.autoincrement_column
    if numbered is None:
        return
    there = int(await target.scalar(select(func.coalesce(func.max(numbered), 0))) or 0)
    highest = max(there, await _given(source, table, numbered.name))
    if target.dialect.name == "postgresql":
        # Not by `setval`, which stays when the transaction does not: the next row would get a number that is there.
        sequence = await _sequence(target, table, numbered.name)
        await target.execute(text(f"ALTER SEQUENCE {sequence} RESTART WITH {highest + 1}"))
    elif _never_twice(table):
        await target.execute(_FORGET_GIVEN, {"table": table.name})
        await target.execute(_NOTE_GIVEN, {"table": table.name, "highest": highest})


async def _given(connection: AsyncConnection, table: Table, numbered: str) -> int:
    """The highest number that a table has given, as far as the database knows it beside the rows."""
    if connection.dialect.name == "postgresql":
        sequence = await _sequence(connection, table, numbered)
        value, is_called = (await connection.execute(_NEXT.select_from(text(sequence)))).one()
        return int(value) if is_called else int(value) - 1
    return int(await connection.scalar(_GIVEN, {"table": table.name}) or 0) if _never_twice(table) else 0


async def _sequence(connection: AsyncConnection, table: Table, numbered: str) -> str:
    return str(await connection.scalar(_SEQUENCE, {"table": table.name, "column": numbered}))


def _never_twice(table: Table) -> bool:
    return bool(table.dialect_options["sqlite"]["autoincrement"])
