"""How long a write waits while a million messages are purged: `python -m tests.bench.purge`.

On both databases, with rows that are all too old, and a score to write every 50 ms meanwhile; beside it the same with
one transaction for all rows, as it was before. What counts is how the longest wait relates to that. It starts a
PostgreSQL of its own, and leaves it out where there is none.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert, text

from bot.domain.snowflake import first_id_of
from bot.storage.database import Database
from bot.storage.retention import oldest_kept, purge
from bot.storage.schema import HourAuthorRow, MessageScoreRow
from bot.storage.upsert import table_of
from bot.storage.write_buffer import WriteBuffer
from tests.bench.flush import MODEL, opened, verdict
from tests.bot.storage.postgres import find_binaries, running_postgres

DAYS, OLD_HOURS, EVERY_SECONDS = 1, 150, 0.05
CHANNELS, PEOPLE_EACH = 5000, 3


async def fill(database: Database, messages: int) -> None:
    """So many messages of one hour long ago, and a third as many people in its hours."""
    hour = int(time.time() // 3600) - OLD_HOURS
    first = first_id_of(hour)
    for start in range(0, messages, 50_000):
        numbers = range(start, min(messages, start + 50_000))
        scores = [_message(number, first, hour) for number in numbers]
        people = [
            {
                "channel_id": 10**6 + number % CHANNELS,
                "hour": hour,
                "author": _author(number),
                "messages": 1,
                "unread": 0,
            }
            for number in numbers[::PEOPLE_EACH]
        ]
        async with database.write() as connection:
            if database.dialect == "postgresql":
                driver = (await connection.get_raw_connection()).driver_connection
                for row, found in ((MessageScoreRow, scores), (HourAuthorRow, people)):
                    columns = list(found[0])
                    records = [tuple(one.values()) for one in found]
                    await driver.copy_records_to_table(table_of(row).name, records=records, columns=columns)
            else:
                await connection.execute(insert(MessageScoreRow), scores)
                await connection.execute(insert(HourAuthorRow), people)
    if database.dialect == "postgresql":
        async with database.write() as connection:
            await connection.execute(text("ANALYZE"))


def _author(number: int) -> bytes:
    return (number * 0x9E3779B97F4A7C15 % 2**64).to_bytes(16, "big")


def _message(number: int, first: int, hour: int) -> dict[str, Any]:
    place = {"guild_id": 1 + number % 1000, "channel_id": 10**6 + number % CHANNELS, "thread_id": None}
    said = {"author": _author(number), "hour": hour, "edited": 0, "score": 0, "sentiment": 1, "model": MODEL}
    return {"message_id": first + number, **place, **said}


async def in_one_transaction(database: Database) -> None:
    """What a purge was before it was done in slices."""
    oldest = oldest_kept(DAYS, time.time())
    async with database.write() as connection:
        await connection.execute(delete(MessageScoreRow).where(MessageScoreRow.message_id < first_id_of(oldest)))
        await connection.execute(delete(HourAuthorRow).where(HourAuthorRow.hour < oldest))


async def waits_during(database: Database, work: Any) -> tuple[float, list[float]]:
    """How long the work takes, and each write of one score meanwhile, in seconds."""
    buffer, took, number = WriteBuffer(database), [], 0
    begun = time.perf_counter()
    working = asyncio.ensure_future(work)
    while not working.done():
        await asyncio.sleep(EVERY_SECONDS)
        number += 1
        message = first_id_of(int(time.time() // 3600)) + int((time.time() % 3600) * 1000) * 4096 + number
        buffer.scored(message, 1, 10, _author(number), verdict(number))
        since = time.perf_counter()
        await buffer.flush()
        took.append(time.perf_counter() - since)
    await working
    return time.perf_counter() - begun, took


async def measure(database: Database, messages: int, *, whole: bool) -> None:
    """Prints a line for each way."""
    _, alone = await waits_during(database, asyncio.sleep(2.0))
    longest = {}
    for way in ("in slices", *(("in one transaction",) if whole else ())):
        await fill(database, messages)
        work = purge(database, DAYS) if way == "in slices" else in_one_transaction(database)
        seconds, waits = await waits_during(database, work)
        longest[way] = max(waits)
        print(
            f"{database.dialect}, {messages:,} messages purged {way} in {seconds:.1f} s: of {len(waits)} writes the "
            f"longest took {max(waits):.3f} s, the median {statistics.median(waits):.3f} s "
            f"(with nothing to purge {max(alone):.3f} s and {statistics.median(alone):.3f} s)",
            flush=True,
        )
    if whole:
        ratio = longest["in one transaction"] / longest["in slices"]
        print(f"{database.dialect}: the longest is {ratio:.0f} times shorter in slices", flush=True)


async def in_file(messages: int, *, whole: bool) -> None:
    """On SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        database = await Database.open(Path(folder))
        try:
            await measure(database, messages, whole=whole)
        finally:
            await database.close()


async def at_server(server: str, messages: int, *, whole: bool) -> None:
    """On PostgreSQL."""
    async with opened(server, "purged") as database:
        await measure(database, messages, whole=whole)


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--slices-only", action="store_true", help="without the one transaction, which takes long")
    asked = parser.parse_args()
    whole = not asked.slices_only
    asyncio.run(in_file(asked.messages, whole=whole))
    binaries = find_binaries()
    if binaries is None:
        print("PostgreSQL is not installed, so it is left out")
        return
    with running_postgres(binaries) as server:
        asyncio.run(at_server(server, asked.messages, whole=whole))


if __name__ == "__main__":
    main()
