"""Stores with something in every table and column, and what stands in one, to compare it by."""

import sqlite3
from contextlib import closing
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import BigInteger, Boolean, Integer, LargeBinary, String, insert, text, update

from bot.settings import Settings
from bot.storage.database import Database
from bot.storage.schema import BookkeepingRow
from bot.storage.table_copy import sums_of, tables

KEY = "only the tests have it"
KINDS = (BigInteger, Integer, Boolean, String, LargeBinary)
WORDS = ("Europe/Berlin", "👍🏽é\n'", "")
SMALL = {"score": (-1000, 0, 1000), "sentiment": (0, 1, 3)}


def settings_of(folder, url=None):
    return Settings(_env_file=None, data_dir=folder, database_url=url, hash_key=SecretStr(KEY))


def value(column, number):
    """A value as far from the usual as the column takes it; of the same number another each."""
    if column.name in SMALL:
        return SMALL[column.name][number % 3]
    if column.nullable and number % 3 == 1:
        return None
    match column.type:
        case LargeBinary():
            return number.to_bytes(8, "big") + bytes([0, 255, 10, 39, 0, 128, 1, number % 256])
        case String():
            return f"{number}{WORDS[number % 3]}"[: column.type.length]
        case Boolean():
            return bool(number % 2)
        case BigInteger():
            return (2**63 - 1 - number) * (-1 if number % 2 and not column.primary_key else 1)
        case Integer():
            return 2**31 - 10_001 + number if column is not column.table.autoincrement_column else number + 1


async def fill(database, rows=3):
    """So many rows in each table."""
    async with database.write() as connection:
        for table in tables():
            if table.name == BookkeepingRow.__tablename__:
                await connection.execute(update(table).values(alive=2**62, application_id=2**63 - 1, erasures=7))
                continue
            new = [{column.name: value(column, number) for column in table.c} for number in range(rows)]
            await connection.execute(insert(table), new)


async def sums(settings):
    """Of what is in the store."""
    database = await Database.open(settings.data_dir, settings.database_url, upgrade=False)
    try:
        async with database.read() as connection:
            return await sums_of(connection)
    finally:
        await database.close()


async def state_of(url):
    """A PostgreSQL's: its tables, their rows, and the next number of each sequence."""
    database = await Database.open(Path(), url, upgrade=False)
    try:
        async with database.read() as connection:
            found = await connection.execute(
                text("SELECT relname, relkind::text FROM pg_class WHERE relnamespace = 'public'::regnamespace")
            )
            kinds = dict(tuple(row) for row in found)
            numbers = {
                name: (await connection.execute(text(f"SELECT last_value, is_called FROM {name}"))).one()
                for name, kind in kinds.items()
                if kind == "S"
            }
            rows = {
                name: sorted(map(repr, await connection.execute(text(f"SELECT * FROM {name}"))))
                for name, kind in kinds.items()
                if kind == "r"
            }
            return kinds, numbers, rows
    finally:
        await database.close()


def dump(file):
    """All that is in a SQLite file, whatever the order of its rows and of a table's constraints."""
    with closing(sqlite3.connect(file)) as connection:
        lines = [*connection.iterdump(), str(connection.execute("PRAGMA user_version").fetchone())]
    return sorted(
        "\n".join(sorted(part.strip().rstrip(",") for part in line.split("\n"))) if line.startswith("CREATE") else line
        for line in lines
    )
